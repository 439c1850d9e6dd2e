"""Images of a rendered world as a sequence, with exact depth and exact poses."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from denseba_ros.errors import SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.rendering.renderer import Renderer
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.sequences.trajectory import Trajectory

if TYPE_CHECKING:
    from typing_extensions import Self

_SECOND = 1_000_000_000
START_NS = _SECOND
"""Stamp of time 0: stamp 0 has a special meaning in ROS, so the first frame is later."""
# Focal length over image width: a view of about 63 degrees, as handheld colour cameras have.
_FOCAL = 525.0 / 640.0
# Images that a blurred one is the mean of.
_BLUR = 9


@dataclass(frozen=True)
class Camera:
    """What the rendered camera does to brightness: ``width`` x ``height`` pixels, ``noise`` with
    this standard deviation in grey levels, and with ``brightness`` a gain and an offset that drift
    as with automatic exposure; what moves during ``exposure`` (s) is blurred.

    Raises:
        SequenceError: on a number out of range.
    """

    width: int
    height: int
    noise: float = 2.0
    brightness: bool = True
    exposure: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 16 or self.height < 16 or not min(self.noise, self.exposure) >= 0.0:
            raise SequenceError(
                f"cannot render {self.width}x{self.height} pixels with noise {self.noise} and "
                f"an exposure of {self.exposure} s"
            )

    @property
    def calibration(self) -> Calibration:
        """A pinhole with its centre in the middle of the image."""
        focal = _FOCAL * self.width
        centre = 0.5 * (self.width - 1), 0.5 * (self.height - 1)
        return Calibration(self.width, self.height, focal, focal, *centre)


class RenderedSequence:
    """Frames that are rendered one by one, always the same.

    Args:
        name: of the sequence.
        camera: its pixels.
        seconds: (N,) rising, times of the frames.
        poses: T_world_camera (M, 4, 4) float64 at any times (M,) in seconds; the world has z up.
        renderer: gives the renderer, when the first image is asked for.
        seed: of the noise.
    """

    drops: ClassVar[dict[str, int]] = {}
    dropped = 0

    def __init__(
        self,
        name: str,
        camera: Camera,
        seconds: np.ndarray,
        poses: Callable[[np.ndarray], np.ndarray],
        renderer: Callable[[], Renderer],
        seed: int,
    ) -> None:
        self.name = name
        self.calibration = camera.calibration
        self._camera, self._renderer, self._seed = camera, renderer, seed
        self._seconds = seconds
        self._stamps_ns = START_NS + np.round(seconds * _SECOND).astype(np.int64)
        self._poses_at, self._poses = poses, poses(seconds)
        self._section = range(len(seconds))

    def __len__(self) -> int:
        return len(self._section)

    def __iter__(self) -> Iterator[StampedImage]:
        for index in self._section:
            yield self.frame(index)

    def section(self, start: int, stop: int | None) -> Self:
        """Frames ``start`` to ``stop`` - 1, which keep their index; ground truth stays complete."""
        part = copy.copy(self)
        part._section = self._section[start:stop]
        return part

    def frame(self, index: int) -> StampedImage:
        """Render one frame."""
        return StampedImage(index, int(self._stamps_ns[index]), self.image(index))

    def image(self, index: int) -> np.ndarray:
        """(H, W) uint8 grey, with brightness change and noise."""
        gain, offset = self.brightness(index)
        image = gain * self._exposed(index)
        image += offset
        if self._camera.noise > 0.0:
            rng = np.random.Generator(np.random.SFC64((self._seed, 2, index)))
            image += self._camera.noise * rng.standard_normal(image.shape, dtype=np.float32)
        pixels: np.ndarray = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        return pixels

    def _exposed(self, index: int) -> np.ndarray:
        """(H, W) float32 brightness, blurred where the camera moves while the shutter is open."""
        renderer, exposure = self._renderer(), self._camera.exposure
        if not exposure:
            return renderer.brightness(self.calibration, self.pose(index))
        part = (np.arange(_BLUR) + 0.5) / _BLUR - 0.5
        poses = self._poses_at(self._seconds[index] + exposure * part)
        exposed: np.ndarray = np.mean(
            [renderer.brightness(self.calibration, pose) for pose in poses], axis=0
        )
        return exposed

    def depth(self, index: int) -> np.ndarray:
        """(H, W) float32 metres along z, exact at the pixel centres."""
        return self._renderer().depth(self.calibration, self.pose(index))

    def pose(self, index: int) -> np.ndarray:
        """T_world_camera (4, 4) float64; the world has z up."""
        pose: np.ndarray = self._poses[index].copy()
        return pose

    @property
    def seconds(self) -> np.ndarray:
        """(N,) times of all frames, whose stamps are these after START_NS."""
        return self._seconds.copy()

    def poses_at(self, seconds: np.ndarray) -> np.ndarray:
        """T_world_camera (M, 4, 4) float64 at any ``seconds`` (M,) around those of the frames."""
        return self._poses_at(seconds)

    def brightness(self, index: int) -> tuple[float, float]:
        """Gain and offset (grey levels): the image is gain * the world's brightness + offset."""
        if not self._camera.brightness:
            return 1.0, 0.0
        t = float(self._seconds[index])
        gain = math.exp(0.12 * math.sin(2.0 * math.pi * 0.13 * t))
        return gain, 6.0 * math.sin(2.0 * math.pi * 0.21 * t)

    def groundtruth(self) -> Trajectory:
        """Exact T_world_camera of every frame."""
        return Trajectory(self._stamps_ns.copy(), self._poses.copy())
