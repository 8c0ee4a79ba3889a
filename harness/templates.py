"""Render the Jinja2 templates of packages; a missing name is an error.

A template is named with the package that owns it: `harness.report/index.html.j2` lies in `templates/` of
`harness.report`. HTML and SVG escape whatever is not marked `safe`. Markdown (`*.md.j2`) has no escaping
that holds everywhere: there, text from a target passes the filter `cell`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from harness.files import replace_when_whole
from harness.text import escape_cell, format_count, format_one_line, format_shape

if TYPE_CHECKING:
    from jinja2 import Environment


def render(name: str, values: Mapping[str, object]) -> str:
    """Render a template with the values."""
    return _build_environment().get_template(name).render(values)


def write_rendered(path: Path, name: str, values: Mapping[str, object]) -> None:
    """Render a template with the values into a file, piece by piece; the file appears when it is complete.

    Raises:
        OSError: the file cannot be written.
    """
    with replace_when_whole(path) as file:
        file.writelines(_build_environment().get_template(name).generate(values))


def read_asset(name: str) -> str:
    """Read a style sheet, a script or a template as text, such as `harness.report/report.css`."""
    package, _, file = name.partition("/")
    return files(package).joinpath("templates", file).read_text(encoding="utf-8")


def hash_script(script: str) -> str:
    """Return the hash by which a content security policy allows a script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _build_environment() -> Environment:
    import jinja2  # noqa: PLC0415 - a command that renders nothing does not wait for it

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(read_asset),
        autoescape=jinja2.select_autoescape(disabled_extensions=("md.j2",), default=True),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = escape_cell
    environment.filters["count"] = format_count
    environment.filters["one_line"] = format_one_line
    environment.filters["shape"] = format_shape
    environment.filters["thousands"] = _group_thousands
    return environment


def _group_thousands(number: float) -> str:
    return f"{number:,.0f}"
