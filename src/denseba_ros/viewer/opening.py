"""Opens the live view: rerun's viewer on this machine, a file, or both."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from denseba_ros.errors import ConfigurationError
from denseba_ros.sequences.trajectory import Trajectory
from denseba_ros.viewer.live_view import LiveView
from denseba_ros.viewer.true_path import TruePath

SUFFIX = ".rrd"
"""Of the files that rerun reads."""


def open_view(
    is_shown: bool, file: Path | None = None, groundtruth: Trajectory | None = None
) -> LiveView:
    """A view in a window where ``is_shown``, and in ``file``; beside the path of ``groundtruth``.

    Raises:
        ConfigurationError: when rerun is not installed, there is no screen for the window, or the
            file cannot be written.
    """
    if importlib.util.find_spec("rerun") is None:
        raise ConfigurationError(
            "the live view needs rerun-sdk, which is not installed: pip install 'denseba_ros[view]'"
        )
    if is_shown and not _has_screen():
        raise ConfigurationError(
            f"there is no screen here for the live view: record a {SUFFIX} file, and open that "
            "where there is one (`rerun FILE`)"
        )
    if file is not None:
        _make_writable(file)
    # Late, as the import takes half a second, and rerun is an extra.
    from denseba_ros.viewer.rerun_display import RerunDisplay
    from denseba_ros.viewer.rerun_recording import open_recording

    true_path = None if groundtruth is None else TruePath(groundtruth)
    return LiveView(RerunDisplay(open_recording(is_shown, file), true_path))


def _make_writable(file: Path) -> None:
    """Raises ConfigurationError where rerun would only log that it cannot write."""
    if file.suffix != SUFFIX:
        raise ConfigurationError(f"{file}: the name of a recording of the view ends in {SUFFIX}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb"):
            pass
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error


def _has_screen() -> bool:
    """Whether a window could open; only X and Wayland can be asked."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
