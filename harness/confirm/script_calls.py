"""Choose the snippet functions that call a case, by generation of Keras, backend and mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from harness.confirm.script_generations import BY_GRAPHS, ScriptGeneration, find_generation, find_version
from harness.explain.call_code import is_called_in_layer
from harness.records import EXEC_PREFIX, Api, Case, LayerKind, Mode, TargetRun

NO_KERAS: Final = "a program behind the worker's wire format is no Keras that a script could import"
"""The reason why no script can call a target that is a command."""

_KINDS_OF_KERAS_1: Final = frozenset(
    {LayerKind.CONVOLUTION, LayerKind.MAX_POOLING, LayerKind.AVERAGE_POOLING}
)
"""The kinds of layers that Keras 1 has under the names that cases use."""

_JIT_COMPILE_SINCE: Final = (2, 8)
"""The first Keras 2 whose `compile` takes `jit_compile`."""

_DTYPE_SINCE: Final = (2, 2, 5)
"""The first Keras outside of TensorFlow whose layers compute in their own `dtype`."""

_DIFFERENTIATE_LAYER: Final[Mapping[str, str]] = {
    "tensorflow": "differentiate_by_tensorflow",
    "jax": "differentiate_by_jax",
    "torch": "differentiate_by_torch",
}

_DIFFERENTIATE_OPERATION: Final[Mapping[str, str]] = {
    "tensorflow": "differentiate_operation_by_tensorflow",
    "jax": "differentiate_operation_by_jax",
    "torch": "differentiate_operation_by_torch",
}

_NO_GRADIENTS: Final = frozenset({"cntk", "mxnet"})
"""Backends of graphs that do not differentiate: CNTK's `gradients` gives constants, MXNet's refuses."""


@dataclass(frozen=True, slots=True)
class NoScript:
    """The reason why no script can call a case."""

    why: str


_NO_JIT: Final = NoScript("its predictions heed no jit_compile")

_NO_SYMBOLS: Final = NoScript("only operations are handed their weights as inputs")


def explain_no_script(target: TargetRun, case: Case) -> str:
    """Return why no script can call a case on this target; empty where one can.

    Raises:
        HarnessError: the target never reported which Keras it is.
    """
    call = find_call(target, case)
    return call.why if isinstance(call, NoScript) else ""


def find_call(target: TargetRun, case: Case) -> str | NoScript:
    """Return the code that calls a case on this target: an expression of snippet functions.

    Raises:
        HarnessError: the target never reported which Keras it is.
    """
    if target.selector.startswith(EXEC_PREFIX):
        return NoScript(NO_KERAS)
    generation = find_generation(target)
    why_not = _find_obstacle(generation, target.backend, case)
    if why_not:
        return NoScript(why_not)
    match generation:
        case ScriptGeneration.KERAS_3 | ScriptGeneration.KERAS_2:
            return _find_eager_call(generation, target, case)
        case ScriptGeneration.KERAS_2_BY_GRAPHS | ScriptGeneration.KERAS_1:
            return _find_graph_call(generation, target, case)
        case _:
            assert_never(generation)


def _find_obstacle(generation: ScriptGeneration, backend: str, case: Case) -> str:
    """Return what this Keras lacks for the case whatever its mode; empty where it lacks nothing."""
    is_op = case.layer.is_operation
    if is_op and generation is not ScriptGeneration.KERAS_3:
        return "Keras has operations since Keras 3 only"
    if is_op and case.mode in {Mode.SEQUENTIAL, Mode.RELOADED}:
        return "an operation is no layer of a Sequential, and is not saved"
    if generation is ScriptGeneration.KERAS_1 and case.kind not in _KINDS_OF_KERAS_1:
        return f"Keras 1 has no {case.layer}"
    if case.dtype == "bfloat16" and generation in BY_GRAPHS and backend != "tensorflow":
        return f"there is no bfloat16 with backend {backend}"
    return ""


def _find_eager_call(generation: ScriptGeneration, target: TargetRun, case: Case) -> str | NoScript:
    is_op, is_keras_3 = case.layer.is_operation, generation is ScriptGeneration.KERAS_3
    match case.mode:
        case Mode.EAGER:
            return "call_operation" if is_op else "call_layer"
        case Mode.SEQUENTIAL:
            return "predict_sequential" if is_keras_3 else "predict_sequential_of_keras_2"
        case Mode.INFERRED | Mode.COMPILED | Mode.JIT | Mode.DYNAMIC:
            return _find_model_call(target, case)
        case Mode.RELOADED:
            return "partial(run_layer_model, call_model, reload=reload_model)"
        case Mode.SYMBOLIC:
            return "call_symbolic_model" if is_op else _NO_SYMBOLS
        case Mode.GRADIENT:
            if not is_keras_3:
                return "differentiate_keras_2_by_tensorflow"
            functions = _DIFFERENTIATE_OPERATION if is_op else _DIFFERENTIATE_LAYER
            return functions.get(target.backend) or _explain_no_gradients(target)
        case _:
            assert_never(case.mode)


def _find_model_call(target: TargetRun, case: Case) -> str | NoScript:
    """Return the code that calls a Functional model of the layer or operation, and what runs the model."""
    run = _find_run(target, case.mode)
    if isinstance(run, NoScript):
        return run
    if not case.layer.is_operation:
        return f"partial(run_layer_model, {run})"
    model = "run_operation_layer_model" if is_called_in_layer(case) else "run_operation_model"
    return f"partial({model}, {run})"


def _find_run(target: TargetRun, mode: Mode) -> str | NoScript:
    knows_jit = find_version(target) >= _JIT_COMPILE_SINCE
    if mode is Mode.JIT and not knows_jit:
        return _NO_JIT
    if mode is Mode.JIT:
        return "predict_batch_by_jit_of_torch" if target.backend == "torch" else "predict_batch_by_jit"
    if mode is Mode.COMPILED:
        return "predict_batch" if knows_jit else "predict_batch_before_jit"
    if mode is Mode.DYNAMIC and target.backend == "tensorflow":
        return "call_model_by_signature"
    return "call_model"


def _find_graph_call(generation: ScriptGeneration, target: TargetRun, case: Case) -> str | NoScript:
    make = _find_maker(generation, target)
    is_keras_1 = generation is ScriptGeneration.KERAS_1
    match case.mode:
        case Mode.EAGER:
            return f"partial(call_graph, {make})"
        case Mode.SEQUENTIAL:
            predict = "predict_sequential_graph_of_keras_1" if is_keras_1 else "predict_sequential_graph"
            return f"partial({predict}, {make})"
        case Mode.INFERRED | Mode.DYNAMIC:
            return f"partial(run_graph_model, evaluate_model, {make})"
        case Mode.COMPILED:
            return f"partial(run_graph_model, predict_batch_before_jit, {make})"
        case Mode.RELOADED:
            return f"partial(run_graph_model, evaluate_model, {make}, reload=reload_model_by_hdf5)"
        case Mode.GRADIENT:
            if target.backend in _NO_GRADIENTS:
                return _explain_no_gradients(target)
            differentiate = "differentiate_graph_of_keras_1" if is_keras_1 else "differentiate_graph"
            return f"partial({differentiate}, {make})"
        case Mode.JIT:
            return _NO_JIT
        case Mode.SYMBOLIC:
            return _NO_SYMBOLS
        case _:
            assert_never(case.mode)


def _find_maker(generation: ScriptGeneration, target: TargetRun) -> str:
    """Return the function that makes layers for a graph, and the one that sets weights if it is another."""
    if generation is ScriptGeneration.KERAS_1:
        return "make_in_keras_1"
    if target.backend == "mxnet":
        return "make_in_mxnet, give=set_weights_of_float32"
    is_in_tensorflow = target.api in {Api.TF_KERAS, Api.TF_KERAS_PACKAGE}
    if is_in_tensorflow or find_version(target) >= _DTYPE_SINCE:
        return "make_in_keras_2"
    return "make_in_keras_2_by_floatx"


def _explain_no_gradients(target: TargetRun) -> NoScript:
    return NoScript(f"its backend {target.backend} has no gradients")
