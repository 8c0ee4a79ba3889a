"""Scripts that call Keras without the worker: what they print, and what happens if one dies."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.confirm.calls import call_by_hand
from harness.confirm.script import write_script
from harness.confirm.script_results import Conclusion, NotCalled, ScriptResult, ScriptWord
from harness.errors import HarnessError
from harness.records import (
    Case,
    Mode,
    WorkerCommand,
)
from tests.confirm.scripts import make_target
from tests.judge.made import PLAIN
from tests.report.judged import expectation_of

CASE = replace(PLAIN, input=(4, 5))
UNKNOWN = replace(CASE, padding="bogus")

FAKE = """
import numpy as np

__version__ = "3.99"
FAULT = {fault!r}

class Symbolic:
    def __init__(self, shape, layer=None):
        self.shape, self.layer = shape, layer

def Input(shape, batch_size, dtype):
    return Symbolic((batch_size,) + tuple(shape))

class Model:
    def __init__(self, given, y):
        self.output_shape, self.layer = y.shape, y.layer
        self.weights, self.set_weights = y.layer.weights, y.layer.set_weights
        if FAULT == "symbolic":
            self.output_shape = (2,) + y.shape[1:]
    def compile(self, optimizer, loss, jit_compile):
        assert jit_compile is False
        self.compiled = True
    def predict_on_batch(self, x):
        assert self.compiled
        return self.layer(x)
    def __call__(self, x):
        return self.layer(x)
    def save(self, path):
        Model.saved = self

class models:
    def load_model(path):
        if FAULT == "reloaded":
            Model.saved.output_shape = (None, 9, 5, 3)
        return Model.saved

