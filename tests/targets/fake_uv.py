"""A stand-in for uv: it makes a real virtual environment and "installs" a package named keras.

What it does wrong is told by `FAKE_UV`; each call is a line of the file `FAKE_UV_CALLS`.
"""

import os
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
import os, sys
{fault}
__version__ = "{version}"
class backend:
    backend = staticmethod(lambda: os.environ["KERAS_BACKEND"])
print("a framework that prints while it is imported")
"""


def site_packages(python: Path) -> Path:
    return next(python.parent.parent.glob("lib/python*/site-packages"))


def compile_requirements(arguments: list[str], mode: str) -> None:
    if mode == "unreachable":
        sys.stderr.write(NETWORK_ERROR)
        sys.exit(2)
    lines = [line.split(";")[0] for line in Path(arguments[-1]).read_text().splitlines()]
    if mode == "cuda":
        lines += ["nvidia-cublas==13.1.0.3", "triton==3.4.0"]
    Path(arguments[arguments.index("--output-file") + 1]).write_text("\n".join(lines))


def sync(arguments: list[str], mode: str) -> None:
    folder = site_packages(Path(arguments[arguments.index("--python") + 1]))
    (folder / "keras").mkdir()
    if mode == "full-disk":
        sys.stderr.write("error: failed to write to file: No space left on device (os error 28)\n")
        sys.exit(2)
    if mode == "slow":
        time.sleep(1)
    for line in Path(arguments[-1]).read_text().splitlines():
        name, version = line.split("==")
        (folder / f"{name}-{version}.dist-info").mkdir()
        if name == "keras":
            source = KERAS.format(
                fault="raise ImportError('libmissing.so')" if mode == "broken-keras" else "",
                version="9.9.9" if mode == "other-version" else version,
            )
            (folder / "keras" / "__init__.py").write_text(source)


def main(arguments: list[str], mode: str) -> None:
    with Path(os.environ["FAKE_UV_CALLS"]).open("a") as calls:
        calls.write(" ".join(arguments[:2]) + "\n")
    arguments = arguments[: arguments.index("--color")]
    match arguments:
        case ["pip", "compile", *rest]:
            compile_requirements(rest, mode)
        case ["venv", *rest]:
            venv.create(rest[-1], with_pip=False, symlinks=True)
        case ["pip", "sync", *rest]:
            sync(rest, mode)
        case ["python", "find", *_] if "FAKE_UV_PYTHON" in os.environ:
            print(os.environ["FAKE_UV_PYTHON"])
        case ["python", *_]:
            sys.stderr.write(NETWORK_ERROR)
            sys.exit(2)
        case _:
            sys.exit(f"fake uv knows no {arguments}")


if __name__ == "__main__":
    main(sys.argv[1:], os.environ.get("FAKE_UV", ""))
