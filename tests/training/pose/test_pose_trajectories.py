"""Which images of a recorded sequence motion is learned from."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.trajectory import Trajectory, write_tum
from denseba_ros.training.pose.pose_trajectories import read_trajectories


def test_a_part_of_the_sequence_is_read_from_the_url(
    rgbd_folder: Path, small_room: RoomSequence
) -> None:
    (whole,) = read_trajectories(rgbd_folder, None, 0.0, 1.0)
    assert whole.locations == [f"{rgbd_folder}/images/{k:05d}.png" for k in range(6)]
    (part,) = read_trajectories(rgbd_folder, "http://host/room/", 0.5, 1.0)
    assert part.locations == [f"http://host/room/images/{k:05d}.png" for k in (3, 4, 5)]
    np.testing.assert_allclose(part.T_world_camera[0], small_room.pose(3), atol=1e-12)


def test_it_is_cut_where_an_image_has_no_pose(
    rgbd_folder: Path, small_room: RoomSequence, tmp_path: Path
) -> None:
    """Images 2 and 4 have no pose, so that 3 and 5 are alone and no pair."""
    folder = tmp_path / "holes"
    shutil.copytree(rgbd_folder, folder)
    (folder / "poses.txt").unlink()
    known = [0, 1, 3, 5]
    stamps = np.array(known) * 1_000_000_000
    T = np.stack([small_room.pose(k) for k in known])
    write_tum(folder / "poses_tum.txt", Trajectory(stamps, T))
    pieces = read_trajectories(folder, None, 0.0, 1.0)
    assert [[Path(name).stem for name in piece.locations] for piece in pieces] == [
        ["00000", "00001"]
    ]


def test_poses_are_needed(rgbd_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "blind"
    shutil.copytree(rgbd_folder, folder)
    (folder / "poses.txt").unlink()
    with pytest.raises(SequenceError, match="no poses"):
        read_trajectories(folder, None, 0.0, 1.0)
