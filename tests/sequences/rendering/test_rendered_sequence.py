"""Sections of rendered sequences."""

import numpy as np

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
