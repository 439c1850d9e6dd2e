"""``denseba benchmark networks`` with the weights that ship."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from denseba_ros.cli.main import main


def test_both_networks_are_timed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "numbers.json"
    arguments = ["--device", "cpu", "--repeat", "2", "--json", str(out)]
    assert main(["benchmark", "networks", *arguments]) == 0
    table = capsys.readouterr().out
    assert table.count("| depth |") == table.count("| pose |") == 2
    rows = json.loads(out.read_text())["networks"]
    assert [row["repetitions"] for row in rows] == [2] * 4
    assert all(0.0 < row["fastest_seconds"] <= row["median_seconds"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--repeat", "0"], "--repeat 0"),
        (["--depth-model", "missing.safetensors"], "missing.safetensors"),
        (["--pose-model", "nothing"], "nothing"),
    ],
)
def test_what_is_not_there_is_said(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "networks", *arguments]) == 2
    assert says in capsys.readouterr().err
