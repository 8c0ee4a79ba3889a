"""A case as Python: the call as a user would write it, and its parts."""

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
"""Arguments that place the windows: they are shown even at Keras's default."""


def is_called_in_layer(case: Case) -> bool:
    """Return whether an operation is called as users call it in models: inside a layer of their own."""
    return case.layer.is_operation and case.mode.traits.wraps_operations


def format_call(case: Case) -> str:
    """Format the call of a case as Python to copy; the last line describes the inputs.

    Arguments at their default are omitted, except for those that place the windows.
    """
    if case.mode.traits.differentiates:
        *names, last = list_gradient_names(case)
        sources = f"{', '.join(names)} and {last}" if names else last
        call = f"y = {_format_call_expression(case, 'x')}  # {_describe_inputs(case)}"
        return f"{call}\n# gradients of sum(y * cotangent) by {sources}"
    *before, last = _format_lines(case)
    return "\n".join((*before, f"{last}  # {_describe_inputs(case)}"))


def find_known_input_shape(case: Case) -> Shape:
    """Return the input shape as far as it is known before the call, None being what is not."""
    return case.mask_unknown(case.input_shape)


def format_arguments(arguments: Mapping[str, Any], form: ArgumentStyle) -> str:
    """Format arguments as in the parentheses of a call, with lengths as lists where the form has lists."""
    values = {
        name: list(value) if form is ArgumentStyle.LIST and isinstance(value, tuple) else value
        for name, value in arguments.items()
    }
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


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
        expression = f"{case.layer}({', '.join(('x', *weights, _format_case_arguments(case)))})"
        return (
            "class Calls(Layer):",
            "    def call(self, x):",
            f"        return {expression}",
            "",
            f"given = Input(batch_shape={find_known_input_shape(case)})",
            "model = Model(given, Calls()(given))",
        )
    return (
        f"given = Input(batch_shape={find_known_input_shape(case)})",
        f"model = Model(given, {_format_call_expression(case, 'given')})",
    )


def _format_symbolic_model(case: Case) -> tuple[str, ...]:
    """Format a model whose inputs include the weights."""
    inputs = (case.input_shape, *_compute_weight_shapes(case))
    return (
        f"given = [{', '.join(f'Input(batch_shape={shape})' for shape in inputs)}]",
        f"model = Model(given, {case.layer}({', '.join(('*given', _format_case_arguments(case)))}))",
    )


def _format_call_expression(case: Case, operand: str) -> str:
    if not case.layer.is_operation:
        return f"{_format_layer(case)}({operand})"
    return f"{case.layer}({', '.join((operand, *_list_weight_names(case), _format_case_arguments(case)))})"


def _format_layer(case: Case) -> str:
    return f"{case.layer}({_format_case_arguments(case)})"


def _format_case_arguments(case: Case) -> str:
    arguments = make_arguments(case)
    if case.form is not ArgumentStyle.DEFAULTS:
        needed = make_arguments(replace(case, form=ArgumentStyle.DEFAULTS)).keys() | _ALWAYS_SHOWN
        arguments = {name: value for name, value in arguments.items() if name in needed}
    return format_arguments(arguments, case.form)


def _describe_inputs(case: Case) -> str:
    """Describe the inputs of the call: the input and, for an operation, its weights."""
    described_input = f"x: {case.dtype} {case.input_shape}"
    if not case.layer.is_operation:
        return described_input
    shapes = zip(_list_weight_names(case), _compute_weight_shapes(case), strict=True)
    return ", ".join((described_input, *(f"{name} {shape}" for name, shape in shapes)))


def _list_weight_names(case: Case) -> tuple[str, ...]:
    """List the names of the weights that an operation takes."""
    return tuple(kernel.argument for kernel in case.kind.traits.kernels)


def _compute_weight_shapes(case: Case) -> tuple[tuple[int, ...], ...]:
    """Compute the shapes of the weights that an operation takes."""
    return tuple(kernel.compute_shape(case.sizes) for kernel in case.kind.traits.kernels)
