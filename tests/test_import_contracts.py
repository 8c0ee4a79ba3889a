"""Each import contract in `pyproject.toml` can fail: a violation that is planted in a copy is found."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "tool"
]["importlinter"]["contracts"]
LAYERS: list[list[str]] = [line.split(" | ") for line in CONTRACTS[0]["layers"]]


def plant(root: Path, module: str, imported: str) -> None:
    """Let a module of `harness` import another one where nothing runs."""
    path = root.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    with file.open("a", encoding="utf-8") as text:
        text.write(f"\n\ndef _plant_{imported.replace('.', '_')}() -> None:\n    import {imported}\n")


def forbidden(name: str) -> list[tuple[str, str]]:
    """The imports that a contract forbids, each module with each."""
    contract = next(one for one in CONTRACTS if one["name"] == name)
    return [
        (source, other) for source in contract["source_modules"] for other in contract["forbidden_modules"]
    ]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy with every violation that is tested below."""
    root = tmp_path_factory.mktemp("planted")
    shutil.copytree(ROOT / "harness", root / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for above, below in itertools.pairwise(LAYERS):
        plant(root, f"harness.{below[0]}", f"harness.{above[0]}")
    for contract in CONTRACTS[1:]:
        for source, other in forbidden(contract["name"]):
            plant(root, source, other)
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "--no-logo", "--no-cache"],
        cwd=root,
        env={"PYTHONPATH": str(root), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("place", range(len(LAYERS) - 1))
def test_no_layer_imports_the_one_above(planted: str, place: int) -> None:
    above, below = LAYERS[place][0], LAYERS[place + 1][0]
    assert f"harness.{below} -> harness.{above} (" in planted


@pytest.mark.parametrize("name", [one["name"] for one in CONTRACTS[1:]])
def test_nothing_forbidden_is_imported(planted: str, name: str) -> None:
    for source, other in forbidden(name):
        assert f"{source} -> {other} (" in planted, (source, other)


def test_the_worker_may_import_no_other_package() -> None:
    modules = {f"harness.{path.stem}" for path in (ROOT / "harness").glob("[!_]*.py")}
    packages = {f"harness.{path.parent.name}" for path in (ROOT / "harness").glob("*/__init__.py")}
    named = {other for _, other in forbidden("The worker stands alone")}
    assert (modules | packages) - {"harness.worker"} <= named


def test_every_dependency_is_closed_to_the_worker() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {line.split(">")[0].replace("-", "_") for line in project["dependencies"]}
    named = {other for _, other in forbidden("The worker stands alone")}
    assert names - {"numpy", "ml_dtypes"} <= named
