"""The arguments of a layer or operation as a user writes them, limited to those that it accepts."""

import inspect
from functools import lru_cache
from typing import Any, Callable, Dict, List, Set, Tuple

from .. import wire
from .generation import Unsupported

FORMS: Dict[str, Callable[[List[Any]], Any]] = {"tuple": tuple, "list": list, "int": tuple, "defaults": tuple}
"""The type that lengths get in each form, where they are not one integer for all axes."""

DEFAULTS = {
    "output_padding": None,
    "data_format": "channels_last",
    "dilation_rate": 1,
    "groups": 1,
    "depth_multiplier": 1,
    "use_bias": True,
}
"""What a layer without the argument does; lengths have this value on each axis."""


def build_arguments(case: wire.Message) -> Dict[str, Any]:
    """Return the arguments of a case in its form. Raises Unsupported for an unknown form."""
    form = FORMS.get(case["form"])
    if form is None:
        raise Unsupported("this worker does not know the form {}".format(case["form"]))
    return {
        name: form(value) if isinstance(value, list) else value for name, value in case["arguments"].items()
    }


def select_arguments(called: Any, label: str, arguments: Dict[str, Any]) -> Dict[str, Any]:
    """Return the arguments that a layer class or function accepts; `label` names it in errors.

    An argument that it lacks is left out where the value is what it does anyway. Raises Unsupported for any
    other that it lacks, and for a required one that the case leaves to Keras's default.
    """
    parameters, inherited = list_parameters(called)
    selected = {}
    for name, value in arguments.items():
        if name in parameters or name not in DEFAULTS:
            selected[name] = value
        elif is_default(name, value):
            continue
        elif name in inherited:
            selected[name] = value
        else:
            raise Unsupported("{} has no argument {}".format(label, name))
    for name in ("strides", "padding", *DEFAULTS):
        if (
            name in parameters
            and name not in selected
            and parameters[name].default is inspect.Parameter.empty
        ):
            raise Unsupported("{} has no default of {}".format(label, name))
    return selected


@lru_cache(maxsize=64)
def list_parameters(called: Any) -> Tuple[Dict[str, inspect.Parameter], Set[str]]:
    """Return the parameters of a function or class, and the names that its bases take behind `**kwargs`."""
    if not inspect.isclass(called):
        return dict(inspect.signature(called).parameters), set()
    signatures = [
        inspect.signature(vars(base)["__init__"]).parameters
        for base in called.__mro__
        if "__init__" in vars(base)
    ]
    own, *others = signatures
    inherited: Set[str] = set()
    passes_on = takes_any(own)
    for parameters in others:
        if not passes_on:
            break
        inherited.update(parameters)
        passes_on = takes_any(parameters)
    return dict(own), inherited


def takes_any(parameters: Any) -> bool:
    """Return whether `**kwargs` is among the parameters."""
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())


def is_default(name: str, value: Any) -> bool:
    """Return whether the value is what a layer without the argument does."""
    lengths = value if isinstance(value, (list, tuple)) else [value]
    return all(length == DEFAULTS[name] for length in lengths)
