"""Pictures of a depth training: its curve, and predictions as coloured depth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from denseba_ros.errors import ConfigurationError

mpl.use("Agg")
import matplotlib.pyplot as plt

Grid = NDArray[np.float32]
_COLOURS = "magma"


@dataclass(frozen=True)
class PanelRow:
    """One prediction: ``depth`` and ``sigma`` (h, w), and the measured ``truth``, NaN = none."""

    name: str
    depth: Grid
    sigma: Grid
    truth: Grid


def plot_panel(path: Path, rows: Sequence[PanelRow]) -> None:
    """Inverse depth as predicted and as measured, and the deviation, a row for each image."""
    figure, axes = plt.subplots(len(rows), 3, figsize=(11, 2.6 * len(rows)), squeeze=False)
    for (left, middle, right), row in zip(axes, rows, strict=True):
        near = 1.0 / np.nanpercentile(row.truth, 2)
        left.imshow(1.0 / row.depth, cmap=_COLOURS, vmin=0.0, vmax=near)
        left.set_ylabel(row.name)
        middle.imshow(1.0 / row.truth, cmap=_COLOURS, vmin=0.0, vmax=near, interpolation="none")
        right.imshow(row.sigma, cmap="viridis", vmin=0.0, vmax=0.5)
        for axis in (left, middle, right):
            axis.set_xticks([])
            axis.set_yticks([])
    for axis, title in zip(
        axes[0], ("predicted inverse depth", "measured", "stated deviation, 0 to 0.5"), strict=True
    ):
        axis.set_title(title)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def plot_curve(path: Path, log: Path) -> None:
    """The loss over the steps of a training's log.

    Raises:
        ConfigurationError: when the log is missing or holds no steps.
    """
    try:
        rows = [json.loads(line) for line in log.read_text().splitlines()]
        steps, losses = [r["step"] for r in rows], [r["loss"] for r in rows]
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(f"{log}: no log of a training ({error})") from error
    figure, axis = plt.subplots(figsize=(6, 3))
    axis.plot(steps, losses)
    axis.set_xlabel("step")
    axis.set_ylabel("loss (mean of 20 steps)")
    axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
