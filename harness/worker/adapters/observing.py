"""What a case goes through, whichever generation of Keras answers it.

A shape is inferred before a layer is called, so that a refusal has the same stage whether or not the
layer was kept from the case before.
"""

import contextlib
import inspect
import io
from typing import Any, Callable, List, Optional

from .. import wire
from .generation import Generation, Unsupported

Enter = Callable[[str], None]


class Observer:
    """Calls layers of one Keras. Keeps the last layer while the next case asks for its equal."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._layer: Any = None
        self._layer_key: Any = None
        self._modes = {"eager": self._eager, "sequential": self._sequential}

    def begin_batch(self) -> None:
        """Forget what was kept, so that what a case sees does not depend on the batches before."""
        self._layer = self._layer_key = None
        self._generation.forget()

    def observe(self, case: wire.Message, enter: Enter) -> wire.Message:
        """Call the layer as the case's mode says; `enter` announces each stage.

        Returns the fields of a reply, with what was returned under `output` as an array. Raises
        Unsupported, or whatever Keras raises.
        """
        mode = self._modes.get(case["mode"])
        if mode is None:
            raise Unsupported("this worker does not know the mode {}".format(case["mode"]))
        with self._generation.setting(case["arguments"]["dtype"]):
            fields = mode(case, enter)
            enter("reply")
            fields["output"] = self._generation.to_numpy(fields["output"])
        return fields

    def _eager(self, case: wire.Message, enter: Enter) -> wire.Message:
        inputs = wire.decode_array(case["input"])
        key = (case["layer"], sorted(case["arguments"].items()), case["weights"])
        if key == self._layer_key:
            layer = self._layer
            enter("infer")
            inferred = self._generation.inferred_shape(layer, inputs.shape)
        else:
            self.begin_batch()
            enter("build")
            layer = self._generation.layer(case)
            enter("infer")
            inferred = self._generation.inferred_shape(layer, inputs.shape)
            enter("build")
            layer.build(inputs.shape)
            self._generation.give_weights(layer, case)
            self._layer, self._layer_key = layer, key
        enter("call")
        fields = {"output": self._generation.call(layer, inputs)}
        if inferred is not None:
            fields["inferred_shape"] = plain_shape(inferred)
        return fields

    def _sequential(self, case: wire.Message, enter: Enter) -> wire.Message:
        inputs = wire.decode_array(case["input"])
        self.begin_batch()
        enter("build")
        layer = self._generation.layer(case, input_shape=inputs.shape[1:])
        model = self._generation.keras.models.Sequential()
        model.add(layer)
        self._generation.give_weights(layer, case)
        enter("infer")
        summary = summary_of(model)
        inferred = plain_shape(model.output_shape)
        enter("call")
        output = self._generation.predict(model, inputs)
        return {"output": output, "inferred_shape": inferred, "summary": summary}


def summary_of(model: Any) -> str:
    """The text of `model.summary()`, which the oldest Kerases print and know no way to hand over."""
    if "print_fn" in inspect.signature(model.summary).parameters:
        lines: List[str] = []

        def keep(line: str, **_: Any) -> None:
            # Keras 3.0 to 3.15 may say besides whether a line break follows.
            lines.append(line)

        model.summary(line_length=100, print_fn=keep)
        return "\n".join(lines)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        model.summary(line_length=100)
    return printed.getvalue()


def plain_shape(shape: Any) -> List[Optional[int]]:
    """A shape of ints and Nones, whatever sequence of whatever integers it was."""
    lengths = [getattr(length, "value", length) for length in shape]
    return [None if length is None else int(length) for length in lengths]
