"""``denseba benchmark`` on windows too small to say anything of a machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from denseba_ros.benchmark.backend.floors import Rates
from denseba_ros.benchmark.backend.room_window import WindowSize
from denseba_ros.cli.benchmark import backend
from denseba_ros.cli.main import main


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"default": WindowSize(3, (40, 32), 100, 50), "dense": WindowSize(3, (40, 30))}
    monkeypatch.setattr(backend, "SIZES", sizes)
    monkeypatch.setattr(backend, "EVERY", {})
    monkeypatch.setattr(backend, "measure_rates", lambda device: Rates(1e10, 1e11))


@pytest.mark.usefixtures("small")
def test_the_backend_is_timed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "numbers.json"
    assert (
        main(["benchmark", "backend", "--device", "cpu", "--repeat", "2", "--json", str(out)]) == 0
    )
    table = capsys.readouterr().out
    assert "L-BFGS takes" in table
    numbers = json.loads(out.read_text())
    assert [window["window"]["name"] for window in numbers["windows"]] == ["default", "dense"]
    for window in numbers["windows"]:
        schur = window["schur"][-1]
        assert schur["repetitions"] == 2
        assert window["lbfgs"]["reached"]
        before, after = schur["energies"][0]
        assert after < before
    assert numbers["machine"]["device"]["kind"] == "cpu"


@pytest.mark.usefixtures("small")
def test_one_window_without_yardsticks(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--window", "dense", "--cap", "0", "--repeat", "1"]
    assert main(["benchmark", "backend", *arguments]) == 0
    assert "L-BFGS" not in capsys.readouterr().out


def test_no_repetition_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "backend", "--repeat", "0"]) == 2
    assert "--repeat 0" in capsys.readouterr().err
