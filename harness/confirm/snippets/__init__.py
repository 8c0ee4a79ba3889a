"""What stand-alone scripts are put together from: plain Python that calls Keras, one module a concern.

Nothing imports these modules: `harness.confirm.snippet_files` reads them, and a script gets whole functions
by name, with those that they call and what they import. They parse on Python 3.6 and know nothing of the
harness. Names are unique over all modules, for in a script they stand side by side.

A way of calling takes what makes the layer (or the operation), the shape that Keras is told beforehand, the
input, the weights, and a list that gets what Keras claims before the call: the shape that the layer infers,
the shape of the model's output, the number of parameters. It returns NumPy arrays: the output, then the
gradients. Parameters that stand before these are fixed in a script by `partial`.
"""
