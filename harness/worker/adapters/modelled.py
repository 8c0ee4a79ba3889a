"""The modes that call a layer or operation by way of a Functional model of it."""

from typing import Any, Callable, Dict, Tuple

from .. import wire
from .functional import model_of, model_of_symbols, reloaded
from .generation import Generation, Unsupported
from .operations import is_operation

Enter = Callable[[str], None]


def observe_inferred(generation: Generation, case: wire.Message, inputs: Any, enter: Enter) -> wire.Message:
    """Every shape that is said beforehand, of a layer and of a model of it; then the model's call."""
    enter("build")
    layer = generation.layer(case)
    enter("infer")
    inferred = generation.inferred_shape(layer, inputs.shape)
    model = _given(generation, layer, case, inputs.shape)
    enter("call")
    output = generation.call_model(model, inputs)
    return {"output": output, "inferred_shape": inferred, "symbolic_shape": model.output_shape}


def observe_symbolic(generation: Generation, case: wire.Message, inputs: Any, enter: Enter) -> wire.Message:
    """As inferred, of an operation in a model whose inputs are the weights, too."""
    if not (is_operation(case) and case["weights"]):
        raise Unsupported("{} is handed no weights".format(case["layer"]))
    enter("build")
    operation = generation.layer(case)
    enter("infer")
    inferred = generation.inferred_shape(operation, inputs.shape)
    arrays = [inputs] + list(operation.arrays)
    model = model_of_symbols(generation.keras, operation, [array.shape for array in arrays], case["dtype"])
    enter("call")
    output = generation.call_model(model, arrays)
    return {"output": output, "inferred_shape": inferred, "symbolic_shape": model.output_shape}


def observe_compiled(generation: Generation, case: wire.Message, inputs: Any, enter: Enter) -> wire.Message:
    """A model's prediction by the graph of the backend."""
    return _observe_prediction(generation, case, inputs, enter, jit=False)


def observe_jit(generation: Generation, case: wire.Message, inputs: Any, enter: Enter) -> wire.Message:
    """A model's prediction by the compiler of the backend."""
    return _observe_prediction(generation, case, inputs, enter, jit=True)


def _observe_prediction(
    generation: Generation, case: wire.Message, inputs: Any, enter: Enter, *, jit: bool
) -> wire.Message:
    enter("build")
    layer = generation.layer(case)
    enter("infer")
    model = _given(generation, generation.in_model(layer), case, _batchless(inputs))
    enter("call")
    generation.compile(model, jit=jit)
    output = generation.predict_on_batch(model, inputs)
    return {"output": output, "symbolic_shape": model.output_shape}


def observe_dynamic(generation: Generation, case: wire.Message, inputs: Any, enter: Enter) -> wire.Message:
    """A model that knows nothing but the number of channels."""
    shape = [None] * inputs.ndim
    axis = 1 if case["arguments"].get("data_format") == "channels_first" else -1
    shape[axis] = inputs.shape[axis]
    enter("build")
    layer = generation.layer(case)
    enter("infer")
    inferred = generation.inferred_shape(layer, tuple(shape))
    model = _given(generation, generation.in_model(layer), case, tuple(shape))
    enter("call")
    output = generation.call_by_unknown_lengths(model, inputs)
    return {"output": output, "inferred_shape": inferred, "symbolic_shape": model.output_shape}


def observe_reloaded(generation: Generation, case: wire.Message, inputs: Any, enter: Enter) -> wire.Message:
    """A model that was saved and loaded."""
    enter("build")
    layer = generation.bare_layer(case)
    enter("infer")
    model = model_of(generation.keras, layer, _batchless(inputs), case["dtype"])
    generation.fill(layer, case)
    enter("call")
    loaded = reloaded(generation.keras, model)
    output = generation.call_model(loaded, inputs)
    return {"output": output, "symbolic_shape": loaded.output_shape}


def _given(generation: Generation, layer: Any, case: wire.Message, batch_shape: Tuple[Any, ...]) -> Any:
    """A model of the layer with the case's weights."""
    model = model_of(generation.keras, layer, batch_shape, case["dtype"])
    generation.give_weights(layer, case)
    return model


def _batchless(inputs: Any) -> Tuple[Any, ...]:
    return (None, *inputs.shape[1:])


MODES: Dict[str, Callable[[Generation, wire.Message, Any, Enter], wire.Message]] = {
    "inferred": observe_inferred,
    "symbolic": observe_symbolic,
    "compiled": observe_compiled,
    "jit": observe_jit,
    "dynamic": observe_dynamic,
    "reloaded": observe_reloaded,
}
"""What a case goes through in each mode; the fields of a reply with what Keras gave, as it gave it."""
