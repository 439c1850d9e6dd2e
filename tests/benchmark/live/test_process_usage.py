"""Processor time and memory of another process."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from denseba_ros.benchmark.live.process_usage import ProcessUsage


def test_a_busy_process_uses_time_and_memory() -> None:
    process = subprocess.Popen([sys.executable, "-c", "x = bytearray(2**26)\nwhile True: pass"])
    try:
        before = ProcessUsage.of(process.pid)
        deadline = time.monotonic() + 30.0
        used = before
        while used.user_seconds < 0.05 and time.monotonic() < deadline:
            used = ProcessUsage.of(process.pid).since(before)
        assert used.user_seconds >= 0.05
        assert used.system_seconds >= 0.0
        assert used.peak_memory_mib > 64.0
    finally:
        process.kill()
        process.wait()


def test_a_process_that_is_gone_has_none() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(OSError, match="No such file"):
        ProcessUsage.of(process.pid)


def test_two_processes_use_what_each_does() -> None:
    one, other = ProcessUsage(1.0, 0.5, 100.0), ProcessUsage(2.0, 0.25, 300.0)
    assert ProcessUsage.sum([one, other]) == ProcessUsage(3.0, 0.75, 400.0)
    assert ProcessUsage.sum([one]) == one
