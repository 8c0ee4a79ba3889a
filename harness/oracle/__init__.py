"""The independent formulas: what a case must give, computed without any framework.

Imports `harness.records` and NumPy only. `expect` is the door; `rules` holds Keras's rule and the
wrong ones as values, `geometry` the lengths and pads of one axis, `convolution` the values,
`refusal` what must, may and must not be refused.
"""

from harness.oracle.expectation import expect
from harness.oracle.geometry import AxisGeometry, axis_geometry
from harness.oracle.rules import KERAS, WRONG_RULES, Padding, Rule

__all__ = ["KERAS", "WRONG_RULES", "AxisGeometry", "Padding", "Rule", "axis_geometry", "expect"]
