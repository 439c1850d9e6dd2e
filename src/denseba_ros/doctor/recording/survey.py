"""One pass over a recording: what the checks need of every image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from denseba_ros.calibration.coarse_flow import WIDTH, Flow, coarse_flow, corners_of, grey, reduced
from denseba_ros.sequences.sequence import Sequence

_DARK, _BRIGHT = 8, 247
# A step between two images that show whether there is parallax: this share of the width.
_STEP = 0.06
# A plane, or a camera that only turns, explains the flow to this many pixels of 320.
_PLANE_ERROR = 0.7
# A rigid scene explains the flow to this many.
_EPIPOLAR_ERROR = 1.0


@dataclass(frozen=True)
class Survey:
    """Of N used images in order; N-1 of what is between two.

    ``expected`` images are announced, ``drops`` were left out, by reason. ``brightness``: mean;
    ``dark`` and ``bright``: share of pixels at the ends of the range; ``blur``: see ``blur_of``.
    ``flow``: median length from image to image as a share of the width, NaN where nothing was
    found. Of steps of 6 % of the width, the share of corners that is not explained: ``off_plane``
    by one plane, or a camera that only turns, ``astray`` by any motion among things at rest.
    """

    name: str
    expected: int
    drops: Mapping[str, int]
    stamps_ns: NDArray[np.int64]
    brightness: NDArray[np.float64]
    dark: NDArray[np.float64]
    bright: NDArray[np.float64]
    blur: NDArray[np.float64]
    flow: NDArray[np.float64]
    off_plane: NDArray[np.float64]
    astray: NDArray[np.float64]


def survey(sequence: Sequence) -> Survey:
    """Read all images of a sequence once.

    Raises:
        SequenceError: as its reader does.
    """
    stamps: list[int] = []
    pictures: list[tuple[float, float, float, float]] = []
    flows: list[float] = []
    steps = _Steps()
    last: np.ndarray | None = None
    for frame in tqdm(sequence, desc="looking", unit="frame", leave=False, disable=None):
        small = reduced(grey(frame.image))
        stamps.append(frame.stamp_ns)
        pictures.append(_picture(small))
        if last is not None:
            flow = coarse_flow(last, corners_of(last), small)
            flows.append(np.nan if flow is None else flow.length / WIDTH)
        steps.add(small)
        last = small
    brightness, dark, bright, blur = np.array(pictures, np.float64).reshape(-1, 4).T
    return Survey(
        sequence.name,
        len(sequence),
        dict(sequence.drops),
        np.array(stamps, np.int64),
        brightness,
        dark,
        bright,
        blur,
        np.array(flows, np.float64),
        np.array(steps.off_plane, np.float64),
        np.array(steps.astray, np.float64),
    )


class _Steps:
    """Images that are a step apart, and how little one plane or one motion explains of it."""

    def __init__(self) -> None:
        self.off_plane: list[float] = []
        self.astray: list[float] = []
        self._start: np.ndarray | None = None

    def add(self, small: np.ndarray) -> None:
        if self._start is None:
            self._start, self._corners = small, corners_of(small)
            return
        flow = coarse_flow(self._start, self._corners, small)
        if flow is not None and flow.length < _STEP * WIDTH:
            return
        if flow is not None:
            self.off_plane.append(off_plane(flow))
            self.astray.append(astray(flow))
        self._start, self._corners = small, corners_of(small)


def off_plane(flow: Flow) -> float:
    """Share of the corners that the homography that fits most of them does not explain."""
    H, inliers = cv2.findHomography(flow.start, flow.end, cv2.USAC_DEFAULT, _PLANE_ERROR)
    return 1.0 if H is None else 1.0 - float(np.mean(inliers))


def astray(flow: Flow) -> float:
    """Share of the corners that the epipolar geometry that fits most of them does not explain."""
    F, inliers = cv2.findFundamentalMat(flow.start, flow.end, cv2.USAC_DEFAULT, _EPIPOLAR_ERROR)
    return 1.0 if F is None else 1.0 - float(np.mean(inliers))


def blur_of(small: np.ndarray) -> float:
    """From 0, sharp, to 1: how little of the differences of neighbours another blur takes away.

    Crete, Dolmiere, Ladret, Nicolas, "The blur effect", SPIE 6492, 2007. The larger of both axes.
    """
    image = small.astype(np.float32)
    values = []
    for axis, size in ((0, (1, 9)), (1, (9, 1))):
        blurred = cv2.blur(image, size)
        sharp = np.abs(np.diff(image, axis=axis))
        lost = np.maximum(0.0, sharp - np.abs(np.diff(blurred, axis=axis)))
        total = float(sharp.sum())
        values.append(1.0 if total == 0.0 else 1.0 - float(lost.sum()) / total)
    return max(values)


def _picture(small: np.ndarray) -> tuple[float, float, float, float]:
    dark, bright = float(np.mean(small <= _DARK)), float(np.mean(small >= _BRIGHT))
    return float(small.mean()), dark, bright, blur_of(small)
