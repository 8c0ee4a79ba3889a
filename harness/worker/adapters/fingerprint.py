"""What the worker measures about itself: versions, device, and flags that can change an answer."""

import importlib
import os
import platform
import sys
from typing import Any, Callable, Dict

import numpy as np

from .apis import Api
from .measuring import measure
from .processor import describe_processor

FLAGS = (
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_USE_LEGACY_KERAS",
    "TF_DISABLE_MKL",
    "XLA_FLAGS",
    "TF_XLA_FLAGS",
    "JAX_ENABLE_X64",
    "JAX_PLATFORMS",
    "JAX_DEFAULT_MATMUL_PRECISION",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
    "MALLOC_PERTURB_",
    "THEANO_FLAGS",
    "PLAIDML_DEVICE_IDS",
    "PLAIDML_EXPERIMENTAL",
    "PLAIDML_KERAS_BACKEND",
    "MXNET_SUBGRAPH_BACKEND",
    "MXNET_MKLDNN_ENABLED",
    "MXNET_CUDNN_AUTOTUNE_DEFAULT",
    "MXNET_EXEC_BULK_EXEC_INFERENCE",
)
"""Environment variables that can change an answer, recorded in the fingerprint."""


def take_fingerprint(api: Api) -> Dict[str, str]:
    """Return the facts about the imported Keras and where it runs, all as text."""
    backend = str(api.keras.backend.backend())
    facts = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "numpy": np.__version__,
        "api": api.name,
        "version": api.version,
        "keras": api.keras_version,
        "keras_path": os.path.dirname(os.path.abspath(api.keras.__file__)),
        "backend": backend,
        "device": DEVICES.get(backend, _name_cpu)(),
        "prefix": sys.prefix,
    }
    if backend in DEVICES:
        facts["backend_version"] = str(importlib.import_module(backend).__version__)
    facts.update(describe_processor())
    facts.update(measure(backend))
    for flag in FLAGS:
        facts[flag] = os.environ.get(flag, "")
    return facts


def _name_cpu() -> str:
    return "cpu"


def _list_tensorflow_devices() -> str:
    tensorflow = importlib.import_module("tensorflow")
    config = getattr(tensorflow, "config", None)
    listed = getattr(config, "list_physical_devices", None)
    if listed is None:
        # Before TensorFlow 2.1; imported by name, since `tensorflow.python` is not always an attribute.
        listed = importlib.import_module("tensorflow.python.client.device_lib").list_local_devices
    return ",".join(sorted({str(device.device_type) for device in listed()}))


def _list_jax_devices() -> str:
    return ",".join(sorted({str(device.platform) for device in importlib.import_module("jax").devices()}))


def _find_torch_device() -> str:
    return "cuda" if importlib.import_module("torch").cuda.is_available() else "cpu"


def _find_theano_device() -> str:
    return str(importlib.import_module("theano").config.device)


def _list_cntk_devices() -> str:
    device: Any = importlib.import_module("cntk.device")
    return ",".join(str(available) for available in device.all_devices())


def _find_mxnet_device() -> str:
    return str(importlib.import_module("mxnet").context.current_context())


def _find_plaidml_device() -> str:
    return os.environ.get("PLAIDML_DEVICE_IDS") or "default"


DEVICES: Dict[str, Callable[[], str]] = {
    "tensorflow": _list_tensorflow_devices,
    "jax": _list_jax_devices,
    "torch": _find_torch_device,
    "openvino": _name_cpu,
    "numpy": _name_cpu,
    "theano": _find_theano_device,
    "cntk": _list_cntk_devices,
    "mxnet": _find_mxnet_device,
    "plaidml": _find_plaidml_device,
}
"""The function that names the device of each backend; each key is also the name of the backend's package."""
