"""A stand-in for uv: it makes real virtual environments and "installs" small packages.

`FAKE_UV` chooses its fault; each call is a line of the file `FAKE_UV_CALLS`.
"""

import os
import shutil
import sys
import time
import venv
from pathlib import Path

NETWORK_ERROR = """\
error: Failed to fetch: https://registry.invalid/simple/keras/
  cause: error sending request for url (https://registry.invalid/simple/keras/)
  cause: dns error
"""
KERAS = """\
import os
__version__ = "{version}"
print("a framework that prints while it is imported")
"""


def fail(text: str) -> None:
    sys.stderr.write(text)
    sys.exit(2)


def site_packages(python: Path) -> Path:
    return next(python.parent.parent.glob("lib/python*/site-packages"))


def install(folder: Path, pins: list[str], mode: str) -> None:
    folder.mkdir(exist_ok=True)
    if mode == "full-disk":
        (folder / "half").mkdir()
        fail("error: failed to write to file: No space left on device (os error 28)\n")
    for name, version in (pin.split("==") for pin in pins):
        (folder / f"{name}-{version}.dist-info").mkdir()
        if name == "keras":
            said = "9.9.9" if mode == "other-version" else version
            (folder / "keras").mkdir()
            (folder / "keras" / "__init__.py").write_text(KERAS.format(version=said))


def compile_requirements(arguments: list[str], mode: str) -> None:
    if mode == "unreachable":
        fail(NETWORK_ERROR)
    lines = [line.split(";")[0] for line in Path(arguments[-1]).read_text().splitlines()]
    if any(name in mode.split() for name in lines):
        fail(f"error: No solution found\n  cause: Because there is no version of {lines[0]}\n")
    if mode == "cuda":
        lines += ["nvidia-cublas==13.1.0.3", "triton==3.4.0"]
    Path(arguments[arguments.index("--output-file") + 1]).write_text("\n".join(lines))


def overlay(arguments: list[str], mode: str) -> None:
    at_python = arguments.index("--python")
    python, pins = Path(arguments[at_python + 1]), arguments[at_python + 2 :]
    if mode == "vanishing-base":
        shutil.rmtree(python.parents[2])
        fail(f"error: No interpreter found at path `{python}`\n")
    if any(pin in mode.split() for pin in pins):
        fail(f"error: No solution found\n  cause: Because there is no version of {pins[0]}\n")
    install(Path(arguments[arguments.index("--target") + 1]), pins, mode.removeprefix("overlay-"))


def main(arguments: list[str], mode: str) -> None:
    assert arguments[:3] == ["--color", "never", "--no-progress"], arguments
    arguments = arguments[3:]
    with Path(os.environ["FAKE_UV_CALLS"]).open("a") as calls:
        calls.write(" ".join(arguments[:2]) + "\n")
    if mode == "slow":
        time.sleep(0.3)
    match arguments:
        case ["pip", "compile", *rest]:
            compile_requirements(rest, mode)
        case ["venv", *rest]:
            venv.create(rest[-1], with_pip=False, symlinks=True)
        case ["pip", "sync", *rest]:
            folder = site_packages(Path(rest[rest.index("--python") + 1]))
            install(folder, Path(rest[-1]).read_text().splitlines(), mode)
        case ["pip", "install", *rest]:
            overlay(rest, mode)
        case ["python", "find", *_] if "FAKE_UV_PYTHON" in os.environ:
            print(os.environ["FAKE_UV_PYTHON"])
        case ["python", *_]:
            fail(NETWORK_ERROR)
        case ["run", *rest] if mode == "compiler":
            Path(rest[rest.index("-o") + 1]).write_text(" ".join(rest))
        case ["run", *_]:
            fail(NETWORK_ERROR)
        case _:
            sys.exit(f"fake uv knows no {arguments}")


if __name__ == "__main__":
    main(sys.argv[1:], os.environ.get("FAKE_UV", ""))
