"""Layers from a covering array: its factors are the lengths of each axis and the attributes under `turn`."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.cases.covering_array import ArrayRow, build_covering_rows
from harness.cases.grids import NONE, Cover, SpatialLayer
from harness.cases.layer_specs import LayerSpec, make_case
from harness.data.case_data import has_data
from harness.oracle.refusal import decide_refusal
from harness.records import DTYPE_TRAITS, ArgumentStyle, Refusal

_FLOAT32 = DTYPE_TRAITS["float32"]
_NARROW = frozenset(
    name for name, traits in DTYPE_TRAITS.items() if traits.significant_bits < _FLOAT32.significant_bits
)
"""The dtypes in which some cases have no exact data."""

_LENGTH_KEYS = ("kernel", "strides", "dilation", "output_padding")

_WINDOW_KEYS = ("kernel", "strides", "dilation")

Items = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Factor:
    """The values of an attribute, or of a length along one axis."""

    key: str
    axis: int | None
    values: tuple[Any, ...]


def expand_cover(
    cover: Cover, subject: SpatialLayer, turned: Mapping[str, Sequence[Any]], fixed: Mapping[str, Any]
) -> Iterator[LayerSpec]:
    """Expand a cover to layers, one per row, each with one input.

    In addition to what the strength requires, every window (kernel, stride and dilation) of an axis occurs
    with each padding, and so does every pair of lengths of an axis. Rows that must be refused, may be refused
    or have no exact data are left out. Each layer, and each set of fixed attributes, has rows of its own, so
    that several covers of the same lists cover more.

    Args:
        cover: the lists of an axis.
        subject: the layer and its number of axes.
        turned: the lists of attributes that are factors too.
        fixed: the attributes that all rows share.
    """
    factors = tuple(_iterate_factors(cover, subject, turned))
    for row in _find_covering_rows(cover.strength, subject, factors, tuple(fixed.items())):
        yield _make_spec(subject, factors, row)


@lru_cache(maxsize=1024)
def _find_covering_rows(
    strength: int, subject: SpatialLayer, factors: tuple[_Factor, ...], fixed: Items
) -> tuple[ArrayRow, ...]:
    attributes = dict(fixed)
    unify_axes = _make_axis_unifier(factors, attributes)
    deciding = _list_deciding_factors(factors, attributes)
    strided = _find_values_above_1(factors, "strides")
    dilated = _find_values_above_1(factors, "dilation")
    known: dict[ArrayRow, bool] = {}

    def resolve_row(row: ArrayRow) -> ArrayRow | None:
        row = unify_axes(row)
        if _has_any_value(row, strided) and _has_any_value(row, dilated):
            return None  # May be refused, as the oracle would decide; most rows that are tried end here.
        part = tuple([row[number] for number in deciding])
        if part not in known:
            known[part] = _is_computable(subject, _make_spec(subject, factors, row), attributes)
        return row if known[part] else None

    named = [f"{key}={value}" for key, value in sorted(attributes.items())]
    seed = zlib.crc32(f"{subject.layer} {named}".encode())
    sizes = [len(factor.values) for factor in factors]
    return tuple(
        build_covering_rows(sizes, strength, resolve_row, seed, list(_iterate_factor_groups(factors)))
    )


def _iterate_factor_groups(factors: Sequence[_Factor]) -> Iterator[tuple[int, ...]]:
    """Yield, for each axis, its window with the padding, and each pair of its lengths with the padding."""
    paddings = [number for number, factor in enumerate(factors) if factor.key == "padding"]
    for axis in sorted({factor.axis for factor in factors if factor.axis is not None}):
        of_axis = [number for number, factor in enumerate(factors) if factor.axis == axis]
        yield (*(number for number in of_axis if factors[number].key in _WINDOW_KEYS), *paddings)
        for pair in itertools.combinations(of_axis, 2):
            yield (*pair, *paddings)


def _iterate_factors(
    cover: Cover, subject: SpatialLayer, turned: Mapping[str, Sequence[Any]]
) -> Iterator[_Factor]:
    spatial: dict[str, tuple[Any, ...]] = {"input": cover.input, "kernel": cover.kernel}
    if cover.strides:
        spatial["strides"] = cover.strides
    if subject.has_dilation:
        spatial["dilation"] = cover.dilation
    if subject.has_output_padding:
        spatial["output_padding"] = cover.output_padding
    for key, values in spatial.items():
        for axis in range(subject.ndim):
            yield _Factor(key, axis, values)
    for key, attributes in turned.items():
        if subject.has_choice_of(key):
            yield _Factor(key, None, tuple(attributes))


def _make_spec(subject: SpatialLayer, factors: Sequence[_Factor], row: ArrayRow) -> LayerSpec:
    """Build the layer of a row."""
    axes: dict[str, list[Any]] = {}
    attributes: dict[str, Any] = {}
    for factor, place in zip(factors, row, strict=True):
        if factor.axis is None:
            attributes[factor.key] = factor.values[place]
        else:
            axes.setdefault(factor.key, []).append(factor.values[place])
    output_padding = axes.get("output_padding", [NONE])
    return LayerSpec(
        tuple(axes["kernel"]),
        tuple(axes.get("strides", map(subject.choose_default_stride, axes["kernel"]))),
        tuple(axes.get("dilation", (1,) * subject.ndim)),
        None if NONE in output_padding else tuple(output_padding),
        (tuple(axes["input"]),),
        attributes,
    )


def _is_computable(subject: SpatialLayer, setting: LayerSpec, fixed: Mapping[str, Any]) -> bool:
    """Return whether the layer must be computed and has exact data."""
    case = make_case(subject, setting, fixed, setting.inputs[0])
    return decide_refusal(case).refusal is Refusal.WRONG and has_data(case)


def _list_deciding_factors(factors: Sequence[_Factor], fixed: Mapping[str, Any]) -> list[int]:
    """Return the indices of the factors that decide whether a case is computable."""
    dtypes = {fixed.get("dtype")}.union(*(factor.values for factor in factors if factor.key == "dtype"))
    never = {"data_format", "form"}
    if not dtypes & _NARROW:
        never |= {"batch", "bias", "multiplier", "data", "mode"}
    return [number for number, factor in enumerate(factors) if factor.key not in never]


def _find_values_above_1(factors: Sequence[_Factor], key: str) -> list[tuple[int, frozenset[int]]]:
    """Return the indices of the factors of a key, each with the indices of its values above 1."""
    return [
        (number, frozenset(place for place, value in enumerate(factor.values) if value > 1))
        for number, factor in enumerate(factors)
        if factor.key == key
    ]


def _has_any_value(row: ArrayRow, places: Sequence[tuple[int, frozenset[int]]]) -> bool:
    """Return whether a factor of a row has one of the given values."""
    for number, wanted in places:  # noqa: SIM110  (the innermost loop: a generator takes twice as long)
        if row[number] in wanted:
            return True
    return False


def _make_axis_unifier(
    factors: Sequence[_Factor], fixed: Mapping[str, Any]
) -> Callable[[ArrayRow], ArrayRow]:
    """Make a function that equalises the axes of a row where they cannot differ.

    A layer has an output padding on every axis or on none. In form `int` every axis has the lengths of the
    first.
    """
    by_key = {
        key: [n for n, factor in enumerate(factors) if factor.key == key] for key in (*_LENGTH_KEYS, "form")
    }
    forms = [(number, _find_place(factors[number], ArgumentStyle.INT)) for number in by_key["form"]]
    without = [(number, _find_place(factors[number], NONE)) for number in by_key["output_padding"]]
    is_int = fixed.get("form") is ArgumentStyle.INT

    def unify_axes(row: ArrayRow) -> ArrayRow:
        if is_int or any(row[number] == place for number, place in forms):
            joined = list(row)
            for key in _LENGTH_KEYS:
                for number in by_key[key]:
                    joined[number] = row[by_key[key][0]]
            row = tuple(joined)
        if any(row[number] == place for number, place in without):
            joined = list(row)
            for number, place in without:
                joined[number] = place
            row = tuple(joined)
        return row

    return unify_axes


def _find_place(factor: _Factor, value: object) -> int:
    """Return the index of a value in a factor's list, or -1."""
    return factor.values.index(value) if value in factor.values else -1
