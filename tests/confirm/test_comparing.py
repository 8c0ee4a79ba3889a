"""What a script prints for the result of a call: the functions of `snippets/comparing.py`."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from harness.confirm.script_results import ScriptWord
from tests.confirm.scripts import load_snippets

SNIPPETS = load_snippets("is_near", "is_within", "is_within_or_alike", "check")
IS_NEAR, IS_WITHIN, IS_WITHIN_OR_ALIKE = (
    SNIPPETS[name] for name in ("is_near", "is_within", "is_within_or_alike")
)

ONES = np.ones((2, 2), np.float32)
OFF = ONES + np.float32(0.5) * np.eye(2, dtype=np.float32)
RIGHT = (IS_NEAR, np.ones((2, 2)))
NOTHING: Mapping[str, object] = MappingProxyType({})


def find_word(
    arrays: Sequence[Any], claims: Sequence[object] = (), changes: Mapping[str, object] = NOTHING
) -> ScriptWord:
    """Return the word that `check` prints for the result of a call, and for what Keras claimed before it."""

    def call(*arguments: Any) -> Sequence[Any]:
        *_, list_of_claims = arguments
        list_of_claims += claims
        return arrays

    given = {
        "case": "CASE",
        "call": call,
        "subject": None,
        "shape": (2, 2),
        "x": None,
        "weights": [],
        "dtype": "float32",
        "expected": [RIGHT, RIGHT],
        "expected_claims": [(2, 2), (None, 2), 7],
    } | dict(changes)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        SNIPPETS["check"](**given)
    begun, answered = filter(None, out.getvalue().split("\n"))
    mark, word, *_ = answered.split("\t")
    assert (begun, mark) == ("@ CASE", "@ CASE")
    return ScriptWord(word)


def test_what_is_right_is_the_same() -> None:
    assert find_word([ONES, ONES + np.float32(0.2)], [(2, 2), (None, 2), 7]) is ScriptWord.SAME
    assert find_word([ONES, ONES], [None, None]) is ScriptWord.SAME


@pytest.mark.parametrize(
    ("arrays", "claims", "word"),
    [
        ([OFF, ONES], [], ScriptWord.VALUE),
        ([ONES + np.float32(0.25), ONES], [], ScriptWord.VALUE),
        ([ONES[:1], ONES], [], ScriptWord.SHAPE),
        ([ONES.astype("float64"), ONES], [], ScriptWord.DTYPE),
        ([ONES * np.float32(np.nan), ONES], [], ScriptWord.NONFINITE),
        ([ONES, OFF], [], ScriptWord.GRADIENT),
        ([ONES, ONES[:1]], [], ScriptWord.GRADIENT),
        ([ONES, ONES.astype("float16")], [], ScriptWord.GRADIENT),
        ([ONES, ONES], [(2, 3), (None, 2)], ScriptWord.INFERRED_SHAPE),
        ([ONES, ONES], [(2, 2), (2, 2)], ScriptWord.INFERRED_SHAPE),
        ([ONES, ONES], [(2, 2), (None, 2), 8], ScriptWord.PARAMETERS),
        ([OFF, ONES], [(2, 3), (None, 2), 8], ScriptWord.VALUE),
    ],
)
def test_what_is_wrong_has_a_word_and_the_output_comes_first(
    arrays: list[Any], claims: list[object], word: ScriptWord
) -> None:
    assert find_word(arrays, claims) is word


def test_where_shapes_are_inferred_no_error_counts_if_the_output_is_empty() -> None:
    refused = ValueError("negative output size")
    assert find_word([ONES, ONES], [refused, (None, 2)]) is ScriptWord.RAISED
    empty = ONES[:0]
    changes = {"expected": [(IS_NEAR, empty), RIGHT], "expected_claims": [(0, 2)]}
    assert find_word([empty, ONES], [refused], changes) is ScriptWord.SAME


def test_what_must_be_refused_and_returns_is_told() -> None:
    assert find_word([ONES], changes={"expected": None}) is ScriptWord.RETURNED


def test_a_bound_decides_cell_by_cell_and_zero_means_exactly() -> None:
    bound = np.array([[0.5, 0.5], [0.0, 0.5]])
    changes = {"expected": [(IS_WITHIN, np.ones((2, 2)), bound)]}
    off = np.float32(0.4) * np.array([[1, 1], [0, 1]], np.float32)
    assert find_word([ONES + off], changes=changes) is ScriptWord.SAME
    assert find_word([ONES + np.float32(1e-6) + off], changes=changes) is ScriptWord.VALUE


def test_infinities_and_nan_are_compared_where_they_are_expected() -> None:
    right = np.array([[np.inf, np.nan, -np.inf, 1.0, np.nan]])
    bound = np.array([[0.0, 0.0, 0.0, 0.1, np.inf]])
    changes = {"expected": [(IS_WITHIN_OR_ALIKE, right, bound)], "expected_claims": []}

    def word(*cells: float) -> ScriptWord:
        return find_word([np.array([cells], np.float32)], changes=changes)

    with np.errstate(invalid="ignore"):
        assert word(np.inf, np.nan, -np.inf, 1, np.nan) is word(np.inf, np.nan, -np.inf, 1, 7)
        assert word(np.inf, np.nan, -np.inf, 1, 7) is ScriptWord.SAME
        for wrong in (
            (np.inf, 3, -np.inf, 1, 7),
            (np.inf, np.nan, -3e38, 1, 7),
            (-np.inf, np.nan, -np.inf, 1, 7),
            (np.inf, np.nan, -np.inf, 2, 7),
        ):
            assert word(*wrong) is ScriptWord.NONFINITE
