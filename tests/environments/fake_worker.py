"""A stand-in for the worker: it says hello with the Keras that it finds.

`FAKE_WORKER` chooses its fault, and reaches it as a variable of the target.
"""

import importlib
import json
import os
import sys
from pathlib import Path


def main(api: str, mode: str) -> None:
    if mode == "crash":
        os.abort()
    if mode == "silent":
        print("no message, but a framework that prints")
        return
    hello = json.loads(sys.stdin.readline())
    assert hello == {"type": "hello", "protocol": 1}, hello
    try:
        keras = importlib.import_module("keras")
    except ImportError as error:
        print(json.dumps({"type": "failed", "error": {"type": "ImportError", "message": str(error)}}))
        return
    fingerprint = {
        "api": "tf.keras" if mode == "other-api" else api,
        "version": keras.__version__,
        "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "path": str(Path(str(keras.__file__)).parent),
    }
    if mode == "terse":
        del fingerprint["backend"]
    print(json.dumps({"type": "hello", "protocol": 1, "fingerprint": fingerprint}))
    assert json.loads(sys.stdin.readline()) == {"type": "bye"}


if __name__ == "__main__":
    main(sys.argv[1], os.environ.get("FAKE_WORKER", ""))
