"""A case as Python: the call as a person would write it, and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, assert_never

from harness.records import (
    Argument,
    ArgumentStyle,
    Case,
    Mode,
    Shape,
    list_gradient_names,
    make_arguments,
)

_ALWAYS_SHOWN: Final = frozenset({Argument.STRIDES, Argument.PADDING})
"""Arguments that say where windows lie: they are shown even where they are Keras's default."""


def is_called_in_layer(case: Case) -> bool:
    """Whether an operation is called as people use it in models: by a layer of their own."""
    return case.layer.is_operation and case.mode.traits.wraps_operations


def format_call(case: Case) -> str:
    """The call that the case makes, as Python to copy; the last line tells what goes in.

    Arguments at their default are left out, but for those that say where windows lie.
    """
    if case.mode.traits.differentiates:
        *names, last = list_gradient_names(case)
        sources = f"{', '.join(names)} and {last}" if names else last
        call = f"y = {_format_call_expression(case, 'x')}  # {_describe_inputs(case)}"
        return f"{call}\n# gradients of sum(y * cotangent) by {sources}"
    *before, last = _format_lines(case)
    return "\n".join((*before, f"{last}  # {_describe_inputs(case)}"))


def find_known_input_shape(case: Case) -> Shape:
    """The input's shape as far as it is told before the call, None being what is learnt then."""
    return case.mask_unknown(case.input_shape)


def format_arguments(arguments: Mapping[str, Any], form: ArgumentStyle) -> str:
    """Arguments as they stand between the brackets of a call, lengths as lists where the form has lists."""
    written = {
        name: list(value) if form is ArgumentStyle.LIST and isinstance(value, tuple) else value
        for name, value in arguments.items()
    }
    return ", ".join(f"{name}={value!r}" for name, value in written.items())


def _format_lines(case: Case) -> tuple[str, ...]:
    match case.mode:
        case Mode.EAGER | Mode.GRADIENT:
            return (_format_call_expression(case, "x"),)
        case Mode.SEQUENTIAL:
            model = f"Sequential([Input({case.input_shape[1:]}), {_format_layer(case)}])"
            return (f"{model}.predict(x)",)
        case Mode.INFERRED | Mode.DYNAMIC:
            return (*_format_model(case), "model(x)")
        case Mode.COMPILED:
            return (*_format_model(case), "model.compile(jit_compile=False)", "model.predict_on_batch(x)")
        case Mode.JIT:
            return (*_format_model(case), "model.compile(jit_compile=True)", "model.predict_on_batch(x)")
        case Mode.SYMBOLIC:
            return (*_format_symbolic_model(case), f"model([{', '.join(('x', *_list_weight_names(case)))}])")
        case Mode.RELOADED:
            return (*_format_model(case), 'model.save("model.keras")', 'load_model("model.keras")(x)')
        case _:
            assert_never(case.mode)


def _format_model(case: Case) -> tuple[str, ...]:
    if is_called_in_layer(case):
        weights = tuple(f"self.{name}" for name in _list_weight_names(case))
        called = f"{case.layer}({', '.join(('x', *weights, _format_case_arguments(case)))})"
        return (
            "class Calls(Layer):",
            "    def call(self, x):",
            f"        return {called}",
            "",
            f"given = Input(batch_shape={find_known_input_shape(case)})",
            "model = Model(given, Calls()(given))",
        )
    return (
        f"given = Input(batch_shape={find_known_input_shape(case)})",
        f"model = Model(given, {_format_call_expression(case, 'given')})",
    )


def _format_symbolic_model(case: Case) -> tuple[str, ...]:
    """A model whose inputs are the weights, too."""
    inputs = (case.input_shape, *_compute_weight_shapes(case))
    return (
        f"given = [{', '.join(f'Input(batch_shape={shape})' for shape in inputs)}]",
        f"model = Model(given, {case.layer}({', '.join(('*given', _format_case_arguments(case)))}))",
    )


def _format_call_expression(case: Case, what: str) -> str:
    if not case.layer.is_operation:
        return f"{_format_layer(case)}({what})"
    return f"{case.layer}({', '.join((what, *_list_weight_names(case), _format_case_arguments(case)))})"


def _format_layer(case: Case) -> str:
    return f"{case.layer}({_format_case_arguments(case)})"


def _format_case_arguments(case: Case) -> str:
    arguments = make_arguments(case)
    if case.form is not ArgumentStyle.DEFAULTS:
        needed = make_arguments(replace(case, form=ArgumentStyle.DEFAULTS)).keys() | _ALWAYS_SHOWN
        arguments = {name: value for name, value in arguments.items() if name in needed}
    return format_arguments(arguments, case.form)


def _describe_inputs(case: Case) -> str:
    """What goes in: the input and, of an operation, its weights."""
    given = f"x: {case.dtype} {case.input_shape}"
    if not case.layer.is_operation:
        return given
    shapes = zip(_list_weight_names(case), _compute_weight_shapes(case), strict=True)
    return ", ".join((given, *(f"{name} {shape}" for name, shape in shapes)))


def _list_weight_names(case: Case) -> tuple[str, ...]:
    """The names of what an operation is handed besides its input."""
    return tuple(kernel.argument for kernel in case.kind.traits.kernels)


def _compute_weight_shapes(case: Case) -> tuple[tuple[int, ...], ...]:
    """What an operation is handed as weights."""
    return tuple(kernel.compute_shape(case.sizes) for kernel in case.kind.traits.kernels)
