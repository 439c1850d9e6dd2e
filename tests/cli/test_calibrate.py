"""``denseba calibrate`` as a user runs it, with the reconstruction stood in for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from denseba_ros.calibration.estimate import CameraEstimate
from denseba_ros.cli import calibrate
from denseba_ros.cli.main import main
from denseba_ros.sequences.calibration_files.reading import read_calibration
from denseba_ros.sequences.image_io import write_image


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Three images without a calibration."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for k in range(3):
        write_image(folder / f"{k}.png", np.full((48, 64), 100 + k, np.uint8))
    return folder


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def estimate(frames: object, size: tuple[int, int], *_: object) -> CameraEstimate:
        camera = np.array([50.0, 50.0, 31.5, 23.5, -0.1, 0.0, 0.0, 0.0])
        deviation = np.array([0.5, 0.5, 0.3, 0.3, 0.01, 0.01, 5e-4, 5e-4])
        usual = np.array([np.inf, np.inf, 1.3, 1.3, 0.3, 0.2, 5e-4, 5e-4])
        return CameraEstimate("plumb_bob", size, camera, np.diag(deviation**2), usual, (), 20)

    monkeypatch.setattr(calibrate, "estimate_camera", estimate)


def test_the_file_that_is_written_is_read_again(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "camera.yaml"
    assert main(["calibrate", str(clip), "--fps", "10", "--out", str(out)]) == 0
    found = read_calibration(out, 64, 48)
    assert found.fx == pytest.approx(50.0)
    assert found.coefficients[0] == pytest.approx(-0.1)


def test_a_calibration_is_checked(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["calibrate", str(clip), "--fps", "10", "--check"]
    assert main([*words, "53,50,31.5,23.5"]) == 1
    assert "fx is 6.0 % off" in capsys.readouterr().out
    assert main([*words, "50.2,50,31.5,23.5"]) == 0
    assert "50.2,50,31.5,23.5 fits the clip." in capsys.readouterr().out


def test_the_recordings_own_calibration_is_checked(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clip / "calibration.txt").write_text("60 60 31.5 23.5\n")
    assert main(["calibrate", str(clip), "--fps", "10"]) == 1
    assert "the recording's own calibration does not fit the clip." in capsys.readouterr().out


def test_a_missing_folder_is_said_before_the_work(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", str(clip), "--out", str(tmp_path / "no" / "camera.yaml")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "its folder does not exist" in captured.err


def test_too_few_images_are_refused(clip: Path) -> None:
    assert main(["calibrate", str(clip), "--images", "3"]) == 2
