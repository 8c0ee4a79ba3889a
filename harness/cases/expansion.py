"""How grids expand to cases.

A grid has one spatial design and attributes. The design is a `lattice` (every point of one axis, the axes
paired by a covering design), a `product` (every combination, for short lists) or a `cover` (any two values
meet). Attributes under `each` multiply the cases; those under `turn` rotate from layer to layer, or are
factors of the cover.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Final

from harness.cases.cover_design import expand_cover
from harness.cases.grids import (
    NONE,
    Grid,
    Product,
    SpatialLayer,
    broadcast_lengths,
    check_grid,
    list_spatial_layers,
    select_listed_attributes,
    select_multiplied_attributes,
)
from harness.cases.lattices import expand_lattice
from harness.cases.layer_specs import LayerSpec, is_writable, make_case
from harness.cases.rotation import RotatingValues, zip_attributes
from harness.errors import HarnessError
from harness.oracle.refusal import RefusalDecision, find_required_refusal, list_known_paddings, parse_padding
from harness.records import Case
from harness.suggestions import suggest

_MAX_NAMED_CASES: Final = 3
"""The number of cases that an error message names."""


def expand_grid(grid: Grid, place: str) -> Iterator[Case]:
    """Yield the cases of a grid, whatever `count` states; those of one layer are adjacent.

    Arguments that a layer determines (see `derive_arguments`) have one value, whatever the grid lists.

    Raises:
        HarnessError: the grid contradicts itself (see `check_grid`) or expands to nothing, or a case must be
            refused in a grid without `refusal = true`, or need not be in one with it. The message begins with
            `place`.
    """
    check_grid(grid, place)
    number = 0
    not_refused: list[str] = []
    for case in _iterate_cases(grid):
        number += 1
        rule = find_required_refusal(case)
        if rule is not None and not grid.refusal:
            raise HarnessError(f"{place}: {_describe_unexpected_refusal(case, rule)}")
        if rule is None and grid.refusal:
            not_refused.append(case.id)
        yield case
    if number == 0:
        raise HarnessError(f"{place}: expands to nothing; give every axis at least one value")
    if not_refused:
        more = len(not_refused) - _MAX_NAMED_CASES
        raise HarnessError(
            f"{place}: `refusal = true`, and {len(not_refused)} of its {number} cases need not be refused: "
            f"{', '.join(not_refused[:_MAX_NAMED_CASES])}{f' and {more} more' if more > 0 else ''}; "
            "put them into a grid without it"
        )


def _describe_unexpected_refusal(case: Case, rule: RefusalDecision) -> str:
    """Describe a case that must be refused in a grid without `refusal = true`."""
    if parse_padding(case) is None:
        known = list_known_paddings(case.layer)
        what = f"`padding` has {case.padding!r}, which {case.layer} must refuse; "
        what += suggest(case.padding, known)
    else:
        what = f"{case.layer} must refuse {case.id}: {rule.reason}"
    return f"{what}. A grid of refusals says `refusal = true`"


def _iterate_cases(grid: Grid) -> Iterator[Case]:
    grid_mode = {} if grid.mode is None else {"mode": grid.mode}
    for number, subject in enumerate(list_spatial_layers(grid)):
        turned = {} if grid.cover is not None else select_listed_attributes(grid.turn)
        turns = RotatingValues(
            zip_attributes(_select_free_attributes(turned, subject), grid.in_step), seed=number
        )
        each = _select_free_attributes(select_multiplied_attributes(grid), subject)
        for values in itertools.product(*each.values()):
            attributes = {**grid_mode, **dict(zip(each, values, strict=True))}
            for setting in _expand_design(grid, subject, attributes):
                taken = turns.take(_list_properties(setting, values))
                for lengths in setting.inputs:
                    case = make_case(subject, setting, {**attributes, **taken}, lengths)
                    if is_writable(case):
                        yield case


def _select_free_attributes(
    attributes: Mapping[str, Sequence[Any]], subject: SpatialLayer
) -> dict[str, Sequence[Any]]:
    """Return the attributes that the layer leaves open."""
    return {key: values for key, values in attributes.items() if subject.has_choice_of(key)}


def _list_properties(setting: LayerSpec, values: tuple[Any, ...]) -> list[Hashable]:
    """Return the properties that should meet each rotating value: lengths and axes, each with `values`."""
    spatial = (setting.kernel, setting.strides, setting.dilation, setting.output_padding or ())
    lengths = [(key, axis, length) for key, axes in enumerate(spatial) for axis, length in enumerate(axes)]
    axis_settings = zip(*(axes for axes in spatial if axes), strict=True)
    return [values, *((values, part) for part in (*lengths, *enumerate(axis_settings)))]


def _expand_design(grid: Grid, subject: SpatialLayer, attributes: Mapping[str, Any]) -> Iterator[LayerSpec]:
    if grid.lattice is not None:
        return expand_lattice(grid.lattice, subject, attributes.get("padding", "same"))
    if grid.cover is not None:
        return expand_cover(grid.cover, subject, select_listed_attributes(grid.turn), attributes)
    assert grid.product is not None
    return _expand_product(grid.product, subject)


def _expand_product(product: Product, subject: SpatialLayer) -> Iterator[LayerSpec]:
    dilations = product.dilation if subject.has_dilation else (1,)
    paddings = product.output_padding if subject.has_output_padding else (NONE,)
    inputs = tuple(dict.fromkeys(broadcast_lengths(written, subject.ndim) for written in product.input))
    written = itertools.product(product.kernel, product.strides or (None,), dilations, paddings)
    settings = (
        LayerSpec(
            kernel := broadcast_lengths(lengths, subject.ndim),
            tuple(map(subject.choose_default_stride, kernel))
            if strides is None
            else broadcast_lengths(strides, subject.ndim),
            broadcast_lengths(dilation, subject.ndim),
            None if padding == NONE else broadcast_lengths(padding, subject.ndim),
            inputs,
        )
        for lengths, strides, dilation, padding in written
    )
    seen: set[tuple[object, ...]] = set()
    for setting in settings:
        key = (setting.kernel, setting.strides, setting.dilation, setting.output_padding)
        if key not in seen:
            seen.add(key)
            yield setting
