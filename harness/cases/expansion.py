"""How grids expand to cases.

A grid has one spatial design and attributes. The design is a `lattice` (every point of one axis, the axes
paired by a covering design), a `product` (every combination, for short lists) or a `cover` (any two
values meet). Attributes under `each` multiply the cases; those under `turn` take turns, layer by layer, or
are factors of the cover.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Final

from harness.cases.cover_design import cover_settings
from harness.cases.grids import (
    NONE,
    Grid,
    Product,
    Subject,
    check,
    each_of,
    given,
    spread,
    subjects_of,
)
from harness.cases.lattices import lattice_settings
from harness.cases.layer_specs import Setting, case_of, is_writable
from harness.cases.rotation import Turns, units_of
from harness.errors import HarnessError
from harness.oracle.refusal import RefusalRule, known_paddings, padding_of, required_refusal
from harness.records import Case
from harness.suggestions import suggest

_SHOWN: Final = 3
"""Cases that a complaint names."""


def expand(grid: Grid, place: str) -> Iterator[Case]:
    """The cases of a grid, however many it states; those of one layer stand together.

    What a layer leaves no choice of (see `fitted`) has one value, whatever the grid lists.

    Raises:
        HarnessError: the grid contradicts itself (see `check`), there is nothing to expand, or a case must
            be refused and the grid is none of refusals, or the other way round. `place` begins the message.
    """
    check(grid, place)
    number = 0
    not_refused: list[str] = []
    for case in _cases(grid):
        number += 1
        rule = required_refusal(case)
        if rule is not None and not grid.refusal:
            raise HarnessError(f"{place}: {_unasked(case, rule)}")
        if rule is None and grid.refusal:
            not_refused.append(case.id)
        yield case
    if number == 0:
        raise HarnessError(f"{place}: expands to nothing; give every axis at least one value")
    if not_refused:
        more = len(not_refused) - _SHOWN
        raise HarnessError(
            f"{place}: `refusal = true`, and {len(not_refused)} of its {number} cases need not be refused: "
            f"{', '.join(not_refused[:_SHOWN])}{f' and {more} more' if more > 0 else ''}; "
            "put them into a grid without it"
        )


def _unasked(case: Case, rule: RefusalRule) -> str:
    """What to say of a case that must be refused where nothing says that it is meant to be."""
    if padding_of(case) is None:
        known = known_paddings(case.layer)
        what = f"`padding` has {case.padding!r}, which {case.layer} must refuse; "
        what += suggest(case.padding, known)
    else:
        what = f"{case.layer} must refuse {case.id}: {rule.reason}"
    return f"{what}. A grid of refusals says `refusal = true`"


def _cases(grid: Grid) -> Iterator[Case]:
    whole = {} if grid.mode is None else {"mode": grid.mode}
    for number, subject in enumerate(subjects_of(grid)):
        turned = {} if grid.cover is not None else given(grid.turn)
        turns = Turns(units_of(_left(turned, subject), grid.in_step), seed=number)
        each = _left(each_of(grid), subject)
        for values in itertools.product(*each.values()):
            attributes = {**whole, **dict(zip(each, values, strict=True))}
            for setting in _of_design(grid, subject, attributes):
                taken = turns.take(_properties(setting, values))
                for lengths in setting.inputs:
                    case = case_of(subject, setting, {**attributes, **taken}, lengths)
                    if is_writable(case):
                        yield case


def _left(attributes: Mapping[str, Sequence[Any]], subject: Subject) -> dict[str, Sequence[Any]]:
    """The attributes that the layer leaves a choice of."""
    return {key: values for key, values in attributes.items() if subject.leaves(key)}


def _properties(setting: Setting, values: tuple[Any, ...]) -> list[Hashable]:
    """What should meet each value: a length of an axis, and all of them, with what multiplies."""
    spatial = (setting.kernel, setting.strides, setting.dilation, setting.output_padding or ())
    lengths = [(key, axis, length) for key, axes in enumerate(spatial) for axis, length in enumerate(axes)]
    whole = zip(*(axes for axes in spatial if axes), strict=True)
    return [values, *((values, one) for one in (*lengths, *enumerate(whole)))]


def _of_design(grid: Grid, subject: Subject, attributes: Mapping[str, Any]) -> Iterator[Setting]:
    if grid.lattice is not None:
        return lattice_settings(grid.lattice, subject, attributes.get("padding", "same"))
    if grid.cover is not None:
        return cover_settings(grid.cover, subject, given(grid.turn), attributes)
    assert grid.product is not None
    return _product_settings(grid.product, subject)


def _product_settings(product: Product, subject: Subject) -> Iterator[Setting]:
    dilations = product.dilation if subject.takes_dilation else (1,)
    paddings = product.output_padding if subject.takes_output_padding else (NONE,)
    inputs = tuple(dict.fromkeys(spread(written, subject.ndim) for written in product.input))
    written = itertools.product(product.kernel, product.strides or (None,), dilations, paddings)
    settings = (
        Setting(
            kernel := spread(lengths, subject.ndim),
            tuple(map(subject.default_stride, kernel)) if strides is None else spread(strides, subject.ndim),
            spread(dilation, subject.ndim),
            None if padding == NONE else spread(padding, subject.ndim),
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
