"""Plots of a depth model's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

mpl.use("Agg")
import matplotlib.pyplot as plt

Grid = NDArray[np.float32]
_COLOURS = "magma"


@dataclass(frozen=True)
class PanelRow:
    """One prediction: ``depth`` (h, w) metres, its ``sigma`` (h, w), standard deviation of
    log-depth, and the measured ``truth`` (h, w) metres, NaN = unknown."""

    name: str
    depth: Grid
    sigma: Grid
    truth: Grid


def plot_panel(path: Path, rows: Sequence[PanelRow]) -> None:
    """Plot predicted and measured inverse depth and the predicted deviation, a row per image."""
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
        axes[0],
        ("predicted inverse depth", "measured", "predicted deviation, 0 to 0.5"),
        strict=True,
    ):
        axis.set_title(title)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
