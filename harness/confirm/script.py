"""Write stand-alone scripts: the call of a case as a user would write it, and the formula's answer.

A script needs NumPy and its Keras, nothing of the harness, and runs on Python 3.6. Its functions are those of
`snippets/`. It shares no code with the adapters of the worker, on purpose: where both give the same wrong
answer, the answer is Keras's.
"""

from __future__ import annotations

import ast
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from harness.confirm.script_calls import NoScript, find_call
from harness.confirm.script_data import write_expected, write_input, write_layer, write_list
from harness.confirm.script_generations import find_generation
from harness.confirm.snippet_files import find_names, gather_snippets
from harness.data.case_data import make_case_data
from harness.errors import HarnessError
from harness.explain.call_code import find_known_input_shape
from harness.records import Api, Case, Expectation, Mode, TargetRun

_KERAS_IMPORTS: Final[Mapping[Api, tuple[str, ...]]] = {
    Api.KERAS: ("import keras",),
    Api.KERAS_MXNET: ("import keras",),
    Api.TF_KERAS: ("import tensorflow as tf", "keras = tf.keras"),
    Api.TF_KERAS_PACKAGE: ("import tf_keras as keras",),
    Api.PLAIDML_KERAS: ("import plaidml.keras", "plaidml.keras.install_backend()", "import keras"),
}
"""The lines that import a package as `keras`, in place of the snippets' own import."""

_IMPORTS_OF_CALLS: Final[Mapping[str, str]] = {"partial": "from functools import partial"}
"""Names in calls that no snippet defines, with the lines that import them."""

_CHECK: Final = "check"
"""The function that every statement of a script calls; it comes last in the script."""


def write_script(target: TargetRun, cases: Iterable[tuple[Case, Expectation]]) -> str:
    """Return a script that calls each case on the target's Keras and prints a line for each.

    A line is `@ CASE`, a word (`harness.confirm.script_results.ScriptWord`), where it differs and the text of
    an error, separated by tabs.

    Args:
        target: the target on which the calls were observed.
        cases: the cases with their expectations.

    Raises:
        HarnessError: no script can call a case on this target.
    """
    checks = "".join(_write_check(target, case, expectation) for case, expectation in cases)
    names = find_names(ast.parse(checks))
    gathered = gather_snippets((*(name for name in names if name != _CHECK), _CHECK))
    call_imports = (line for name, line in _IMPORTS_OF_CALLS.items() if name in names)
    imports = "\n".join(_sort_imports(target, (*call_imports, *gathered.imports)))
    return "\n\n\n".join((f"{_write_docstring(target)}\n\n{imports}", *gathered.definitions, checks))


def _sort_imports(target: TargetRun, imports: Iterable[str]) -> Iterator[str]:
    """Yield the imports, those of the standard library first, and Keras last."""
    keras = _KERAS_IMPORTS[Api(target.api)]
    others = sorted(set(imports) - {"import keras", *keras})
    yield from (line for line in others if _is_standard_library(line))
    yield from (line for line in others if not _is_standard_library(line))
    yield from keras


def _is_standard_library(line: str) -> bool:
    return line.split()[1].partition(".")[0] in sys.stdlib_module_names


def _write_docstring(target: TargetRun) -> str:
    """Write the docstring of a script: what it is, and the environment that it needs."""
    environment = "\n".join(f"    {line}" for line in _list_commands(target))
    return (
        f'"""{target.name}, without keras-harness.\n\n'
        "Calls Keras by hand and compares with the formula. The environment that it was seen in:\n\n"
        f'{environment}\n"""'
    )


def _list_commands(target: TargetRun) -> Iterator[str]:
    """Yield the commands that build an environment like the target's, and the one that runs the script."""
    if target.requires:
        yield f"uv venv --python {target.python} env"
        yield "uv pip install --python env " + shlex.join(target.requires)
    if target.overlay:
        yield "uv pip install --python env --no-deps " + shlex.join(target.overlay)
    flags = [
        f"{name}={shlex.quote(value.replace('{home}', '.'))}" for name, value in target.variables.items()
    ]
    yield " ".join(("env", *flags, "env/bin/python", "SCRIPT"))


def _write_check(target: TargetRun, case: Case, expectation: Expectation) -> str:
    """Write the statement that calls a case and prints its result."""
    call = find_call(target, case)
    if isinstance(call, NoScript):
        raise HarnessError(f"{case.id}: no script can call it on {target.name}: {call.why}")
    generation = find_generation(target)
    case_data = make_case_data(case)
    has_no_weights = expectation.output is None and not case.layer.is_operation
    weights = () if has_no_weights else case_data.weights
    lines = (
        repr(case.id),
        call,
        write_layer(case, generation),
        f"shape={find_known_input_shape(case)}",
        f"x={write_input(case_data.inputs, generation)}",
        f"weights={write_list(write_input(weight, generation) for weight in weights)}",
        f"dtype={expectation.dtype!r}",
        f"expected={_write_expected_arrays(case, expectation)}",
        f"expected_claims={list(_expect_claims(case, expectation))}",
    )
    return f"{_CHECK}(\n" + "".join(f"    {line},\n" for line in lines) + ")\n"


def _write_expected_arrays(case: Case, expectation: Expectation) -> str:
    """Write the expected output and gradients; None where the case must be refused."""
    if expectation.output is None:
        return "None"
    arrays = (expectation.output, *expectation.gradients)
    return write_list(write_expected(array, case.data) for array in arrays)


def _expect_claims(case: Case, expectation: Expectation) -> tuple[object, ...]:
    """Return what Keras has to claim before the call, None being what is not requested."""
    if expectation.output is None:
        return ()
    if case.mode is Mode.SEQUENTIAL:  # Layer and model claim the same shape, and the model its parameters.
        return (expectation.inferred_shape, expectation.inferred_shape, expectation.num_parameters)
    return (expectation.inferred_shape, expectation.symbolic_shape)
