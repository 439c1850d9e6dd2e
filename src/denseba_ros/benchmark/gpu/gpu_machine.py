"""What GPU this is, and the versions of what drives it."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch


def gpu_machine(device: torch.device) -> dict[str, Any]:
    """``name``, ``memory_mib``, ``capability``, ``driver``, and versions ``cuda`` and ``triton``,
    each None where it is not known or there is no GPU."""
    found: dict[str, Any] = {"name": None, "memory_mib": None, "capability": None, "driver": None}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found = {
            "name": properties.name,
            "memory_mib": properties.total_memory / 2**20,
            "capability": f"{properties.major}.{properties.minor}",
            "driver": _driver(),
        }
    return {**found, "cuda": torch.version.cuda, "triton": _triton()}


def why_no_gpu() -> str:
    """Empty where torch can use a GPU, else what is missing."""
    if torch.cuda.is_available():
        return ""
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    return f"torch {torch.__version__} finds no GPU (is the driver loaded? try nvidia-smi)"


def _driver() -> str | None:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()[0].strip() if done.stdout.strip() else None


def _triton() -> str | None:
    try:
        return version("triton")
    except PackageNotFoundError:
        return None
