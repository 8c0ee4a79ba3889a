"""A worker without Keras: `python fake_worker.py FAULT [CASE ...]`, wrong in exactly one known way.

The fault shows at the cases with these ids, or at every case. The convolution is computed with plain
loops, and nothing of the harness is imported: this is what a worker in another language looks like.
"""

from __future__ import annotations

import base64
import itertools
import json
import math
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

Message = dict[str, Any]

PROTOCOL = 1
STAGES = ("build", "infer", "call", "reply")
CODES = {"float32": "f", "float64": "d"}
LONG_S = 600.0


class Array(NamedTuple):
    """Values in C order."""

    dtype: str
    shape: tuple[int, ...]
    values: list[float]


@dataclass(frozen=True)
class Reading:
    """How a convolution layer is read. The defaults are right."""

    before: Callable[[int], int] = lambda total: total // 2
    is_flipped: bool = False
    swaps_strides: bool = False
    pads_without_dilation: bool = False
    takes_same_for_valid: bool = False
    forgets_bias: bool = False
    interleaves_groups: bool = False
    reads_first_entry_only: bool = False
    takes_unknown_padding: bool = False


READINGS: dict[str, Reading] = {
    "all-padding-before": Reading(before=lambda total: total),
    "odd-cell-before": Reading(before=lambda total: total - total // 2),
    "flipped-kernel": Reading(is_flipped=True),
    "swapped-strides": Reading(swaps_strides=True),
    "dilation-ignored-in-padding": Reading(pads_without_dilation=True),
    "same-taken-for-valid": Reading(takes_same_for_valid=True),
    "bias-missing": Reading(forgets_bias=True),
    "groups-interleaved": Reading(interleaves_groups=True),
    "first-entry-only": Reading(reads_first_entry_only=True),
    "accepts-unknown-padding": Reading(takes_unknown_padding=True),
}
"""The faults of the convolution."""


def axis(n: int, k: int, s: int, d: int, padding: str, reading: Reading) -> tuple[int, int]:
    """How many windows there are along an axis, and how many cells are padded before it."""
    reach = (k - 1) * d + 1
    if padding != "same" or reading.takes_same_for_valid:
        return max((n - reach) // s + 1, 0), 0
    windows = math.ceil(n / s)
    total = max((windows - 1) * s + (k if reading.pads_without_dilation else reach) - n, 0)
    if reading.pads_without_dilation:
        windows = max((n + total - reach) // s + 1, 0)
    return windows, reading.before(total)


def convolve(case: Message, reading: Reading) -> Array:
    """The output of the layer that the case describes."""
    arguments = case["arguments"]
    inputs, kernel, *biases = map(decode, (case["input"], *case["weights"]))
    forward = (0, 2, 3, 1) if arguments["data_format"] == "channels_first" else (0, 1, 2, 3)
    batch, height, width, _ = permuted(inputs.shape, forward)
    rows, columns, depth, filters = kernel.shape
    groups, dilation = arguments["groups"], arguments["dilation_rate"]
    strides = arguments["strides"][::-1] if reading.swaps_strides else arguments["strides"]
    (out_height, top), (out_width, left) = (
        axis(n, k, s, d, arguments["padding"].lower(), reading)
        for n, k, s, d in zip((height, width), (rows, columns), strides, dilation, strict=True)
    )
    shape = backward((batch, out_height, out_width, filters), forward)
    values = [0.0] * math.prod(shape)
    for b, y, x, f in itertools.product(range(batch), range(out_height), range(out_width), range(filters)):
        total = biases[0].values[f] if biases and not reading.forgets_bias else 0.0
        entry, group = 0 if reading.reads_first_entry_only else b, f // (filters // groups)
        for i, j, c in itertools.product(range(rows), range(columns), range(depth)):
            row = y * strides[0] + i * dilation[0] - top
            column = x * strides[1] + j * dilation[1] - left
            channel = c * groups + group if reading.interleaves_groups else group * depth + c
            if 0 <= row < height and 0 <= column < width:
                tap = (rows - 1 - i, columns - 1 - j) if reading.is_flipped else (i, j)
                cell = backward((entry, row, column, channel), forward)
                total += at(inputs, cell) * at(kernel, (*tap, c, f))
        values[offset(shape, backward((b, y, x, f), forward))] = total
    return Array(inputs.dtype, shape, values)


def permuted(lengths: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(lengths[one] for one in axes)


def backward(lengths: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """What `permuted` was given."""
    return permuted(lengths, tuple(axes.index(one) for one in range(len(axes))))


def offset(shape: tuple[int, ...], index: tuple[int, ...]) -> int:
    place = 0
    for length, position in zip(shape, index, strict=True):
        place = place * length + position
    return place


def at(array: Array, index: tuple[int, ...]) -> float:
    return array.values[offset(array.shape, index)]


def refuse(case: Message, reading: Reading) -> None:
    """Raise for a layer that there is not, naming the argument."""
    arguments = case["arguments"]
    if arguments["padding"].lower() not in {"same", "valid"} and not reading.takes_unknown_padding:
        raise ValueError(f"padding must be same or valid, not {arguments['padding']}")
    for name in ("kernel_size", "strides", "dilation_rate"):
        if min(arguments[name]) < 1:
            raise ValueError(f"{name} must be positive, not {arguments[name]}")
    for name in ("filters", "groups"):
        if arguments[name] < 1:
            raise ValueError(f"{name} must be positive, not {arguments[name]}")
    channel_axis = 1 if arguments["data_format"] == "channels_first" else 3
    if (
        case["input"]["shape"][channel_axis] % arguments["groups"]
        or arguments["filters"] % arguments["groups"]
    ):
        raise ValueError("groups must divide the channels and the filters")


def right_reply(case: Message, reading: Reading) -> Message:
    """What a worker that reads the layer so has to say of a case."""
    reply: Message = {"type": "reply", "seq": case["seq"], "stage": "reply", "seconds": 0.001}
    try:
        refuse(case, reading)
    except ValueError as error:
        described = {"type": "ValueError", "message": str(error)}
        return {**reply, "stage": "build", "outcome": "raised", "error": described}
    output = convolve(case, reading)
    reply |= {"outcome": "returned", "output": encode(output), "inferred_shape": list(output.shape)}
    reply["weight_shapes"] = [weight["shape"] for weight in case["weights"]]
    if case["mode"] == "sequential":
        reply["inferred_shape"][0] = None
        shape = "(" + ", ".join(map(str, reply["inferred_shape"])) + ")"
        count = sum(math.prod(weight["shape"]) for weight in case["weights"])
        reply["summary"] = f" conv2d (Conv2D)   {shape}   {count}\n Total params: {count:,} (1.00 B)"
    return reply


def as_float64(reply: Message) -> list[Message]:
    if "output" not in reply:
        return [reply]
    return [reply | {"output": encode(decode(reply["output"])._replace(dtype="float64"))}]


def without_last_window(reply: Message) -> list[Message]:
    """One row of windows fewer, along the axis after the batch."""
    if "output" not in reply:
        return [reply]
    output = decode(reply["output"])
    batch, rows, *rest = output.shape
    row = math.prod(rest)
    kept = [value for place, value in enumerate(output.values) if place // row % rows < rows - 1]
    return [reply | {"output": encode(Array(output.dtype, (batch, rows - 1, *rest), kept))}]


def with_inferred_shape_off_by_one(reply: Message) -> list[Message]:
    if "output" not in reply:
        return [reply]
    *rest, last = reply["inferred_shape"]
    return [reply | {"inferred_shape": [*rest, last + 1]}]


def with_another_kernel(reply: Message) -> list[Message]:
    if "weight_shapes" not in reply:
        return [reply]
    (rows, *rest), *others = reply["weight_shapes"]
    return [reply | {"weight_shapes": [[rows + 1, *rest], *others]}]


def with_one_parameter_more(reply: Message) -> list[Message]:
    if "summary" not in reply:
        return [reply]
    head, _, total = reply["summary"].rpartition("Total params: ")
    return [reply | {"summary": f"{head}Total params: {int(total.split()[0].replace(',', '')) + 1}"}]


def with_nan(reply: Message) -> list[Message]:
    if "output" not in reply:
        return [reply]
    output = decode(reply["output"])
    return [reply | {"output": encode(output._replace(values=[math.nan, *output.values[1:]]))}]


def with_output_field(**changed: object) -> Callable[[Message], list[Message]]:
    """A reply whose output is no array any more."""
    return lambda reply: [reply | {"output": reply["output"] | changed}] if "output" in reply else [reply]


def never_twice_alike(reply: Message) -> list[Message]:
    """Another value in each process."""
    if "output" not in reply:
        return [reply]
    output = decode(reply["output"])
    return [reply | {"output": encode(output._replace(values=[float(os.getpid()), *output.values[1:]]))}]


def raised(message: str) -> Callable[[Message], list[Message]]:
    error = {"type": "RuntimeError", "message": message}
    return lambda reply: [
        {"type": "reply", "seq": reply["seq"], "outcome": "raised", "stage": "call", "error": error}
    ]


def namelessly_refused(reply: Message) -> list[Message]:
    if "error" not in reply:
        return [reply]
    return [reply | {"error": {"type": "ValueError", "message": "invalid argument"}}]


def unsupported(reply: Message) -> list[Message]:
    return [
        {
            "type": "reply",
            "seq": reply["seq"],
            "outcome": "unsupported",
            "stage": "start",
            "reason": "no layers",
        }
    ]


REPLIES: dict[str, Callable[[Message], list[Message]]] = {
    "float64-back": as_float64,
    "last-window-dropped": without_last_window,
    "inferred-shape-off": with_inferred_shape_off_by_one,
    "parameters-miscounted": with_one_parameter_more,
    "another-kernel": with_another_kernel,
    "nan": with_nan,
    "never-twice-alike": never_twice_alike,
    "wrong-sized-output": with_output_field(shape=[7, 7]),
    "unknown-dtype": with_output_field(dtype="complex64"),
    "not-base64": with_output_field(data="%%%%"),
    "raises-always": raised("out of order"),
    "refuses-namelessly": namelessly_refused,
    "unsupported": unsupported,
    "wrong-sequence-number": lambda reply: [reply | {"seq": reply["seq"] + 1000}],
    "answers-twice": lambda reply: [reply, reply],
    "calls-it-timed-out": lambda reply: [
        {"type": "reply", "seq": reply["seq"], "outcome": "timed-out", "stage": "call"}
    ],
}
"""The faults of a reply: what is sent in the place of the right one."""


class _BatchOver(Exception):
    """Leave the rest of the batch unanswered."""


def segfault(case: Message) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(case: Message) -> None:
    sys.exit(0)


def hang(case: Message) -> None:
    time.sleep(LONG_S)


def start_child() -> None:
    """A process that outlives this one unless it is killed too; its number goes to the log."""
    child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG_S})"])
    print(f"child {child.pid}", file=sys.stderr, flush=True)


def hang_with_child(case: Message) -> None:
    start_child()
    hang(case)


def segfault_with_child(case: Message) -> None:
    start_child()
    segfault(case)


def flood(case: Message) -> None:
    while True:
        send({"type": "stage", "seq": case["seq"], "stage": "call"})


def chatter(case: Message) -> None:
    sys.stdout.buffer.write(b"I0000 some framework says hello\n")


def end_batch(case: Message) -> None:
    raise _BatchOver


def wait(case: Message) -> None:
    """Hold on until somebody makes the file `go` at home."""
    print(f"waiting {os.getpid()}", file=sys.stderr, flush=True)
    go = Path.home() / "go"
    while not go.exists():
        time.sleep(0.02)


def wait_with_child(case: Message) -> None:
    start_child()
    wait(case)


CONDUCTS: dict[str, tuple[str, Callable[[Message], None]]] = {
    "segfaults": ("call", segfault),
    "segfaults-in-build": ("build", segfault),
    "segfaults-in-infer": ("infer", segfault),
    "segfaults-in-reply": ("reply", segfault),
    "segfaults-unannounced": ("call", segfault),
    "segfaults-with-child": ("call", segfault_with_child),
    "leaves": ("call", leave),
    "hangs": ("call", hang),
    "hangs-unannounced": ("call", hang),
    "hangs-with-child": ("call", hang_with_child),
    "floods": ("call", flood),
    "chatters": ("call", chatter),
    "ends-early": ("call", end_batch),
    "ends-early-unannounced": ("call", end_batch),
    "waits": ("call", wait),
    "waits-with-child": ("call", wait_with_child),
}
"""The faults of conduct: at which stage, and what is done then."""


def greet() -> None:
    send({"type": "hello", "protocol": PROTOCOL, "fingerprint": {"worker": "fake", "backend": "loops"}})


def greet_with_old_protocol() -> None:
    send({"type": "hello", "protocol": PROTOCOL - 1, "fingerprint": {}})


def greet_twice() -> None:
    greet()
    greet()


def greet_and_read_no_more() -> None:
    greet()
    time.sleep(LONG_S)


def say_nothing() -> None:
    time.sleep(LONG_S)


def complain_and_leave() -> None:
    sys.exit("no licence found")


def greet_amid_chatter() -> None:
    chatter({})
    greet()


def fail_to_import() -> None:
    error = {"type": "ModuleNotFoundError", "message": "No module named 'keras'"}
    send({"type": "failed", "error": error})


def greet_once() -> None:
    """The first process greets, and no other one."""
    if is_met_first({"case": "greeting"}):
        greet()
    else:
        complain_and_leave()


GREETINGS: dict[str, Callable[[], None]] = {
    "old-protocol": greet_with_old_protocol,
    "no-hello": say_nothing,
    "leaves-before-hello": complain_and_leave,
    "chatters-before-hello": greet_amid_chatter,
    "cannot-import-keras": fail_to_import,
    "greets-twice": greet_twice,
    "reads-no-more": greet_and_read_no_more,
    "greets-once": greet_once,
}
"""The faults of the start: what is said for a hello."""

RIGHT = "right"
CHANGING = {
    **{f"{fault}-once": (fault, RIGHT) for fault in ("hangs", "segfaults", "nan", "raises-always")},
    "hangs-then-segfaults": ("hangs", "segfaults"),
}
"""Faults that change: how a case is met for the first time, and later on, whichever process meets it."""

LATE_ANSWER = "answers-again-after-the-end"
FAULTS = (RIGHT, LATE_ANSWER, *READINGS, *REPLIES, *CONDUCTS, *GREETINGS, *CHANGING)


def is_met_first(case: Message) -> bool:
    """Whether no process has met the case before; a file at home keeps it."""
    try:
        (Path.home() / f"met-{case['case']}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def decode(message: Message) -> Array:
    shape = tuple(message["shape"])
    form = f"<{math.prod(shape)}{CODES[message['dtype']]}"
    return Array(message["dtype"], shape, list(struct.unpack(form, base64.b64decode(message["data"]))))


def encode(array: Array) -> Message:
    data = struct.pack(f"<{len(array.values)}{CODES[array.dtype]}", *array.values)
    return {"dtype": array.dtype, "shape": list(array.shape), "data": base64.b64encode(data).decode()}


def send(message: Message) -> None:
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    sys.stdout.buffer.flush()


def answer(case: Message, fault: str, *, announces: bool) -> list[Message]:
    """Go through the stages of a case, and send what there is to say of it."""
    if fault in CHANGING:
        first, later = CHANGING[fault]
        fault = first if is_met_first(case) else later
    stage_of_fault, conduct = CONDUCTS.get(fault, ("", None))
    for stage in STAGES:
        if announces:
            send({"type": "stage", "seq": case["seq"], "stage": stage})
        if conduct is not None and stage == stage_of_fault:
            conduct(case)
    reply = right_reply(case, READINGS.get(fault, Reading()))
    replies = REPLIES[fault](reply) if fault in REPLIES else [reply]
    for one in replies:
        send(one)
    return replies


def serve(fault: str, faulty_cases: list[str]) -> None:
    """Speak the protocol until `bye` or the end of the input."""
    assert json.loads(sys.stdin.buffer.readline()) == {"type": "hello", "protocol": PROTOCOL}
    GREETINGS.get(fault, greet)()
    announces = not fault.endswith("-unannounced")
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message["type"] == "bye":
            return
        replies: list[Message] = []
        try:
            for case in message["cases"]:
                is_faulty = not faulty_cases or case["case"] in faulty_cases
                replies = answer(case, fault if is_faulty else RIGHT, announces=announces)
        except _BatchOver:
            pass
        send({"type": "end", "batch": message["batch"]})
        if fault == LATE_ANSWER:
            send(replies[-1])


def main(arguments: list[str]) -> None:
    """Read the fault and the cases from the command line."""
    fault, *cases = arguments
    if fault not in FAULTS:
        sys.exit(f"no fault {fault!r}; there are {', '.join(FAULTS)}")
    serve(fault, cases)


if __name__ == "__main__":
    main(sys.argv[1:])
