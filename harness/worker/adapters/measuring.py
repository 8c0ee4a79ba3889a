"""Facts about the worker, measured by calls, not read from variables that may be unset.

Libraries derive switches from the processor: whether TensorFlow computes with oneDNN, which instruction
set oneDNN, PyTorch, XLA and OpenVINO dispatch to, how many threads there are, whether numbers below
the normal range are kept. Each can change results, so each is asked of the library itself.
"""

import ctypes
import importlib
import os
import re
import select
import signal
import time
from functools import lru_cache
from typing import Any, Callable, Dict, List

import numpy as np

Facts = Dict[str, str]

VERBOSE = ("ONEDNN_VERBOSE", "DNNL_VERBOSE", "MKLDNN_VERBOSE")
"""The variables that make oneDNN, in any version, print what it does."""

CHILD_S = 30.0
"""Seconds after which the child process that prints oneDNN's output is killed."""

SUBNORMAL = 1e-40
"""A float32 below the normal range, which begins at about 1.2e-38."""


def measure(backend: str) -> Facts:
    """Return `onednn`, `isa`, `threads` and `subnormals` of a backend, as far as they can be measured there.

    A failed measurement gives its error as the fact: what could not be measured is not known.
    """
    facts: Facts = {}
    for name, ask in MEASURES.get(backend, {}).items():
        try:
            facts[name] = ask()
        except Exception as error:
            facts[name] = "not measured ({}: {})".format(type(error).__name__, str(error)[:120])
    return facts


def ask_onednn(call: Callable[[], Any]) -> List[str]:
    """Make a call in a child process, and return the lines that oneDNN prints there.

    oneDNN reads its variables once, so the worker itself could never silence it again. Empty
    where processes cannot be forked, or the child does not end.
    """
    if not hasattr(os, "fork"):
        return []
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _report_and_exit(call, writer)
    os.close(writer)
    printed = b""
    until = time.time() + CHILD_S
    with os.fdopen(reader, "rb", 0) as stream:
        while select.select([stream], [], [], max(until - time.time(), 0))[0]:
            part = stream.read(65536)
            if not part:
                break
            printed += part
        else:
            os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return printed.decode("utf-8", "replace").splitlines()


def _report_and_exit(call: Callable[[], Any], writer: int) -> None:
    """Make the call with oneDNN's verbose output on `writer`, and end this process."""
    try:
        os.dup2(writer, 1)
        for name in VERBOSE:
            os.environ[name] = "1"
        call()
        ctypes.CDLL(None).fflush(None)
    finally:
        os._exit(0)


def read_isa(lines: List[str]) -> str:
    """Return the instruction set that oneDNN names, as `Intel AVX2`; "" where it names none."""
    return _find_match(r"isa:(.*)", lines) or _find_match(r"\(Detected ISA\)\s*(.*)", lines)


def read_threads(lines: List[str]) -> str:
    """Return the number of threads that oneDNN names."""
    return _find_match(r"nthr:(\d+)", lines)


def read_convolution(lines: List[str]) -> str:
    """Return the implementation by which oneDNN convolved; "" where it did not."""
    return _find_match(r"exec,(?:cpu,)?convolution,([^,]+)", lines)


def _find_match(pattern: str, lines: List[str]) -> str:
    matches = filter(None, (re.search(pattern, line) for line in lines))
    return next((match.group(1).strip() for match in matches), "")


def _describe_subnormal(value: Any) -> str:
    number = float(np.asarray(value).ravel()[0])
    return "kept" if number != 0.0 else "flushed to zero"


# TensorFlow


def _convolve_in_tensorflow(data_format: str = "NHWC", value: float = 1.0) -> Any:
    """Convolve two columns of one channel with a kernel of one cell."""
    tensorflow = importlib.import_module("tensorflow")
    x = np.full((1, 1, 2, 1) if data_format == "NHWC" else (1, 1, 1, 2), value, "float32")
    kernel = np.ones((1, 1, 1, 1), "float32")
    strides = [1, 1, 1, 1]
    if getattr(tensorflow, "executing_eagerly", bool)():
        return tensorflow.nn.conv2d(x, kernel, strides, "SAME", data_format=data_format).numpy()
    with tensorflow.Graph().as_default(), tensorflow.Session() as session:
        symbolic = tensorflow.nn.conv2d(
            tensorflow.constant(x), tensorflow.constant(kernel), strides, "SAME", data_format=data_format
        )
        return session.run(symbolic)


def _detect_tensorflow_onednn() -> str:
    """Return `on` or `off`: on the CPU only oneDNN can convolve `channels_first`."""
    try:
        _convolve_in_tensorflow("NCHW")
    except Exception:
        return "off"
    return "on"


@lru_cache(maxsize=1)
def _ask_tensorflow() -> List[str]:
    return ask_onednn(_convolve_in_tensorflow)


# PyTorch


def _convolve_in_torch(value: float = 1.0) -> Any:
    """Convolve with a wide kernel: on one thread PyTorch computes others in small batches without oneDNN."""
    torch = importlib.import_module("torch")
    return torch.nn.functional.conv2d(torch.full((1, 8, 5, 5), value), torch.ones((8, 8, 5, 5)))


