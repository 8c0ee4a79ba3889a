"""What a case goes through, whichever generation of Keras answers it.

A shape is inferred before a layer is called. Where Keras refuses to, a fresh layer is built and called all
the same, as a person would call it who asks for no shape: what refuses to tell may still compute,
and so that the answer does not depend on the case before, which may have left a layer behind.
"""

import contextlib
import inspect
import io
from typing import Any, List, Optional, Tuple

from .. import wire
from .generation import Generation, Unsupported
from .modelled import MODES, Enter


class Observer:
    """Calls layers of one Keras. Keeps the last layer while the next case asks for its equal."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._layer: Any = None
        self._layer_key: Any = None
        self._modes = {"eager": self._eager, "sequential": self._sequential, "gradient": self._gradient}
        self._modes.update((name, self._modelled(mode)) for name, mode in MODES.items())

    def begin_batch(self) -> None:
        """Forget what was kept, so that what a case sees does not depend on the batches before."""
        self._forget_layer()
        self._generation.begin_batch()

    def observe(self, case: wire.Message, enter: Enter) -> wire.Message:
        """Call the layer as the case's mode says; `enter` announces each stage.

        Returns the fields of a reply, with arrays under `output` and `gradients`. Raises Unsupported, or
        whatever Keras raises.
        """
        mode = self._modes.get(case["mode"])
        if mode is None:
            raise Unsupported("this worker does not know the mode {}".format(case["mode"]))
        self._generation.require(case["mode"])
        with self._generation.setting(case["dtype"]):
            fields = mode(case, wire.decode_array(case["input"]), enter)
            enter("reply")
            fields["output"] = self._generation.to_numpy(fields["output"])
            if "gradients" in fields:
                fields["gradients"] = [self._generation.to_numpy(found) for found in fields["gradients"]]
        for name in ("inferred_shape", "symbolic_shape"):
            if fields.get(name) is None:
                fields.pop(name, None)
            else:
                fields[name] = plain_shape(fields[name])
        return fields

    def _forget_layer(self) -> None:
        self._layer = self._layer_key = None
        self._generation.forget()

    def _eager(self, case: wire.Message, inputs: Any, enter: Enter) -> wire.Message:
        layer, fields = self._ready(case, inputs, enter)
        enter("call")
        fields["output"] = self._generation.call(layer, inputs)
        return fields

    def _gradient(self, case: wire.Message, inputs: Any, enter: Enter) -> wire.Message:
        layer, fields = self._ready(case, inputs, enter)
        enter("call")
        fields["output"], fields["gradients"] = self._generation.gradients(layer, inputs)
        return fields

    def _ready(self, case: wire.Message, inputs: Any, enter: Enter) -> Tuple[Any, wire.Message]:
        """The built layer with its weights, and the shape that it infers or the error in its place."""
        key = [case[name] for name in ("layer", "form", "arguments", "dtype", "weights")]
        if key == self._layer_key:
            fields = self._inferred(self._layer, inputs, enter)
            if "inference_error" not in fields:
                return self._layer, fields
        self._forget_layer()
        enter("build")
        layer = self._generation.layer(case)
        fields = self._inferred(layer, inputs, enter)
        enter("build")
        layer.build(inputs.shape)
        self._generation.give_weights(layer, case)
        if "inference_error" not in fields:
            self._layer, self._layer_key = layer, key
        return layer, fields

    def _inferred(self, layer: Any, inputs: Any, enter: Enter) -> wire.Message:
        enter("infer")
        try:
            return {"inferred_shape": self._generation.inferred_shape(layer, inputs.shape)}
        except Exception as error:
            return {"inference_error": wire.describe(error)}

    def _sequential(self, case: wire.Message, inputs: Any, enter: Enter) -> wire.Message:
        self._forget_layer()
        enter("build")
        layer = self._generation.layer(case, input_shape=inputs.shape[1:])
        model = self._generation.keras.models.Sequential()
        model.add(layer)
        self._generation.give_weights(layer, case)
        enter("infer")
        summary = summary_of(model)
        inferred = model.output_shape
        enter("call")
        output = self._generation.predict(model, inputs)
        return {"output": output, "inferred_shape": inferred, "summary": summary}

    def _modelled(self, mode: Any) -> Any:
        """A mode that keeps no layer."""

        def observe(case: wire.Message, inputs: Any, enter: Enter) -> wire.Message:
            self._forget_layer()
            fields: wire.Message = mode(self._generation, case, inputs, enter)
            return fields

        return observe


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
