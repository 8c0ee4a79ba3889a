"""The arguments of a layer or operation as a person writes them, kept to those that it has."""

import inspect
from functools import lru_cache
from typing import Any, Callable, Dict, List, Set, Tuple

from .. import wire
from .generation import Unsupported

FORMS: Dict[str, Callable[[List[Any]], Any]] = {"tuple": tuple, "list": list, "int": tuple, "defaults": tuple}
"""What lengths become in each form, where they are not one integer for all axes."""

DEFAULTS = {
    "output_padding": None,
    "data_format": "channels_last",
    "dilation_rate": 1,
    "groups": 1,
    "depth_multiplier": 1,
    "use_bias": True,
}
"""What a layer does that lacks the argument; lengths are so on each axis."""


def build_arguments(case: wire.Message) -> Dict[str, Any]:
    """The arguments of a case in its form. Raises Unsupported for a form that is not known."""
    form = FORMS.get(case["form"])
    if form is None:
        raise Unsupported("this worker does not know the form {}".format(case["form"]))
    return {
        name: form(value) if isinstance(value, list) else value for name, value in case["arguments"].items()
    }


def select_arguments(called: Any, label: str, arguments: Dict[str, Any]) -> Dict[str, Any]:
    """Those of the arguments that a layer class or function takes; `label` names it.

    Left out is what it lacks and does anyway. Raises Unsupported for what it lacks and would have to do
    otherwise, and for what it demands although Keras has a default.
    """
    own, inherited = list_parameters(called)
    taken = {}
    for name, value in arguments.items():
        if name in own or name not in DEFAULTS:
            taken[name] = value
        elif is_default(name, value):
            continue
        elif name in inherited:
            taken[name] = value
        else:
            raise Unsupported("{} has no argument {}".format(label, name))
    for name in ("strides", "padding", *DEFAULTS):
        if name in own and name not in taken and own[name].default is inspect.Parameter.empty:
            raise Unsupported("{} has no default of {}".format(label, name))
    return taken


@lru_cache(maxsize=64)
def list_parameters(called: Any) -> Tuple[Dict[str, inspect.Parameter], Set[str]]:
    """What a function or class names in its signature, and what bases name behind its `**kwargs`."""
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
    """Whether there is a `**kwargs` among them."""
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())


def is_default(name: str, value: Any) -> bool:
    """Whether an argument says what is done without it."""
    each = value if isinstance(value, (list, tuple)) else [value]
    return all(length == DEFAULTS[name] for length in each)
