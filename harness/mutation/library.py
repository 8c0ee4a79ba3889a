"""Every mutant: the wrong semantics, and the bugs that Keras once had."""

from __future__ import annotations

from harness.mutation.mutants import Mutant, list_mutants
from harness.mutation.past_bugs import list_replays


def list_all_mutants() -> tuple[Mutant, ...]:
    """All mutants that a suite is measured by."""
    return (*list_mutants(), *list_replays())
