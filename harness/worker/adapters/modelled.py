"""The modes that call a layer or operation by way of a Functional model of it, and what is said before."""

from typing import Any, Callable, Dict, List, Optional, Tuple

from .. import wire
from .functional import model_of, model_of_symbols, reloaded
from .generation import Generation, Unsupported
from .operations import is_operation

Enter = Callable[[str], None]
Mode = Callable[[Generation, wire.Message, Any, Enter, wire.Message], Any]
"""Goes through a case with its input: announces stages, fills in what is said, returns the output."""


def observe_inferred(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message
) -> Any:
    """Every shape that is said beforehand, of a layer and of a model of it; then the model's call."""
    enter("build")
    layer = generation.layer(case)
    enter("infer")
    say_shape("inferred_shape", generation.inferred_shape(layer, inputs.shape), said)
    model = model_of(generation.keras, layer, inputs.shape, case["dtype"])
    _say_model(generation, layer, model, case, said)
    generation.give_weights(layer, case)
    enter("call")
    return generation.call_model(model, inputs)


def observe_symbolic(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message
) -> Any:
    """As inferred, of an operation in a model whose inputs are the weights, too."""
    if not (is_operation(case) and case["weights"]):
        raise Unsupported("{} is handed no weights".format(case["layer"]))
    enter("build")
    operation = generation.layer(case)
    enter("infer")
    say_shape("inferred_shape", generation.inferred_shape(operation, inputs.shape), said)
    arrays = [inputs] + list(operation.arrays)
    model = model_of_symbols(generation.keras, operation, [array.shape for array in arrays], case["dtype"])
    say_shape("symbolic_shape", model.output_shape, said)
    enter("call")
    return generation.call_model(model, arrays)


def observe_compiled(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message
) -> Any:
    """A model's prediction by the graph of the backend."""
    return _observe_prediction(generation, case, inputs, enter, said, jit=False)


def observe_jit(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message
) -> Any:
    """A model's prediction by the compiler of the backend."""
    return _observe_prediction(generation, case, inputs, enter, said, jit=True)


def _observe_prediction(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message, *, jit: bool
) -> Any:
    enter("build")
    layer = generation.layer(case)
    enter("infer")
    model = _model_in_layer(generation, layer, case, _batchless(inputs), said)
    enter("call")
    generation.compile(model, jit=jit)
    return generation.predict_on_batch(model, inputs)


def observe_dynamic(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message
) -> Any:
    """A model that knows nothing but the number of channels."""
    shape = [None] * inputs.ndim
    axis = 1 if case["arguments"].get("data_format") == "channels_first" else -1
    shape[axis] = inputs.shape[axis]
    enter("build")
    layer = generation.layer(case)
    enter("infer")
    say_shape("inferred_shape", generation.inferred_shape(layer, tuple(shape)), said)
    model = _model_in_layer(generation, layer, case, tuple(shape), said)
    enter("call")
    return generation.call_by_unknown_lengths(model, inputs)


def observe_reloaded(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, said: wire.Message
) -> Any:
    """A model that was saved and loaded."""
    enter("build")
    layer = generation.bare_layer(case)
    enter("infer")
    model = model_of(generation.keras, layer, _batchless(inputs), case["dtype"])
    _say_model(generation, layer, model, case, said)
    generation.fill(layer, case)
    enter("call")
    loaded = reloaded(generation.keras, model)
    say_shape("symbolic_shape", loaded.output_shape, said)
    return generation.call_model(loaded, inputs)


def _model_in_layer(
    generation: Generation, layer: Any, case: wire.Message, shape: Tuple[Any, ...], said: wire.Message
) -> Any:
    """A model of a layer with the case's weights, where an operation is called by a layer."""
    model = model_of(generation.keras, generation.in_model(layer), shape, case["dtype"])
    _say_model(generation, layer, model, case, said)
    generation.give_weights(layer, case)
    return model


def _say_model(
    generation: Generation, layer: Any, model: Any, case: wire.Message, said: wire.Message
) -> None:
    say_shape("symbolic_shape", model.output_shape, said)
    say_weights(generation, layer, case, said)


def say_shape(name: str, shape: Any, said: wire.Message) -> None:
    """Say a shape, unless there is none."""
    if shape is not None:
        said[name] = plain_shape(shape)


def say_weights(generation: Generation, layer: Any, case: wire.Message, said: wire.Message) -> None:
    """Say the shapes of the weights of a built layer."""
    shapes = generation.weight_shapes(layer, case)
    if shapes is not None:
        said["weight_shapes"] = [plain_shape(shape) for shape in shapes]


def plain_shape(shape: Any) -> List[Optional[int]]:
    """A shape of ints and Nones, whatever sequence of whatever integers it was."""
    lengths = [getattr(length, "value", length) for length in shape]
    return [None if length is None else int(length) for length in lengths]


def _batchless(inputs: Any) -> Tuple[Any, ...]:
    return (None, *inputs.shape[1:])


MODES: Dict[str, Mode] = {
    "inferred": observe_inferred,
    "symbolic": observe_symbolic,
    "compiled": observe_compiled,
    "jit": observe_jit,
    "dynamic": observe_dynamic,
    "reloaded": observe_reloaded,
}
"""What a case goes through in each mode."""
