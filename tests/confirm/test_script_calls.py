"""Which functions call a case, and why none can."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.confirm.script_calls import explain_no_script
from harness.errors import HarnessError
from harness.records import Case, Layer, Mode, TargetRun
from tests.confirm.scripts import IN_A_GRAPH, TF_KERAS, make_target, write_one
from tests.report.judged import SAME, of_family


@pytest.mark.parametrize(
    ("run", "case", "reason"),
    [
        (
            make_target(),
            of_family(Layer.OPS_CONV, mode=Mode.SEQUENTIAL),
            "an operation is no layer of a Sequential",
        ),
        (make_target(), of_family(Layer.OPS_CONV, mode=Mode.RELOADED), "is not saved"),
        (TF_KERAS, of_family(Layer.OPS_CONV), "Keras has operations since Keras 3 only"),
        (IN_A_GRAPH, replace(SAME, dtype="bfloat16"), "there is no bfloat16 with backend theano"),
        (replace(make_target(), selector="exec:node worker.js"), SAME, "no Keras that a script could import"),
    ],
)
def test_what_no_script_can_call_has_a_reason(run: TargetRun, case: Case, reason: str) -> None:
    assert reason in explain_no_script(run, case)
    with pytest.raises(HarnessError, match=reason):
        write_one(case, run)


def test_only_operations_have_symbolic_weights() -> None:
    reason = "only operations are handed their weights as inputs"
    assert explain_no_script(make_target(), of_family(Layer.CONV2D, mode=Mode.SYMBOLIC)) == reason
    assert explain_no_script(make_target(), of_family(Layer.OPS_CONV, mode=Mode.SYMBOLIC)) == ""


def test_an_old_keras_2_is_not_asked_for_what_its_compile_does_not_take() -> None:
    case = of_family(Layer.CONV1D, mode=Mode.COMPILED)
    assert 'model.compile("sgd", "mse")' in write_one(
        case, make_target("2.6.0", "tensorflow", "tf.keras", "2.6.5")
    )
    assert 'model.compile("sgd", "mse", jit_compile=False)' in write_one(case, TF_KERAS)
    old, new = (make_target(version, "tensorflow", "tf.keras", version) for version in ("2.7.4", "2.8.4"))
    jit = of_family(Layer.CONV1D, mode=Mode.JIT)
    assert explain_no_script(old, jit) == "its predictions heed no jit_compile"
    assert explain_no_script(new, jit) == ""
