"""A case as Python: the call as a person would write it, and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, assert_never

from harness.records import (
    Argument,
    Case,
    Form,
    Mode,
    Shape,
    arguments_of,
    gradient_names,
)

_KEPT: Final = frozenset({Argument.STRIDES, Argument.PADDING})
"""Arguments that say where windows lie: they are shown even where they are Keras's default."""


def calls_in_layer(case: Case) -> bool:
    """Whether an operation is called as people use it in models: by a layer of their own."""
    return case.layer.is_operation and case.mode.traits.wraps_operations


def call_code(case: Case) -> str:
    """The call that the case makes, as Python to copy; the last line tells what goes in.

    Arguments at their default are left out, but for those that say where windows lie.
    """
    if case.mode.traits.differentiates:
        *names, last = gradient_names(case)
        sources = f"{', '.join(names)} and {last}" if names else last
        return f"y = {_called(case, 'x')}  # {_given(case)}\n# gradients of sum(y * cotangent) by {sources}"
    *before, last = _lines(case)
    return "\n".join((*before, f"{last}  # {_given(case)}"))


def told_shape(case: Case) -> Shape:
    """The input's shape as far as it is told before the call, None being what is learnt then."""
    return case.known_before_call(case.input_shape)


def code_of(arguments: Mapping[str, Any], form: Form) -> str:
    """Arguments as they stand between the brackets of a call, lengths as lists where the form has lists."""
    written = {
        name: list(value) if form is Form.LIST and isinstance(value, tuple) else value
        for name, value in arguments.items()
    }
    return ", ".join(f"{name}={value!r}" for name, value in written.items())


def _lines(case: Case) -> tuple[str, ...]:
    match case.mode:
        case Mode.EAGER | Mode.GRADIENT:
            return (_called(case, "x"),)
        case Mode.SEQUENTIAL:
            model = f"Sequential([Input({case.input_shape[1:]}), {_made(case)}])"
            return (f"{model}.predict(x)",)
        case Mode.INFERRED | Mode.DYNAMIC:
            return (*_model(case), "model(x)")
        case Mode.COMPILED:
            return (*_model(case), "model.compile(jit_compile=False)", "model.predict_on_batch(x)")
        case Mode.JIT:
            return (*_model(case), "model.compile(jit_compile=True)", "model.predict_on_batch(x)")
        case Mode.SYMBOLIC:
            return (*_model_of_symbols(case), f"model([{', '.join(('x', *_weights(case)))}])")
        case Mode.RELOADED:
            return (*_model(case), 'model.save("model.keras")', 'load_model("model.keras")(x)')
        case _:
            assert_never(case.mode)


def _model(case: Case) -> tuple[str, ...]:
    if calls_in_layer(case):
        weights = tuple(f"self.{name}" for name in _weights(case))
        called = f"{case.layer}({', '.join(('x', *weights, _arguments(case)))})"
        return (
            "class Calls(Layer):",
            "    def call(self, x):",
            f"        return {called}",
            "",
            f"given = Input(batch_shape={told_shape(case)})",
            "model = Model(given, Calls()(given))",
        )
    return (
        f"given = Input(batch_shape={told_shape(case)})",
        f"model = Model(given, {_called(case, 'given')})",
    )


def _model_of_symbols(case: Case) -> tuple[str, ...]:
    """A model whose inputs are the weights, too."""
    inputs = (case.input_shape, *_weight_shapes(case))
    return (
        f"given = [{', '.join(f'Input(batch_shape={shape})' for shape in inputs)}]",
        f"model = Model(given, {case.layer}({', '.join(('*given', _arguments(case)))}))",
    )


def _called(case: Case, what: str) -> str:
    if not case.layer.is_operation:
        return f"{_made(case)}({what})"
    return f"{case.layer}({', '.join((what, *_weights(case), _arguments(case)))})"


def _made(case: Case) -> str:
    return f"{case.layer}({_arguments(case)})"


def _arguments(case: Case) -> str:
    arguments = arguments_of(case)
    if case.form is not Form.DEFAULTS:
        needed = arguments_of(replace(case, form=Form.DEFAULTS)).keys() | _KEPT
        arguments = {name: value for name, value in arguments.items() if name in needed}
    return code_of(arguments, case.form)


def _given(case: Case) -> str:
    """What goes in: the input and, of an operation, its weights."""
    given = f"x: {case.dtype} {case.input_shape}"
    if not case.layer.is_operation:
        return given
    shapes = zip(_weights(case), _weight_shapes(case), strict=True)
    return ", ".join((given, *(f"{name} {shape}" for name, shape in shapes)))


def _weights(case: Case) -> tuple[str, ...]:
    """The names of what an operation is handed besides its input."""
    return tuple(kernel.argument for kernel in case.kind.traits.kernels)


def _weight_shapes(case: Case) -> tuple[tuple[int, ...], ...]:
    """What an operation is handed as weights."""
    return tuple(kernel.shape(case.sizes) for kernel in case.kind.traits.kernels)
