"""The modes that call a layer or operation in a Functional model, and the shapes recorded before the call."""

from typing import Any, Callable, Dict, List, Optional, Tuple

from .. import wire
from .functional import make_model, make_operation_model, reload_model
from .generation import Generation, Unsupported
from .operations import is_operation

Enter = Callable[[str], None]
Mode = Callable[[Generation, wire.Message, Any, Enter, wire.Message], Any]
"""Runs a case on its input: announces stages, fills `early_fields`, returns the output."""


def observe_inferred(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
) -> Any:
    """Record every shape known before the call, of the layer and of a model of it; then call the model."""
    enter("build")
    layer = generation.make_layer(case)
    enter("infer")
    record_shape("inferred_shape", generation.infer_shape(layer, inputs.shape), early_fields)
    model = make_model(generation.keras, layer, inputs.shape, case["dtype"])
    _record_model(generation, layer, model, case, early_fields)
    generation.give_weights(layer, case)
    enter("call")
    return generation.call_model(model, inputs)


def observe_symbolic(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
) -> Any:
    """Observe as `inferred`, but with an operation in a model whose inputs include the weights."""
    if not (is_operation(case) and case["weights"]):
        raise Unsupported("{} is handed no weights".format(case["layer"]))
    enter("build")
    operation = generation.make_layer(case)
    enter("infer")
    record_shape("inferred_shape", generation.infer_shape(operation, inputs.shape), early_fields)
    arrays = [inputs] + list(operation.arrays)
    model = make_operation_model(
        generation.keras, operation, [array.shape for array in arrays], case["dtype"]
    )
    record_shape("symbolic_shape", model.output_shape, early_fields)
    enter("call")
    return generation.call_model(model, arrays)


def observe_compiled(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
) -> Any:
    """Observe a model's prediction by the graph of the backend."""
    return _observe_prediction(generation, case, inputs, enter, early_fields, jit=False)


def observe_jit(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
) -> Any:
    """Observe a model's prediction by the compiler of the backend."""
    return _observe_prediction(generation, case, inputs, enter, early_fields, jit=True)


def _observe_prediction(
    generation: Generation,
    case: wire.Message,
    inputs: Any,
    enter: Enter,
    early_fields: wire.Message,
    *,
    jit: bool,
) -> Any:
    enter("build")
    layer = generation.make_layer(case)
    enter("infer")
    model = _make_weighted_model(generation, layer, case, _drop_batch(inputs), early_fields)
    enter("call")
    generation.compile(model, jit=jit)
    return generation.predict_on_batch(model, inputs)


def observe_dynamic(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
) -> Any:
    """Observe a model that knows only the number of channels."""
    shape = [None] * inputs.ndim
    axis = 1 if case["arguments"].get("data_format") == "channels_first" else -1
    shape[axis] = inputs.shape[axis]
    enter("build")
    layer = generation.make_layer(case)
    enter("infer")
    record_shape("inferred_shape", generation.infer_shape(layer, tuple(shape)), early_fields)
    model = _make_weighted_model(generation, layer, case, tuple(shape), early_fields)
    enter("call")
    return generation.call_by_unknown_lengths(model, inputs)


def observe_reloaded(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, early_fields: wire.Message
) -> Any:
    """Observe a model that was saved and loaded."""
    enter("build")
    layer = generation.make_bare_layer(case)
    enter("infer")
    model = make_model(generation.keras, layer, _drop_batch(inputs), case["dtype"])
    _record_model(generation, layer, model, case, early_fields)
    generation.fill(layer, case)
    enter("call")
    loaded = reload_model(generation.keras, model)
    record_shape("symbolic_shape", loaded.output_shape, early_fields)
    return generation.call_model(loaded, inputs)


def _make_weighted_model(
    generation: Generation, layer: Any, case: wire.Message, shape: Tuple[Any, ...], early_fields: wire.Message
) -> Any:
    """Return a model of the layer, or of a layer that calls the operation, with the case's weights."""
    model = make_model(generation.keras, generation.wrap_for_model(layer), shape, case["dtype"])
    _record_model(generation, layer, model, case, early_fields)
    generation.give_weights(layer, case)
    return model


def _record_model(
    generation: Generation, layer: Any, model: Any, case: wire.Message, early_fields: wire.Message
) -> None:
    record_shape("symbolic_shape", model.output_shape, early_fields)
    record_weight_shapes(generation, layer, case, early_fields)


def record_shape(name: str, shape: Any, early_fields: wire.Message) -> None:
    """Record a shape, unless it is None."""
    if shape is not None:
        early_fields[name] = normalize_shape(shape)


def record_weight_shapes(
    generation: Generation, layer: Any, case: wire.Message, early_fields: wire.Message
) -> None:
    """Record the shapes of the weights of a built layer."""
    shapes = generation.list_weight_shapes(layer, case)
    if shapes is not None:
        early_fields["weight_shapes"] = [normalize_shape(shape) for shape in shapes]


def normalize_shape(shape: Any) -> List[Optional[int]]:
    """Return a shape as a list of ints and Nones, whatever types Keras used."""
    lengths = [getattr(length, "value", length) for length in shape]
    return [None if length is None else int(length) for length in lengths]


def _drop_batch(inputs: Any) -> Tuple[Any, ...]:
    return (None, *inputs.shape[1:])


MODES: Dict[str, Mode] = {
    "inferred": observe_inferred,
    "symbolic": observe_symbolic,
    "compiled": observe_compiled,
    "jit": observe_jit,
    "dynamic": observe_dynamic,
    "reloaded": observe_reloaded,
}
"""The function that observes a case in each mode."""
