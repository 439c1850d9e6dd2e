"""A part in a process of its own: its result, its failure, its end when it hangs."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from denseba_ros.benchmark.gpu.part_process import run_in_process


def run(folder: Path, source: str, seconds: float = 60.0) -> dict[str, Any]:
    result = folder / "part.json"
    command = [sys.executable, "-c", source, str(result)]
    return run_in_process(command, os.environ, result, folder / "part.log", seconds)


_WRITES = 'import sys; open(sys.argv[1], "w").write(\'{"figures": [1], "notes": ["n"]}\')'


def test_what_it_wrote_is_its_result(tmp_path: Path) -> None:
    done = run(tmp_path, _WRITES)
    assert (done["status"], done["reason"]) == ("done", "")
    assert (done["figures"], done["notes"]) == ([1], ["n"])


def test_one_that_fails_says_why(tmp_path: Path) -> None:
    done = run(tmp_path, "raise ValueError('no such kernel')")
    assert done["status"] == "failed"
    assert "status 1" in done["reason"]
    assert "no such kernel" in done["reason"]
    assert done["figures"] == []


def test_one_that_crashes_or_forgets_to_write_has_failed(tmp_path: Path) -> None:
    (tmp_path / "part.json").write_text('{"figures": ["of an earlier run"]}')
    assert run(tmp_path, "import os; os.kill(os.getpid(), 11)")["status"] == "failed"
    assert run(tmp_path, "pass")["figures"] == []
    assert run(tmp_path, "pass")["status"] == "failed"


def test_one_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    source = (
        "import subprocess, sys, time\n"
        "print('begun', flush=True)\n"
        "c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(child)!r}, 'w').write(str(c.pid))\n"
        "time.sleep(600)\n"
    )
    done = run(tmp_path, source, seconds=5.0)
    assert done["status"] == "timed out"
    assert "begun" in done["reason"]
    pid = child.read_text()
    while _is_running(pid):  # ends by the signal, or the test's own limit ends this
        time.sleep(0.05)


def _is_running(pid: str) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False
