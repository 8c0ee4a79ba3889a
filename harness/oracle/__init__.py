"""The independent formulas: what a case must give, computed without any framework.

Imports `harness.records` and NumPy only; `expect` is the entry point. Under a rule (`rules`), a case becomes
a computation (`plan`): the `geometry` of each axis and what else the rule decides. The geometry becomes
tables of which input cell meets which tap (`index_tables`), from which `values`, `gradients` and `bounds` are
computed. `refusal` decides what must, may and must not be refused.
"""

from harness.oracle.expectation import expect
from harness.oracle.geometry import AxisGeometry, compute_forward_axis, compute_transposed_axis
from harness.oracle.rules import KERAS, Padding, Rule
from harness.oracle.wrong_rules import WRONG_RULES

__all__ = [
    "KERAS",
    "WRONG_RULES",
    "AxisGeometry",
    "Padding",
    "Rule",
    "compute_forward_axis",
    "compute_transposed_axis",
    "expect",
]
