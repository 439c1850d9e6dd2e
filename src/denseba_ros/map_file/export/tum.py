"""Keyframe poses as TUM trajectories."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.geometry import sim3
from denseba_ros.map_file.export.whole_file import whole_file
from denseba_ros.map_file.map_reader import KeyframeEntry
from denseba_ros.sequences.trajectory import tum_row


def write_trajectories(entries: list[KeyframeEntry], out: Path) -> list[str]:
    """One file for each session, ``out`` itself where there is one, else with its number.

    Poses are the rigid part (R, t) of S_map_camera. Returns what was written, a line each.
    """
    sessions = sorted({entry.session for entry in entries})
    written = []
    for session in sessions:
        path = out if len(sessions) == 1 else out.with_name(f"{out.stem}_{session}{out.suffix}")
        of_session = [entry for entry in entries if entry.session == session]
        of_session.sort(key=lambda entry: entry.stamp_ns)
        rows = [tum_row(entry.stamp_ns, sim3.rigid(entry.S_map_camera)) for entry in of_session]
        with whole_file(path) as file:
            file.write("".join(f"{row}\n" for row in rows).encode())
        written.append(f"{path}: {len(rows)} poses of session {session}")
    return written
