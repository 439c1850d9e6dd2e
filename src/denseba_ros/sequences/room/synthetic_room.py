"""A rendered room as a sequence: images, exact depth and exact poses."""

from __future__ import annotations

from functools import partial

import numpy as np

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.rendering.rendered_sequence import Camera, RenderedSequence
from denseba_ros.sequences.room.room_renderer import room_renderer
from denseba_ros.sequences.room.room_trajectory import TRAJECTORIES, room_poses


class RoomSequence(RenderedSequence):
    """Frames of a textured room with boxes and pillars, rendered one by one, always the same.

    Args:
        trajectory: one of TRAJECTORIES.
        frames: number of frames.
        width, height: image size in pixels.
        noise: standard deviation of the pixel noise, grey levels.
        brightness: gain and offset drift as with automatic exposure.
        seed: of surfaces, handheld paths and noise.
        rate: frames per second.

    Raises:
        SequenceError: on an unknown trajectory or a number out of range.
    """

    def __init__(
        self,
        trajectory: str = "handheld",
        frames: int = 120,
        width: int = 640,
        height: int = 480,
        noise: float = 2.0,
        brightness: bool = True,
        seed: int = 0,
        rate: float = 30.0,
    ) -> None:
        if trajectory not in TRAJECTORIES:
            raise SequenceError(f"unknown trajectory {trajectory!r}; known: {TRAJECTORIES}")
        if frames < 1 or not rate > 0.0 or seed < 0:
            raise SequenceError(f"cannot render {frames} frames at {rate} Hz with seed {seed}")
        seconds = np.arange(frames) / rate
        super().__init__(
            f"room_{trajectory}",
            Camera(width, height, noise, brightness),
            seconds,
            partial(room_poses, trajectory, seed=seed),
            lambda: room_renderer(seed),
            seed,
        )
