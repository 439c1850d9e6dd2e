"""What a process says on its terminal before, or without, ROS' own log."""

from __future__ import annotations

import logging
import os

_NOTICES = logging.getLogger("denseba_ros.numba_jit")


def show_notices() -> None:
    """Print on stderr, as a ROS node would, that loops are being compiled. Imports nothing large.

    What OpenCV and FFmpeg would print of a damaged file is left out, as denseba says it by itself.
    A second call changes nothing.
    """
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if _NOTICES.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[%(levelname)s] [denseba]: %(message)s"))
    _NOTICES.addHandler(handler)
    _NOTICES.setLevel(logging.INFO)
