"""Plots of an evaluation: the path, errors over time, depth panels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from denseba_ros.evaluation.trajectory.association import NANOSECONDS, pairs_after
from denseba_ros.evaluation.trajectory.trajectory_metrics import (
    MatchedTrajectories,
    absolute_errors,
    relative_errors,
)

_TRUTH = {"color": "0.35", "linewidth": 2.5, "label": "ground truth"}
_ESTIMATE = {"color": "tab:blue", "linewidth": 1.2, "label": "estimate, aligned"}
_DPI = 130


@dataclass(frozen=True)
class DepthPanel:
    """One keyframe of the depth plot, ``seconds`` after the first: ``estimate``, already scaled,
    and ``truth``, both (h, w) metres, NaN = unknown."""

    seconds: float
    estimate: np.ndarray
    truth: np.ndarray


def plot_path(path: Path, matched: MatchedTrajectories, pose: str) -> None:
    """Plot estimated and true path in the plane of largest extent and from the side, metres.

    ``pose`` is what the title says was measured: "odometry" or "map".
    """
    truth = matched.groundtruth[:, :3, 3]
    centre = truth.mean(axis=0)
    # principal directions: data sets have different conventions for the world's axes
    directions = np.linalg.svd(truth - centre, full_matrices=False)[2]
    flat_truth = (truth - centre) @ directions.T
    flat_estimate = (matched.aligned[:, :3, 3] - centre) @ directions.T
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for axis, other, title in ((axes[0], 1, "from above"), (axes[1], 2, "from the side")):
        axis.plot(flat_truth[:, 0], flat_truth[:, other], **_TRUTH)
        axis.plot(flat_estimate[:, 0], flat_estimate[:, other], **_ESTIMATE)
        axis.plot(*flat_truth[0, [0, other]], "o", color="tab:green", label="start")
        axis.set(xlabel="along the path's main direction [m]", ylabel="across [m]", title=title)
        axis.set_aspect("equal", adjustable="datalim")
        axis.grid(alpha=0.3)
    axes[0].legend()
    errors = absolute_errors(matched)
    rmse = np.sqrt(np.mean(errors**2))
    figure.suptitle(
        f"{pose}: {len(errors)} poses, absolute trajectory error {rmse:.3g} m rmse "
        f"after alignment (scale {matched.alignment.scale:.4g})"
    )
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def plot_errors(path: Path, matched: MatchedTrajectories, pose: str) -> None:
    """Plot the absolute position error and the relative errors over one second, against time;
    ``pose`` as in ``plot_path``."""
    seconds = (matched.stamps_ns - matched.stamps_ns[0]) / NANOSECONDS
    first, second = pairs_after(matched.stamps_ns, NANOSECONDS)
    translation, rotation = relative_errors(matched, first, second)
    figure, axes = plt.subplots(3, 1, figsize=(10, 7), sharex=True, layout="constrained")
    _line(axes[0], seconds, absolute_errors(matched), "absolute [m]")
    _line(axes[1], seconds[second], translation, "over 1 s [m]")
    _line(axes[2], seconds[second], rotation, "over 1 s [deg]")
    axes[2].set_xlabel("time since the first pose [s]")
    figure.suptitle(f"{pose}: error against ground truth after alignment")
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def _line(axis: Axes, x: np.ndarray, y: np.ndarray, label: str) -> None:
    axis.plot(x, y, color="tab:blue", linewidth=1.0)
    axis.set_ylabel(label)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)


def plot_depth(path: Path, panels: list[DepthPanel]) -> None:
    """Plot a row per keyframe: estimate, truth, relative error; one colour scale per row."""
    figure, axes = plt.subplots(
        len(panels), 3, figsize=(13, 3.3 * len(panels)), squeeze=False, layout="constrained"
    )
    for row, panel in zip(axes, panels, strict=True):
        low, high = np.nanpercentile(panel.truth, [2, 98])
        for axis, values in ((row[0], panel.estimate), (row[1], panel.truth)):
            shown = axis.imshow(_visible(values), cmap="turbo", vmin=low, vmax=high)
        figure.colorbar(shown, ax=row[:2], label="depth [m]", shrink=0.9)
        relative = 100.0 * (panel.estimate - panel.truth) / panel.truth
        shown = row[2].imshow(_visible(relative), cmap="coolwarm", vmin=-30, vmax=30)
        figure.colorbar(shown, ax=row[2], label="error [% of the truth]", shrink=0.9, extend="both")
        row[0].set_ylabel(f"keyframe at {panel.seconds:.2f} s")
        for axis in row:
            axis.set(xticks=[], yticks=[], facecolor="0.85")
    for axis, title in zip(
        axes[0], ("estimate, scaled as the path", "ground truth", "relative error"), strict=True
    ):
        axis.set_title(title)
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def _visible(values: np.ndarray) -> np.ndarray:
    """Sparse values grown to 3x3 pixels, so that lidar points can be seen."""
    if np.isfinite(values).mean() > 0.3:
        return values
    padded = np.pad(values, 1, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    nearest = np.where(np.isnan(windows), np.inf, windows).min(axis=(2, 3))
    grown = np.where(np.isinf(nearest), np.nan, nearest)
    return np.where(np.isfinite(values), values, grown)
