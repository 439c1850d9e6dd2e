"""The loss curve of a training, from its log."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np

from denseba_ros.errors import ConfigurationError

mpl.use("Agg")
import matplotlib.pyplot as plt

# Rows of the log that are averaged for the thick line.
_MEAN = 20


def plot_curve(path: Path, log: Path) -> None:
    """Plot the loss over the steps (depth training) or chunks (pose training) of ``log``.

    Raises:
        ConfigurationError: when the log is missing or has no steps.
    """
    try:
        rows = [json.loads(line) for line in log.read_text().splitlines()]
        unit = "step" if "step" in rows[0] else "chunk"
        # A training that was stopped and resumed has written some rows twice.
        losses = {int(r[unit]): float(r["loss"]) for r in rows}
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ConfigurationError(f"{log}: no log of a training ({error})") from error
    steps = sorted(losses)
    values = np.array([losses[k] for k in steps])
    figure, axis = plt.subplots(figsize=(6, 3))
    axis.plot(steps, values, alpha=0.4)
    if len(values) > _MEAN:
        mean = np.convolve(values, np.full(_MEAN, 1.0 / _MEAN), "valid")
        axis.plot(steps[_MEAN - 1 :], mean, label=f"mean of {_MEAN} rows")
        axis.legend()
    # The losses of the first steps are far larger than the others.
    low, high = np.percentile(values, [0, 98])
    if high > low:
        axis.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axis.set_xlabel(unit)
    axis.set_ylabel("loss")
    axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
