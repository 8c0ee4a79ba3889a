"""Scripts that call Keras without the worker: what they print, and what becomes of one that dies."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.confirm.calls import Answer, NotCalled, call_by_hand
from harness.confirm.confirmations import Confirmation, Result, answer_of_modes, modes_of
from harness.confirm.script import script
from harness.data.case_data import signals_of
from harness.errors import HarnessError
from harness.judge.consistency import MODES_DISAGREE, TARGETS_DISAGREE
from harness.oracle import expect
from harness.records import (
    Case,
    Data,
    DataFormat,
    Divergence,
    Expectation,
    Finding,
    Layer,
    Mode,
    Outcome,
    Stage,
    TargetRun,
    Verdict,
    WorkerCommand,
)

CASE = Case(
    layer=Layer.CONV2D,
    mode=Mode.EAGER,
    input=(4, 5),
    kernel=(2, 3),
    strides=(2, 1),
    dilation=(1, 1),
    padding="same",
    data_format=DataFormat.CHANNELS_LAST,
    batch=2,
    channels=2,
    filters=3,
    groups=1,
    bias=True,
    dtype="float32",
)
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


def target_run(**changes: object) -> TargetRun:
    run = TargetRun(
        name="keras3.99-loops",
        api="keras",
        version="3.99",
        backend="loops",
        family="loops",
        variant="",
        lineage="loops",
        python="3.11",
        requires=("numpy==2.4.6", "loops<2"),
        overlay=("keras==3.99",),
        fingerprint={"keras": "3.99"},
        observed=1,
        not_run=0,
        failure="",
        seconds=1.0,
        start_seconds=0.5,
        workers=1,
        variables={"KERAS_BACKEND": "loops", "FLAGS": "dir={home}/x,a b"},
    )
    return replace(run, **changes)  # type: ignore[arg-type]  # generated keyword arguments


def expectation_of(case: Case) -> Expectation:
    return expect(case, signals_of(case))


def answers_of(
    tmp_path: Path, cases: Sequence[Case], fault: str = "", timeout_s: float = 60.0
) -> dict[str, Answer | NotCalled]:
    """The answers to scripts made for `cases` and run on a Keras with this fault."""
    (tmp_path / "keras.py").write_text(FAKE.format(fault=fault))
    by_id = {case.id: case for case in cases}

    def script_of(case_ids: Sequence[str]) -> str:
        chosen = [by_id[case_id] for case_id in case_ids]
        return script(target_run(), ((case, expectation_of(case)) for case in chosen))

    launch = WorkerCommand(
        (sys.executable, "worker"), {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    )
    return dict(call_by_hand(launch, tmp_path, list(by_id), script_of, timeout_s, threading.Event()))


def words(answers: Mapping[str, Answer | NotCalled]) -> list[str]:
    """What came of each."""
    return [answer.what if isinstance(answer, Answer) else answer.why for answer in answers.values()]


@pytest.mark.parametrize(
    ("fault", "what", "where"),
    [
        ("", "same", ""),
        ("value", "value", "1 of 60 wrong, first at (1, 0, 2, 1): "),
        ("nonfinite", "nonfinite", "1 of 60 wrong, first at (0, 0, 0, 0): nan"),
        ("shape", "shape", "(2, 1, 5, 3), the formula says (2, 2, 5, 3)"),
        ("dtype", "dtype", "float64, not float32"),
        ("inferred", "inferred-shape", "(2, 3, 5, 3), the formula says (2, 2, 5, 3)"),
        ("weights", "weights", "[(2, 3, 1, 3), (3,)], the formula says [(2, 3, 2, 3), (3,)]"),
        ("tells-nothing", "raised", "ValueError"),
        ("tells-nothing-value", "value", "1 of 60 wrong, first at (1, 0, 2, 1): "),
    ],
)
def test_a_script_says_how_a_call_differs(tmp_path: Path, fault: str, what: str, where: str) -> None:
    answer = answers_of(tmp_path, [CASE], fault)[CASE.id]
    assert isinstance(answer, Answer)
    assert answer.what == what
    assert answer.where.startswith(where)


@pytest.mark.parametrize(
    ("fault", "what", "where"),
    [
        ("", "same", ""),
        ("value", "value", "1 of 60 wrong, first at (1, 0, 2, 1): "),
        ("inferred", "inferred-shape", "(None, 3, 5, 3), the formula says (None, 2, 5, 3)"),
        ("symbolic", "inferred-shape", "(2, 2, 5, 3), the formula says (None, 2, 5, 3)"),
    ],
)
def test_a_script_of_a_compiled_model_asks_the_layer_and_the_model(
    tmp_path: Path, fault: str, what: str, where: str
) -> None:
    case = replace(CASE, mode=Mode.COMPILED)
    answer = answers_of(tmp_path, [case], fault)[case.id]
    assert isinstance(answer, Answer)
    assert answer.what == what
    assert answer.where.startswith(where)


@pytest.mark.parametrize(
    ("fault", "what", "where"),
    [
        ("", "same", ""),
        ("value", "value", "1 of 60 wrong, first at (1, 0, 2, 1): "),
        ("reloaded", "inferred-shape", "(None, 9, 5, 3), the formula says (None, 2, 5, 3)"),
    ],
)
def test_a_script_asks_the_model_that_was_loaded(tmp_path: Path, fault: str, what: str, where: str) -> None:
    case = replace(CASE, mode=Mode.RELOADED)
    answer = answers_of(tmp_path, [case], fault)[case.id]
    assert isinstance(answer, Answer)
    assert answer.what == what
    assert answer.where.startswith(where)


def test_a_script_of_several_modes_tells_each(tmp_path: Path) -> None:
    compiled = replace(CASE, mode=Mode.COMPILED)
    answers = answers_of(tmp_path, [UNKNOWN, CASE, compiled], "symbolic")
    assert words(answers) == ["raised", "same", "inferred-shape"]


def test_a_call_that_cannot_be_made_still_tells_the_wrong_shape_before_it(tmp_path: Path) -> None:
    answer = answers_of(tmp_path, [CASE], "inferred-and-raises")[CASE.id]
    before = "inferred-shape: (2, 3, 5, 3), the formula says (2, 2, 5, 3)"
    assert answer == Answer("raised", "ValueError", "there is no kernel", before)
    for divergence, result in ((Divergence.INFERRED_SHAPE, HOLDS), (Divergence.SHAPE, DOES_NOT)):
        finding = Finding("x", CASE, Outcome.RAISED, Stage.CALL, Verdict.DIVERGES, divergence)
        assert Confirmation(finding, answer).result is result


def test_a_script_tells_an_error_on_one_line(tmp_path: Path) -> None:
    assert answers_of(tmp_path, [UNKNOWN])[UNKNOWN.id] == Answer(
        "raised", "ValueError", "padding must be same or valid, not bogus"
    )


def test_a_script_says_that_what_must_be_refused_returned(tmp_path: Path) -> None:
    assert answers_of(tmp_path, [UNKNOWN], "accepts")[UNKNOWN.id] == Answer("returned", "shape (2, 2, 5, 3)")


def test_a_death_costs_one_case_and_the_others_are_called(tmp_path: Path) -> None:
    answers = answers_of(tmp_path, [UNKNOWN, CASE, replace(UNKNOWN, batch=2, filters=5)], "crashes")
    assert words(answers) == ["raised", "crashed", "raised"]


def test_a_death_counts_where_nothing_was_called_before(tmp_path: Path) -> None:
    cases = [CASE, replace(CASE, batch=1), replace(CASE, batch=3)]
    assert words(answers_of(tmp_path, cases, "crashes-when-called-again")) == ["same", "same", "same"]


def test_a_script_that_ends_before_it_calls_anything_convicts_nobody(tmp_path: Path) -> None:
    (tmp_path / "ml_dtypes.py").write_text("raise ImportError('broken')")
    answers = answers_of(tmp_path, [replace(CASE, dtype="bfloat16"), CASE])
    why = "the script ended before it called anything: exit status 1: ImportError: broken"
    assert list(answers.values()) == [NotCalled(why)] * 2


def test_a_script_that_hangs_is_ended(tmp_path: Path) -> None:
    launch = WorkerCommand((sys.executable, "worker"), {"PATH": os.environ["PATH"]})
    answers = call_by_hand(
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
    assert answers == {"a": Answer("same"), "b": NotCalled("it did not answer within 1 s")}


def test_a_stop_ends_a_script(tmp_path: Path) -> None:
    launch = WorkerCommand((sys.executable, "worker"), {"PATH": os.environ["PATH"]})
    stop = threading.Event()
    stop.set()
    with pytest.raises(HarnessError, match="stopped"):
        call_by_hand(launch, tmp_path, ["a"], lambda _: "import time; time.sleep(600)", 600.0, stop)


def test_a_script_tells_the_environment_that_it_was_seen_in() -> None:
    text = script(target_run(), ())
    assert "uv venv --python 3.11 env" in text
    assert "uv pip install --python env numpy==2.4.6 'loops<2'" in text
    assert "uv pip install --python env --no-deps keras==3.99" in text
    assert "env KERAS_BACKEND=loops FLAGS='dir=./x,a b' env/bin/python SCRIPT" in text


@pytest.mark.parametrize(
    ("changes", "marks"),
    [
        ({"fingerprint": {"keras": "1.2.2"}}, ["border_mode", "import keras\n"]),
        ({"fingerprint": {"keras": "2.3.1"}, "backend": "theano"}, ["clear_session", "import keras\n"]),
        ({"fingerprint": {"keras": "2.2.4"}, "api": "plaidml-keras"}, ["clear_session", "install_backend()"]),
        (
            {
                "fingerprint": {"keras": "2.2.4-tf", "backend_version": "1.15.0"},
                "api": "tf.keras",
                "backend": "tensorflow",
            },
            ["clear_session", "keras = tf.keras"],
        ),
        (
            {
                "fingerprint": {"keras": "2.15.0", "backend_version": "2.15.1"},
                "api": "tf.keras",
                "backend": "tensorflow",
            },
            ["np.asarray(y)", "keras = tf.keras"],
        ),
        (
            {
                "fingerprint": {"keras": "2.3.1", "backend_version": "2.0.4"},
                "backend": "tensorflow",
            },
            ["clear_session", "import keras\n"],
        ),
        ({"fingerprint": {"keras": "3.0.5"}}, ["keras.ops.convert_to_numpy", "import keras\n"]),
    ],
)
def test_each_generation_is_called_in_its_own_way(changes: dict[str, object], marks: list[str]) -> None:
    text = script(target_run(**changes), [(CASE, expectation_of(CASE))])
    compile(text, "script", "exec")
    assert [mark for mark in marks if mark not in text] == []


HOLDS, DOES_NOT = Result.HOLDS, Result.DOES_NOT_HOLD


@pytest.mark.parametrize(
    ("divergence", "what", "result"),
    [
        (Divergence.VALUE, "value", HOLDS),
        (Divergence.VALUE, "nonfinite", HOLDS),
        (Divergence.VALUE, "same", DOES_NOT),
        (Divergence.VALUE, "weights", DOES_NOT),
        (Divergence.SHAPE, "value", DOES_NOT),
        (Divergence.SHAPE, "shape", HOLDS),
        (Divergence.UNEXPECTED_ERROR, "same", DOES_NOT),
        (Divergence.MISSING_ERROR, "returned", HOLDS),
        (Divergence.MISSING_ERROR, "raised", DOES_NOT),
        (Divergence.CRASH, "crashed", HOLDS),
        (Divergence.DTYPE, "dtype", HOLDS),
        (Divergence.WEIGHTS, "weights", HOLDS),
        (Divergence.WEIGHTS, "value", DOES_NOT),
    ],
)
def test_a_divergence_holds_when_the_call_by_hand_shows_the_same(
    divergence: Divergence, what: str, result: Result
) -> None:
    finding = Finding("x", CASE, Outcome.RETURNED, Stage.REPLY, Verdict.DIVERGES, divergence)
    assert Confirmation(finding, Answer(what)).result is result
    assert Confirmation(finding, NotCalled("no way")).result is Result.NOT_CALLED


WRAPPED = "InvalidArgumentError: Exception encountered when calling Conv2D.call().\n\n\x1b[1m{}\x1b[0m"


@pytest.mark.parametrize(
    ("observed", "where", "error", "result"),
    [
        ("ValueError: Dimension -1 must be >= 0", "ValueError", "Dimension 7 must be >= 0", HOLDS),
        ("ValueError: Dimension -1 must be >= 0", "TypeError", "Dimension -1 must be >= 0", DOES_NOT),
        (
            "ValueError: Dimension -1 must be >= 0",
            "ValueError",
            "('Keyword argument not understood:', 'groups')",
            DOES_NOT,
        ),
        (WRAPPED.format("no such kernel"), "InvalidArgumentError", "no such kernel", HOLDS),
        (
            WRAPPED.format("no such kernel"),
            "InvalidArgumentError",
            "Exception encountered when calling Conv2D.call(). it is too large",
            DOES_NOT,
        ),
        (
            'TypeError: Exception encountered when calling layer "conv2d_1" (type Conv2D).\n\nno such kernel',
            "TypeError",
            "no such kernel",
            HOLDS,
        ),
        ("TypeError: {{node a/b}} no such kernel", "TypeError", "{{node c}} no such kernel", HOLDS),
        ("TypeError: {{node a/b}} no such kernel", "TypeError", "{{node a/b}} it is too large", DOES_NOT),
    ],
)
def test_an_error_holds_when_it_is_the_same_error(
    observed: str, where: str, error: str, result: Result
) -> None:
    finding = Finding(
        *("x", CASE, Outcome.RAISED, Stage.CALL, Verdict.DIVERGES, Divergence.UNEXPECTED_ERROR),
        error=observed,
    )
    assert Confirmation(finding, Answer("raised", where, error)).result is result


EMPTY = replace(CASE, padding="valid", input=(1, 1), kernel=(2, 2))
MODES = tuple(replace(EMPTY, mode=mode).id for mode in (Mode.COMPILED, Mode.EAGER, Mode.JIT))


def test_a_case_that_may_be_refused_is_called_in_every_mode_that_the_run_has() -> None:
    others = (CASE.id, replace(EMPTY, batch=1).id)
    finding = Finding(
        *("x", EMPTY, Outcome.RAISED, Stage.CALL, Verdict.DIVERGES, Divergence.INCONSISTENT),
        cause=MODES_DISAGREE,
    )
    assert modes_of(finding, sorted((*MODES, *others))) == MODES
    assert modes_of(replace(finding, cause=TARGETS_DISAGREE), MODES) == ()
    assert modes_of(replace(finding, case=replace(EMPTY, data=Data.NONFINITE)), MODES) == ()


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        ((Answer("raised"), Answer("same"), Answer("raised")), HOLDS),
        ((Answer("raised"), Answer("raised"), Answer("raised")), DOES_NOT),
        ((Answer("same"), Answer("same"), Answer("shape")), DOES_NOT),
        ((Answer("same"), Answer("same"), NotCalled("no way")), DOES_NOT),
        ((Answer("raised"), NotCalled("no way"), NotCalled("no way")), Result.NOT_CALLED),
    ],
)
def test_modes_are_inconsistent_where_some_raise_and_some_return(
    answers: tuple[Answer | NotCalled, ...], result: Result
) -> None:
    finding = Finding(
        *("x", EMPTY, Outcome.RAISED, Stage.CALL, Verdict.DIVERGES, Divergence.INCONSISTENT),
    )
    answer = answer_of_modes(dict(zip(MODES, answers, strict=True)))
    assert Confirmation(finding, answer).result is result
    if result is HOLDS:
        assert answer == Answer("inconsistent", "raised in compiled, jit; same in eager")


def test_what_is_held_against_other_targets_is_not_called() -> None:
    assert isinstance(answer_of_modes({}), NotCalled)
