"""`--help`: what it lists, and that it imports nothing that the commands need."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import commands
from tests.cli.conftest import Cli

HEAVY = (
    "filelock",
    "itables",
    "jinja2",
    "msgspec",
    "packaging",
    "pandas",
    "platformdirs",
    "rich",
    "uv",
)

HELP = """
import sys
from harness.cli import main
sys.argv = ["keras-harness", *sys.argv[1:], "--help"]
try:
    main()
except SystemExit:
    print(*sorted({name.split(".")[0] for name in sys.modules}))
"""

MINE = '''
"""`mine`: a command of my own."""


def command() -> None:
    """Say hello."""
    print("hello")
'''


def listed(help_text: str) -> list[str]:
    return re.findall(r"^  ([a-z]+)  ", help_text.partition("Commands:")[2], re.MULTILINE)


@pytest.mark.parametrize("name", ["", *commands.read_commands()])
def test_help_loads_nothing_that_a_command_works_with(name: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HELP, *name.split()], capture_output=True, text=True, check=True
    )
    assert "Usage: " in ended.stdout
    assert not set(ended.stdout.splitlines()[-1].split()) & set(HEAVY)


def test_every_module_is_a_command_in_the_order_of_use(cli: Cli) -> None:
    folder = Path(str(commands.__file__)).parent
    names = listed(cli("--help").out)
    assert set(names) == {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert names[:3] == ["run", "judge", "report"]


def test_the_readme_lists_every_command() -> None:
    readme = Path(commands.__file__ or "").parents[3] / "README.md"
    listing = readme.read_text(encoding="utf-8").partition("## Commands")[2].partition("```")[2]
    told = re.findall(r"^keras-harness ([a-z]+)", listing.partition("```")[0], re.MULTILINE)
    assert sorted(told) == sorted(commands.read_commands()), "add a line to Commands in README.md"


def test_a_module_is_all_that_a_new_command_takes(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "harness.cli.commands.mine", raising=False)
    names = listed(cli("--help").out)
    assert names[-1] == "mine"
    assert cli("mine").out == "hello\n"
