"""Where figures come from: commit, date, machine and its load, versions."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import torch

from denseba_ros.evaluation.results.run_statistics import machine_summary

ROOT = Path(__file__).resolve().parents[3]
"""The checkout, where the package is used from one."""
_LOOPS, _ADDITIONS = 7, 300_000


def provenance(load_before: float | None) -> dict[str, Any]:
    """``commit``, ``date``, ``machine`` and ``versions``; ``load_before`` is the machine's load
    average just before the run, None where unknown; ``machine`` has its ``loop_ms``, too."""
    return {
        "commit": present_commit(),
        "date": datetime.date.today().isoformat(),
        "machine": {
            "cpu": cpu_model(),
            "cores": os.cpu_count(),
            "load_before": load_before,
            "loop_ms": loop_ms(),
        },
        "versions": machine_summary(torch.device("cpu"))["versions"],
    }


def loop_ms() -> float:
    """Milliseconds of a loop that is always the same, the fastest of a few: a virtual machine is
    slower by half where its host has other guests, and times of such hours do not compare."""
    times = []
    for _ in range(_LOOPS):
        started_at, total = time.perf_counter(), 0
        for i in range(_ADDITIONS):
            total += i
        times.append(time.perf_counter() - started_at)
    return round(1e3 * min(times), 2)


def present_commit() -> str:
    """The commit of the checkout, with a plus when the package differs from it; "not a checkout"
    where the package is installed without one."""
    head = _git("rev-parse", "--short=7", "HEAD")
    if head is None:
        return "not a checkout"
    return head + ("+" if _git("status", "--porcelain", "--", "src", "models", "config") else "")


def _git(*arguments: str) -> str | None:
    if not (ROOT / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def cpu_model() -> str:
    """The processor's name as Linux gives it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
