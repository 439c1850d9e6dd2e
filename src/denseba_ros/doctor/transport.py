"""Measures the loss of images between two processes and diagnoses its cause."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from denseba_ros.doctor.check import Check
from denseba_ros.doctor.ros import SYSCTL, granted_receive_buffer
from denseba_ros.transport import (
    BUFFER_BYTES,
    PROFILE_VARIABLES,
    activate,
    active_profile,
)

NAME = "images between processes"
RATE = 30.0
SECONDS = 2.0
TIME_LIMIT = 40.0
"""Seconds after which an end that does not answer is killed."""
NEITHER = "stop other work; let the firewall pass UDP on this machine"


@dataclass(frozen=True)
class LinkMeasurement:
    """Result of a two-second stream of 640x480 bgr8 images at 30 Hz, best effort."""

    sent: int
    received: int
    median_latency: float
    """Seconds; NaN when nothing arrived."""
    error: str = ""
    """Why an end failed, when one did."""

    @property
    def is_lossless(self) -> bool:
        """Whether every image arrived."""
        return not self.error and 0 < self.sent == self.received

    def __str__(self) -> str:
        if self.error:
            return self.error
        if self.sent == 0:
            return "the two processes did not find each other"
        latency = f", median latency {1e3 * self.median_latency:.1f} ms" if self.received else ""
        return f"{self.received} of {self.sent} arrived{latency}"


def measure(
    sender_environment: Mapping[str, str], receiver_environment: Mapping[str, str]
) -> LinkMeasurement:
    """Stream images from one process to another, each with its own environment."""
    count = str(round(RATE * SECONDS))
    command = [sys.executable, "-m", "denseba_ros.doctor.image_link"]
    receiver = _start([*command, "receive", count, str(RATE)], receiver_environment)
    sender = _start([*command, "send", count, str(RATE)], sender_environment)
    try:
        sent, sender_error = _finish(sender)
        received, receiver_error = _finish(receiver)
    finally:
        for process in (sender, receiver):
            process.kill()
            process.wait()
    if sent is None or received is None:
        return LinkMeasurement(0, 0, float("nan"), sender_error or receiver_error)
    latencies = received["latencies"]
    median = statistics.median(latencies) if latencies else float("nan")
    return LinkMeasurement(sent["sent"], received["received"], median)


def check_transport(environment: Mapping[str, str] | None = None) -> Check:
    """Measure the link from a camera driver started in this shell to a denseba node.

    The sender gets ``environment`` (default: this process's) unchanged, the receiver as denseba's
    commands change it.
    """
    shell = dict(os.environ if environment is None else environment)
    # A domain of its own, so that a running robot is not disturbed.
    shell["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
    ours = dict(shell)
    activate(ours)
    measured = measure(shell, ours)
    if measured.is_lossless:
        return Check(NAME, "OK", str(measured))
    cause, remedy = _diagnose(shell)
    return Check(NAME, "FAIL", f"{measured}; {cause}", remedy)


def _diagnose(shell: dict[str, str]) -> tuple[str, str]:
    """Cause and remedy of a loss: small buffers, the user's profile, or neither."""
    granted = granted_receive_buffer()
    if granted < BUFFER_BYTES:
        return f"the kernel grants sockets only {granted} bytes", SYSCTL
    clean = {name: value for name, value in shell.items() if name not in PROFILE_VARIABLES}
    activate(clean)
    again = measure(clean, clean)
    chosen = active_profile(shell)
    if not again.is_lossless:
        return f"with denseba's profile at both ends: {again}", NEITHER
    if chosen.is_ours:
        return f"at a second try: {again}", "stop other work, and repeat"
    if any(variable in shell for variable in PROFILE_VARIABLES):
        culprit, remedy = chosen.path or "no profile", f"unset {' '.join(PROFILE_VARIABLES)}"
    else:
        culprit, remedy = "a sender without a profile", "source env.sh where the camera starts"
    return f"{culprit} is the cause: with denseba's profile {again}", remedy


def _start(command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, env=dict(environment), stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def _finish(process: subprocess.Popen[str]) -> tuple[dict[str, Any] | None, str]:
    """Close the process's input; return its answer, or None and the last line of its complaint."""
    try:
        output, complaint = process.communicate(timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        return None, f"no answer within {TIME_LIMIT:.0f} s"
    lines = complaint.strip().splitlines()
    if process.returncode != 0 or not output.strip():
        return None, lines[-1] if lines else f"exit status {process.returncode}"
    return json.loads(output.strip().splitlines()[-1]), ""
