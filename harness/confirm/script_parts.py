"""The parts that stand-alone scripts are put together from.

A script holds the parts that its calls need and no other, in one order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, assert_never

from harness.confirm import script_calls, script_gradients, script_graphs
from harness.confirm.script_calls import Part

_DIFFERENCE: Final = '''\
def difference(y, dtype, %(right)s):
    """How an array differs from the formula: a word and where, or None."""
%(unpacked)s    if y.shape != expected.shape:
        return "shape", "{}, the formula says {}".format(y.shape, expected.shape)
    if y.dtype.name != dtype:
        return "dtype", "{}, not {}".format(y.dtype.name, dtype)
    y = y.astype("float64")
    wrong = ~(%(right_where)s)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = "{} of {} wrong, first at {}: {}, the formula says {}".format(
            wrong.sum(), wrong.size, first, y[first], expected[first]
        )
        return "value" if np.isfinite(y).all() else "nonfinite", where
'''

_CHECK: Final = Part(
    '''\
def check(name, how, what, shape, x, weights, dtype, expected, said):
    """Say that the call begins, then what it gives and how it differs from the formula."""
    print("\\n@ {}".format(name), flush=True)
    told = []
    try:
        arrays = how(what, shape, x, weights, told)
        if expected is None:
            found = "returned", "shape {}".format(arrays[0].shape)
        else:
            found = compare(arrays, dtype, expected, told, said)
    except WrongWeights as error:
        found = "weights", error
    except Exception as error:
        text = " ".join(str(error).split())
        before = ": ".join(told_wrong(told, said) or ())
        print("\\n@ {}\\traised\\t{}\\t{}\\t{}".format(name, type(error).__name__, text, before), flush=True)
        return
    print("\\n@ {}\\t{}\\t{}\\t".format(name, *found), flush=True)
''',
    ("compare", "wrong_weights"),
)

_COMPARE: Final = Part(
    '''\
def compare(arrays, dtype, expected, told, said):
    """What came, and what was told of it before the call, against what the formula says."""
    for place, (y, right) in enumerate(zip(arrays, expected)):
        found = difference(y, dtype, right)
        if found and place:
            return "gradient", "{} of gradient {}: {}".format(found[0], place, found[1])
        if found:
            return found
    for one in told:
        if isinstance(one, Exception) and arrays[0].size:  # What is empty may be refused.
            raise one
    return told_wrong(told, said) or ("same", "")
''',
    ("difference", "told_wrong"),
)

_TOLD_WRONG: Final = Part(
    '''\
def told_wrong(told, said):
    """What was told before the call, against what the formula says of it: a word and what, or None."""
    for word, one, right in zip(("inferred-shape", "inferred-shape", "parameters"), told, said):
        if one is None or right is None or isinstance(one, Exception):
            continue
        one = tuple(one) if isinstance(right, tuple) else one
        if one != right:
            return word, "{}, the formula says {}".format(one, right)
'''
)


_NO_GRADIENTS: Final = frozenset({"cntk", "mxnet"})
"""Backends of graphs that do not differentiate: CNTK's `gradients` gives constants, MXNet's refuses."""


class Generation(StrEnum):
    """How a Keras is called: layers take arrays, or a graph has to be made; Keras 1 has its own names."""

    KERAS_3 = "keras-3"
    EAGER = "keras-2"
    IN_A_GRAPH = "keras-2-in-a-graph"
    KERAS_1 = "keras-1"


def parts_of(
    generation: Generation,
    backend: str,
    *,
    knows_jit: bool,
    has_bounds: bool,
    has_nonfinite: bool = False,
    has_bfloat16: bool = False,
    keeps_dtype: bool = True,
) -> Mapping[str, Part]:
    """Every part by its name, in the order of a script.

    Args:
        generation: how Keras is called.
        backend: what computes; a backend that does not differentiate has no part `gradient`.
        knows_jit: whether `compile` takes `jit_compile`; there is no part `jit` otherwise.
        has_bounds: whether each expected array comes with a bound.
        has_nonfinite: whether some expect infinities or NaN; they come with bounds.
        has_bfloat16: whether an array is of bfloat16, which Keras 2 has of TensorFlow.
        keeps_dtype: whether a layer computes in its own `dtype`, and not in Keras's `floatx`.
    """
    right = "right" if has_bounds else "expected"
    unpacked = "    expected, bound = right  # by how much each cell may be off\n" if has_bounds else ""
    near = "np.abs(y - expected) <= bound" if has_bounds else "np.abs(y - expected) < 0.25"
    if has_nonfinite:  # Where the bound is infinite, nothing is documented.
        near = (
            f"({near}) | (y == expected) | (np.isnan(y) & np.isnan(expected))\n"
            "              | np.isinf(np.zeros(y.shape) + bound)"
        )
    parts = {
        "array": _array(generation) if has_bfloat16 else script_calls.ARRAY,
        "wrong_weights": script_calls.WRONG_WEIGHTS,
        "give": script_calls.GIVE,
        "asked": script_calls.ASKED,
        **_calls(generation, backend, knows_jit=knows_jit, keeps_dtype=keeps_dtype),
        "difference": Part(_DIFFERENCE % {"right": right, "unpacked": unpacked, "right_where": near}),
        "told_wrong": _TOLD_WRONG,
        "compare": _COMPARE,
        "check": _CHECK,
    }
    return MappingProxyType(parts)


def _calls(generation: Generation, backend: str, *, knows_jit: bool, keeps_dtype: bool) -> Mapping[str, Part]:
    match generation:
        case Generation.KERAS_1:
            return _that_differentiate(script_graphs.KERAS_1, backend)
        case Generation.IN_A_GRAPH:
            if backend == "mxnet":
                return _that_differentiate(script_graphs.MXNET, backend)
            parts = script_graphs.KERAS_2_BY_DTYPE if keeps_dtype else script_graphs.KERAS_2
            return _that_differentiate(parts, backend)
        case Generation.EAGER:
            numbers, sequential = script_calls.NUMBERS_KERAS_2, script_calls.SEQUENTIAL_KERAS_2
        case Generation.KERAS_3:
            numbers, sequential = script_calls.NUMBERS, script_calls.SEQUENTIAL
        case _:
            assert_never(generation)
    return {
        "numbers": numbers,
        "fresh": script_calls.FRESH,
        "eager": script_calls.EAGER,
        "infer_op": script_calls.INFER_OP,
        "eager_op": script_calls.EAGER_OP,
        "sequential": sequential,
        "layer_model": script_calls.LAYER_MODEL,
        "op_model": script_calls.OP_MODEL,
        "symbolic_op": script_calls.SYMBOLIC_OP,
        "op_layer_model": script_calls.OP_LAYER_MODEL,
        "inferred": script_calls.INFERRED,
        "compiled": script_calls.COMPILED if knows_jit else script_calls.COMPILED_BEFORE_JIT,
        **({"jit": script_calls.JIT_TORCH if backend == "torch" else script_calls.JIT} if knows_jit else {}),
        "dynamic": script_calls.DYNAMIC_TENSORFLOW if backend == "tensorflow" else script_calls.DYNAMIC,
        "reloaded": script_calls.RELOADED,
        **script_gradients.gradients(backend, "v" if generation is Generation.EAGER else "v.value"),
    }


def _array(generation: Generation) -> Part:
    """What makes arrays of which some are of bfloat16."""
    match generation:
        case Generation.KERAS_3:
            return script_calls.ARRAY
        case Generation.EAGER:
            return script_calls.ARRAY_OF_TENSORFLOW
        case Generation.IN_A_GRAPH | Generation.KERAS_1:
            return script_calls.ARRAY_OF_NUMPY
        case _:
            assert_never(generation)


def _that_differentiate(parts: Mapping[str, Part], backend: str) -> Mapping[str, Part]:
    """The parts by way of a graph, without gradients on a backend that has none."""
    if backend not in _NO_GRADIENTS:
        return parts
    return {name: part for name, part in parts.items() if name != "gradient"}


def with_needs(parts: Mapping[str, Part], wanted: Iterable[str]) -> Iterator[Part]:
    """The wanted parts and all that they need, each once, in the order of a script.

    Raises:
        KeyError: a part that there is not.
    """
    found: set[str] = set()
    missing = list(wanted)
    while missing:
        name = missing.pop()
        if name not in found:
            found.add(name)
            missing.extend(parts[name].needs)
    return (part for name, part in parts.items() if name in found)
