"""The frozen records that flow from room to room, and the closed enums. No I/O, no formulas.

Lengths are counted in cells; shapes list axes outermost first; `*_s` fields are seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.errors import HarnessError

Shape: TypeAlias = tuple[int | None, ...]
"""A shape; `None` stands for an axis that is unknown until the call."""

Array: TypeAlias = npt.NDArray[np.generic]


class Layer(StrEnum):
    """The Keras layer that a case calls."""

    CONV2D = "Conv2D"


class Mode(StrEnum):
    """How the layer is called."""

    EAGER = "eager"
    SEQUENTIAL = "sequential"


class DataFormat(StrEnum):
    """Where the channel axis stands, in Keras's words."""

    CHANNELS_LAST = "channels_last"
    CHANNELS_FIRST = "channels_first"


class Stage(StrEnum):
    """The step of an observation, in order; the last one reached gives an error or a crash its place."""

    START = "start"
    BUILD = "build"
    INFER = "infer"
    CALL = "call"
    REPLY = "reply"


class Outcome(StrEnum):
    """What a target did with a case, unjudged."""

    RETURNED = "returned"
    RAISED = "raised"
    UNSUPPORTED = "unsupported"
    TIMED_OUT = "timed-out"
    CRASHED = "crashed"
    GARBLED = "garbled"
    NOT_RUN = "not-run"


class Refusal(StrEnum):
    """What the formula says of refusing a case with an exception."""

    REQUIRED = "required"
    ALLOWED = "allowed"
    WRONG = "wrong"


class Verdict(StrEnum):
    """The judgement of one (case, target)."""

    CONFORMS = "conforms"
    DIVERGES = "diverges"
    UNSUPPORTED = "unsupported"
    INCONCLUSIVE = "inconclusive"


class Divergence(StrEnum):
    """How a target differs from the formula."""

    SHAPE = "shape"
    INFERRED_SHAPE = "inferred-shape"
    PARAMETERS = "parameters"
    DTYPE = "dtype"
    VALUE = "value"
    NONFINITE = "nonfinite"
    UNEXPECTED_ERROR = "unexpected-error"
    MISSING_ERROR = "missing-error"
    CRASH = "crash"
    TIMEOUT = "timeout"

    @property
    def is_silent(self) -> bool:
        """Whether a user gets a wrong answer and no sign of it."""
        return self not in {Divergence.UNEXPECTED_ERROR, Divergence.CRASH, Divergence.TIMEOUT}


class Standing(StrEnum):
    """A finding against what was expected of the target."""

    AGREED = "agreed"
    KNOWN = "known"
    NEW = "new"
    CHANGED = "changed"
    FIXED = "fixed"


