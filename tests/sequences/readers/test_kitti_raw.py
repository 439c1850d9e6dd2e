"""Drives of KITTI raw in the folders in which they are downloaded."""

from collections.abc import Callable
from pathlib import Path

import pytest

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.readers.kitti_raw import open_kitti_raw

TIMES = [f"2011-09-26 13:02:25.{fraction}" for fraction in ("964389445", "067", "1716")]
CALIBRATION = """\
calib_time: 09-Jan-2012 13:57:47
corner_dist: 9.950000e-02
S_00: 80 60
K_00: 50 0 41 0 51 31 0 0 1
D_00: -0.3 0.1 0.001 0.002 0
S_rect_00: 64 48
P_rect_00: 45 0 32 0 0 45 24 0 0 0 1 0
S_rect_02: 64 48
P_rect_02: 46 0 33 12 0 46 25 0 0 0 1 0
"""


def drive(
    root: Path, write_pictures: Callable, camera: str = "image_00", size: tuple[int, int] = (64, 48)
) -> Path:
    folder = root / "2011_09_26" / "2011_09_26_drive_0001_sync"
    write_pictures(folder / camera / "data", [f"{i:010}.png" for i in range(3)], size)
    text = "\n".join(["2011-09-26 13:02:24.964389445", "2011-09-26 13:02:25.067", TIMES[2]])
    (folder / camera / "timestamps.txt").write_text(text)
    (folder.parent / "calib_cam_to_cam.txt").write_text(CALIBRATION)
    return folder


def test_stamps_and_the_rectified_camera(tmp_path: Path, write_pictures: Callable) -> None:
    sequence = open_sequence(drive(tmp_path, write_pictures))
    stamps = [frame.stamp_ns for frame in sequence]
    assert [stamp - stamps[0] for stamp in stamps] == [0, 102_610_555, 207_210_555]
    assert stamps[0] == 1_317_042_144_964_389_445
    camera = sequence.calibration
    assert (camera.fx, camera.cx, camera.cy, camera.model) == (45, 32, 24, "none")


def test_the_colour_camera_and_unrectified_images(tmp_path: Path, write_pictures: Callable) -> None:
    colour = open_kitti_raw(drive(tmp_path / "a", write_pictures, "image_02"))
    assert (colour.calibration.fx, colour.calibration.cx) == (46, 33)
    raw = open_kitti_raw(drive(tmp_path / "b", write_pictures, size=(80, 60)))
    assert (raw.calibration.fx, raw.calibration.model) == (50, "plumb_bob")


def test_what_is_missing_is_said(tmp_path: Path, write_pictures: Callable) -> None:
    folder = drive(tmp_path, write_pictures)
    calibration = folder.parent / "calib_cam_to_cam.txt"
    calibration.write_text(CALIBRATION.replace("64 48", "70 50"))
    with pytest.raises(CalibrationError, match="70x50"):
        open_kitti_raw(folder)
    calibration.unlink()
    with pytest.raises(CalibrationError, match="no size of a rectified KITTI image"):
        open_kitti_raw(folder)
    assert open_kitti_raw(folder, "40,40,32,24").calibration.fx == 40
    times = folder / "image_00" / "timestamps.txt"
    times.write_text("yesterday\n")
    with pytest.raises(SequenceError, match="'yesterday' is no date and time"):
        open_kitti_raw(folder, "40,40,32,24")
    times.write_text(TIMES[0])
    with pytest.raises(SequenceError, match="1 rows"):
        open_kitti_raw(folder, "40,40,32,24")
    times.unlink()
    stamps = [f.stamp_ns for f in open_kitti_raw(folder, "40,40,32,24")]
    assert stamps == [0, 100_000_000, 200_000_000]
