"""What the benchmark of recovery prints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denseba_ros.benchmark.backend.backend_table import aligned
from denseba_ros.benchmark.system.recovery import Recovery


def recovery_table(name: str, found: Sequence[Recovery]) -> str:
    """One row a cut; offsets in units of the odometry and in percent of the way until the cut."""
    header = ("view of frame", "images", "offset", "of the path", "ms / image")
    rows = [(f"{one.frame}", *_cells(one), f"{1e3 * one.seconds:.0f}") for one in found]
    soon = sum(one.images is not None and one.images <= 5 for one in found)
    ever = sum(one.images is not None for one in found)
    offsets = [one.offset for one in found if one.offset is not None]
    middle = f"; median offset {np.median(offsets):.3f}" if offsets else ""
    summary = (
        f"{name}: {len(found)} cuts, found again after {ever}, within five images after {soon}"
    )
    return "\n".join([*aligned([header, *rows]), summary + middle])


def _cells(one: Recovery) -> tuple[str, str, str]:
    images = "never" if one.images is None else f"{one.images}"
    if one.offset is None:
        return images, "", ""
    return images, f"{one.offset:.3f}", f"{one.offset / one.path:.2%}" if one.path else ""
