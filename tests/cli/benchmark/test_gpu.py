"""`denseba benchmark gpu` from end to end on a CPU, where its figures say nothing of speed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from denseba_ros.benchmark.gpu import figure, parts
from denseba_ros.cli.benchmark import gpu
from denseba_ros.cli.main import main


def test_without_a_gpu_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["benchmark", "gpu", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "torch" in said
    assert "--device cpu" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_every_part_runs_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("triton", reason="Triton comes with torch's CUDA wheels and the dev extra")
    status = main(["benchmark", "gpu", "--device", "cpu", "--out", str(tmp_path)])
    table = capsys.readouterr().out
    assert status == 0, table
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert [part["name"] for part in report["parts"]] == list(parts.PARTS)
    assert all(part["status"] == "done" for part in report["parts"])
    assert {"commit", "date", "machine", "versions", "gpu"} <= set(report)
    assert report["gpu"]["name"] is None
    figures = {f["name"]: f for part in report["parts"] for f in part["figures"]}
    assert all(f["bar"] is None for f in figures.values())
    assert all(f["value"] is not None for f in figures.values())
    # What does not depend on the size holds here too.
    assert figures["sums in float64, largest difference"]["value"] < 1e-9
    assert figures["small window: step in float32, largest difference"]["value"] < 1e-3
    assert figures["mapping thread awaited, difference from lockstep, position"]["value"] == 0.0
    assert figures["failed"]["value"] == 0
    assert figures["passed"]["value"] >= 2
    assert {path.stem for path in (tmp_path / "log").iterdir()} == set(parts.PARTS)
    assert "Whole system: done" in table


def test_one_part_that_fails_does_not_lose_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {name: parts.PARTS[name] for name in ("window", "network")}
    monkeypatch.setattr(gpu, "PARTS", kept)

    def process(command: list[str], *_: object) -> dict[str, object]:
        number = figure.Figure("it", 2.0, "ms", bar=1.0).as_json()
        is_broken = command[-1] == "window"
        result = {"status": "failed" if is_broken else "done", "seconds": 1.0}
        result |= {"reason": "RuntimeError: no graph" if is_broken else ""}
        return {**result, "figures": [] if is_broken else [number], "notes": [], "details": {}}

    monkeypatch.setattr(gpu, "run_in_process", process)
    assert main(["benchmark", "gpu", "--device", "cpu", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "RuntimeError: no graph" in said
    assert "MISSED" in said
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert [part["status"] for part in report["parts"]] == ["failed", "done"]


def test_a_single_part_writes_its_figures(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path)]
    assert main(["benchmark", "gpu", "--device", "cpu", "--part", "network", *out]) == 0
    figures = json.loads((tmp_path / "network.json").read_text())["figures"]
    assert len(figures) == 4
    assert all(f["bar"] is None and f["value"] > 0.0 for f in figures)
