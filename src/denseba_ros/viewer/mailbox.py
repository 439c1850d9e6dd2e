"""Between the tracker, which never waits, and the thread that shows what it did."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Keyframe


@dataclass(frozen=True)
class SeenImage:
    """An image (H, W[, 3]) uint8 grey or BGR of a camera with ``calibration``, what was estimated
    of it, and the ``seconds`` that took."""

    estimate: Estimate
    image: np.ndarray
    calibration: Calibration
    seconds: float


@dataclass
class Mail:
    """What waits to be shown. ``is_new_world``: all that was shown before is of another frame.

    ``poses`` are T_world_camera (4, 4) of keyframes by their stamp; ``depth`` is that of an image
    that was shown without.
    """

    is_new_world: bool = False
    keyframes: list[Keyframe] = field(default_factory=list)
    poses: dict[int, np.ndarray] = field(default_factory=dict)
    image: SeenImage | None = None
    depth: DepthMap | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.is_new_world or self.keyframes or self.poses or self.image or self.depth)


class Mailbox:
    """One slot for images and one for depth, where the newest replaces what nobody took; keyframes
    and their poses wait until they are taken. ``replaced`` counts images. Thread-safe."""

    def __init__(self) -> None:
        self.replaced = 0
        self._filled = threading.Condition()
        self._mails = [Mail()]
        self._is_closed = False

    def put_image(self, image: SeenImage) -> None:
        """Show this image next."""
        with self._filled:
            self.replaced += self._mails[-1].image is not None
            self._mails[-1].image = image
            self._filled.notify()

    def put_depth(self, depth: DepthMap) -> None:
        """Show this depth next."""
        with self._filled:
            self._mails[-1].depth = depth
            self._filled.notify()

    def put_keyframes(self, keyframes: list[Keyframe], poses: dict[int, np.ndarray]) -> None:
        """Show all of these keyframes, and these poses of any."""
        with self._filled:
            newest = self._mails[-1]
            newest.keyframes += keyframes
            newest.poses |= {k.stamp_ns: k.T_world_camera for k in keyframes} | poses
            self._filled.notify()

    def begin_world(self) -> None:
        """What is put from now on lies in another frame."""
        with self._filled:
            self._mails.append(Mail(is_new_world=True))
            self._filled.notify()

    def take(self) -> list[Mail]:
        """Wait for something to show, and take all of it; empty once closed and emptied."""
        with self._filled:
            while self._mails[-1].is_empty and not self._is_closed:
                self._filled.wait()
            mails = [mail for mail in self._mails if not mail.is_empty]
            self._mails = [Mail()]
            return mails

    def close(self) -> None:
        """Nothing more will be put; what waits can still be taken."""
        with self._filled:
            self._is_closed = True
            self._filled.notify()
