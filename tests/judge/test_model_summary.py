"""Texts that `model.summary()` of real versions prints for the document's first model."""

from __future__ import annotations

import pytest

from harness.judge.model_summary import ModelSummary, read_summary

KERAS_3 = """\
Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ conv2d (Conv2D)                 │ (None, 3, 3, 24)       │           120 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 120 (480.00 B)
 Trainable params: 120 (480.00 B)
 Non-trainable params: 0 (0.00 B)
"""
KERAS_3_CUT_BY_THE_TERMINAL = """\
Model: "sequential_1"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━
┃ Layer (type)                                        ┃ Output Shape
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━
│ conv2d_1 (Conv2D)                                   │ (None, 3, 3, 24)
└─────────────────────────────────────────────────────┴─────────────────────────
 Total params: 120 (480.00 B)
 Trainable params: 120 (480.00 B)
 Non-trainable params: 0 (0.00 B)
"""
KERAS_3_NARROW = """\
Model: "sequential_3"
┏━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━┓
┃                 ┃ Output     ┃ Param ┃
┃ Layer (type)    ┃ Shape      ┃     # ┃
┡━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━┩
│ conv2d_3        │ (None, 3,  │   120 │
│ (Conv2D)        │ 3, 24)     │       │
└─────────────────┴────────────┴───────┘
 Total params: 120 (480.00 B)
 Trainable params: 120 (480.00 B)
 Non-trainable params: 0 (0.00 B)
"""
KERAS_2 = """\
Model: "sequential_20"
_________________________________________________________________
Layer (type) Output Shape Param #
=================================================================
conv2d_28 (Conv2D) (None, 3, 3, 24) 120
=================================================================
Total params: 120
Trainable params: 120
Non-trainable params: 0
_________________________________________________________________
"""
TF_KERAS = (
    'Model: "sequential"\n'
    "_________________________________________________________________\n"
    " Layer (type)                Output Shape              Param #   \n"
    "=================================================================\n"
    " conv2d (Conv2D)             (None, 3, 3, 24)          120       \n"
    "                                                                 \n"
    "=================================================================\n"
    "Total params: 120 (480.00 Byte)\n"
    "Trainable params: 120 (480.00 Byte)\n"
    "Non-trainable params: 0 (0.00 Byte)\n"
    "_________________________________________________________________\n"
)
KERAS_3_WRAPPED = """\
Model: "sequential_2"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ conv2d_2 (Conv2D)               │ (None, 2500, 25000,    │       165,600 │
│                                 │ 2400)                  │               │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 165,600 (646.88 KB)
 Trainable params: 165,600 (646.88 KB)
 Non-trainable params: 0 (0.00 B)
"""


@pytest.mark.parametrize(
    "text", [KERAS_3, KERAS_3_CUT_BY_THE_TERMINAL, KERAS_3_NARROW, KERAS_2, TF_KERAS], ids=range(5)
)
def test_every_version_says_the_same_of_the_documents_model(text: str) -> None:
    assert read_summary(text) == ModelSummary((None, 3, 3, 24), 120)


def test_a_wrapped_shape_and_thousands_are_read() -> None:
    assert read_summary(KERAS_3_WRAPPED) == ModelSummary((None, 2500, 25000, 2400), 165_600)


def test_a_known_batch_is_read() -> None:
    assert read_summary(KERAS_2.replace("None", "7")).output_shape == (7, 3, 3, 24)


def test_an_unknown_length_is_read() -> None:
    assert read_summary(KERAS_3.replace("3, 3,", "None, None,")).output_shape == (None, None, None, 24)


@pytest.mark.parametrize("text", ["", "no summary", "Output Shape multiple", "Total params: none"])
def test_what_a_summary_does_not_say_is_none(text: str) -> None:
    assert read_summary(text) == ModelSummary(None, None)
