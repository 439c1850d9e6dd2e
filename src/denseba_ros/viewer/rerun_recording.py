"""rerun's recording stream and where it goes."""

from __future__ import annotations

from pathlib import Path

import rerun as rr

from denseba_ros.errors import ConfigurationError
from denseba_ros.viewer.rerun_layout import layout


def open_recording(is_shown: bool, file: Path | None) -> rr.RecordingStream:
    """A stream to a viewer that is started here, where ``is_shown``, and to ``file``.

    Raises:
        ConfigurationError: when the viewer cannot be started.
    """
    recording = rr.RecordingStream("denseba")
    sinks: list[rr.FileSink | rr.GrpcSink] = []
    if is_shown:
        try:
            recording.spawn(connect=False, hide_welcome_screen=True)
        except (OSError, RuntimeError) as error:
            raise ConfigurationError(f"rerun's viewer does not start: {error}") from error
        sinks.append(rr.GrpcSink())
    if file is not None:
        sinks.append(rr.FileSink(file))
    recording.set_sinks(*sinks, default_blueprint=layout())
    return recording
