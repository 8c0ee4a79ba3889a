"""Made-up targets of every generation, the script of a case on one of them, and snippets to be called."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from harness.confirm.script import write_script
from harness.confirm.snippet_files import gather_snippets
from harness.records import Case, TargetRun
from tests.report.judged import expectation_of


def make_target(
    version: str = "3.15.1", backend: str = "torch", api: str = "keras", backend_version: str = ""
) -> TargetRun:
    return TargetRun(
        name=f"{api}{version}-{backend}",
        api=api,
        version=version,
        backend=backend,
        family=backend,
        variant="",
        lineage=backend,
        python="3.11",
        requires=(),
        overlay=(),
        fingerprint={"keras": version, "backend_version": backend_version},
        observed=1,
        not_run=0,
        failure="",
        seconds=1.0,
        start_seconds=1.0,
        workers=1,
    )


TF_KERAS = make_target("2.21.0", "tensorflow", "tf_keras", "2.21.0")
IN_A_GRAPH = make_target("2.3.1", "theano")
KERAS_1 = make_target("1.2.2", "theano")


def write_one(case: Case, run: TargetRun | None = None) -> str:
    """Return the script of one case."""
    return write_script(run or make_target(), [(case, expectation_of(case))])


def list_definitions(text: str) -> set[str]:
    """Return the names of the functions and classes of a script."""
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def list_undefined(text: str) -> set[str]:
    """Return the names that a script reads but never binds."""
    nodes = list(ast.walk(ast.parse(text)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)} | list_definitions(text)
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    bound |= {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}
    bound |= {
        one.asname or one.name.partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for one in node.names
    }
    return {node.id for node in names} - bound - set(dir(builtins))


def find_check(text: str) -> ast.Call:
    """Return the only call of `check` in a script."""
    calls = [node.value for node in ast.parse(text).body if isinstance(node, ast.Expr)]
    (check,) = [one for one in calls if isinstance(one, ast.Call) and ast.unparse(one.func) == "check"]
    return check


def load_snippets(*names: str, modules: Mapping[str, object] = MappingProxyType({})) -> dict[str, Any]:
    """Return snippets with all that they call, by their names, with these modules as imports."""
    space: dict[str, Any] = {"np": np, **modules}
    exec("\n\n".join(gather_snippets(names).definitions), space)
    return space
