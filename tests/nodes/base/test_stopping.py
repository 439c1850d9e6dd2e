"""A process that was asked to stop ends, whatever its main thread does."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

# Far more than the grace, far less than the 600 s for which the main thread is deaf.
LIMIT = 60.0
NEVER_LOOKS = """
import time
from denseba_ros.nodes.base.stopping import stop_event
stop_event({grace})
print("up", flush=True)
for _ in range(6000):
    time.sleep(0.1)
"""
# Compiled code: Python's own handlers of signals never run while it does.
COMPILED = """
import numba
from denseba_ros.nodes.base.stopping import stop_event

@numba.njit("f8(i8)", nogil=True)
def spin(rounds):
    x = 0.1
    for _ in range(rounds):
        x = 3.9 * x * (1.0 - x)
    return x

stop_event({grace})
print("up", flush=True)
spin(1_000_000_000_000)
"""


def start(program: str, grace: float | None) -> subprocess.Popen[str]:
    code = program.format(grace=None if grace is None else f"lambda: {grace}")
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


@pytest.mark.parametrize("program", [NEVER_LOOKS, COMPILED], ids=["python", "compiled"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_deaf_process_leaves_after_the_grace(program: str, number: signal.Signals) -> None:
    with start(program, grace=0.3) as process:
        process.send_signal(number)
        assert process.wait(LIMIT) == 0


@pytest.mark.parametrize("program", [NEVER_LOOKS, COMPILED], ids=["python", "compiled"])
def test_a_second_signal_leaves_at_once(program: str) -> None:
    with start(program, grace=600.0) as process:
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT) == 0


def test_two_signals_at_once_are_one_request() -> None:
    """A terminal signals the whole group, and ``ros2 launch`` may signal again."""
    with start(NEVER_LOOKS, grace=600.0) as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)
        process.kill()


def test_without_a_grace_the_process_is_left_to_itself() -> None:
    """... because it may be writing what it recorded."""
    with start(NEVER_LOOKS, grace=None) as process:
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.0)
        process.kill()
