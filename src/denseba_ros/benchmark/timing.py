"""Wall-clock times and peak memory of a call, on CPU and CUDA."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

_CLEAR = Path("/proc/self/clear_refs")
# Writing this to clear_refs resets the kernel's peak (VmHWM): man 5 proc.
_RESET_PEAK = "5"


@dataclass(frozen=True)
class Timing:
    """``seconds`` of every repetition; ``peak_mib``: peak memory above that in use before, None if
    the system has no such counter."""

    seconds: tuple[float, ...]
    peak_mib: float | None

    @property
    def median(self) -> float:
        """Median of ``seconds``."""
        return float(np.median(self.seconds))

    @property
    def fastest(self) -> float:
        """Shortest time, which is least affected by other work on the machine."""
        return min(self.seconds)

    @property
    def p95(self) -> float:
        """95th percentile of ``seconds``."""
        return float(np.percentile(self.seconds, 95))

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "median_seconds": self.median,
            "p95_seconds": self.p95,
            "fastest_seconds": self.fastest,
            "repetitions": len(self.seconds),
            "peak_mib": self.peak_mib,
        }


def measure(
    call: Callable[[], object], device: torch.device, repeat: int, name: str = ""
) -> Timing:
    """Call once to warm up, then ``repeat`` times; ``name`` labels the progress bar.

    The call is waited for on the device, so one repetition contains no work of another.
    """
    before = _reset_peak(device)
    call()
    seconds = []
    for _ in tqdm(range(repeat), desc=name, leave=False, disable=None):
        seconds.append(_timed(call, device))
    peak = _peak(device)
    used = None if before is None or peak is None else max(0.0, peak - before)
    return Timing(tuple(seconds), used)


def _timed(call: Callable[[], object], device: torch.device) -> float:
    _wait(device)
    started = time.perf_counter()
    call()
    _wait(device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _reset_peak(device: torch.device) -> float | None:
    """Reset the peak; returns the memory in use now, MiB."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device) / 2**20
    try:
        # Cached free memory must not hide the needs of the call.
        ctypes.CDLL(None).malloc_trim(0)
        _CLEAR.write_text(_RESET_PEAK)
    except (OSError, AttributeError):
        return None
    return status_mib("VmRSS")


def _peak(device: torch.device) -> float | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return status_mib("VmHWM")


def status_mib(field: str, pid: int | str = "self") -> float:
    """A field of the status of a process in MiB; Linux reports KiB."""
    file = Path(f"/proc/{pid}/status")
    for line in file.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return float(line.split()[1]) / 1024
    raise ValueError(f"{file} has no {field}")
