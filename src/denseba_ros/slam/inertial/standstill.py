"""Times at which the camera stands still: begun by images and IMU, gone on with by either.

Even motion feels like rest to an IMU, so only images begin one; in the dark it lasts while the IMU
feels what it felt at the beginning.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.geometry import pose_step
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.imu.standstill import Felt

_SECOND = 1_000_000_000
# The camera must have stood for so long; what the IMU feels is looked at over the same time.
_STOOD_NS = _SECOND // 2
_FEWEST_IMAGES = 3
# Poses that differ by less are the same: translation over the depth of the scene, and rad; about
# half a pixel.
_SAME_POSE = 2e-3
# A motion that begins gently is felt so much later.
_NOTICED_NS = _SECOND * 3 // 20
# Rests that no keyframe took over yet.
_MOST = 8

Samples = Callable[[int, int], ImuSamples | None]


@dataclass(frozen=True)
class SeenPose:
    """Of a measured image: T_camera_world ``T`` (4, 4), ``T_camera_keyframe`` (4, 4) against the
    keyframe of ``keyframe_ns``, and the median ``depth`` there, units of the map.
    ``R_camera_keyframe`` (3, 3) with deviation ``rotation_sigma`` (rad per axis) is what the image
    alone says of the rotation."""

    stamp_ns: int
    T: np.ndarray
    keyframe_ns: int
    T_camera_keyframe: np.ndarray
    depth: float
    R_camera_keyframe: np.ndarray
    rotation_sigma: float = 0.0

    def is_at(self, other: SeenPose) -> bool:
        """Whether both are the same place."""
        step = pose_step.log(self.T @ pose_step.inverse(other.T))
        moved = float(np.linalg.norm(step[:3])) / self.depth
        return moved < _SAME_POSE and float(np.linalg.norm(step[3:])) < _SAME_POSE


@dataclass(frozen=True)
class Rest:
    """The camera stood at ``seen`` from ``since_ns`` to ``until_ns`` at least, stamps of images.

    ``felt``: what the IMU felt at the beginning; ``arrival``: its samples from the newest keyframe,
    or the rest before, None where there are none.
    """

    seen: SeenPose
    since_ns: int
    until_ns: int
    felt: Felt
    arrival: ImuSamples | None

    def arrived_from(self, imu_ns: int) -> ImuSamples | None:
        """The end of ``arrival`` from a time of the IMU on; None where it begins later."""
        a = self.arrival
        if a is None or len(a) == 0 or not a.stamp_ns[0] <= imu_ns < a.stamp_ns[-1]:
            return None
        return a.between(imu_ns, int(a.stamp_ns[-1]))

    @property
    def covariance(self) -> np.ndarray:
        """(6, 6) of a later pose at the same place: translation in units of the map, rotation."""
        sigmas = np.repeat([_SAME_POSE * self.seen.depth, _SAME_POSE], 3)
        return np.diag((0.5 * sigmas) ** 2)


class Standstill:
    """``rests`` are the last ones, oldest first; ``is_now``: the last of them still lasts.

    Only the thread that tracks calls it; ``rests`` may be read from any.
    """

    def __init__(self, samples: Samples, noise: ImuNoise) -> None:
        """``samples`` between two stamps of images, the later of which may be newer than all."""
        self._samples, self._noise = samples, noise
        self._seen: deque[SeenPose] = deque()
        self.rests: tuple[Rest, ...] = ()
        self.is_now = False

    def saw(self, seen: SeenPose, newest_keyframe_ns: int) -> None:
        """An image was measured; ``newest_keyframe_ns``: since when the way is to be known."""
        if self._seen and seen.stamp_ns <= self._seen[-1].stamp_ns:
            self.forget()
        self._seen.append(seen)
        while len(self._seen) > 1 and self._seen[1].stamp_ns <= seen.stamp_ns - _STOOD_NS:
            self._seen.popleft()
        if self.is_now and not self.rests[-1].seen.is_at(seen):
            self.is_now = False
        elif not self.lasts_until(seen.stamp_ns):
            self._begin(seen, newest_keyframe_ns)

    def lasts_until(self, stamp_ns: int) -> bool:
        """Whether the IMU feels nothing new up to an image, which nothing need be seen of."""
        if not self.is_now:
            return False
        rest = self.rests[-1]
        felt = self._felt(max(stamp_ns - _STOOD_NS, rest.since_ns), stamp_ns)
        self.is_now = felt is not None and rest.felt.is_same_rest(felt)
        if self.is_now:
            until_ns = max(rest.until_ns, stamp_ns - _NOTICED_NS)
            self.rests = (*self.rests[:-1], replace(rest, until_ns=until_ns))
        return self.is_now

    def forget(self) -> None:
        """Another map, or another time."""
        self._seen.clear()
        self.rests, self.is_now = (), False

    def _begin(self, seen: SeenPose, newest_keyframe_ns: int) -> None:
        first = self._seen[0]
        if len(self._seen) < _FEWEST_IMAGES or seen.stamp_ns - first.stamp_ns < _STOOD_NS:
            return
        if not all(seen.is_at(earlier) for earlier in self._seen):
            return
        felt = self._felt(first.stamp_ns, seen.stamp_ns)
        if felt is None or not felt.may_be_rest(self._noise):
            return
        since_ns = first.stamp_ns
        left_ns = max(newest_keyframe_ns, self.rests[-1].until_ns if self.rests else 0)
        arrival = self._samples(left_ns, since_ns) if left_ns < since_ns else None
        rest = Rest(seen, since_ns, seen.stamp_ns - _NOTICED_NS, felt, arrival)
        self.rests, self.is_now = (*self.rests[1 - _MOST :], rest), True

    def _felt(self, start_ns: int, end_ns: int) -> Felt | None:
        samples = self._samples(start_ns, end_ns)
        return None if samples is None or len(samples) < 10 else Felt.over(samples)
