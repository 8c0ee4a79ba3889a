"""The stages of a case, the same for every generation of Keras.

A shape is inferred before a layer is called. Where Keras refuses to infer it, a fresh layer is built and
called all the same, as by a user who asks for no shape: it may still compute. The layer is fresh so that
the answer does not depend on the case before, which may have left a layer behind.
"""

import contextlib
import inspect
import io
from typing import Any, List, Optional

from .. import wire
from .generation import Generation, Unsupported
from .modelled import MODES, Enter, Mode, record_shape, record_weight_shapes


class Observer:
    """Calls layers of one Keras. Keeps the last layer while the next case asks for an equal one."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._layer: Any = None
        self._layer_key: Any = None
        self._modes = {
            "eager": self._observe_eager,
            "sequential": self._observe_sequential,
            "gradient": self._observe_gradient,
        }
        self._modes.update((name, self._wrap_model_mode(mode)) for name, mode in MODES.items())

    def begin_batch(self) -> None:
        """Forget what was kept, so that no case depends on the batches before."""
        self._forget_layer()
        self._generation.begin_batch()

    def observe(self, case: wire.Message, enter: Enter, early_fields: wire.Message) -> wire.Message:
        """Call the layer in the case's mode; `enter` announces each stage.

        Returns the computed arrays under `output` and `gradients`. What is known before the call goes into
        `early_fields`, as further fields of the reply: it holds even where the call fails. Raises
        Unsupported, or whatever Keras raises.
        """
        mode = self._modes.get(case["mode"])
        if mode is None:
            raise Unsupported("this worker does not know the mode {}".format(case["mode"]))
        self._generation.require(case["mode"])
        with self._generation.use_dtype(case["dtype"]):
            result = mode(case, wire.decode_array(case["input"]), enter, early_fields)
            enter("reply")
            computed = {"output": self._generation.convert_to_numpy(result["output"])}
            if "gradients" in result:
                computed["gradients"] = [
                    self._generation.convert_to_numpy(gradient) for gradient in result["gradients"]
                ]
        return computed

    def _forget_layer(self) -> None:
        self._layer = self._layer_key = None
        self._generation.forget()

    def _observe_eager(
        self, case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
    ) -> wire.Message:
        layer = self._prepare_layer(case, inputs, enter, early_fields)
        enter("call")
        return {"output": self._generation.call(layer, inputs)}

    def _observe_gradient(
        self, case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
    ) -> wire.Message:
        layer = self._prepare_layer(case, inputs, enter, early_fields)
        enter("call")
        output, gradients = self._generation.compute_gradients(layer, inputs)
        return {"output": output, "gradients": gradients}

    def _prepare_layer(
        self, case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
    ) -> Any:
        """Return the built layer with its weights; record the shape that it infers, or why it infers none."""
        key = [case[name] for name in ("layer", "form", "arguments", "dtype", "weights")]
        if key == self._layer_key:
            error = self._infer(self._layer, inputs, enter, early_fields)
            if error is None:
                record_weight_shapes(self._generation, self._layer, case, early_fields)
                return self._layer
        self._forget_layer()
        enter("build")
        layer = self._generation.make_layer(case)
        error = self._infer(layer, inputs, enter, early_fields)
        if error is not None:
            early_fields["inference_error"] = wire.describe_error(error)
        enter("build")
        self._generation.build(layer, inputs.shape)
        record_weight_shapes(self._generation, layer, case, early_fields)
        self._generation.give_weights(layer, case)
        if error is None:
            self._layer, self._layer_key = layer, key
        return layer

    def _infer(
        self, layer: Any, inputs: Any, enter: Enter, early_fields: wire.Message
    ) -> Optional[Exception]:
        """Record the shape that the layer infers. Returns the exception if it raises one."""
        enter("infer")
        try:
            record_shape("inferred_shape", self._generation.infer_shape(layer, inputs.shape), early_fields)
        except Exception as error:
            return error
        return None

    def _observe_sequential(
        self, case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
    ) -> wire.Message:
        self._forget_layer()
        enter("build")
        layer = self._generation.make_layer(case, input_shape=inputs.shape[1:])
        model = self._generation.keras.models.Sequential()
        model.add(layer)
        record_weight_shapes(self._generation, layer, case, early_fields)
        self._generation.give_weights(layer, case)
        enter("infer")
        early_fields["summary"] = read_summary(model)
        record_shape("inferred_shape", model.output_shape, early_fields)
        enter("call")
        return {"output": self._generation.predict(model, inputs)}

    def _wrap_model_mode(self, mode: Mode) -> Any:
        """Return a mode of `modelled` as a method that keeps no layer."""

        def observe(
            case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
        ) -> wire.Message:
            self._forget_layer()
            return {"output": mode(self._generation, case, inputs, enter, early_fields)}

        return observe


def read_summary(model: Any) -> str:
    """Return the text of `model.summary()`, which the oldest Kerases can only print."""
    if "print_fn" in inspect.signature(model.summary).parameters:
        lines: List[str] = []

        def keep(line: str, **_: Any) -> None:
            # Keras 3.0 to 3.15 may also pass whether a line break follows.
            lines.append(line)

        model.summary(line_length=100, print_fn=keep)
        return "\n".join(lines)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        model.summary(line_length=100)
    return printed.getvalue()
