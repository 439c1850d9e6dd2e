"""What is kept of a run for the page of results."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SUMMARY = {
    "sequence": "/home/somebody/drive",
    "finished": True,
    "frames": 10,
    "tracked": 9,
    "keyframes": 3,
    "seconds_per_frame": {"total": {"median": 0.0123456789, "p95": 0.5, "frames": 10}},
    "peak_memory_mib": {"host": 512.3456789, "gpu": None},
    "device": {"kind": "cpu", "name": "x86_64", "cpu_threads": 2},
    "versions": {"torch": "2.13.0"},
    "configuration": {"frontend": {"depth_model": "constant"}},
}
EVALUATION = {
    "alignment": "Sim(3)",
    "trajectory": {
        "scale": 2.0,
        "path_length_m": 12.0,
        "ate_m": {"rmse": 0.3},
        "ate_percent_of_path": 2.5,
    },
    "nees": None,
}


def load(path: str) -> ModuleType:
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, REPOSITORY / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_a_record_says_what_was_measured_and_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, page = load("benchmarks/results.py"), load("docs/generators/results_page.py")
    monkeypatch.setattr(results, "RECORDS", tmp_path / "records")
    (tmp_path / "summary.json").write_text(json.dumps(SUMMARY))
    (tmp_path / "evaluation.json").write_text(json.dumps(EVALUATION))
    written = results.write_record(
        "drive", tmp_path, pose="odometry", timing="live", load=None, commit="abc1234"
    )
    assert "somebody" not in written.read_text()
    assert str(tmp_path) not in written.read_text()
    (row,) = page.read_records(written.parent)
    assert row["summary"]["seconds_per_frame"]["total"]["median"] == 0.012346
    assert row["depth_model"] == "constant"
    # Length: the ground truth is twice as long as the estimate.
    expected = "| drive |  | 12.0 m | 9 of 10 | 0.300 m (2.50 %) | 0.50 | odometry | live |"
    assert expected in page.results_page([row])
    assert "cores, 2 threads |" in page.results_page([row])
