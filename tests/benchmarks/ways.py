"""Times ways of calling Conv2D, one after the other in one process. Runs in a target's environment.

Called by `rates.py` as `python ways.py BACKEND`; prints a JSON object of cases a second by way.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

os.environ["KERAS_BACKEND"] = sys.argv[1]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

Case = tuple[tuple[int, int], int, int, str]

CASES: list[Case] = [
    ((height, width), kernel, stride, padding)
    for height, width, kernel, stride, padding in itertools.product(
        range(5, 11), range(5, 11), (2, 3), (1, 2), ("same", "valid")
    )
]


def layer(kernel: int, stride: int, padding: str) -> Any:
    """A fresh layer."""
    return keras.layers.Conv2D(3, kernel, stride, padding)


@functools.lru_cache(maxsize=1)
def kept_layer(kernel: int, stride: int, padding: str) -> Any:
    """The layer of the case before, while it is the same."""
    return layer(kernel, stride, padding)


def inputs(size: tuple[int, int]) -> Any:
    """The input of a case."""
    return np.ones((2, *size, 2), "float32")


def documents_own_way(case: Case) -> None:
    """A model for each case, and predict."""
    size, kernel, stride, padding = case
    model = keras.Sequential([keras.Input((*size, 2)), layer(kernel, stride, padding)])
    model.predict(inputs(size), verbose=0)


def fresh_layer(case: Case) -> None:
    """A layer for each case, with its weights set."""
    size, kernel, stride, padding = case
    fresh = layer(kernel, stride, padding)
    fresh.build((2, *size, 2))
    fresh.set_weights([np.ones(weight.shape, "float32") for weight in fresh.weights])
    keras.ops.convert_to_numpy(fresh(inputs(size)))


def one_layer(case: Case) -> None:
    """One layer for all input sizes."""
    size, kernel, stride, padding = case
    kept = kept_layer(kernel, stride, padding)
    keras.ops.convert_to_numpy(kept(inputs(size)))


def rate(way: Callable[[Case], None], cases: Sequence[Case]) -> float:
    """Cases a second, after one to warm up."""
    way(cases[0])
    started = time.perf_counter()
    for case in cases:
        way(case)
    return len(cases) / (time.perf_counter() - started)


if __name__ == "__main__":
    by_layer = sorted(CASES, key=lambda case: case[1:])
    result = {
        "Sequential + predict": rate(documents_own_way, CASES[:24]),
        "fresh layer": rate(fresh_layer, CASES),
        "one layer": rate(one_layer, by_layer),
    }
    print("\n" + json.dumps(result))
