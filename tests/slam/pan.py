"""A camera that turns on the spot in the rendered room."""

from __future__ import annotations

import numpy as np

from denseba_ros.sequences.room.room_trajectory import look
from denseba_ros.sequences.room.synthetic_room import RoomSequence


def pan(degrees: list[float]) -> RoomSequence:
    """The room seen with the camera turned to the left by so many ``degrees`` in each image."""
    sequence = RoomSequence("sweep", len(degrees), 320, 240, brightness=False)
    place = np.array([0.0, -0.75, 1.45])
    sequence._poses = np.stack([look(place, np.radians(angle), -0.12) for angle in degrees])
    return sequence


def rotation_error(sequence: RoomSequence, index: int, T_world_camera: np.ndarray) -> float:
    """Degrees between the true turn since the first image and that of T_world_camera (4, 4)."""
    moved = np.linalg.inv(sequence.pose(0)) @ sequence.pose(index)
    turn = moved[:3, :3].T @ T_world_camera[:3, :3]
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1.0) / 2.0, -1.0, 1.0))))
