"""``denseba train depth`` on a rendered room, end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from denseba_ros.cli.main import main
from denseba_ros.frontend.depth.depth_network import DepthNetwork
from denseba_ros.frontend.depth.depth_network_encoder import published_names
from denseba_ros.frontend.depth.depth_network_file import DepthWeights, load_depth, save_depth

_DATA = "- {kind: room, trajectory: handheld, seeds: [1], stop: 4}\n"


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """Random weights of the classifier, as published ones are stored."""
    network = DepthNetwork().encoder
    state = network.state_dict()
    weights = {there: state[here] for here, there in published_names(network).items()}
    weights["_conv_stem.weight"] = state["stem.0.weight"].expand(-1, 3, -1, -1) / 3.0
    path = tmp_path / "encoder.pth"
    torch.save(weights, path)
    return path


def test_it_trains_goes_on_and_draws(tmp_path: Path, encoder: Path) -> None:
    data = tmp_path / "data.yaml"
    data.write_text(_DATA)
    out, log, curve = (tmp_path / n for n in ("depth.safetensors", "log.jsonl", "curve.png"))
    arguments = [
        *("train", "depth", "--data", str(data), "--out", str(out), "--log", str(log)),
        *("--encoder", str(encoder), "--checkpoint", str(tmp_path / "checkpoint.pt")),
        *("--steps", "2", "--batch", "2", "--pixels", "4096", "--curve", str(curve)),
        *("--device", "cpu"),
    ]
    assert main(arguments) == 0
    assert load_depth(out).pixels == 4096
    assert curve.stat().st_size > 0
    first = out.read_bytes()
    # The checkpoint is at the end: nothing is left to do, and the result is the same.
    assert main(arguments) == 0
    assert out.read_bytes() == first
    assert [json.loads(row)["step"] for row in log.read_text().splitlines()] == [2]


def test_evaluates(tmp_path: Path, rgbd_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    weights, sources, panel = (tmp_path / n for n in ("d.safetensors", "judge.yaml", "panel.png"))
    save_depth(DepthWeights(DepthNetwork(), 4096), weights)
    sources.write_text("- {kind: rgbd, depth: depth}\n")
    arguments = ["--weights", str(weights), "--evaluate", str(sources), "--root", str(rgbd_folder)]
    assert main(["train", "depth", *arguments, "--panel", str(panel)]) == 0
    report = json.loads(capsys.readouterr().out)["."]
    assert report["median_scaled"]["frames"] == 3
    assert panel.stat().st_size > 0


def test_either_data_or_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "depth"]) == 2
    assert "--data" in capsys.readouterr().err


def test_missing_encoder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data.yaml"
    data.write_text(_DATA)
    arguments = ["train", "depth", "--data", str(data), "--encoder", str(tmp_path / "gone.pth")]
    assert main(arguments) == 2
    assert "gone.pth" in capsys.readouterr().err
