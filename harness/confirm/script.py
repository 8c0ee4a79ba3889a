"""Stand-alone scripts: the call of a case as a person would write it, and what the formula says.

A script needs NumPy and the Keras it is about, nothing of the harness, and runs on Python 3.6. It
shares no code with the adapters of the worker, on purpose: where both give the same wrong answer,
the answer is Keras's. `script_parts` holds what scripts are put together from.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from harness.confirm.script_calls import Part
from harness.confirm.script_parts import Generation, parts_of, with_needs
from harness.data.case_data import signals_of
from harness.errors import HarnessError
from harness.explain.call_code import calls_in_layer, code_of, told_shape
from harness.records import (
    EXEC,
    Api,
    Array,
    Case,
    Data,
    DataFormat,
    Expectation,
    ExpectedArray,
    LayerKind,
    Mode,
    TargetRun,
    arguments_of,
)

_IMPORTS: Final[Mapping[Api, tuple[str, ...]]] = {
    Api.KERAS: ("import keras",),
    Api.KERAS_MXNET: ("import keras",),
    Api.TF_KERAS: ("import tensorflow as tf", "keras = tf.keras"),
    Api.TF_KERAS_PACKAGE: ("import tf_keras as keras",),
    Api.PLAIDML_KERAS: ("import plaidml.keras", "plaidml.keras.install_backend()", "import keras"),
}

_FUNCTIONAL: Final = frozenset({Mode.INFERRED, Mode.COMPILED, Mode.JIT, Mode.DYNAMIC})
"""Modes that build a Functional model and run it."""

NO_KERAS: Final = "a program behind the worker's wire format is no Keras that a script could import"
"""Why no script can call a command."""

_OF_KERAS_1: Final = frozenset({LayerKind.CONVOLUTION, LayerKind.MAX_POOLING, LayerKind.AVERAGE_POOLING})
"""The kinds of layers that Keras 1 has, by the names that the harness asks for."""

_GRAPHS: Final = frozenset({Generation.IN_A_GRAPH, Generation.KERAS_1})
"""The generations in which there is no calling a layer without a graph."""

_JIT_COMPILE_SINCE: Final = (2, 8)
"""The first Keras 2 whose `compile` takes `jit_compile`."""

_DTYPE_SINCE: Final = (2, 2, 5)
"""The first Keras outside of TensorFlow whose layers compute in their own `dtype`."""


def script(target: TargetRun, cases: Iterable[tuple[Case, Expectation]]) -> str:
    """A script that calls each case on the target's Keras and prints a line for each.

    A line is `@ CASE`, what came, where, and an error's text, with tabs between. What came is `same`;
    `value`, `nonfinite`, `shape` or `dtype` of the output; where that is right, `gradient`,
    `inferred-shape` or `parameters`; `weights`, where the layer built weights of other shapes; `raised`; or
    `returned`, where the case must be refused.

    Args:
        target: what the calls were observed on.
        cases: with the formula's answers.

    Raises:
        HarnessError: there is no way to call a case so on this target.
    """
    chosen = list(cases)
    for case, _ in chosen:
        why_not = why_no_script(target, case)
        if why_not:
            raise HarnessError(f"{case.id}: no script can call it on {target.name}: {why_not}")
    generation = generation_of(target)
    has_bounds = any(one.bound is not None for _, expectation in chosen for one in _right(expectation))
    has_bfloat16 = any(case.dtype == "bfloat16" for case, _ in chosen)
    has_nonfinite = any(case.data is Data.NONFINITE for case, _ in chosen)
    parts = _parts(target, has_bounds=has_bounds, has_nonfinite=has_nonfinite, has_bfloat16=has_bfloat16)
    wanted = {"array", "check"}
    blocks = []
    for case, expectation in chosen:
        how, needed = _how(case)
        wanted |= needed
        blocks.append(_block(case, expectation, generation, how, has_bounds=has_bounds))
    used = tuple(with_needs(parts, wanted))
    texts = (
        _head(target, generation, used, has_bfloat16=has_bfloat16),
        *(part.text for part in used),
        "".join(blocks),
    )
    return "\n".join(texts)


def why_no_script(target: TargetRun, case: Case) -> str:
    """Why no script can call a case on this target; empty where one can.

    Raises:
        HarnessError: the target never said which Keras it is.
    """
    if target.selector.startswith(EXEC):
        return NO_KERAS
    generation = generation_of(target)
    if case.layer.is_operation and generation is not Generation.KERAS_3:
        return "Keras has operations since Keras 3 only"
    if case.layer.is_operation and case.mode in {Mode.SEQUENTIAL, Mode.RELOADED}:
        return "an operation is no layer of a Sequential, and is not saved"
    if generation is Generation.KERAS_1 and case.kind not in _OF_KERAS_1:
        return f"Keras 1 has no {case.layer}"
    if case.dtype == "bfloat16" and generation in _GRAPHS and target.backend != "tensorflow":
        return f"there is no bfloat16 with backend {target.backend}"
    if case.mode is Mode.SYMBOLIC and not case.layer.is_operation:
        return "only operations are handed their weights as inputs"
    _, needed = _how(case)
    if needed <= _parts(target, has_bounds=False, has_nonfinite=False, has_bfloat16=False).keys():
        return ""
    if case.mode is Mode.JIT:
        return "its predictions heed no jit_compile"
    return f"its backend {target.backend} has no gradients"


def _parts(
    target: TargetRun, *, has_bounds: bool, has_nonfinite: bool, has_bfloat16: bool
) -> Mapping[str, Part]:
    version = _numbers(target.fingerprint.get("keras", target.version))
    of_tensorflow = target.api in {Api.TF_KERAS, Api.TF_KERAS_PACKAGE}
    return parts_of(
        generation_of(target),
        target.backend,
        knows_jit=version >= _JIT_COMPILE_SINCE,
        has_bounds=has_bounds,
        has_nonfinite=has_nonfinite,
        has_bfloat16=has_bfloat16,
        keeps_dtype=of_tensorflow or version >= _DTYPE_SINCE,
    )


def generation_of(target: TargetRun) -> Generation:
    """How this Keras is called: TensorFlow 2 runs eagerly, and Keras since 2.4 with it.

    Raises:
        HarnessError: the target never said which Keras it is, and no list says so.
    """
    version = _numbers(target.fingerprint.get("keras", target.version))
    if not version:
        raise HarnessError(f"{target.name} never started and so never said which Keras it is; run it again")
    if version < (2,):
        return Generation.KERAS_1
    if version >= (3,):
        return Generation.KERAS_3
    if target.api == Api.KERAS and version < (2, 4):
        return Generation.IN_A_GRAPH
    is_tensorflow_2 = _numbers(target.fingerprint.get("backend_version", "")) >= (2,)
    is_eager = target.backend == "tensorflow" and is_tensorflow_2
    return Generation.EAGER if is_eager else Generation.IN_A_GRAPH


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _head(target: TargetRun, generation: Generation, parts: Iterable[Part], *, has_bfloat16: bool) -> str:
    """What a script is, the environment that it needs, and its imports, those of Python first."""
    imports = dict.fromkeys(line for part in parts for line in part.imports)
    own = _IMPORTS[Api(target.api)]
    lines = [line for line in imports if line.startswith(("import os", "import tempfile"))]
    lines.append("import numpy as np")
    if has_bfloat16 and generation is Generation.KERAS_3:
        lines.append("import ml_dtypes  # NumPy's bfloat16")
    lines += [line for line in imports if line not in {*lines, *own}]
    environment = "\n".join(f"    {line}" for line in _environment(target))
    return (
        f'"""{target.name}, without keras-harness.\n\n'
        "Calls Keras by hand and compares with the formula. The environment that it was seen in:\n\n"
        f'{environment}\n"""\n' + "\n".join((*lines, *own)) + "\n"
    )


