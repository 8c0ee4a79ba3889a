"""The processor that the worker runs on: its model, and the instruction sets that libraries dispatch on."""

import platform
import subprocess
import sys
from typing import Dict, List

CPUINFO = "/proc/cpuinfo"
"""Where Linux describes the processor."""

SYSCTL = {"model name": "machdep.cpu.brand_string", "flags": "machdep.cpu.leaf7_features"}
"""Where macOS describes it."""

CHOSEN_BY = (
    "sse4_2",
    "avx",
    "f16c",
    "fma",
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "amx_tile",
    "asimd",
    "asimddp",
    "bf16",
    "sve",
)
"""The instruction sets, by Linux's names, on which oneDNN, OpenVINO, PyTorch and XLA dispatch."""


def describe_processor() -> Dict[str, str]:
    """Return the processor's model and its instruction sets; empty text where the system does not say."""
    words = DESCRIPTIONS.get(sys.platform, dict)()
    flags = words.get("flags", words.get("features", "")).lower().split()
    return {
        "processor": words.get("model name") or platform.processor() or platform.machine(),
        "processor_isa": " ".join(name for name in CHOSEN_BY if name in flags),
    }


def read_cpuinfo(path: str = CPUINFO) -> Dict[str, str]:
    """Return Linux's description of the first processor; ARM's has "features" for flags and no model."""
    words: Dict[str, str] = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, colon, value = line.partition(":")
                if colon:
                    words.setdefault(key.strip().lower(), value.strip())
    except OSError:
        return {}
    return words


def _read_sysctl() -> Dict[str, str]:
    return {key: _query_sysctl(name) for key, name in SYSCTL.items()}


def _query_sysctl(name: str) -> str:
    argv: List[str] = ["sysctl", "-n", name]
    try:
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


DESCRIPTIONS = {"linux": read_cpuinfo, "darwin": _read_sysctl}
"""How each platform describes its processor."""
