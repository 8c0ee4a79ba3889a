"""Stand-alone scripts: the call of a case as a user would write it, and what the formula says.

A script needs NumPy and the Keras it is about, nothing of the harness, and runs on Python 3.6. It
shares no code with the adapters of the worker, on purpose: where both give the same wrong answer,
the answer is Keras's. Its functions are those of `snippets/`.
"""

from __future__ import annotations

import ast
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from harness.confirm.script_calls import NoScript, find_call
from harness.confirm.script_data import write_expected, write_input, write_list, write_subject
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
"""The lines that make a package `keras`, in place of the snippets' own import."""

_OF_CALLS: Final[Mapping[str, str]] = {"partial": "from functools import partial"}
"""What calls name that no snippet defines, and the line that imports it."""

_CHECK: Final = "check"
"""The function that every statement of a script calls; it is the last in it."""


def write_script(target: TargetRun, cases: Iterable[tuple[Case, Expectation]]) -> str:
    """Return a script that calls each case on the target's Keras and prints a line for each.

    A line is `@ CASE`, a word (`harness.confirm.script_results.ScriptWord`), where, and an error's text, with
    tabs between.

    Args:
        target: what the calls were observed on.
        cases: with the formula's answers.

    Raises:
        HarnessError: there is no way to call a case so on this target.
    """
    checks = "".join(_write_check(target, case, expectation) for case, expectation in cases)
    names = find_names(ast.parse(checks))
    gathered = gather_snippets((*(name for name in names if name != _CHECK), _CHECK))
    of_calls = (line for name, line in _OF_CALLS.items() if name in names)
    imports = "\n".join(_sort_imports(target, (*of_calls, *gathered.imports)))
    return "\n\n\n".join((f"{_write_docstring(target)}\n\n{imports}", *gathered.definitions, checks))


def _sort_imports(target: TargetRun, imports: Iterable[str]) -> Iterator[str]:
    """Yield the imports, those of Python first, and Keras last."""
    keras = _KERAS_IMPORTS[Api(target.api)]
    others = sorted(set(imports) - {"import keras", *keras})
    yield from (line for line in others if _is_of_python(line))
    yield from (line for line in others if not _is_of_python(line))
    yield from keras


def _is_of_python(line: str) -> bool:
    return line.split()[1].partition(".")[0] in sys.stdlib_module_names


def _write_docstring(target: TargetRun) -> str:
    """Write what a script is, and the environment that it needs."""
    environment = "\n".join(f"    {line}" for line in _list_commands(target))
    return (
        f'"""{target.name}, without keras-harness.\n\n'
        "Calls Keras by hand and compares with the formula. The environment that it was seen in:\n\n"
        f'{environment}\n"""'
    )


def _list_commands(target: TargetRun) -> Iterator[str]:
    """Yield commands that make an environment like the target's."""
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
    """Write the statement that calls a case and prints what came of it."""
    call = find_call(target, case)
    if isinstance(call, NoScript):
        raise HarnessError(f"{case.id}: no script can call it on {target.name}: {call.why}")
    generation = find_generation(target)
    signals = make_case_data(case)
    is_given_none = expectation.output is None and not case.layer.is_operation
    weights = () if is_given_none else signals.weights
    lines = (
        repr(case.id),
        call,
        write_subject(case, generation),
        f"shape={find_known_input_shape(case)}",
        f"x={write_input(signals.inputs, generation)}",
        f"weights={write_list(write_input(weight, generation) for weight in weights)}",
        f"dtype={expectation.dtype!r}",
        f"expected={_write_right(case, expectation)}",
        f"expected_claims={list(_expect_claims(case, expectation))}",
    )
    return f"{_CHECK}(\n" + "".join(f"    {line},\n" for line in lines) + ")\n"


def _write_right(case: Case, expectation: Expectation) -> str:
    """Write the output and the gradients that are right; None where the case must be refused."""
    if expectation.output is None:
        return "None"
    arrays = (expectation.output, *expectation.gradients)
    return write_list(write_expected(array, case.data) for array in arrays)


def _expect_claims(case: Case, expectation: Expectation) -> tuple[object, ...]:
    """Return what Keras has to claim before the call, None being what is not asked for."""
    if expectation.output is None:
        return ()
    if case.mode is Mode.SEQUENTIAL:  # The layer and the model say the same, and the model counts.
        return (expectation.inferred_shape, expectation.inferred_shape, expectation.num_parameters)
    return (expectation.inferred_shape, expectation.symbolic_shape)
