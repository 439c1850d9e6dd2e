"""A rendered room as a sequence: images, exact depth and exact poses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from denseba_ros.errors import SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.room.room_renderer import room_renderer
from denseba_ros.sequences.room.room_trajectory import TRAJECTORIES, room_poses
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.sequences.trajectory import Trajectory

_SECOND = 1_000_000_000
# Stamp 0 has a special meaning in ROS, so the first frame is later.
_START_NS = _SECOND
# Focal length over image width: a view of about 63 degrees, as handheld colour cameras have.
_FOCAL = 525.0 / 640.0


class RoomSequence:
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

    drops: ClassVar[dict[str, int]] = {}
    dropped = 0

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
        if frames < 1 or width < 16 or height < 16 or noise < 0.0 or not rate > 0.0 or seed < 0:
            raise SequenceError(
                f"cannot render {frames} frames of {width}x{height} at {rate} Hz "
                f"with noise {noise} and seed {seed}"
            )
        focal = _FOCAL * width
        self.name = f"room_{trajectory}"
        self.calibration = Calibration(
            width, height, focal, focal, 0.5 * (width - 1), 0.5 * (height - 1)
        )
        self._noise, self._brightness, self._seed = noise, brightness, seed
        seconds = np.arange(frames) / rate
        self._stamps_ns = _START_NS + np.round(seconds * _SECOND).astype(np.int64)
        self._seconds = seconds
        self._poses = room_poses(trajectory, seconds, seed)

    def __len__(self) -> int:
        return len(self._stamps_ns)

    def __iter__(self) -> Iterator[StampedImage]:
        for index in range(len(self)):
            yield self.frame(index)

    def frame(self, index: int) -> StampedImage:
        """Render one frame."""
        return StampedImage(index, int(self._stamps_ns[index]), self.image(index))

    def image(self, index: int) -> np.ndarray:
        """(H, W) uint8 grey, with brightness change and noise."""
        gain, offset = self.brightness(index)
        image = gain * room_renderer(self._seed).brightness(self.calibration, self.pose(index))
        image += offset
        if self._noise > 0.0:
            rng = np.random.Generator(np.random.SFC64((self._seed, 2, index)))
            image += self._noise * rng.standard_normal(image.shape, dtype=np.float32)
        pixels: np.ndarray = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        return pixels

    def depth(self, index: int) -> np.ndarray:
        """(H, W) float32 metres along z, exact at the pixel centres."""
        return room_renderer(self._seed).depth(self.calibration, self.pose(index))

    def pose(self, index: int) -> np.ndarray:
        """T_world_camera (4, 4) float64; the world is the room, z up."""
        pose: np.ndarray = self._poses[index].copy()
        return pose

    def brightness(self, index: int) -> tuple[float, float]:
        """Gain and offset (grey levels): the image is gain * the room's brightness + offset."""
        if not self._brightness:
            return 1.0, 0.0
        t = float(self._seconds[index])
        gain = math.exp(0.12 * math.sin(2.0 * math.pi * 0.13 * t))
        return gain, 6.0 * math.sin(2.0 * math.pi * 0.21 * t)

    def groundtruth(self) -> Trajectory:
        """Exact T_world_camera of every frame."""
        return Trajectory(self._stamps_ns.copy(), self._poses.copy())
