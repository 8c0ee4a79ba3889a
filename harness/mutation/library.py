"""Every mutant: wrong semantics, and past bugs of Keras."""

from __future__ import annotations

from harness.mutation.mutants import Mutant, list_mutants
from harness.mutation.past_bugs import list_replays


def list_all_mutants() -> tuple[Mutant, ...]:
    """List all mutants that a suite is measured by."""
    return (*list_mutants(), *list_replays())