def _environment(target: TargetRun) -> Iterator[str]:
    """Commands that make an environment like the target's."""
    if target.requires:
        yield f"uv venv --python {target.python} env"
        yield "uv pip install --python env " + shlex.join(target.requires)
    if target.overlay:
        yield "uv pip install --python env --no-deps " + shlex.join(target.overlay)
    flags = [
        f"{name}={shlex.quote(value.replace('{home}', '.'))}" for name, value in target.variables.items()
    ]
    yield " ".join(("env", *flags, "env/bin/python", "SCRIPT"))


def _how(case: Case) -> tuple[str, frozenset[str]]:
    """What calls the case, as code, and the names of the parts that this takes."""
    is_op = case.layer.is_operation
    if case.mode is Mode.RELOADED:
        return "layer_model(inferred, reloaded)", frozenset({"layer_model", "inferred", "reloaded"})
    if case.mode in _FUNCTIONAL:
        model = "layer_model" if not is_op else "op_layer_model" if calls_in_layer(case) else "op_model"
        return f"{model}({case.mode})", frozenset({model, str(case.mode)})
    name = f"{case.mode}_op" if is_op else str(case.mode)
    return name, frozenset({name})


def _block(
    case: Case, expectation: Expectation, generation: Generation, how: str, *, has_bounds: bool
) -> str:
    signals = signals_of(case)
    is_refused = expectation.output is None
    weights = () if is_refused and not case.layer.is_operation else signals.weights
    right = "None" if is_refused else _list(_expected(one, has_bounds) for one in _right(expectation))
    said: tuple[object, ...] = (expectation.inferred_shape, expectation.symbolic_shape)
    if case.mode is Mode.SEQUENTIAL:  # The layer and the model say the same, and the model counts.
        said = (expectation.inferred_shape, expectation.inferred_shape, expectation.num_parameters)
    lines = (
        repr(case.id),
        how,
        _what(case, generation),
        f"shape={told_shape(case)}",
        f"x={_array(signals.inputs)}",
        f"weights={_list(map(_array, weights))}",
        f"dtype={expectation.dtype!r}",
        f"expected={right}",
        f"said={[] if is_refused else list(said)}",
    )
    return "check(\n" + "".join(f"    {line},\n" for line in lines) + ")\n"


