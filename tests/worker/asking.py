"""Asks an observer in this process what the wire would ask of a worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from harness.data.case_data import make_case_data
from harness.records import Case
from harness.runner import wire
from harness.worker.adapters.generation import Generation
from harness.worker.adapters.observing import Observer


def encode_message(case: Case) -> Any:
    """Return a case as in a batch."""
    return json.loads(wire.encode_batch(0, {0: (case, make_case_data(case))}))["cases"][0]


def observe_case(generation: Generation, case: Case, stages: list[str] | None = None) -> Any:
    """Return the fields of a reply to a single case; `stages` receives what was entered."""
    return observe_cases(generation, [case], stages)[0]


def observe_cases(
    generation: Generation, cases: Sequence[Case], stages: list[str] | None = None
) -> list[Any]:
    """Return the fields of the replies to the cases of one batch."""
    observer = Observer(generation)
    observer.begin_batch()
    heard = [] if stages is None else stages
    return [observe_with(observer, encode_message(case), heard.append) for case in cases]


def observe_with(observer: Observer, asked: Any, enter: Callable[[str], None]) -> Any:
    """Return the fields of a reply: those known before the call and what was computed."""
    said: dict[str, Any] = {}
    computed = observer.observe(asked, enter, said)
    return {**said, **computed}
