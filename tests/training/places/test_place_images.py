"""Which images of a world certainly share no view."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.room_trajectory import look
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.training.places.place_images import PlaceImages, read_place_images


def test_images_that_look_elsewhere_share_nothing_and_unknown_poses_say_nothing() -> None:
    poses = [look(np.zeros(3), math.radians(yaw), 0.0) for yaw in (0.0, 99.0, 101.0, -101.0)]
    T = np.stack([*poses, np.full((4, 4), np.nan)])
    disjoint = PlaceImages([np.zeros((1, 64), np.float32)] * 5, T).disjoint(math.radians(100.0))
    assert disjoint[0].tolist() == [False, False, True, True, False]
    assert not disjoint[4].any()
    np.testing.assert_array_equal(disjoint, disjoint.T)


def test_a_sequence_without_poses_is_refused(tmp_path: Path) -> None:
    write_rendered(tmp_path / "room", RoomSequence("loop", 2, 64, 48))
    (tmp_path / "room" / "groundtruth.txt").unlink()
    with pytest.raises(SequenceError, match="room: this sequence has no ground truth"):
        read_place_images(tmp_path / "room")
