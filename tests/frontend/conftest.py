"""A few rendered frames of the room, shared by the frontend's tests."""

from __future__ import annotations

import pytest

from denseba_ros.sequences.room.synthetic_room import RoomSequence


@pytest.fixture(scope="session")
def sideways() -> RoomSequence:
    """The camera moves sideways through the room, 320x240, constant brightness."""
    return RoomSequence("sweep", 40, 320, 240, brightness=False)
