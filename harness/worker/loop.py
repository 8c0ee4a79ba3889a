"""The worker's main loop: say hello, then observe batches of cases until there are no more."""

import gc
import time
from typing import IO

from . import wire
from .adapters import apis
from .adapters.fingerprint import take_fingerprint
from .adapters.generation import Unsupported
from .adapters.observing import Observer


def serve(reader: IO[bytes], writer: IO[bytes], api_name: str) -> None:
    """Answer messages from `reader` on `writer` until `bye` or the end of the stream.

    `api_name` is one of the names in `adapters.apis.IMPORTERS`.
    """
    out = wire.Writer(writer)
    hello = wire.receive(reader)
    if hello is None:
        return
    if hello.get("protocol") != wire.PROTOCOL:
        text = "this worker speaks protocol {}, the harness {}".format(wire.PROTOCOL, hello.get("protocol"))
        out.send("failed", error={"type": "ProtocolError", "message": text})
        return
    try:
        api = apis.load(api_name)
        observer = Observer(apis.make_generation(api))
        facts = take_fingerprint(api)
    except Exception as error:
        out.send("failed", error=wire.describe_error(error))
        return
    if hasattr(gc, "freeze"):
        gc.freeze()
    out.send("hello", protocol=wire.PROTOCOL, fingerprint=facts)
    while True:
        message = wire.receive(reader)
        if message is None or message["type"] == "bye":
            return
        observer.begin_batch()
        for case in message["cases"]:
            out.send("reply", seq=case["seq"], **observe(observer, case, out))
        out.send("end", batch=message["batch"])


def observe(observer: Observer, case: wire.Message, out: wire.Writer) -> wire.Message:
    """Return what Keras did with a case, as the fields of a reply."""
    stage = "start"

    def enter(name: str) -> None:
        nonlocal stage
        stage = name
        out.send("stage", seq=case["seq"], stage=name)

    started = time.perf_counter()
    early_fields: wire.Message = {}
    try:
        fields = observer.observe(case, enter, early_fields)
        fields.update(outcome="returned", output=wire.encode_array(fields.pop("output")))
        if "gradients" in fields:
            fields["gradients"] = [wire.encode_array(gradient) for gradient in fields["gradients"]]
    except Unsupported as error:
        fields = {"outcome": "unsupported", "reason": str(error)}
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        fields = {"outcome": "raised", "error": wire.describe_error(error)}
    fields.update(early_fields, stage=stage, seconds=time.perf_counter() - started)
    return fields
