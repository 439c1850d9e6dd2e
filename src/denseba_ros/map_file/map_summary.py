"""What is in a map file, counted without decoding it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry import sim3
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.map_file.map_reader import KeyframeEntry, MapReader
from denseba_ros.map_file.session import Session


@dataclass(frozen=True)
class SessionSummary:
    """One run, its keyframes, and the seconds between its first and its last."""

    session: Session
    keyframes: int
    seconds: float


@dataclass(frozen=True)
class MapSummary:
    """Counts and sizes of a map.

    Attributes:
        file_bytes: of the file and its log.
        part_bytes: stored bytes by what they are for.
        outcomes: closures that were tried, by what became of them.
        extent: (3,) float64 size of the box around all cameras, units of the map.
        scales: smallest and largest scale of a pose.
    """

    calibration: Calibration | None
    sessions: list[SessionSummary]
    keyframes: int
    edges: int
    closures: int
    outcomes: dict[str, int]
    extent: NDArray[np.float64]
    scales: tuple[float, float]
    file_bytes: int
    part_bytes: dict[str, int]


def summarise(map: MapReader) -> MapSummary:
    """Count what is in the map.

    Raises:
        MapFileError: when it is damaged.
    """
    entries, graph, sessions = map.entries(), map.load_graph(), map.sessions()
    centres = np.array([entry.S_map_camera[:3, 3] for entry in entries]).reshape(-1, 3)
    scales = [float(sim3.scale(entry.S_map_camera)) for entry in entries] or [1.0]
    return MapSummary(
        calibration=sessions[0].calibration if sessions else None,
        sessions=[_session(session, entries) for session in sessions],
        keyframes=len(entries),
        edges=len(graph.edges),
        closures=sum(edge.is_closure for edge in graph.edges),
        outcomes=dict(Counter(event.outcome for event in map.closure_events())),
        extent=np.ptp(centres, axis=0) if len(centres) else np.zeros(3),
        scales=(min(scales), max(scales)),
        file_bytes=map.file_bytes(),
        part_bytes=map.part_bytes(),
    )


def _session(session: Session, entries: list[KeyframeEntry]) -> SessionSummary:
    stamps = [entry.stamp_ns for entry in entries if entry.session == session.number]
    seconds = 1e-9 * (max(stamps) - min(stamps)) if stamps else 0.0
    return SessionSummary(session, len(stamps), seconds)
