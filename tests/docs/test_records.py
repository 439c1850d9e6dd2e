"""What is kept of a run for the page of results."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SUMMARY: dict[str, Any] = {
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
EVALUATION: dict[str, Any] = {
    "alignment": "Sim(3)",
    "trajectory": {
        "scale": 2.0,
        "path_length_m": 12.0,
        "ate_m": {"rmse": 0.3},
        "ate_percent_of_path": 2.5,
    },
    "nees": None,
}

LIVE: dict[str, Any] = {
    "sequence": "drive",
    "timing": "live",
    "rate": 1.0,
    "load": 1,
    "distributed": False,
    "parameters": {},
    "commit": "abc1234",
    "date": "2026-11-29",
    "machine": {"cpu": "a cpu", "cores": 2, "load_before": 0.3, "loop_ms": 14.2},
    "images": {"published": 10, "tracked": 7, "dropped": {"too slow": 2}, "without_status": 1},
    "latency_ms": {
        "measured": {"count": 7, "p50": 31.0, "p95": 40.0, "p99": 45.0, "max": 46.0},
        "all": None,
    },
    "losses": 2,
    "map_to_odom": {"changes": 3, "largest_m": 0.1, "largest_deg": 1.0},
    "node": {"cpu_ms_per_processed_image": 61.2, "peak_memory_mib": 512.3},
    "odometry": EVALUATION["trajectory"],
    "map": None,
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


def written(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    summary: dict[str, Any],
    evaluation: dict[str, Any],
    timing: str | None = None,
) -> list[Path]:
    """Records of a run with these two files."""
    results = load("benchmarks/results.py")
    monkeypatch.setattr(results, "RECORDS", folder / "records")
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    paths: list[Path] = results.write_records("drive", folder, None, timing, commit="abc1234")
    return paths


def test_a_record_says_what_was_measured_and_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = load("docs/generators/results_page.py")
    (path,) = written(monkeypatch, tmp_path, SUMMARY, EVALUATION, "lockstep")
    assert path.name == "drive.json"
    assert "somebody" not in path.read_text()
    assert str(tmp_path) not in path.read_text()
    (row,) = page.read_records(path.parent)
    assert row["summary"]["seconds_per_frame"]["total"]["median"] == 0.012346
    assert row["depth_model"] == "constant"
    # Length: the ground truth is twice as long as the estimate.
    expected = "| drive |  | 12.0 m | 9 of 10 | 0.300 m (2.50 %) | 0.50 | map | lockstep |"
    assert expected in page.results_page([row])
    assert "cores, 2 threads |" in page.results_page([row])


def test_a_recorded_run_gives_a_row_for_odometry_and_one_for_the_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = load("docs/generators/results_page.py")
    # A recorder knows neither the node's configuration nor its machine.
    kept = ("frames", "tracked", "keyframes", "seconds_per_frame")
    summary = {**{key: SUMMARY[key] for key in kept}, "timing": "live"}
    worse = {**EVALUATION, "trajectory": EVALUATION["trajectory"] | {"ate_m": {"rmse": 0.9}}}
    evaluation = {"odometry": worse, "map": EVALUATION, "timing": "live"}
    paths = written(monkeypatch, tmp_path, summary, evaluation)
    assert [path.name for path in paths] == ["drive_live_odometry.json", "drive_live_map.json"]
    rows = page.read_records(paths[0].parent)
    text = page.results_page(rows)
    first = text.index("| 0.900 m (2.50 %) | 0.50 | odometry | live |")
    assert first < text.index("| 0.300 m (2.50 %) | 0.50 | map | live |")


def test_a_live_run_has_a_row_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, page = load("benchmarks/results.py"), load("docs/generators/results_page.py")
    monkeypatch.setattr(results, "RECORDS", tmp_path / "records")
    (tmp_path / "live.json").write_text(json.dumps(LIVE))
    path = results.write_live_record("drive", tmp_path)
    assert path == tmp_path / "records" / "live" / "drive_load1.json"
    (row,) = page.read_live_records(path.parent)
    text = page.results_page([], [row])
    expected = (
        "| drive |  | 1 | 1 | 7 of 10 | 2 too slow, 1 without a status | 31, 40, 45, 46 ms | none "
        "| 0.300 m (2.50 %) |  | `abc1234` |"
    )
    assert expected in text
    assert (
        "| drive | 1 | 1 | 1 |  | 2, 3 | 61 ms | 512 MiB | 0.3 | 14 ms | a cpu, 2 cores |" in text
    )
    assert "## At the camera" not in page.results_page([])


GPU: dict[str, Any] = {
    "commit": "abc1234",
    "date": "2026-11-29",
    "machine": {"cpu": "a cpu", "cores": 16, "load_before": 0.3},
    "versions": {"torch": "2.13.0"},
    "gpu": {"name": "a GPU", "driver": "1.2", "triton": "3.7.1"},
    "parts": [
        {
            "name": "window",
            "title": "Adjustment",
            "status": "done",
            "seconds": 9.0,
            "reason": "",
            "figures": [
                {
                    "name": "dense window", "value": 1.23456789, "unit": "ms", "bar": 1.0,
                    "is_least": False, "is_met": False,
                }
            ],
            "notes": [],
            "details": {"long": 1},
        },
        {
            "name": "system",
            "title": "Whole system",
            "status": "failed",
            "seconds": 9.0,
            "reason": "ended with status 1:\n  File /home/somebody/it.py\nRuntimeError: no graph",
            "figures": [],
            "notes": [],
            "details": {},
        },
    ],
}  # fmt: skip


def test_a_run_on_a_gpu_has_a_row_for_each_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, page = load("benchmarks/results.py"), load("docs/generators/results_page.py")
    monkeypatch.setattr(results, "RECORDS", tmp_path / "records")
    (tmp_path / "gpu.json").write_text(json.dumps(GPU))
    path = results.write_gpu_record("a_gpu", tmp_path)
    assert path == tmp_path / "records" / "gpu" / "a_gpu.json"
    assert "somebody" not in path.read_text()
    text = page.results_page([], [], page.read_gpu_records(path.parent))
    row = "| a GPU | Adjustment | dense window | 1.235 ms | at most 1, **missed** | `abc1234` |"
    assert row in text
    assert "| Whole system | failed | RuntimeError: no graph |  | `abc1234` |" in text
    assert "| a GPU | 1.2 | 2.13.0 | 3.7.1 | a cpu, 16 cores | 0.3 | 2026-11-29 |" in text
    assert "## On a GPU" not in page.results_page([])


def test_a_trial_on_a_cpu_is_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = load("benchmarks/results.py")
    monkeypatch.setattr(results, "RECORDS", tmp_path / "records")
    trial = {**GPU, "gpu": {**GPU["gpu"], "name": None}}
    (tmp_path / "gpu.json").write_text(json.dumps(trial))
    with pytest.raises(ValueError, match="trial on a CPU"):
        results.write_gpu_record("a_gpu", tmp_path)


def test_a_run_that_does_not_know_its_timing_must_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="give --timing"):
        written(monkeypatch, tmp_path, {**SUMMARY, "timing": "unknown"}, EVALUATION)
