"""Evaluation of a run folder's depth against a folder of true depth: report and plot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from denseba_ros.errors import SequenceError
from denseba_ros.evaluation.depth.depth_comparison import truth_on_grid
from denseba_ros.evaluation.depth.depth_report import DepthReport
from denseba_ros.evaluation.depth.depth_sources import SourcesReport
from denseba_ros.evaluation.depth.depth_truth import (
    DepthFiles,
    find_depth,
    read_depth,
    truth_camera,
)
from denseba_ros.evaluation.results.plots import DepthPanel, plot_depth
from denseba_ros.evaluation.results.run_folder import RunFolder
from denseba_ros.evaluation.trajectory.association import NANOSECONDS, default_tolerance_ns
from denseba_ros.sequences.trajectory import associate

PANELS = 4


@dataclass(frozen=True)
class DepthTruth:
    """A folder of true depth images: its files, units per metre and intrinsics."""

    folder: Path
    files: DepthFiles
    units_per_metre: float
    intrinsics: str | None

    @classmethod
    def open(
        cls,
        folder: Path,
        units_per_metre: float | None = None,
        intrinsics: str | None = None,
        times: Path | None = None,
        fps: float | None = None,
    ) -> DepthTruth:
        """Find the depth images of ``folder``; the default of ``units_per_metre`` is the layout's,
        ``times`` and ``fps`` are as in ``find_depth``.

        Raises:
            SequenceError: when there are no depth images.
        """
        files = find_depth(folder, times, fps)
        return cls(folder, files, units_per_metre or files.usual_units, intrinsics)


def evaluate_depth(
    folder: RunFolder, truth: DepthTruth, trajectory_scale: float
) -> dict[str, object]:
    """Compare every keyframe with the true depth of its stamp; writes depth.png into the folder.

    ``trajectory_scale`` is the factor of the trajectory's Sim(3) alignment.

    Raises:
        SequenceError: when no keyframe has true depth.
    """
    camera, image_camera = folder.depth_camera(), folder.image_camera()
    stamps = folder.keyframe_stamps()
    tolerance = default_tolerance_ns(truth.files.stamps_ns)
    matches = list(zip(*associate(stamps, truth.files.stamps_ns, tolerance), strict=True))
    report, sources = DepthReport(trajectory_scale), SourcesReport(trajectory_scale)
    panels: list[DepthPanel] = []
    shown = set(np.linspace(0, len(matches) - 1, min(PANELS, len(matches))).astype(int).tolist())
    for k, (i, j) in enumerate(matches):
        stamp = int(stamps[i])
        depth = folder.depth(stamp)
        true = read_depth(truth.files.paths[j], truth.units_per_metre)
        size = (true.shape[1], true.shape[0])
        true_camera = truth_camera(truth.folder, size, truth.intrinsics, image_camera)
        first, image = folder.first_depth(stamp), folder.image(stamp)
        compared = report.add(depth, camera, true, true_camera, image, first)
        parts = folder.parts(stamp)
        if compared and parts is not None and image is not None:
            sources.add(parts, image, camera, true, true_camera)
        if k in shown and compared:
            seconds = float(stamp - stamps[0]) / NANOSECONDS
            on_grid = truth_on_grid(camera, true, true_camera)
            panels.append(DepthPanel(seconds, depth * trajectory_scale, on_grid))
    if not report.scales:
        raise SequenceError(
            f"{truth.folder}: of {len(stamps)} keyframes and {len(truth.files.paths)} depth images "
            f"{len(matches)} have equal stamps, and none has enough common pixels"
        )
    if panels:
        plot_depth(folder.path / "depth.png", panels)
    counts = {"keyframes": len(stamps), "truth_images": len(truth.files.paths)}
    by_source = {"by_source": sources.as_dict()} if sources.sources else {}
    return {**counts, **report.as_dict(), **by_source}
