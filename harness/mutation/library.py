"""Every mutant: the wrong semantics, and the bugs that Keras once had."""

from __future__ import annotations

from harness.mutation.mutants import Mutant, mutants
from harness.mutation.past_bugs import replays


def every_mutant() -> tuple[Mutant, ...]:
    """All mutants that a suite is measured by."""
    return (*mutants(), *replays())