_FORMAT_WORDS = {DataFormat.CHANNELS_LAST: "last", DataFormat.CHANNELS_FIRST: "first"}
_LAYER_WORDS = {layer: layer.value.lower() for layer in Layer}
_ID = re.compile(
    r"(?P<layer>[a-z0-9]+)-(?P<mode>[a-z]+)"
    r"-i(?P<input>[0-9x]+)-k(?P<kernel>[-0-9x]+)-s(?P<strides>[-0-9x]+)-d(?P<dilation>[-0-9x]+)"
    r"-(?P<padding>[A-Za-z_]+)-(?P<data_format>last|first)"
    r"-b(?P<batch>\d+)-c(?P<channels>\d+)-f(?P<filters>-?\d+)-g(?P<groups>-?\d+)"
    r"-(?P<bias>bias|nobias)-(?P<dtype>[a-z0-9]+)"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One fully specified layer call.

    `input`, `kernel`, `strides` and `dilation` hold one integer per spatial axis. `padding` is the
    name as it is spelled to Keras, so that `Same` and an unknown name are cases too.
    """

    layer: Layer
    mode: Mode
    input: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str
    data_format: DataFormat
    batch: int
    channels: int
    filters: int
    groups: int
    bias: bool
    dtype: str

    @property
    def id(self) -> str:
        """The readable, stable name: every parameter, so that `parse_case_id` gives the case back."""
        return "-".join(
            (
                _LAYER_WORDS[self.layer],
                self.mode,
                f"i{by(self.input)}",
                f"k{by(self.kernel)}",
                f"s{by(self.strides)}",
                f"d{by(self.dilation)}",
                self.padding,
                _FORMAT_WORDS[self.data_format],
                f"b{self.batch}",
                f"c{self.channels}",
                f"f{self.filters}",
                f"g{self.groups}",
                "bias" if self.bias else "nobias",
                self.dtype,
            )
        )

    @property
    def ndim(self) -> int:
        """The number of spatial axes."""
        return len(self.input)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of the input array, batch first."""
        return self.shape_of(self.batch, self.input, self.channels)

    def shape_of(self, batch: int, spatial: tuple[int, ...], channels: int) -> tuple[int, ...]:
        """Batch, spatial lengths and channels in the order of the case's data format."""
        if self.data_format is DataFormat.CHANNELS_LAST:
            return (batch, *spatial, channels)
        return (batch, channels, *spatial)


def by(lengths: tuple[int, ...]) -> str:
    """Lengths as people write them: `(5, 4)` is `5x4`."""
    return "x".join(map(str, lengths))


def parse_lengths(text: str) -> tuple[int, ...]:
    """The inverse of `by`.

    Raises:
        ValueError: `text` is not integers joined by `x`.
    """
    return tuple(int(part) for part in text.split("x"))


def parse_case_id(text: str) -> Case:
    """The case that has this id.

    Raises:
        HarnessError: the text is no case id.
    """
    match = _ID.fullmatch(text)
    if match is None:
        raise HarnessError(f"{text!r} is not a case id; `keras-harness cases` lists them")
    words = match.groupdict()
    try:
        case = Case(
            layer={word: layer for layer, word in _LAYER_WORDS.items()}[words["layer"]],
            mode=Mode(words["mode"]),
            input=parse_lengths(words["input"]),
            kernel=parse_lengths(words["kernel"]),
            strides=parse_lengths(words["strides"]),
            dilation=parse_lengths(words["dilation"]),
            padding=words["padding"],
            data_format={word: name for name, word in _FORMAT_WORDS.items()}[words["data_format"]],
            batch=int(words["batch"]),
            channels=int(words["channels"]),
            filters=int(words["filters"]),
            groups=int(words["groups"]),
            bias=words["bias"] == "bias",
            dtype=words["dtype"],
        )
    except (KeyError, ValueError) as error:
        raise HarnessError(
            f"{text!r} is not a case id ({error}); `keras-harness cases` lists them"
        ) from error
    ndim = {len(case.input), len(case.kernel), len(case.strides), len(case.dilation)}
    if case.id != text or len(ndim) != 1:
        raise HarnessError(f"{text!r} is not a case id; `keras-harness cases` lists them")
    return case


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """The exact data of a case.

    `inputs` has `case.input_shape`; `kernel` has shape `(*case.kernel, channels/groups, filters)`;
    `bias` has shape `(filters,)` or is None. All are integers held in the case's dtype.
    """

    inputs: Array
    kernel: Array
    bias: Array | None


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """The formula's answer to a case.

    `values` is float64 and None where the formula has no answer (the case must be refused).
    `inferred_shape` is the shape as known before the call: the batch is None in a model.
    `refusal_arguments` are words, one of which a required refusal has to name.
    """

    refusal: Refusal
    refusal_reason: str
    refusal_arguments: tuple[str, ...]
    shape: tuple[int, ...] | None
    inferred_shape: Shape | None
    num_parameters: int | None
    dtype: str
    values: npt.NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class ObservedError:
    """An exception as the target reported it."""

    type: str
    message: str

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What a target did with a case, unjudged.

    `stage` is the last stage reached. `values` is set when the outcome is `returned`, `error` when it
    is `raised`, `reason` when the harness or the adapter has something to say (a crash's signal, why
    a case was not run). `summary` is the text of `model.summary()` in mode `sequential`.
    """

    target: str
    case_id: str
    outcome: Outcome
    stage: Stage
    seconds: float = 0.0
    values: Array | None = None
    inferred_shape: Shape | None = None
    summary: str | None = None
    error: ObservedError | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One judged (case, target): a row of `findings.csv`.

    `first_index` is where the first wrong value stands, in the axes of the output. `cause` names the
    wrong rule that explains the divergence, and is empty where none does.
    """

    target: str
    case: Case
    outcome: Outcome
    stage: Stage
    verdict: Verdict
    divergence: Divergence | None = None
    expected_shape: Shape | None = None
    observed_shape: Shape | None = None
    inferred_shape: Shape | None = None
    max_abs_error: float | None = None
    first_index: tuple[int, ...] | None = None
    cause: str = ""
    standing: Standing = Standing.AGREED
    error: str = ""

    @property
    def is_silent(self) -> bool:
        """Whether the target gave a wrong answer and no sign of it."""
        return self.divergence is not None and self.divergence.is_silent


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A finding with the two sides it was made from."""

    finding: Finding
    expectation: Expectation
    observation: Observation


@dataclass(frozen=True, slots=True)
class Built:
    """A target whose environment the harness builds: one Python, pinned requirements."""

    python: str
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Here:
    """The Python that runs the command, with what is installed in it."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder that holds the `keras` package, laid before a built environment."""

    directory: Path
    base: Built


@dataclass(frozen=True, slots=True)
class Command:
    """Any program that speaks the worker protocol on its standard input and output."""

    argv: tuple[str, ...]


Realisation: TypeAlias = Built | Here | Checkout | Command


@dataclass(frozen=True, slots=True)
class Target:
    """One Keras version x backend x Python.

    `version` is empty where only the running target can tell (`here`, a checkout, a command).
    `lineage` names the implementation that really computes. `variables` are environment variables
    of the target's process.
    """

    name: str
    api: str
    version: str
    backend: str
    lineage: str
    realisation: Realisation
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a target's worker: a command and its whole environment."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


Fingerprint: TypeAlias = Mapping[str, str]
"""What a worker measured about itself: versions, device, flags."""


@dataclass(frozen=True, slots=True)
class TargetRun:
    """A target's part in a run: what it was, and how far it came.

    `failure` says why the target could not start or was given up; empty where all went well.
    `seconds` run from the launch of the first worker to the end of the last, `start_seconds` of them
    passed before the first hello; `workers` counts those that said hello.
    """

    name: str
    lineage: str
    requires: tuple[str, ...]
    fingerprint: Fingerprint
    observed: int
    not_run: int
    failure: str
    seconds: float
    start_seconds: float
    workers: int


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What a run set out to do. `planned` counts cases times targets."""

    schema: int
    harness: str
    signals: int
    suites: tuple[str, ...]
    targets: tuple[str, ...]
    cases: int
    planned: int
    started: str


@dataclass(frozen=True, slots=True)
class RunFooter:
    """How far a run came. `state` is running, complete, incomplete or interrupted.

    A run without a footer, or whose footer still says running, is incomplete.
    """

    state: str
    observed: int
    not_run: int
    finished: str
    seconds: float
    targets: tuple[TargetRun, ...]


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A stored run as its reports see it."""

    header: RunHeader
    footer: RunFooter | None

    @property
    def is_complete(self) -> bool:
        """Whether every planned observation was made and the run said so."""
        return self.footer is not None and self.footer.state == "complete"
