"""What the tracker did, shown beside it by a thread of its own."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Keyframe
from denseba_ros.viewer.mailbox import Mail, Mailbox, SeenImage

if TYPE_CHECKING:
    from typing_extensions import Self

_log = logging.getLogger(__name__)


class Display(Protocol):
    """What draws; only one thread calls it."""

    def show(self, mail: Mail) -> None:
        """Draw what waited."""
        ...

    def close(self) -> None:
        """Draw what is complete only now, and end."""
        ...


class LiveView:
    """Every method returns at once, however slow the display is: it leaves images out, but no
    keyframes. A display that fails is given up with a message, and tracking goes on."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._mailbox = Mailbox()
        self._has_failed = False
        self._thread = threading.Thread(target=self._work, name="denseba view", daemon=True)
        self._thread.start()

    @property
    def images_left_out(self) -> int:
        """Images that came faster than they could be shown."""
        return self._mailbox.replaced

    def show(
        self, estimate: Estimate, image: np.ndarray, calibration: Calibration, seconds: float
    ) -> None:
        """Show an estimate that took ``seconds``, with its image (H, W[, 3]) uint8 grey or BGR of a
        camera with ``calibration``; none of the arrays may change afterwards."""
        if not self._has_failed:
            self._mailbox.put_image(SeenImage(estimate, image, calibration, seconds))

    def show_depth(self, depth: DepthMap) -> None:
        """Show the depth of an image whose estimate came without."""
        if not self._has_failed:
            self._mailbox.put_depth(depth)

    def add_keyframes(self, keyframes: list[Keyframe]) -> None:
        """Show the points of keyframes, each at its pose until that is updated."""
        if keyframes and not self._has_failed:
            self._mailbox.put_keyframes(keyframes, {})

    def update_keyframe_poses(self, poses: dict[int, np.ndarray]) -> None:
        """Move keyframes, and with them their points: T_world_camera (4, 4) by stamp (ns), rigid or
        a similarity. Those that are not named stay where they are."""
        if poses and not self._has_failed:
            self._mailbox.put_keyframes([], poses)

    def begin_world(self) -> None:
        """What follows lies in another odometry frame; what was shown before it vanishes."""
        if not self._has_failed:
            self._mailbox.begin_world()

    def close(self, timeout: float | None = None) -> None:
        """Show what still waits, and end: within ``timeout`` seconds, if given."""
        self._mailbox.close()
        self._thread.join(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _work(self) -> None:
        try:
            while mails := self._mailbox.take():
                for mail in mails:
                    self._display.show(mail)
            self._display.close()
        except Exception:
            self._has_failed = True
            self._mailbox.take()
            _log.exception("the live view ended; tracking goes on")
