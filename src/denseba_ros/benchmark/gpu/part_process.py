"""Runs a part in a process of its own, so that what breaks there breaks nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_TAIL_LINES = 15


def run_in_process(
    command: Sequence[str], environment: Mapping[str, str], result: Path, log: Path, seconds: float
) -> dict[str, Any]:
    """Run ``command``, which writes a ``PartResult`` to ``result``, for at most ``seconds``.

    Its output goes to ``log``. Returns ``status`` ("done", "failed" or "timed out"), ``seconds``
    that it took, ``reason`` (why it is not done: the end of the output, else empty), and what
    ``result`` holds: ``figures``, ``notes`` and ``details``, empty where it is not done.
    """
    result.unlink(missing_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own: its children end with it
        )
    try:
        code: int | None = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        _end_group(process)
    found: dict[str, Any] = {"figures": [], "notes": [], "details": {}}
    status, reason = "done", ""
    if code == 0 and result.is_file():
        found = json.loads(result.read_text())
    else:
        status = "timed out" if code is None else "failed"
        ended = f"ran past {seconds:g} s" if code is None else f"ended with status {code}"
        reason = f"{ended}; the last that it said:\n{_tail(log)}"
    return {"status": status, "seconds": time.monotonic() - started, "reason": reason, **found}


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").rstrip().splitlines()[-_TAIL_LINES:])
