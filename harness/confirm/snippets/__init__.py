"""Parts of stand-alone scripts: plain Python that calls Keras, one module per concern.

Nothing imports these modules: `harness.confirm.snippet_files` reads them, and a script gets whole functions
by name, with those that they call and what they import. They parse on Python 3.6 and know nothing of the
harness. Names are unique over all modules, since a script puts them side by side.

A function that calls a case takes what makes the layer (or the operation), the shape that Keras gets
beforehand, the input, the weights, and a list that receives what Keras claims before the call: the shape that
the layer infers, the shape of the model's output, the number of parameters. It returns NumPy arrays: the
output, then the gradients. A script binds any parameters before these by `partial`.
"""
