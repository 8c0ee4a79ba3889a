"""Which generation a target's Keras is, and that each is called in its own way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.confirm.script_generations import ScriptGeneration, find_generation
from harness.errors import HarnessError
from harness.records import TargetRun
from tests.confirm.scripts import make_target, write_one
from tests.report.judged import SAME


@pytest.mark.parametrize(
    ("run", "generation", "marks"),
    [
        (make_target("1.2.2", "theano"), ScriptGeneration.KERAS_1, ["border_mode", "import keras\n"]),
        (
            make_target("2.3.1", "theano"),
            ScriptGeneration.KERAS_2_BY_GRAPHS,
            ["clear_session", "import keras\n"],
        ),
        (
            make_target("2.2.4", "plaidml", "plaidml-keras"),
            ScriptGeneration.KERAS_2_BY_GRAPHS,
            ["clear_session", "install_backend()"],
        ),
        (
            make_target("2.2.4-tf", "tensorflow", "tf.keras", "1.15.0"),
            ScriptGeneration.KERAS_2_BY_GRAPHS,
            ["clear_session", "keras = tf.keras"],
        ),
        (
            make_target("2.3.1", "tensorflow", "keras", "2.0.4"),
            ScriptGeneration.KERAS_2_BY_GRAPHS,
            ["clear_session", "import keras\n"],
        ),
        (
            make_target("2.4.3", "tensorflow", "keras", "2.3.4"),
            ScriptGeneration.KERAS_2,
            ["call_layer,\n    lambda: keras", "import keras\n"],
        ),
        (
            make_target("2.15.0", "tensorflow", "tf.keras", "2.15.1"),
            ScriptGeneration.KERAS_2,
            ["call_layer,\n    lambda: keras", "keras = tf.keras"],
        ),
        (
            make_target("3.0.5"),
            ScriptGeneration.KERAS_3,
            ["call_layer,\n    lambda: keras", "import keras\n"],
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_generation_is_called_in_its_own_way(
    run: TargetRun, generation: ScriptGeneration, marks: list[str]
) -> None:
    text = write_one(SAME, run)
    assert find_generation(run) is generation
    assert [mark for mark in marks if mark not in text] == []


def test_a_target_that_never_said_what_it_is_has_no_script() -> None:
    with pytest.raises(HarnessError, match="never said which Keras it is; run it again"):
        write_one(SAME, replace(make_target(), version="", fingerprint={}))