def _describe_torch_isa() -> str:
    """Return what PyTorch's own kernels dispatch to, and what oneDNN does."""
    capability = str(importlib.import_module("torch").backends.cpu.get_cpu_capability())
    return "ATen {}, oneDNN {}".format(capability, read_isa(_ask_torch()) or "unknown")


@lru_cache(maxsize=1)
def _ask_torch() -> List[str]:
    return ask_onednn(_convolve_in_torch)


# JAX, by which Keras's NumPy backend convolves too


def _convolve_in_jax(value: float = 1.0) -> Any:
    jax = importlib.import_module("jax")
    x = jax.numpy.full((1, 1, 2, 1), value, "float32")
    return jax.lax.conv_general_dilated(x, jax.numpy.ones((1, 1, 1, 1), "float32"), (1, 1), "SAME")


def _describe_xla_isa() -> str:
    """Return the AVX and AMX features of a compiled program, into which XLA writes them."""
    jax = importlib.import_module("jax")
    compiled = jax.jit(lambda x: x @ x + 1).lower(jax.numpy.ones((16, 16), "float32")).compile()
    client = jax.devices()[0].client
    program = bytes(client.serialize_executable(compiled.runtime_executable()))
    features = sorted(set(re.findall(rb"\+((?:avx|amx|neon|sve)[-0-9a-z]*)", program)))
    return "XLA " + (" ".join(feature.decode("ascii") for feature in features) or "unknown")


# OpenVINO


@lru_cache(maxsize=1)
def _compile_openvino_convolution() -> Any:
    openvino = importlib.import_module("openvino")
    operations = importlib.import_module("openvino.opset8")
    x = operations.parameter([1, 8, 4, 4], openvino.Type.f32)
    kernel = operations.constant(np.eye(8, dtype="float32").reshape(8, 8, 1, 1))
    convolved = operations.convolution(x, kernel, [1, 1], [0, 0], [0, 0], [1, 1])
    return openvino.Core().compile_model(openvino.Model([convolved], [x], "measured"), "CPU")


def _describe_openvino_isa() -> str:
    """Return the implementation chosen for a convolution, whose name contains the instruction set."""
    for node in _compile_openvino_convolution().get_runtime_model().get_ops():
        facts = node.get_rt_info()
        if "layerType" in facts and facts["layerType"].astype(str) == "Convolution":
            return "OpenVINO " + str(facts["primitiveType"].astype(str))
    return "OpenVINO unknown"


def _count_openvino_threads() -> str:
    return str(_compile_openvino_convolution().get_property("INFERENCE_NUM_THREADS"))


def _test_openvino_subnormals() -> str:
    model = _compile_openvino_convolution()
    return _describe_subnormal(model([np.full((1, 8, 4, 4), SUBNORMAL, "float32")])[0])


# MXNet


def _convolve_in_mxnet() -> Any:
    array = importlib.import_module("mxnet.ndarray")
    x, kernel = array.ones((1, 8, 4, 4)), array.ones((8, 8, 1, 1))
    return array.Convolution(x, kernel, kernel=(1, 1), num_filter=8, no_bias=True).asnumpy()


@lru_cache(maxsize=1)
def _ask_mxnet() -> List[str]:
    return ask_onednn(_convolve_in_mxnet)


def _describe_onednn_use(lines: List[str]) -> str:
    return "on" if read_convolution(lines) else "off"


_XLA: Dict[str, Callable[[], str]] = {
    "isa": _describe_xla_isa,
    "subnormals": lambda: _describe_subnormal(_convolve_in_jax(SUBNORMAL)),
}

MEASURES: Dict[str, Dict[str, Callable[[], str]]] = {
    "tensorflow": {
        # The child is forked first, before this process has threads, which a fork does not copy.
        "isa": lambda: "oneDNN {}".format(read_isa(_ask_tensorflow()) or "absent"),
        "threads": lambda: read_threads(_ask_tensorflow()),
        "onednn": _detect_tensorflow_onednn,
        "subnormals": lambda: _describe_subnormal(_convolve_in_tensorflow(value=SUBNORMAL)),
    },
    "torch": {
        "isa": _describe_torch_isa,
        "threads": lambda: str(importlib.import_module("torch").get_num_threads()),
        "onednn": lambda: _describe_onednn_use(_ask_torch()),
        "subnormals": lambda: _describe_subnormal(_convolve_in_torch(SUBNORMAL)),
    },
    "jax": _XLA,
    "numpy": _XLA,
    "openvino": {
        "isa": _describe_openvino_isa,
        "threads": _count_openvino_threads,
        "subnormals": _test_openvino_subnormals,
    },
    "mxnet": {
        "isa": lambda: "oneDNN {}".format(read_isa(_ask_mxnet()) or "absent"),
        "onednn": lambda: _describe_onednn_use(_ask_mxnet()),
    },
}
"""How each fact is measured on each backend."""
