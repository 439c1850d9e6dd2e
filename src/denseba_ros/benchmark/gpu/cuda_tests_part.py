"""Part: the tests that compute on a GPU where there is one (``pytest -m gpu``)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from denseba_ros.benchmark.gpu.figure import Figure, PartResult
from denseba_ros.benchmark.gpu.gpu_job import GpuJob
from denseba_ros.benchmark.provenance import ROOT

# Compiling Triton's kernels for many shapes takes the time: by several processes.
_WORKERS = ("-n", "4", "--dist", "load")
_TRIAL = ("-k", "one_keyframe or mapper_stream")
_TAIL = 3000


def run(job: GpuJob) -> PartResult:
    """Passed, failed and skipped tests, and the end of what pytest printed where one failed.

    Raises:
        RuntimeError: when pytest could not run them, or there is none.
    """
    if not (ROOT / "tests").is_dir():
        raise RuntimeError("the tests are not here: run in a checkout of the repository")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "tests.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"]
        command += [
            *(_TRIAL if job.is_trial else _WORKERS),
            f"--junitxml={report}",
            *marked_files(ROOT),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"pytest ended with {done.returncode}:\n{_tail(done)}")
        return read_report(report.read_text(), _tail(done))


def marked_files(root: Path) -> list[str]:
    """Test files that name the marker: to collect all others would take half of the time."""
    files = sorted((root / "tests").rglob("test_*.py"))
    return [str(path) for path in files if "mark.gpu" in path.read_text()]


def read_report(report: str, output: str) -> PartResult:
    """Of pytest's JUnit ``report``; its ``output`` is kept where a test failed."""
    cases = list(ElementTree.fromstring(report).iter("testcase"))
    skipped = [case for case in cases if case.find("skipped") is not None]
    failed = [
        case for case in cases if case.find("failure") is not None or case.find("error") is not None
    ]
    figures = [
        Figure("passed", len(cases) - len(skipped) - len(failed), bar=1, is_least=True),
        Figure("failed", len(failed), bar=0),
        Figure("skipped", len(skipped), bar=0),
    ]
    notes = [f"failed: {_name(case)}" for case in failed]
    notes += [f"skipped: {_name(case)}" for case in skipped]
    return PartResult(figures, notes, {"output": output} if failed else {})


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}.{case.get('name')}"


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr)[-_TAIL:]
