"""The line of an observation, and that any other line is refused."""

from __future__ import annotations

import json
from dataclasses import fields

import msgspec
import numpy as np
import pytest

from harness.encoding import ArrayError, convert_observation, encode_line, gather_fields
from harness.records import Observation, ObservedError, Outcome, Stage

ONES = {"dtype": "float32", "shape": [1], "data": "AACAPw=="}
HELD = {"outcome": "returned", "stage": "reply"}


def test_every_field_but_target_and_case_is_written_in_the_order_of_the_record() -> None:
    whole = Observation(
        target="target",
        case_id="case",
        outcome=Outcome.RETURNED,
        stage=Stage.REPLY,
        seconds=1.5,
        values=np.ones(1, np.float32),
        gradients=(np.ones(1, np.float32),),
        inferred_shape=(None, 1),
        symbolic_shape=(1,),
        inference_error=ObservedError("TypeError", "no"),
        summary="text",
        error=ObservedError("ValueError", "no"),
        reason="because",
        weight_shapes=((2, 3),),
    )
    at_default = [field.name for field in fields(Observation) if getattr(whole, field.name) is field.default]
    assert at_default == [], f"give these fields values above: {at_default}"
    names = [field.name for field in fields(Observation)]
    assert list(gather_fields(whole)) == [name for name in names if name not in {"target", "case_id"}]


def test_what_stands_at_its_default_is_left_out_but_for_the_seconds() -> None:
    died = Observation("target", "case", Outcome.CRASHED, Stage.CALL)
    assert encode_line(gather_fields(died)) == b'{"outcome":"crashed","stage":"call","seconds":0.0}\n'


def test_a_layer_without_weights_is_not_one_of_which_nothing_is_known() -> None:
    without = Observation("target", "case", Outcome.RETURNED, Stage.REPLY, weight_shapes=())
    assert json.loads(encode_line(gather_fields(without)))["weight_shapes"] == []


def test_arrays_are_text_and_come_back() -> None:
    line = encode_line(
        gather_fields(Observation("t", "c", Outcome.RETURNED, Stage.REPLY, 0.5, np.ones(1, "f4")))
    )
    assert json.loads(line) == {**HELD, "seconds": 0.5, "values": ONES}
    back = convert_observation("t", "c", json.loads(line))
    assert back.values is not None
    assert (back.values.dtype.name, back.values.tolist()) == ("float32", [1.0])


def test_other_keys_are_ignored_and_say_nothing_of_target_and_case() -> None:
    held = {**HELD, "seq": 3, "target": "other", "case_id": "other"}
    back = convert_observation("target", "case", held)
    assert (back.target, back.case_id) == ("target", "case")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"outcome": "exploded"}, r"Invalid enum value 'exploded' - at `\$.outcome`"),
        ({"summary": 3}, r"Expected `str \| null`, got `int` - at `\$.summary`"),
        ({"weight_shapes": [["a"]]}, r"Expected `int`, got `str` - at `\$.weight_shapes\[0\]\[0\]`"),
        ({"error": {"type": "ValueError"}}, r"Object missing required field `message` - at `\$.error`"),
    ],
)
def test_a_field_of_another_type_is_told_with_its_place(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        convert_observation("target", "case", {**HELD, **wrong})


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (3, "an array that cannot be read: Expected `object`, got `int`"),
        (ONES | {"shape": ["a"]}, "an array that cannot be read: Expected `int`, got `str`"),
        (ONES | {"dtype": "complex64"}, "an array of dtype 'complex64'; it may be bfloat16, bool, float16"),
        (ONES | {"shape": [-1, -1]}, r"an array of shape \(-1, -1\)"),
        (ONES | {"shape": [2]}, r"an array of shape \(2,\) and float32 in 4 bytes"),
        (ONES | {"data": "%%%%"}, "an array that is not base64: Only base64 data is allowed"),
        (ONES | {"data": "\N{SNOWMAN}"}, "an array that is not base64: string argument should contain"),
    ],
)
@pytest.mark.parametrize("field", ["values", "gradients"])
def test_an_array_that_is_none_is_told(array: object, said: str, field: str) -> None:
    with pytest.raises(ArrayError, match=said):
        convert_observation(
            "target", "case", {**HELD, field: [ONES, array] if field == "gradients" else array}
        )


def test_what_has_no_form_in_json_is_not_written() -> None:
    with pytest.raises(TypeError, match="int32 has no form in JSON"):
        encode_line({"length": np.int32(3)})
