"""Each replay on a case whose wrong answer is known: from its report, or computed by hand in a comment."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from harness.mutation.kills import is_caught, list_layer_variants
from harness.mutation.mutants import Theme
from harness.mutation.past_bugs import REPLAYS, list_replays
from harness.mutation.simulated_target import SimulatedCase
from harness.records import (
    Case,
    CaseData,
    DataFormat,
    Layer,
    Mode,
    Observation,
    Outcome,
    Values,
    derive_arguments,
)

LINE = Case(
    layer=Layer.CONV1D,
    mode=Mode.EAGER,
    input=(6,),
    kernel=(3,),
    strides=(1,),
    dilation=(1,),
    padding="same",
    data_format=DataFormat.CHANNELS_LAST,
    batch=1,
    channels=1,
    filters=1,
    groups=1,
    bias=False,
    dtype="float64",
)
PLANE = replace(LINE, layer=Layer.CONV2D, input=(6, 6), kernel=(3, 3), strides=(1, 1), dilation=(1, 1))
SPACE = replace(
    LINE,
    layer=Layer.CONV3D,
    input=(4, 4, 4),
    kernel=(2, 2, 2),
    strides=(1, 1, 1),
    dilation=(1, 1, 1),
    bias=True,
)


def asked(name: str, simulated: SimulatedCase) -> Observation:
    """Return what the replay answers; check that it is caught."""
    (mutant,) = (mutant for mutant in list_replays() if mutant.name == f"replay-{name}")
    assert mutant.applies_to(simulated.case.layer, simulated.case.ndim)
    answer = mutant.answer(simulated)
    assert answer is not None, simulated.case.id
    assert is_caught(simulated, answer), simulated.case.id
    return answer


def is_silent(name: str, case: Case) -> bool:
    """Return whether a case does not show the bug."""
    (mutant,) = (mutant for mutant in list_replays() if mutant.name == f"replay-{name}")
    simulated = SimulatedCase(derive_arguments(case))
    answer = mutant.answer(simulated)
    return answer is None or not is_caught(simulated, answer)


def with_data(case: Case, inputs: list[float], taps: list[float] | None) -> SimulatedCase:
    """Return a case of one batch entry, one channel and one filter, with the data in C order."""
    simulated = SimulatedCase(derive_arguments(case))
    kernel = None if taps is None else np.array(taps).reshape(*case.kernel, 1, 1)
    pointwise = np.ones((1,) * case.ndim + (1, 1)) if "Separable" in case.layer else None
    case_data = CaseData(
        np.array(inputs, dtype=np.float64).reshape(case.input_shape), kernel, None, pointwise
    )
    simulated.__dict__["case_data"] = case_data
    return simulated


def values(answer: Observation) -> Values:
    assert answer.values is not None
    return answer.values.astype(np.float64)


def listed(answer: Observation) -> list[float]:
    return [float(value) for value in values(answer).ravel()]


def error(answer: Observation) -> str:
    assert answer.outcome is Outcome.RAISED
    return str(answer.error)


def test_every_replay_has_a_name_a_sentence_and_a_link_of_its_own_bug() -> None:
    assert len({bug.name for bug in REPLAYS}) == len(REPLAYS) >= 25
    for bug in REPLAYS:
        assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+", bug.link), bug.name
        assert bug.description.endswith("."), bug.name
        assert any(bug.applies_to(*layer_variant) for layer_variant in list_layer_variants()), bug.name
    assert all(mutant.theme is Theme.REPLAY for mutant in list_replays())


def test_torch_transposed_same_is_a_cell_off() -> None:
    # The full result of 1 2 3 with stride 2 is 1 10 102 20 203 30 300; six cells from the first on are right.
    case = replace(LINE, layer=Layer.CONV1D_TRANSPOSE, input=(3,), strides=(2,))
    answer = asked("torch-transposed-same-shifted", with_data(case, [1, 2, 3], [1, 10, 100]))
    assert listed(answer) == [10, 102, 20, 203, 30, 300]


def test_torch_transposed_same_of_an_even_kernel_lost_a_cell_or_was_refused() -> None:
    # Full: 1 12 23 30; right: 1 12 23. Torch wants one cell more after, and takes less than the stride only.
    case = replace(LINE, layer=Layer.CONV1D_TRANSPOSE, input=(3,), kernel=(2,))
    simulated = with_data(case, [1, 2, 3], [1, 10])
    assert listed(asked("torch-transposed-same-shifted", simulated)) == [12, 23]
    assert "output_padding" in error(asked("torch-transposed-same-refused", simulated))
    for name in ("torch-transposed-same-shifted", "torch-transposed-same-refused"):
        assert is_silent(name, replace(case, kernel=(3,)))
        assert is_silent(name, replace(case, padding="valid"))


def test_torch_average_repeats_the_edge() -> None:
    # The report's own: 10 20 with a window of 3 and strides of 2 gave 16.67, (10 + 20 + 20) / 3.
    case = replace(LINE, layer=Layer.AVERAGE_POOLING1D, input=(2,), strides=(2,))
    answer = asked("torch-average-repeats-the-edge", with_data(case, [10, 20], None))
    assert listed(answer) == [pytest.approx(50 / 3)]
    assert is_silent("torch-average-repeats-the-edge", replace(case, input=(3,), strides=(1,)))


def test_torch_even_pads_go_to_the_other_axis() -> None:
    # Rows: n=1, k=3, s=3: 1 and 1; columns: n=3, k=5, s=1: 2 and 2. Reversed, one window fits each way.
    case = replace(PLANE, input=(1, 3), kernel=(3, 5), strides=(3, 1))
    answer = asked("torch-even-pads-reversed", with_data(case, [1, 2, 3], [1] * 15))
    assert values(answer).shape == (1, 1, 1, 1)
    assert listed(answer) == [6]
    assert is_silent("torch-even-pads-reversed", replace(case, input=(3, 3), kernel=(3, 3), strides=(1, 1)))
    assert is_silent("torch-even-pads-reversed", replace(case, input=(7, 7), strides=(1, 1)))


def test_torch_refuses_even_pads_that_are_too_much_for_the_other_axis() -> None:
    case = replace(PLANE, layer=Layer.MAX_POOLING2D, input=(5, 5), kernel=(5, 3), strides=(1, 1))
    assert "half" in error(asked("torch-even-pads-reversed", SimulatedCase(derive_arguments(case))))


def test_torch_cuts_where_windows_are_shorter_than_strides() -> None:
    # n=6, k=1, s=4: total = 4 + 1 - 6 = -1, halved downwards: one cell is cut off before. s=3: one a side.
    case = replace(LINE, kernel=(1,), strides=(4,))
    assert listed(asked("torch-same-not-clamped", with_data(case, [1, 2, 3, 4, 5, 6], [1]))) == [2, 6]
    refused = with_data(replace(case, strides=(3,)), [1, 2, 3, 4, 5, 6], [1])
    assert "negative padding" in error(asked("torch-same-not-clamped", refused))


def test_tensorflow_cuts_the_same_but_halves_towards_0() -> None:
    case = replace(LINE, kernel=(1,), strides=(3,))
    data = [1.0, 2, 3, 4, 5, 6]
    assert listed(asked("tensorflow-same-not-clamped", with_data(case, data, [1]))) == [2, 5]
    assert is_silent("tensorflow-same-not-clamped", replace(case, strides=(4,)))


def test_tensorflow_differentiates_what_it_did_not_compute() -> None:
    case = replace(LINE, kernel=(1,), strides=(3,), mode=Mode.GRADIENT)
    simulated = with_data(case, [1, 2, 3, 4, 5, 6], [1])
    answer = asked("tensorflow-same-not-clamped", simulated)
    assert np.array_equal(answer.gradients[0], simulated.expected_observation.gradients[0])


def test_theano_averages_over_the_border() -> None:
    # One cell each side, which counts: (0+1+2)/3, (1+2+3)/3, (2+3+0)/3. Right: 1.5, 2, 2.5.
    case = replace(LINE, layer=Layer.AVERAGE_POOLING1D, input=(3,))
    answer = asked("theano-average-counts-the-border", with_data(case, [1, 2, 3], None))
    assert listed(answer) == [1, 2, pytest.approx(5 / 3)]


def test_theano_pools_three_axes_into_too_many_windows() -> None:
    # k=2, s=2 on 2x2x2: one cell each side, so two windows along each axis, each with one real cell.
    three = (2, 2, 2)
    case = replace(
        LINE, layer=Layer.MAX_POOLING3D, input=three, kernel=three, strides=three, dilation=(1, 1, 1)
    )
    cells = [float(-cell) for cell in range(1, 9)]
    answer = asked("theano-pooling-3d-not-cut", with_data(case, cells, None))
    assert values(answer).shape == (1, 2, 2, 2, 1)
    assert listed(answer) == cells
    pointwise = with_data(replace(case, kernel=(1, 1, 1), strides=(1, 1, 1)), cells, None)
    assert "size_t" in error(asked("theano-pooling-3d-not-cut", pointwise))


def test_theano_transposed_has_the_length_of_the_filters() -> None:
    # The report's own: 12x12, kernel 3, 3 filters, `valid`, channels last gave (1, 14, 3, 3).
    case = replace(
        PLANE, layer=Layer.CONV2D_TRANSPOSE, input=(12, 12), padding="valid", channels=3, filters=3
    )
    answer = asked("theano-transposed-lengths-of-other-axes", SimulatedCase(case))
    assert values(answer).shape == (1, 14, 3, 3)
    first = replace(case, data_format=DataFormat.CHANNELS_FIRST)
    assert is_silent("theano-transposed-lengths-of-other-axes", first)


def test_cntk_strides_where_it_should_dilate() -> None:
    # The report's own: 10x10, kernel 3, dilation 2, `valid`: 4x4 and not 6x6.
    case = replace(PLANE, input=(10, 10), dilation=(2, 2), padding="valid")
    assert values(asked("cntk-dilation-as-strides", SimulatedCase(case))).shape == (1, 4, 4, 1)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("transposed-dilation-ignored", Layer.CONV2D_TRANSPOSE),
        ("transposed-3d-dilation-ignored", Layer.CONV3D_TRANSPOSE),
    ],
)
def test_a_dilated_transposed_layer_is_as_long_as_one_that_is_not(name: str, layer: Layer) -> None:
    ndim = 3 if layer is Layer.CONV3D_TRANSPOSE else 2
    ones, threes = (1,) * ndim, (3,) * ndim
    case = replace(PLANE, layer=layer, input=threes, kernel=threes, strides=ones, padding="valid")
    case = replace(case, dilation=(2,) * ndim)
    assert values(asked(name, SimulatedCase(case))).shape == (1, *(5,) * ndim, 1)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("separable-shape-ignores-dilation", Layer.SEPARABLE_CONV2D),
        ("depthwise-shape-ignores-dilation", Layer.DEPTHWISE_CONV2D),
    ],
)
def test_the_shape_before_the_call_leaves_the_dilation_out(name: str, layer: Layer) -> None:
    case = replace(PLANE, layer=layer, input=(9, 9), dilation=(2, 2), padding="valid", mode=Mode.COMPILED)
    answer = asked(name, SimulatedCase(derive_arguments(case)))
    assert values(answer).shape == (1, 5, 5, 1)
    assert answer.inferred_shape == answer.symbolic_shape == (None, 7, 7, 1)
    dynamic = asked(name, SimulatedCase(derive_arguments(replace(case, mode=Mode.INFERRED))))
    assert dynamic.inferred_shape == (1, 7, 7, 1)
    assert is_silent(name, replace(case, mode=Mode.DYNAMIC))


@pytest.mark.parametrize(
    ("length", "dilation", "padding", "reported"),
    [
        ((10, 10), (3, 3), "valid", (1, 1)),  # keras issue 22515
        ((136, 136), (3, 3), "valid", (64, 64)),  # tensorflow issue 57128
        ((14, 14), (3, 1), "same", (8, 7)),  # keras issue 16314
    ],
)
def test_strides_within_the_blocks_of_a_dilation_give_the_lengths_that_were_reported(
    length: tuple[int, ...], dilation: tuple[int, ...], padding: str, reported: tuple[int, ...]
) -> None:
    case = replace(PLANE, layer=Layer.DEPTHWISE_CONV2D, input=length, dilation=dilation, padding=padding)
    case = replace(case, strides=(2, 2))
    answer = asked("depthwise-strides-in-dilated-blocks", SimulatedCase(derive_arguments(case)))
    assert values(answer).shape == (1, *reported, 1)


def test_strides_within_the_blocks_of_a_dilation_read_other_cells() -> None:
    # n=7, k=2, s=2, d=2: a cell is added, blocks 1 3 5 7 and 2 4 6 0 of two windows each, the last dropped:
    # from cells 1, 2 and 5. Right: from 1, 3 and 5, so that 31 53 75 comes of it.
    case = replace(
        LINE,
        layer=Layer.DEPTHWISE_CONV1D,
        input=(7,),
        kernel=(2,),
        strides=(2,),
        dilation=(2,),
        padding="valid",
    )
    simulated = with_data(case, [1, 2, 3, 4, 5, 6, 7], [1, 10])
    assert listed(asked("depthwise-strides-in-dilated-blocks", simulated)) == [31, 42, 75]
    assert is_silent("depthwise-strides-in-dilated-blocks", replace(case, strides=(1,)))


def test_the_channels_are_pooled() -> None:
    # Channels 1 2 3 and 6 5 4: the larger of both in each cell, and no channel less.
    case = replace(
        LINE, layer=Layer.MAX_POOLING1D, input=(3,), kernel=(2,), strides=(2,), padding="valid", channels=2
    )
    case = derive_arguments(replace(case, data_format=DataFormat.CHANNELS_FIRST))
    answer = asked("pooling-1d-pools-the-channels", with_data(case, [1, 2, 3, 6, 5, 4], None))
    assert values(answer).tolist() == [[[6, 5, 4]]]
    assert is_silent("pooling-1d-pools-the-channels", replace(case, data_format=DataFormat.CHANNELS_LAST))


def test_a_model_loses_the_lengths_of_a_dilated_layer() -> None:
    case = replace(PLANE, dilation=(2, 1), mode=Mode.INFERRED, filters=5)
    answer = asked("dilated-model-loses-lengths", SimulatedCase(case))
    assert answer.symbolic_shape == (1, None, None, 5)
    assert answer.inferred_shape == (1, 6, 6, 5)
    for silent in (replace(case, dilation=(1, 1)), replace(case, mode=Mode.EAGER)):
        assert is_silent("dilated-model-loses-lengths", silent)


def test_the_shape_of_a_transposed_same_is_unknown() -> None:
    case = replace(PLANE, layer=Layer.CONV2D_TRANSPOSE, filters=5)
    answer = asked("transposed-same-shape-unknown", SimulatedCase(case))
    assert answer.inferred_shape == (1, None, None, 5)
    assert is_silent("transposed-same-shape-unknown", replace(case, padding="valid"))


def test_an_output_padding_is_forgotten_with_the_file() -> None:
    # (2-1)*2 + 3 + 1 = 6 cells; without output_padding (2-1)*2 + max(3, 2) = 5.
    case = replace(
        LINE, layer=Layer.CONV1D_TRANSPOSE, input=(2,), strides=(2,), padding="valid", output_padding=(1,)
    )
    case = replace(case, mode=Mode.RELOADED)
    answer = asked("output-padding-lost-on-reload", with_data(case, [1, 2], [1, 10, 100]))
    assert listed(answer) == [1, 10, 102, 20, 200]
    for mode in set(Mode) - {Mode.RELOADED}:
        assert is_silent("output-padding-lost-on-reload", replace(case, mode=mode))


TRANSPOSED = replace(PLANE, layer=Layer.CONV2D_TRANSPOSE, strides=(2, 2))
GROUPED = replace(PLANE, channels=4, filters=4, groups=2, bias=True)
SEPARABLE = replace(LINE, layer=Layer.SEPARABLE_CONV1D)

REFUSED: tuple[tuple[str, Case, Case], ...] = (
    (
        "theano-pooling-1d-same-refused",
        replace(LINE, layer=Layer.MAX_POOLING1D),
        replace(LINE, layer=Layer.MAX_POOLING1D, padding="valid"),
    ),
    (
        "theano-average-gradient-refused",
        replace(PLANE, layer=Layer.AVERAGE_POOLING2D, mode=Mode.GRADIENT),
        replace(PLANE, layer=Layer.AVERAGE_POOLING2D),
    ),
    (
        "transposed-unequal-dilation-refused",
        replace(TRANSPOSED, strides=(1, 1), dilation=(1, 2)),
        replace(TRANSPOSED, strides=(1, 1), dilation=(2, 2)),
    ),
    (
        "output-padding-0-refused",
        replace(TRANSPOSED, output_padding=(0, 1)),
        replace(TRANSPOSED, output_padding=(1, 1)),
    ),
    (
        "output-padding-beyond-strides-unnamed",
        replace(TRANSPOSED, output_padding=(1, 2)),
        replace(TRANSPOSED, output_padding=(1, 1)),
    ),
    ("grouped-gradient-refused", replace(GROUPED, mode=Mode.GRADIENT), GROUPED),
    (
        "grouped-bias-in-a-graph-refused",
        replace(GROUPED, mode=Mode.COMPILED),
        replace(GROUPED, mode=Mode.JIT),
    ),
    (
        "grouped-bias-in-a-graph-refused",
        replace(GROUPED, mode=Mode.SEQUENTIAL),
        replace(GROUPED, mode=Mode.SEQUENTIAL, bias=False),
    ),
    (
        "depthwise-1d-channels-first-dilated-refused",
        replace(LINE, layer=Layer.DEPTHWISE_CONV1D, data_format=DataFormat.CHANNELS_FIRST, dilation=(2,)),
        replace(LINE, layer=Layer.DEPTHWISE_CONV1D, dilation=(2,)),
    ),
    (
        "depthwise-channels-first-refused",
        replace(PLANE, layer=Layer.DEPTHWISE_CONV2D, data_format=DataFormat.CHANNELS_FIRST),
        replace(PLANE, layer=Layer.DEPTHWISE_CONV2D),
    ),
    ("separable-1d-strided-refused", replace(SEPARABLE, strides=(2,)), SEPARABLE),
    (
        "conv3d-channels-first-dynamic-refused",
        replace(SPACE, data_format=DataFormat.CHANNELS_FIRST, mode=Mode.DYNAMIC),
        replace(SPACE, mode=Mode.DYNAMIC),
    ),
    ("causal-refused", replace(LINE, padding="causal"), LINE),
)


@pytest.mark.parametrize(("name", "case", "other"), REFUSED)
def test_what_raised_an_error_does_and_what_did_not_does_not(name: str, case: Case, other: Case) -> None:
    assert error(asked(name, SimulatedCase(derive_arguments(case))))
    assert is_silent(name, other)


def test_without_a_window_there_are_as_many_cells_as_before() -> None:
    # The report's own: (4, 10, 12), kernel 11, strides 5, 64 filters gave (4, 10, 64).
    case = replace(
        SEPARABLE, input=(10,), kernel=(11,), strides=(5,), padding="valid", batch=4, channels=12, filters=64
    )
    answer = asked("separable-1d-without-a-window", SimulatedCase(case))
    assert values(answer).shape == (4, 10, 64)


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("negative-pool-accepted", replace(PLANE, layer=Layer.AVERAGE_POOLING2D, kernel=(-5, -5))),
        ("filters-0-accepted", replace(PLANE, filters=0)),
    ],
)
def test_what_must_be_refused_was_accepted(name: str, case: Case) -> None:
    assert asked(name, SimulatedCase(derive_arguments(case))).outcome is Outcome.RETURNED
    assert is_silent(name, replace(case, padding="bogus", kernel=(3, 3), filters=1))
