"""Templates of a made-up package: what is escaped, and what is an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from harness.templates import hash_script, read_asset, render, write_rendered

HOSTILE = "<b>|\n`x`"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A package of its own for each test: what was imported or compiled once stays."""
    name = f"made_for_{request.node.name}"
    templates = tmp_path / name / "templates"
    templates.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    for kind in ("html", "svg", "md"):
        (templates / f"plain.{kind}.j2").write_text("{{ text }}", encoding="utf-8")
    (templates / "cell.md.j2").write_text("| {{ text|cell }} |\n{{ number|thousands }}", encoding="utf-8")
    (templates / "some.css").write_text("a {\n}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize("kind", ["html", "svg"])
def test_markup_escapes_without_being_asked(package: str, kind: str) -> None:
    assert render(f"{package}/plain.{kind}.j2", {"text": HOSTILE}) == "&lt;b&gt;|\n`x`"


def test_markdown_escapes_what_passes_the_filter_of_cells(package: str) -> None:
    assert render(f"{package}/plain.md.j2", {"text": HOSTILE}) == HOSTILE
    assert render(f"{package}/cell.md.j2", {"text": HOSTILE, "number": 1234}) == (
        "| &lt;b>\\| \\`x\\` |\n1,234"
    )


def test_a_name_that_is_missing_is_an_error_and_leaves_no_file(package: str, tmp_path: Path) -> None:
    with pytest.raises(UndefinedError, match="'text' is undefined"):
        write_rendered(tmp_path / "page.html", f"{package}/plain.html.j2", {})
    assert [path.name for path in tmp_path.iterdir()] == [package]


def test_a_style_is_read_as_it_is(package: str) -> None:
    assert read_asset(f"{package}/some.css") == "a {\n}\n"


def test_a_script_is_named_by_its_hash_in_base64() -> None:
    assert hash_script("") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def test_a_command_that_renders_nothing_imports_neither_jinja2_nor_pandas() -> None:
    program = "import sys, harness.cli; print(sorted({'jinja2', 'itables', 'pandas'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
