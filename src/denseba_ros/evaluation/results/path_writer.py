"""Writes the poses of one path as they come, and their covariances at the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from denseba_ros.sequences.trajectory import tum_row


class PathWriter:
    """``rows`` is the TUM file, complete after each pose; ``covariances`` the NPZ file."""

    def __init__(self, rows: Path, covariances: Path) -> None:
        self._row_file, self._covariance_file = rows, covariances
        self._rows = rows.open("w", buffering=1)
        self._stamps: list[int] = []
        self._covariances: list[np.ndarray] = []
        self._scale_deviations: list[float] = []

    def add(
        self,
        stamp_ns: int,
        T_world_camera: np.ndarray,
        covariance: np.ndarray,
        scale_deviation: float,
    ) -> None:
        """Append a pose (4, 4) with its covariance (6, 6), of which the metric scale's relative
        ``scale_deviation`` is a part; NaN where that is unknown."""
        self._rows.write(tum_row(stamp_ns, T_world_camera) + "\n")
        self._stamps.append(stamp_ns)
        self._covariances.append(covariance)
        self._scale_deviations.append(scale_deviation)

    def move_to(self, rows: Path, covariances: Path) -> None:
        """Go on in other files, which are replaced."""
        self._row_file.replace(rows)
        self._row_file, self._covariance_file = rows, covariances

    def close(self) -> None:
        """Complete both files; may be called again."""
        self._rows.close()
        np.savez(
            self._covariance_file,
            stamps_ns=np.array(self._stamps, np.int64),
            covariance=np.array(self._covariances, np.float64).reshape(-1, 6, 6),
            scale_deviation=np.array(self._scale_deviations, np.float64),
        )
