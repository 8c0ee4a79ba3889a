"""The independent formulas: what a case must give, computed without any framework.

Imports `harness.records` and NumPy only. `expect` is the door. A case becomes, under a rule (`rules`),
a `plan`: the `geometry` of each axis and what else the rule says; the plan becomes tables of which input
cell meets which tap (`wiring`), and these `values`, `gradients` and `bounds`. `refusal` says what must, may
and must not be refused.
"""

from harness.oracle.expectation import expect
from harness.oracle.geometry import AxisGeometry, compute_forward_axis, compute_transposed_axis
from harness.oracle.rules import KERAS, WRONG_RULES, Padding, Rule

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
