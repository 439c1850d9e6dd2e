"""KITTI folders: frame ids, stamps, cameras, published intrinsics."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.sequences.readers.kitti import open_kitti

P0 = "P0: 50 0 31 0 0 51 23 0 0 0 1 0\n"
P2 = "P2: 50 0 31 25 0 51 23 0 0 0 1 0\n"


@pytest.fixture
def folder(tmp_path: Path, write_pictures: Callable) -> Path:
    write_pictures(tmp_path / "image_0", ["000000.png", "000001.png", "000003.png"])
    (tmp_path / "times.txt").write_text("0.0\n1.037359e-01\n0.2\n0.31\n0.4\n")
    (tmp_path / "calib.txt").write_text(P0 + P2)
    rows = [f"1 0 0 {i} 0 1 0 0 0 0 1 0" for i in range(4)]
    (tmp_path / "poses.txt").write_text("\n".join(rows))
    return tmp_path


def test_file_numbers_index_the_times_and_missing_ones_are_no_frames(folder: Path) -> None:
    sequence = open_kitti(folder)
    frames = list(sequence)
    assert [f.index for f in frames] == [0, 1, 3]
    assert [f.stamp_ns for f in frames] == [0, 103_735_900, 310_000_000]
    assert len(sequence) == 3
    truth = sequence.groundtruth()
    assert truth is not None
    assert truth.stamps_ns.tolist() == [f.stamp_ns for f in frames]
    assert truth.T_world_camera[:, 0, 3].tolist() == [0, 1, 3]
    c = sequence.calibration
    assert (c.width, c.height, c.fx, c.fy, c.cx, c.cy) == (64, 48, 50, 51, 31, 23)


def test_colour_camera_has_its_own_projection_and_place(
    folder: Path, write_pictures: Callable
) -> None:
    (folder / "image_0").rename(folder / "image_2")
    truth = open_kitti(folder).groundtruth()
    assert truth is not None
    # P2 shifts points by +25 / 50 = 0.5 m, so the camera stands 0.5 m to the other side.
    assert truth.T_world_camera[0, :3, 3].tolist() == [-0.5, 0, 0]


def test_poses_in_the_official_place_are_found(folder: Path) -> None:
    sequence_folder = folder / "sequences" / "07"
    sequence_folder.parent.mkdir()
    official = folder / "poses"
    official.mkdir()
    (folder / "poses.txt").rename(official / "07.txt")
    sequence_folder.mkdir()
    for name in ("image_0", "times.txt", "calib.txt"):
        (folder / name).rename(sequence_folder / name)
    truth = open_kitti(sequence_folder).groundtruth()
    assert truth is not None
    assert len(truth) == 3


def test_a_section_with_rows_of_its_own_goes_in_order(
    tmp_path: Path, write_pictures: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    write_pictures(tmp_path / "image_0", ["000120.png", "000121.png"])
    (tmp_path / "times.txt").write_text("12.0\n12.1\n")
    (tmp_path / "calib.txt").write_text(P0)
    (tmp_path / "poses.txt").write_text("1 0 0 5 0 1 0 0 0 0 1 0\n1 0 0 6 0 1 0 0 0 0 1 0\n")
    sequence = open_kitti(tmp_path)
    assert [(f.index, f.stamp_ns) for f in sequence] == [
        (120, 12_000_000_000),
        (121, 12_100_000_000),
    ]
    truth = sequence.groundtruth()
    assert truth is not None
    assert truth.stamps_ns.tolist() == [12_000_000_000, 12_100_000_000]
    assert truth.T_world_camera[:, 0, 3].tolist() == [5, 6]
    assert "order of the images" in caplog.text


def test_poses_may_end_before_the_images(folder: Path) -> None:
    (folder / "poses.txt").write_text("1 0 0 0 0 1 0 0 0 0 1 0\n1 0 0 1 0 1 0 0 0 0 1 0\n")
    truth = open_kitti(folder).groundtruth()
    assert truth is not None
    assert truth.stamps_ns.tolist() == [0, 103_735_900]


def test_published_intrinsics_of_a_known_size_come_with_a_warning(
    tmp_path: Path, write_pictures: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    write_pictures(tmp_path / "image_0", ["000000.jpg", "000001.jpg"], size=(1226, 370))
    with caplog.at_level(logging.WARNING):
        sequence = open_kitti(tmp_path)
    assert sequence.calibration.fx == 707.0912
    assert "published rectified intrinsics" in caplog.text
    assert "no times.txt" in caplog.text
    assert [f.stamp_ns for f in sequence] == [0, 100_000_000]
    assert sequence.groundtruth() is None


def test_an_unknown_size_without_calibration_is_refused(
    folder: Path, write_pictures: Callable
) -> None:
    (folder / "calib.txt").unlink()
    with pytest.raises(CalibrationError, match="--intrinsics"):
        open_kitti(folder)
    assert open_kitti(folder, "60,60,32,24").calibration.fx == 60


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("times.txt", "0\n1\n", SequenceError, "2 rows, but the last frame id is 3"),
        ("times.txt", "0\nx\n2\n3\n", SequenceError, "times.txt"),
        (
            "times.txt",
            "0 0.0\n1 0.1\n2 0.2\n3 0.3\n",
            SequenceError,
            "row 1 is not one stamp: '0 0.0'",
        ),
        ("calib.txt", "P1: 1 2 3\n", CalibrationError, "no row P0"),
        ("calib.txt", "P0: 1 2 3\n", CalibrationError, "not 12 numbers"),
    ],
)
def test_malformed_files_are_named(
    folder: Path, name: str, text: str, error: type[Exception], message: str
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(error, match=message):
        open_kitti(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image_0").mkdir()
    with pytest.raises(SequenceError, match="no images"):
        open_kitti(tmp_path)


def test_real_odometry(sequence_dir: Callable[[str], Path]) -> None:
    sequence = open_kitti(sequence_dir("kitti_odometry_00"))
    truth = sequence.groundtruth()
    assert truth is not None
    assert len(sequence) == len(truth) == 160
    assert sequence.calibration.fx == 718.856
    path = np.linalg.norm(np.diff(truth.T_world_camera[:, :3, 3], axis=0), axis=1).sum()
    assert path == pytest.approx(117, abs=1)


def test_real_raw_drive(sequence_dir: Callable[[str], Path]) -> None:
    sequence = open_kitti(sequence_dir("kitti_raw_0926"))
    truth = sequence.groundtruth()
    assert truth is not None
    assert len(sequence) == 400
    assert 23 not in [f.index for f in sequence.files]
    assert sequence.calibration.fx == 721.5377
    # All but one frame have a pose with exactly their stamp.
    stamps = {f.stamp_ns for f in sequence.files}
    assert len(stamps & set(truth.stamps_ns.tolist())) >= 398
    assert next(iter(sequence)).image.shape == (375, 1242)