def _what(case: Case, generation: Generation) -> str:
    """What is called: code that makes the layer, or that calls the operation."""
    arguments = dict(arguments_of(case))
    if generation is not Generation.KERAS_3:  # Older layers do not know what is new.
        arguments = {
            name: value for name, value in arguments.items() if not _is_newer(name, value, case.ndim)
        }
    if generation in _GRAPHS:
        return f"dict(layer={case.layer.value!r}, {code_of(arguments, case.form)})"
    if not case.layer.is_operation:
        if case.dtype == "bfloat16" and case.mode is not Mode.RELOADED:
            # Keras on OpenVINO can draw no weights of it before 3.14, nor those of a layer that it loads.
            arguments |= dict.fromkeys(_initializers(case.kind), "zeros")
        return f"lambda: keras.layers.{case.layer}({code_of(arguments, case.form)})"
    names = ", ".join(("x", *(kernel.argument for kernel in case.kind.traits.kernels)))
    return f"lambda {names}: keras.{case.layer}({names}, {code_of(arguments, case.form)})"


def _initializers(kind: LayerKind) -> tuple[str, ...]:
    """The arguments by which a layer draws its kernels."""
    names = (kernel.name for kernel in kind.traits.kernels)
    return tuple(f"{name.removesuffix('_kernel')}_initializer" for name in names)


def _is_newer(name: str, value: Any, ndim: int) -> bool:
    """Whether an argument came with a later Keras and says what was so before."""
    usual = {"groups": {1}, "output_padding": {None}, "dilation_rate": {1}}
    if ndim == 1:
        usual["data_format"] = {DataFormat.CHANNELS_LAST}
    return name in usual and {*(value if isinstance(value, tuple) else (value,))} == usual[name]


def _right(expectation: Expectation) -> tuple[ExpectedArray, ...]:
    return () if expectation.output is None else (expectation.output, *expectation.gradients)


def _expected(array: ExpectedArray, has_bounds: bool) -> str:  # noqa: FBT001  (of a script, not of a call)
    if not has_bounds:
        return _array(array.values)
    bound = "0.25" if array.bound is None else _array(array.bound)
    return f"({_array(array.values)}, {bound})"


def _list(items: Iterable[str]) -> str:
    texts = list(items)
    return (
        f"[{', '.join(texts)}]" if len(texts) < 2 else "[\n        " + ",\n        ".join(texts) + ",\n    ]"
    )


def _array(values: Array) -> str:
    """An array as Python: integers as such, other numbers as the shortest text of the same float64."""
    numbers = " ".join(map(_number, values.astype(np.float64).ravel().tolist()))
    return f"array({values.dtype.name!r}, {values.shape}, {numbers!r})"


def _number(value: float) -> str:
    is_negative_zero = value == 0 and math.copysign(1, value) < 0
    return str(int(value)) if value.is_integer() and not is_negative_zero else repr(value)
