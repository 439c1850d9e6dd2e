"""Sections of rendered sequences."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.rendering.rendered_sequence import Camera, RenderedSequence
from denseba_ros.sequences.room.room_renderer import room_renderer
from denseba_ros.sequences.room.room_trajectory import room_poses
from denseba_ros.sequences.room.synthetic_room import RoomSequence


def test_a_section_keeps_index_stamp_and_pixels(room: RoomSequence) -> None:
    part = room.section(2, 4)
    whole = list(room)
    frames = list(part)
    assert len(part) == 2
    assert [f.index for f in frames] == [2, 3]
    for frame in frames:
        assert frame.stamp_ns == whole[frame.index].stamp_ns
        assert np.array_equal(frame.image, whole[frame.index].image)
    assert len(part.groundtruth()) == len(room) == 5


def test_a_section_of_a_section_counts_from_its_start(room: RoomSequence) -> None:
    assert [f.index for f in room.section(1, None).section(1, 3)] == [2, 3]


def test_what_moves_while_the_shutter_is_open_is_blurred() -> None:
    """By the mean over the exposure: edges across the motion are gone, brightness stays."""

    def turning(seconds: np.ndarray) -> np.ndarray:
        return room_poses("standstill", seconds, 0) @ np.stack(
            [_turned(3.0 * float(t)) for t in seconds]
        )

    sharp, blurred = (
        RenderedSequence(
            "turn",
            Camera(64, 48, 0.0, False, exposure),
            np.array([0.0, 0.1]),
            turning,
            lambda: room_renderer(0),
            0,
        ).image(1)
        for exposure in (0.0, 0.05)
    )
    edges = [np.abs(np.diff(image.astype(float), axis=1)).mean() for image in (sharp, blurred)]
    assert edges[1] < 0.7 * edges[0]
    assert abs(sharp.mean() - blurred.mean()) < 4.0
    with pytest.raises(SequenceError, match="exposure"):
        Camera(64, 48, exposure=-0.1)


def _turned(angle: float) -> np.ndarray:
    """(4, 4) about y of the camera."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec([0.0, angle, 0.0]).as_matrix()
    return T
