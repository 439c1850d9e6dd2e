"""Which images of a clip are worth their time: sharp ones, each a step on from the last.

A step is a median flow of so many per cent of the width. Of a long clip the sections are taken in
which the camera turns most and shows most parallax, as both together determine a focal length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from denseba_ros.calibration.coarse_flow import (
    WIDTH,
    Flow,
    coarse_flow,
    corners_of,
    grey,
    reduced,
)
from denseba_ros.errors import SequenceError
from denseba_ros.sequences.image_io import write_image
from denseba_ros.sequences.sequence import StampedImage

_STEP = 0.03 * WIDTH
# The sharpest image from this share of a step on is taken.
_FROM = 0.7
LEAST_VIEWS = 8


@dataclass(frozen=True)
class View:
    """A chosen image: its ``path``, and the flow from the one before in pixels of an image 320
    wide: the length of the ``common`` part, and by how much the rest is ``scattered``."""

    path: Path
    common: float
    scattered: float


def choose_views(
    frames: Iterable[StampedImage], folder: Path, count: int, sections: int
) -> list[list[View]]:
    """At most ``sections`` runs of ``count`` images, written into ``folder`` as PNG.

    Raises:
        SequenceError: when the camera hardly moves.
    """
    views = list(_steps(frames, folder))
    if len(views) < LEAST_VIEWS:
        raise SequenceError(
            f"only {len(views)} images differ by a step of {_STEP / WIDTH:.0%} of the width: the "
            "camera moves too little, or tracking finds nothing in its images"
        )
    return best_sections(views, count, sections)


def best_sections(views: list[View], count: int, sections: int) -> list[list[View]]:
    """The runs of ``count`` views with most turning and parallax, none in two; best first."""
    starts = range(0, max(1, len(views) - count + 1), max(1, count // 4))
    taken: list[int] = []
    for start in sorted(starts, key=lambda s: -_worth(views[s : s + count])):
        if len(taken) < sections and all(abs(start - other) >= count for other in taken):
            taken.append(start)
    return [views[start : start + count] for start in taken]


def _worth(views: list[View]) -> float:
    common, scattered = sum(v.common for v in views), sum(v.scattered for v in views)
    return float(np.sqrt(common * scattered))


@dataclass(frozen=True)
class _Candidate:
    index: int
    image: np.ndarray
    small: np.ndarray
    flow: Flow | None

    @property
    def sharpness(self) -> float:
        return float(cv2.Laplacian(self.small, cv2.CV_32F).var())


def _steps(frames: Iterable[StampedImage], folder: Path) -> Iterator[View]:
    """The images of the clip that are a step apart, written one by one."""
    last, corners = None, corners_of(np.zeros((WIDTH, WIDTH), np.uint8))
    best: _Candidate | None = None
    for frame in frames:
        image = grey(frame.image)
        small = reduced(image)
        flow = None if last is None else coarse_flow(last, corners, small)
        new = _Candidate(frame.index, image, small, flow)
        if flow is not None:
            if flow.length < _FROM * _STEP:
                continue
            if best is None or new.sharpness > best.sharpness:
                best = new
            if flow.length < _STEP:
                continue
        new = best or new
        path = folder / f"{new.index:08d}.png"
        write_image(path, new.image)
        flow = new.flow
        yield View(path, flow.common if flow else 0.0, flow.scattered if flow else 0.0)
        last, best, corners = new.small, None, corners_of(new.small)
