"""Asking an observer in this process what a worker would be asked by the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from harness.data.case_data import make_case_data
from harness.records import Case
from harness.runner import wire
from harness.worker.adapters.generation import Generation
from harness.worker.adapters.observing import Observer


def message(case: Case) -> Any:
    """A case as it stands in a batch."""
    return json.loads(wire.encode_batch(0, {0: (case, make_case_data(case))}))["cases"][0]


def observed(generation: Generation, case: Case, stages: list[str] | None = None) -> Any:
    """The fields of a reply to a single case; `stages` hears what was entered."""
    return observed_all(generation, [case], stages)[0]


def observed_all(generation: Generation, cases: Sequence[Case], stages: list[str] | None = None) -> list[Any]:
    """The fields of the replies to the cases of one batch."""
    observer = Observer(generation)
    observer.begin_batch()
    heard = [] if stages is None else stages
    return [observed_by(observer, message(case), heard.append) for case in cases]


def observed_by(observer: Observer, asked: Any, enter: Callable[[str], None]) -> Any:
    """The fields of a reply: what was said before the call and what was computed."""
    said: dict[str, Any] = {}
    computed = observer.observe(asked, enter, said)
    return {**said, **computed}
