"""Depth images beside the camera images of a sequence, joined by their stamps."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.errors import ImageError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.sequence import Sequence, StampedImage, imu_extrinsics_of, imu_of
from denseba_ros.sequences.trajectory import Trajectory

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DepthRequest:
    """How to read depth: ``units`` of a metre in 16 bits (0: as is usual in that layout), largest
    difference of stamps, and the topic of a bag that has more than one."""

    units: float = 0.0
    tolerance_ns: int = 20_000_000
    topic: str | None = None


@dataclass(frozen=True)
class StampedDepth:
    """Stamp of a depth image, and what reads it: (h, w) float32 metres, 0 where unknown; it raises
    ImageError."""

    stamp_ns: int
    read: Callable[[], np.ndarray]


@dataclass
class SequenceWithDepth:
    """``images`` with the depth that is nearest in time; without, where none is near enough.

    ``open_depths`` gives all depth images in the order of their stamps. One that cannot be read is
    as if it were not there.
    """

    images: Sequence
    open_depths: Callable[[], Iterator[StampedDepth]]
    tolerance_ns: int

    @property
    def name(self) -> str:
        """Name of the folder or file."""
        return self.images.name

    @property
    def calibration(self) -> Calibration:
        """Camera of the images."""
        return self.images.calibration

    @property
    def drops(self) -> Mapping[str, int]:
        """Number of images that the last iteration left out, by reason."""
        return self.images.drops

    @property
    def dropped(self) -> int:
        """Number of images that the last iteration left out."""
        return self.images.dropped

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[StampedImage]:
        """Images with depth, in order."""
        nearest = NearestInTime(self.open_depths(), self.tolerance_ns)
        for image in self.images:
            found = nearest.at(image.stamp_ns)
            yield image if found is None else replace(image, depth=self._read(found))

    def _read(self, depth: StampedDepth) -> np.ndarray | None:
        try:
            return depth.read()
        except ImageError as error:
            _log.warning("%s: going on without a depth image: %s", self.name, error)
            return None

    def groundtruth(self) -> Trajectory | None:
        """T_world_camera of the ground truth, None without one."""
        return self.images.groundtruth()

    def imu(self) -> ImuSamples | None:
        """Samples of the IMU beside the camera, None without one."""
        return imu_of(self.images)

    def imu_extrinsics(self) -> np.ndarray | None:
        """T_imu_camera (4, 4) as that of the images."""
        return imu_extrinsics_of(self.images)


class NearestInTime:
    """Takes depth images out of a stream as time goes on."""

    def __init__(self, depths: Iterator[StampedDepth], tolerance_ns: int) -> None:
        self._depths, self._tolerance_ns = depths, tolerance_ns
        self._near: deque[StampedDepth] = deque()
        self._is_over = False

    def at(self, stamp_ns: int) -> StampedDepth | None:
        """The nearest to ``stamp_ns``, which must not decrease; None where none is near enough."""
        last = stamp_ns + self._tolerance_ns
        while not self._is_over and not (self._near and self._near[-1].stamp_ns > last):
            depth = next(self._depths, None)
            self._is_over = depth is None
            if depth is not None:
                self._near.append(depth)
        while self._near and self._near[0].stamp_ns < stamp_ns - self._tolerance_ns:
            self._near.popleft()
        near = [depth for depth in self._near if depth.stamp_ns <= last]
        return min(near, key=lambda depth: abs(depth.stamp_ns - stamp_ns), default=None)
