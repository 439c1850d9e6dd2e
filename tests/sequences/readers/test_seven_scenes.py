"""7-Scenes folders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import CalibrationError, SequenceError, TrajectoryError
from denseba_ros.sequences.readers.seven_scenes import open_seven_scenes


@pytest.fixture
def folder(tmp_path: Path, write_pictures: Callable) -> Path:
    names = [f"frame-{i:06d}.color.png" for i in (0, 1, 3)]
    write_pictures(tmp_path, names, size=(640, 480))
    write_pictures(tmp_path, ["frame-000000.depth.png"], size=(320, 240))
    for i in (0, 1, 3):
        T = np.eye(4)
        T[0, 3] = i
        np.savetxt(tmp_path / f"frame-{i:06d}.pose.txt", T)
    return tmp_path


def test_frames_stamps_and_poses(folder: Path) -> None:
    sequence = open_seven_scenes(folder)
    assert [(f.index, f.stamp_ns) for f in sequence] == [
        (0, 0),
        (1, 33_333_333),
        (3, 100_000_000),
    ]
    truth = sequence.groundtruth()
    assert truth is not None
    assert truth.T_world_camera[:, 0, 3].tolist() == [0, 1, 3]
    assert truth.stamps_ns.tolist() == [0, 33_333_333, 100_000_000]
    c = sequence.calibration
    assert (c.fx, c.fy, c.cx, c.cy) == (525, 525, 320, 240)


def test_lost_poses_are_left_out_of_the_ground_truth(folder: Path) -> None:
    np.savetxt(folder / "frame-000001.pose.txt", np.full((4, 4), np.nan))
    (folder / "frame-000003.pose.txt").unlink()
    sequence = open_seven_scenes(folder)
    truth = sequence.groundtruth()
    assert truth is not None
    assert truth.stamps_ns.tolist() == [0]
    assert len(sequence) == 3


def test_without_any_pose_there_is_no_ground_truth(folder: Path) -> None:
    for path in folder.glob("*.pose.txt"):
        path.unlink()
    assert open_seven_scenes(folder).groundtruth() is None
    (folder / "poses_tum.txt").write_text("0.0 1 2 3 0 0 0 1\n")
    truth = open_seven_scenes(folder).groundtruth()
    assert truth is not None
    assert truth.T_world_camera[0, :3, 3].tolist() == [1, 2, 3]


def test_a_broken_pose_file_is_named(folder: Path) -> None:
    (folder / "frame-000001.pose.txt").write_text("1 2 3")
    with pytest.raises(TrajectoryError, match="frame-000001"):
        open_seven_scenes(folder).groundtruth()


def test_another_image_size_needs_a_calibration(tmp_path: Path, write_pictures: Callable) -> None:
    write_pictures(tmp_path, ["frame-000000.color.jpg"], size=(320, 240))
    with pytest.raises(CalibrationError, match="320x240"):
        open_seven_scenes(tmp_path)
    assert open_seven_scenes(tmp_path, "262.5,262.5,160,120").calibration.width == 320


def test_a_folder_without_colour_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match="color"):
        open_seven_scenes(tmp_path)


def test_real_redkitchen(sequence_dir: Callable[[str], Path]) -> None:
    sequence = open_seven_scenes(sequence_dir("7scenes_redkitchen_seq01"))
    truth = sequence.groundtruth()
    assert truth is not None
    assert len(sequence) == len(truth) == 1000
    path = np.linalg.norm(np.diff(truth.T_world_camera[:, :3, 3], axis=0), axis=1).sum()
    assert path == pytest.approx(7.4, abs=0.1)
    frame = next(iter(sequence.section(500, 501)))
    assert frame.index == 500
    assert frame.image.shape == (480, 640, 3)
