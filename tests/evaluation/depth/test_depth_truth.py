"""True depth files: names, stamps, units and cameras of the layouts in use."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from denseba_ros.errors import DensebaError, SequenceError
from denseba_ros.evaluation.depth.depth_truth import find_depth, read_depth, truth_camera
from denseba_ros.geometry.calibration import Calibration

IMAGE = Calibration(640, 480, 525.0, 525.0, 320.0, 240.0)


def _write(path: Path, value: int = 1500) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((4, 6), value, np.uint16))


def test_numbers_are_nanoseconds_frames_or_rows(tmp_path: Path) -> None:
    for name in ("000000.png", "000002.png"):
        _write(tmp_path / name)
    (tmp_path / "times.txt").write_text("1.5\n1.6\n1.7e0\n")
    assert find_depth(tmp_path).stamps_ns.tolist() == [0, 2]
    assert find_depth(tmp_path, fps=10).stamps_ns.tolist() == [0, 200_000_000]
    by_times = find_depth(tmp_path, times=tmp_path / "times.txt")
    assert by_times.stamps_ns.tolist() == [1_500_000_000, 1_700_000_000]


def test_depth_beside_colour_is_chosen_by_name(tmp_path: Path) -> None:
    _write(tmp_path / "frame-000004.depth.png")
    _write(tmp_path / "frame-000004.color.png")
    files = find_depth(tmp_path, fps=30)
    assert [p.name for p in files.paths] == ["frame-000004.depth.png"]
    assert files.stamps_ns.tolist() == [133_333_333]


def test_tum_listing_gives_stamps(tmp_path: Path) -> None:
    _write(tmp_path / "depth" / "b.png")
    _write(tmp_path / "depth" / "a.png")
    (tmp_path / "depth.txt").write_text("# depth maps\n2.25 depth/a.png\n1.125 depth/b.png\n")
    files = find_depth(tmp_path / "depth")
    assert [p.name for p in files.paths] == ["b.png", "a.png"]
    assert files.stamps_ns.tolist() == [1_125_000_000, 2_250_000_000]


def test_number_without_a_time_and_empty_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="no depth images"):
        find_depth(tmp_path)
    _write(tmp_path / "000009.png")
    (tmp_path / "times.txt").write_text("0\n1\n")
    with pytest.raises(SequenceError, match="only 2 rows"):
        find_depth(tmp_path, times=tmp_path / "times.txt")


def test_units_and_unknown_pixels(tmp_path: Path) -> None:
    image = np.array([[0, 256], [512, 128]], np.uint16)
    cv2.imwrite(str(tmp_path / "d.png"), image)
    np.testing.assert_allclose(read_depth(tmp_path / "d.png", 256), [[np.nan, 1.0], [2.0, 0.5]])


def test_eight_bit_images_are_no_depth(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "d.png"), np.zeros((4, 4), np.uint8))
    with pytest.raises(SequenceError, match="16-bit"):
        read_depth(tmp_path / "d.png", 1000)


def test_camera_is_given_or_beside_or_the_images(tmp_path: Path) -> None:
    size = (320, 240)
    assert truth_camera(tmp_path, size, None, IMAGE) == IMAGE.resized(*size)
    assert truth_camera(tmp_path, size, "292.5,292.5,159.5,119.5", IMAGE).fx == 292.5
    own = Calibration(320, 240, 290.0, 290.0, 160.0, 120.0)
    (tmp_path / "camera.json").write_text(json.dumps(asdict(own)))
    assert truth_camera(tmp_path, size, None, IMAGE) == own
    with pytest.raises(DensebaError, match="not for depth images"):
        truth_camera(tmp_path, (640, 480), None, IMAGE)
