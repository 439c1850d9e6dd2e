"""``denseba train pose`` on a few rendered images, from a folder and from a URL of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from denseba_ros.cli.main import main
from denseba_ros.frontend.pose.pose_network import PoseNetwork

_QUICK = ["--chunks", "2", "--batch", "2", "--length", "2", "--size", "48", "48"]


def test_it_trains_and_goes_on(rgbd_folder: Path, tmp_path: Path) -> None:
    out, checkpoint = tmp_path / "pose.safetensors", tmp_path / "checkpoint.pt"
    arguments = ["train", "pose", "--data", str(rgbd_folder), "--out", str(out), *_QUICK]
    assert main([*arguments, "--checkpoint", str(checkpoint)]) == 0
    first = load_file(out)
    PoseNetwork().load_state_dict(first)
    # At its end already: the same weights again, and the same from a URL.
    assert main([*arguments, "--checkpoint", str(checkpoint)]) == 0
    assert all((load_file(out)[name] == first[name]).all() for name in first)
    assert main([*arguments, "--url", rgbd_folder.as_uri()]) == 0
    assert all((load_file(out)[name] == first[name]).all() for name in first)
    later = tmp_path / "later.safetensors"
    assert main([*arguments, "--begin", str(out), "--rate", "1e-9", "--out", str(later)]) == 0
    for name, parameter in PoseNetwork().named_parameters():
        assert parameter.shape == first[name].shape
        np.testing.assert_allclose(load_file(later)[name], first[name], atol=1e-6)


def test_it_evaluates_weights_on_what_was_left_out(
    rgbd_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pose.safetensors"
    data = ["train", "pose", "--data", str(rgbd_folder)]
    assert main([*data, "--split", "0.4", "--out", str(out), *_QUICK]) == 0
    capsys.readouterr()
    assert main([*data, "--split", "0.4", "--weights", str(out)]) == 0
    (report,) = json.loads(capsys.readouterr().out).values()
    assert main([*data, "--weights", str(out)]) == 0
    (whole,) = json.loads(capsys.readouterr().out).values()
    assert 0 < report["pairs"] < whole["pairs"]
    # Hardly trained, it says something of the size of rotations.
    assert 0.0 < whole["rotation"] < 5.0
    assert 0.0 < whole["constant_velocity"] < whole["still"]


def test_poses_are_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "pose", "--data", str(tmp_path)]) == 2
    assert "not a known sequence" in capsys.readouterr().err


def test_a_curve_without_a_log_is_refused_before_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The data is missing too, which only a training would notice."""
    nowhere = str(tmp_path / "nowhere")
    assert main(["train", "pose", "--data", nowhere, "--curve", str(tmp_path / "curve.png")]) != 0
    assert "--log" in capsys.readouterr().err