class Conv2D:
    calls = 0
    def __init__(self, filters, kernel_size, strides, padding, dtype, **_):
        if padding not in ("same", "valid") and FAULT != "accepts":
            raise ValueError("padding must be\\tsame or valid,\\nnot " + padding)
        self.s, self.k, self.dtype, self.filters = strides, kernel_size, dtype, filters
    def compute_output_shape(self, shape):
        if FAULT.startswith("tells-nothing"):
            self.filters = "broken by the question"
            raise ValueError("there is no telling")
        rest = [-(-n // s) for n, s in zip(shape[1:3], self.s)]
        return [shape[0], rest[0] + FAULT.startswith("inferred"), rest[1], self.filters]
    def build(self, shape):
        channels = shape[-1] - (FAULT == "weights")
        self.kernel, self.bias = np.zeros(self.k + (channels, self.filters)), np.zeros(self.filters)
    weights = property(lambda self: [self.kernel, self.bias])
    def get_weights(self):
        raise AttributeError("a variable of OpenVINO has no array")
    def set_weights(self, weights):
        self.kernel, self.bias = weights
    def __call__(self, x):
        if isinstance(x, Symbolic):
            self.build(x.shape)
            return Symbolic(tuple(self.compute_output_shape(x.shape)), self)
        if FAULT == "inferred-and-raises":
            raise ValueError("there is no kernel")
        out = [-(-n // s) for n, s in zip(x.shape[1:3], self.s)]
        total = [max((o - 1) * s + k - n, 0) for o, s, k, n in zip(out, self.s, self.k, x.shape[1:3])]
        x = np.pad(x, [(0, 0)] + [(t // 2, t - t // 2) for t in total] + [(0, 0)])
        y = np.zeros((len(x), out[0], out[1], len(self.bias)))
        for i, j in np.ndindex(out[0], out[1]):
            a, b = i * self.s[0], j * self.s[1]
            window = x[:, a : a + self.k[0], b : b + self.k[1]]
            y[:, i, j] = np.tensordot(window, self.kernel, 3) + self.bias
        if FAULT in ("value", "tells-nothing-value"):
            y[1, 0, 2, 1] += 1
        if FAULT == "nonfinite":
            y[0, 0, 0, 0] = np.nan
        if FAULT == "shape":
            y = y[:, :-1]
        if FAULT == "crashes" or FAULT == "crashes-when-called-again" and Conv2D.calls:
            import os
            os.abort()
        Conv2D.calls += 1
        return y.astype("float64" if FAULT == "dtype" else self.dtype)

class layers:
    Conv2D = Conv2D

class ops:
    convert_to_numpy = staticmethod(np.asarray)
"""


def call_cases(
    tmp_path: Path, cases: Sequence[Case], fault: str = "", timeout_s: float = 60.0
) -> dict[str, ScriptResult | NotCalled]:
    """Return the results of scripts made for `cases` and run on a Keras with this fault."""
    (tmp_path / "keras.py").write_text(FAKE.format(fault=fault))
    by_id = {case.id: case for case in cases}

    def script_of(case_ids: Sequence[str]) -> str:
        chosen = [by_id[case_id] for case_id in case_ids]
        return write_script(make_target("3.99", "loops"), ((case, expectation_of(case)) for case in chosen))

    launch = WorkerCommand(
        (sys.executable, "worker"), {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    )
    return dict(call_by_hand(launch, tmp_path, list(by_id), script_of, timeout_s, threading.Event()))


def list_words(results: Mapping[str, ScriptResult | NotCalled]) -> list[str]:
    """Return the word of each, or why it was not called."""
    return [result.word if isinstance(result, ScriptResult) else result.why for result in results.values()]


@pytest.mark.parametrize(
    ("fault", "word", "where"),
    [
        ("", ScriptWord.SAME, ""),
        ("value", ScriptWord.VALUE, "1 of 60 wrong, first at (1, 0, 2, 1): "),
        ("nonfinite", ScriptWord.NONFINITE, "1 of 60 wrong, first at (0, 0, 0, 0): nan"),
        ("shape", ScriptWord.SHAPE, "(2, 1, 5, 3), the formula says (2, 2, 5, 3)"),
        ("dtype", ScriptWord.DTYPE, "float64, not float32"),
        ("inferred", ScriptWord.INFERRED_SHAPE, "(2, 3, 5, 3), the formula says (2, 2, 5, 3)"),
        ("weights", ScriptWord.WEIGHTS, "[(2, 3, 1, 3), (3,)], the formula says [(2, 3, 2, 3), (3,)]"),
        ("tells-nothing", ScriptWord.RAISED, "ValueError"),
        ("tells-nothing-value", ScriptWord.VALUE, "1 of 60 wrong, first at (1, 0, 2, 1): "),
    ],
)
def test_a_script_says_how_a_call_differs(tmp_path: Path, fault: str, word: ScriptWord, where: str) -> None:
    result = call_cases(tmp_path, [CASE], fault)[CASE.id]
    assert isinstance(result, ScriptResult)
    assert result.word is word
    assert result.where.startswith(where)


@pytest.mark.parametrize(
    ("fault", "word", "where"),
    [
        ("", ScriptWord.SAME, ""),
        ("value", ScriptWord.VALUE, "1 of 60 wrong, first at (1, 0, 2, 1): "),
        ("inferred", ScriptWord.INFERRED_SHAPE, "(None, 3, 5, 3), the formula says (None, 2, 5, 3)"),
        ("symbolic", ScriptWord.INFERRED_SHAPE, "(2, 2, 5, 3), the formula says (None, 2, 5, 3)"),
    ],
)
def test_a_script_of_a_compiled_model_asks_the_layer_and_the_model(
    tmp_path: Path, fault: str, word: ScriptWord, where: str
) -> None:
    case = replace(CASE, mode=Mode.COMPILED)
    result = call_cases(tmp_path, [case], fault)[case.id]
    assert isinstance(result, ScriptResult)
    assert result.word is word
    assert result.where.startswith(where)


@pytest.mark.parametrize(
    ("fault", "word", "where"),
    [
        ("", ScriptWord.SAME, ""),
        ("value", ScriptWord.VALUE, "1 of 60 wrong, first at (1, 0, 2, 1): "),
        ("reloaded", ScriptWord.INFERRED_SHAPE, "(None, 9, 5, 3), the formula says (None, 2, 5, 3)"),
    ],
)
def test_a_script_asks_the_model_that_was_loaded(
    tmp_path: Path, fault: str, word: ScriptWord, where: str
) -> None:
    case = replace(CASE, mode=Mode.RELOADED)
    result = call_cases(tmp_path, [case], fault)[case.id]
    assert isinstance(result, ScriptResult)
    assert result.word is word
    assert result.where.startswith(where)


def test_a_script_of_several_modes_tells_each(tmp_path: Path) -> None:
    compiled = replace(CASE, mode=Mode.COMPILED)
    results = call_cases(tmp_path, [UNKNOWN, CASE, compiled], "symbolic")
    assert list_words(results) == [ScriptWord.RAISED, ScriptWord.SAME, ScriptWord.INFERRED_SHAPE]


def test_a_call_that_cannot_be_made_still_tells_the_wrong_shape_before_it(tmp_path: Path) -> None:
    result = call_cases(tmp_path, [CASE], "inferred-and-raises")[CASE.id]
    before = "inferred-shape: (2, 3, 5, 3), the formula says (2, 2, 5, 3)"
    assert result == ScriptResult(ScriptWord.RAISED, "ValueError", "there is no kernel", before)


def test_a_script_tells_an_error_on_one_line(tmp_path: Path) -> None:
    assert call_cases(tmp_path, [UNKNOWN])[UNKNOWN.id] == ScriptResult(
        ScriptWord.RAISED, "ValueError", "padding must be same or valid, not bogus"
    )


def test_a_script_says_that_what_must_be_refused_returned(tmp_path: Path) -> None:
    result = call_cases(tmp_path, [UNKNOWN], "accepts")[UNKNOWN.id]
    assert result == ScriptResult(ScriptWord.RETURNED, "shape (2, 2, 5, 3)")


def test_a_death_costs_one_case_and_the_others_are_called(tmp_path: Path) -> None:
    results = call_cases(tmp_path, [UNKNOWN, CASE, replace(UNKNOWN, batch=2, filters=5)], "crashes")
    assert list_words(results) == [ScriptWord.RAISED, Conclusion.CRASHED, ScriptWord.RAISED]


def test_a_death_counts_where_nothing_was_called_before(tmp_path: Path) -> None:
    cases = [CASE, replace(CASE, batch=1), replace(CASE, batch=3)]
    assert list_words(call_cases(tmp_path, cases, "crashes-when-called-again")) == [
        ScriptWord.SAME,
        ScriptWord.SAME,
        ScriptWord.SAME,
    ]


def test_a_script_that_ends_before_it_calls_anything_convicts_nobody(tmp_path: Path) -> None:
    (tmp_path / "ml_dtypes.py").write_text("raise ImportError('broken')")
    results = call_cases(tmp_path, [replace(CASE, dtype="bfloat16"), CASE])
    why = "the script ended before it called anything: exit status 1: ImportError: broken"
    assert list(results.values()) == [NotCalled(why)] * 2


def test_a_script_that_hangs_is_ended(tmp_path: Path) -> None:
    launch = WorkerCommand((sys.executable, "worker"), {"PATH": os.environ["PATH"]})
    results = call_by_hand(
        launch,
        tmp_path,
        ["a", "b"],
        lambda case_ids: (
            f"print('@ {case_ids[0]}\\tsame\\t\\t\\n@ b', flush=True)\n" * ("a" in case_ids)
            + "import time\ntime.sleep(600)\n"
        ),
        1.0,
        threading.Event(),
    )
    assert results == {"a": ScriptResult(ScriptWord.SAME), "b": NotCalled("it did not answer within 1 s")}


def test_a_stop_ends_a_script(tmp_path: Path) -> None:
    launch = WorkerCommand((sys.executable, "worker"), {"PATH": os.environ["PATH"]})
    stop = threading.Event()
    stop.set()
    with pytest.raises(HarnessError, match="stopped"):
        call_by_hand(launch, tmp_path, ["a"], lambda _: "import time; time.sleep(600)", 600.0, stop)


def test_a_line_with_another_word_is_no_result(tmp_path: Path) -> None:
    launch = WorkerCommand((sys.executable, "worker"), {"PATH": os.environ["PATH"]})
    lines = "@ a\tsame\t\t\n@ b\tnonsense\t\t\n@ c\tsame\n@ d\tsame\t\t\n"
    results = call_by_hand(
        launch, tmp_path, ["a", "b", "c"], lambda _: f"print({lines!r})", 60.0, threading.Event()
    )
    status = ScriptResult(Conclusion.CRASHED, "exit status 0")
    assert results == {"a": ScriptResult(ScriptWord.SAME), "b": status, "c": status}
