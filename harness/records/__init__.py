"""The frozen records that flow from room to room, and the closed enums. No I/O, no formulas.

Lengths are counted in cells; shapes list axes outermost first; `*_s` fields are seconds.
"""

from harness.records.arguments import arguments_of
from harness.records.cases import Case, Signals, by, fitted, parse_case_id, parse_lengths
from harness.records.findings import (
    Expectation,
    ExpectedArray,
    Finding,
    Judged,
    Observation,
    ObservedError,
    Values,
)
from harness.records.layers import FAN_OUT, POOLING, SIGNATURES, Argument, Kind, Layer, Signature
from harness.records.runs import RunFooter, RunHeader, RunInfo, TargetRun
from harness.records.targets import (
    Api,
    Built,
    Checkout,
    Command,
    Fingerprint,
    Here,
    Launch,
    Realisation,
    StandIn,
    Target,
)
from harness.records.words import (
    Array,
    Data,
    DataFormat,
    Divergence,
    Form,
    Mode,
    Outcome,
    Refusal,
    Shape,
    Stage,
    Standing,
    Verdict,
)

__all__ = [
    "FAN_OUT",
    "POOLING",
    "SIGNATURES",
    "Api",
    "Argument",
    "Array",
    "Built",
    "Case",
    "Checkout",
    "Command",
    "Data",
    "DataFormat",
    "Divergence",
    "Expectation",
    "ExpectedArray",
    "Finding",
    "Fingerprint",
    "Form",
    "Here",
    "Judged",
    "Kind",
    "Launch",
    "Layer",
    "Mode",
    "Observation",
    "ObservedError",
    "Outcome",
    "Realisation",
    "Refusal",
    "RunFooter",
    "RunHeader",
    "RunInfo",
    "Shape",
    "Signals",
    "Signature",
    "Stage",
    "StandIn",
    "Standing",
    "Target",
    "TargetRun",
    "Values",
    "Verdict",
    "arguments_of",
    "by",
    "fitted",
    "parse_case_id",
    "parse_lengths",
]
