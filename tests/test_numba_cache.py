"""Compiled loops are read from disk, and compiled again where something in them changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
