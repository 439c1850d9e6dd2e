"""Compiled loops are read from disk, and compiled again where something in them changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from denseba_ros.numba_jit import numba_jit

_FLOW = """
import cv2
import numpy as np

from denseba_ros.frontend.features.lucas_kanade import LEVELS, WINDOW, track_both_ways

random = np.random.default_rng(0)
noise = 255 * random.random((100, 120)).astype(np.float32)
source = cv2.GaussianBlur(noise, (0, 0), 2)
target = np.roll(source, 1, 1) * np.float32(1.05) + np.float32(3)
points = random.uniform(10, 70, (100, 2)).astype(np.float32)
found, is_tracked = points.copy(), np.zeros(100, bool)
warps = np.tile(np.eye(2, dtype=np.float32), (100, 1, 1))
levels = ((source,) * LEVELS, (target,) * LEVELS)
track_both_ways(0, 100, *levels, points, found, warps, ~is_tracked, is_tracked, 0, 0, WINDOW)
hits = sum(track_both_ways.stats.cache_hits.values())
print(hits, is_tracked.sum(), found.tobytes().hex())
"""
_CALLEE = """
from denseba_ros.numba_jit import numba_jit

{constant}

@numba_jit()
def share(x):
    return x {operation}
"""
_CALLER = """
import callee
from callee import BIAS, share
from denseba_ros.numba_jit import numba_jit

@numba_jit("f8(f8)")
def total(x):
    return share(x) + BIAS

print(total(8.0), sum(total.stats.cache_hits.values()))
"""


def run(folder: Path, constant: str = "BIAS = 1.0", operation: str = "/ 2") -> str:
    """What ``total`` gave in a new process, and how often it was read from disk."""
    (folder / "callee.py").write_text(_CALLEE.format(constant=constant, operation=operation))
    (folder / "caller.py").write_text(_CALLER)
    command = [sys.executable, "-B", "caller.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_a_change_in_another_module_is_compiled_in(tmp_path: Path) -> None:
    assert run(tmp_path) == "5.0 0"
    assert run(tmp_path) == "5.0 1"
    assert run(tmp_path, operation="/ 4") == "3.0 0"
    assert run(tmp_path, operation="/ 4", constant="BIAS = 2.0") == "4.0 0"
    assert run(tmp_path) == "5.0 1"


@pytest.mark.slow
def test_what_was_just_compiled_rounds_as_what_was_read_from_disk(tmp_path: Path) -> None:
    """Callers read from disk bring their own copy of what they call."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", _FLOW]
    outputs = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    compiled, read = (output.split() for output in outputs)
    assert (compiled[0], read[0]) == ("0", "1")
    assert int(read[1]) > 50
    assert compiled[1:] == read[1:]


def test_reordered_sums_need_a_signature() -> None:
    with pytest.raises(ValueError, match="signature"):
        numba_jit(reorders_sums=True)
