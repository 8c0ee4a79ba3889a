"""The frozen records that flow from room to room, and the closed enums. No I/O, no formulas.

Lengths are counted in cells; shapes list axes outermost first; `*_s` fields are seconds.
"""

from harness.records.cases import Case, Signals, by, parse_case_id, parse_lengths
from harness.records.findings import Expectation, Finding, Judged, Observation, ObservedError
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
    DataFormat,
    Divergence,
    Layer,
    Mode,
    Outcome,
    Refusal,
    Shape,
    Stage,
    Standing,
    Verdict,
)

__all__ = [
    "Api",
    "Array",
    "Built",
    "Case",
    "Checkout",
    "Command",
    "DataFormat",
    "Divergence",
    "Expectation",
    "Finding",
    "Fingerprint",
    "Here",
    "Judged",
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
    "Stage",
    "StandIn",
    "Standing",
    "Target",
    "TargetRun",
    "Verdict",
    "by",
    "parse_case_id",
    "parse_lengths",
]
