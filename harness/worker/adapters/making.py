"""Construction of layers of Keras 2 and 3 from a case."""

from typing import Any, List

from .. import wire
from .arguments import build_arguments, list_parameters, select_arguments
from .generation import Generation, Unsupported
from .weights import make_initializers


def construct_layer(generation: Generation, case: wire.Message, weights: List[Any], **placement: Any) -> Any:
    """Return the layer of a case with initializers for these weights; others keep Keras's own initializer.

    Raises Unsupported for a layer or an argument that this Keras lacks.
    """
    layer_class = generation.find_layer_class(case["layer"])
    label = "{} of Keras {}".format(case["layer"], generation.version)
    arguments = select_arguments(layer_class, label, build_arguments(case))
    parameters, inherited = list_parameters(layer_class)
    initializers = make_initializers(generation.keras, case["layer"], weights)
    try:
        return layer_class(**arguments, **initializers, **placement)
    except TypeError as error:
        # A class may set some arguments itself that its base takes behind `**kwargs`.
        for name in sorted(inherited.intersection(arguments).difference(parameters)):
            if "multiple values" in str(error) and name in str(error):
                raise Unsupported("{} has no argument {}".format(label, name))
        raise
