"""Trajectory errors by evo, the usual reference, as a separate program (it is GPL)."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from denseba_ros.errors import TrajectoryError
from denseba_ros.sequences.trajectory import Trajectory, write_tum

_TIMEOUT_SECONDS = 600
# (name in our report, program, further arguments)
_MEASURES = (
    ("ate_m", "evo_ape", ("-r", "trans_part")),
    ("rpe_frame_m", "evo_rpe", ("-r", "trans_part", "-d", "1", "-u", "f")),
    ("rpe_frame_deg", "evo_rpe", ("-r", "angle_deg", "-d", "1", "-u", "f")),
)


def evo_program(name: str) -> str | None:
    """Path of evo's program beside this Python or on PATH, None when evo is not installed."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(name, path=beside + os.pathsep + os.environ.get("PATH", ""))


def evo_report(
    estimate: Trajectory, groundtruth: Trajectory, tolerance_ns: int, with_scale: bool = True
) -> dict[str, dict[str, float]] | None:
    """evo's statistics (rmse, mean, ...) per measure, None when evo is not installed.

    evo itself reads both as TUM files, associates and aligns.

    Raises:
        TrajectoryError: with evo's message, when it fails.
    """
    if any(evo_program(program) is None for _, program, _ in _MEASURES):
        return None
    with tempfile.TemporaryDirectory() as name:
        truth, ours = Path(name) / "groundtruth.txt", Path(name) / "estimate.txt"
        write_tum(truth, groundtruth)
        write_tum(ours, estimate)
        common = [
            "-a",
            *(["-s"] if with_scale else []),
            "--t_max_diff",
            f"{tolerance_ns / 1e9:.9f}",
        ]
        return {
            measure: _statistics(
                [str(evo_program(program)), "tum", str(truth), str(ours), *common, *arguments],
                Path(name) / f"{measure}.zip",
            )
            for measure, program, arguments in _MEASURES
        }


def _statistics(command: list[str], results: Path) -> dict[str, float]:
    result = subprocess.run(
        [*command, "--no_warnings", "--save_results", str(results)],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    if result.returncode != 0 or not results.exists():
        raise TrajectoryError(f"{Path(command[0]).name}: {result.stderr or result.stdout}")
    with zipfile.ZipFile(results) as archive:
        statistics: dict[str, float] = json.loads(archive.read("stats.json"))
    return statistics


def disagreements(
    ours: dict[str, Any], theirs: dict[str, dict[str, float]], tolerance: float = 0.01
) -> list[str]:
    """One sentence for each rmse that differs from evo's by more than ``tolerance`` (relative)."""
    return [
        f"{measure}: rmse {ours[measure]['rmse']:.6g} here, {statistics['rmse']:.6g} by evo"
        for measure, statistics in theirs.items()
        if not math.isclose(
            ours[measure]["rmse"], statistics["rmse"], rel_tol=tolerance, abs_tol=1e-6
        )
    ]
