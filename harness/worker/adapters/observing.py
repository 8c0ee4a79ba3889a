"""What a case goes through, whichever generation of Keras answers it.

A shape is inferred before a layer is called. Where Keras refuses to, a fresh layer is built and called all
the same, as a person would call it who asks for no shape: what refuses to tell may still compute,
and so that the answer does not depend on the case before, which may have left a layer behind.
"""

import contextlib
import inspect
import io
from typing import Any, List, Optional

from .. import wire
from .generation import Generation, Unsupported
from .modelled import MODES, Enter, Mode, say_shape, say_weights


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

    def observe(self, case: wire.Message, enter: Enter, said: wire.Message) -> wire.Message:
        """Call the layer as the case's mode says; `enter` announces each stage.

        Returns what was computed, as arrays under `output` and `gradients`. What is said before the call
        goes into `said`, as further fields of a reply: it holds even where nothing is computed. Raises
        Unsupported, or whatever Keras raises.
        """
        mode = self._modes.get(case["mode"])
        if mode is None:
            raise Unsupported("this worker does not know the mode {}".format(case["mode"]))
        self._generation.require(case["mode"])
        with self._generation.setting(case["dtype"]):
            found = mode(case, wire.decode_array(case["input"]), enter, said)
            enter("reply")
            computed = {"output": self._generation.to_numpy(found["output"])}
            if "gradients" in found:
                computed["gradients"] = [self._generation.to_numpy(each) for each in found["gradients"]]
        return computed

    def _forget_layer(self) -> None:
        self._layer = self._layer_key = None
        self._generation.forget()

    def _eager(self, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message) -> wire.Message:
        layer = self._ready(case, inputs, enter, said)
        enter("call")
        return {"output": self._generation.call(layer, inputs)}

    def _gradient(self, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message) -> wire.Message:
        layer = self._ready(case, inputs, enter, said)
        enter("call")
        output, gradients = self._generation.gradients(layer, inputs)
        return {"output": output, "gradients": gradients}

    def _ready(self, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message) -> Any:
        """The built layer with its weights, which says what shape it infers or why it does not."""
        key = [case[name] for name in ("layer", "form", "arguments", "dtype", "weights")]
        if key == self._layer_key:
            error = self._infer(self._layer, inputs, enter, said)
            if error is None:
                say_weights(self._generation, self._layer, case, said)
                return self._layer
        self._forget_layer()
        enter("build")
        layer = self._generation.layer(case)
        error = self._infer(layer, inputs, enter, said)
        if error is not None:
            said["inference_error"] = wire.describe(error)
        enter("build")
        self._generation.build(layer, inputs.shape)
        say_weights(self._generation, layer, case, said)
        self._generation.give_weights(layer, case)
        if error is None:
            self._layer, self._layer_key = layer, key
        return layer

    def _infer(self, layer: Any, inputs: Any, enter: Enter, said: wire.Message) -> Optional[Exception]:
        """Say what shape the layer infers. Returns what it raised in the place of one."""
        enter("infer")
        try:
            say_shape("inferred_shape", self._generation.inferred_shape(layer, inputs.shape), said)
        except Exception as error:
            return error
        return None

    def _sequential(self, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message) -> wire.Message:
        self._forget_layer()
        enter("build")
        layer = self._generation.layer(case, input_shape=inputs.shape[1:])
        model = self._generation.keras.models.Sequential()
        model.add(layer)
        say_weights(self._generation, layer, case, said)
        self._generation.give_weights(layer, case)
        enter("infer")
        said["summary"] = summary_of(model)
        say_shape("inferred_shape", model.output_shape, said)
        enter("call")
        return {"output": self._generation.predict(model, inputs)}

    def _modelled(self, mode: Mode) -> Any:
        """A mode that keeps no layer."""

        def observe(case: wire.Message, inputs: Any, enter: Enter, said: wire.Message) -> wire.Message:
            self._forget_layer()
            return {"output": mode(self._generation, case, inputs, enter, said)}

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
