"""The files of the keyframes of a run: depth, image, and what the depth is made of."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from denseba_ros.errors import DensebaError
from denseba_ros.evaluation.results.run_folder import (
    CAMERA,
    DEPTH,
    FIRST_DEPTH,
    IMAGE,
    MILLIMETRES,
    PARTS,
)
from denseba_ros.slam.state.estimate import DepthMap, Keyframe

_LARGEST = np.iinfo(np.uint16).max
# Of ``DepthParts``.
_INVERSE = ("inverse_depth", "network", "points")


class KeyframeFiles:
    """Writes them below ``folder``, which is there; ``clipped`` has the number of pixels of each
    keyframe that are too far for its depth file, by stamp."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.clipped: dict[int, int] = {}
        for subfolder in (DEPTH, FIRST_DEPTH, IMAGE, PARTS):
            (folder / subfolder).mkdir(parents=True, exist_ok=True)

    def write(self, keyframe: Keyframe) -> None:
        """Write or replace the files of a keyframe.

        Raises:
            DensebaError: when one cannot be written.
        """
        stamp = keyframe.stamp_ns
        if not self.clipped:
            _write_camera(self._folder / DEPTH / CAMERA, keyframe.depth)
        image, self.clipped[stamp] = encode_depth(keyframe.depth.depth)
        _write_png(self._folder / DEPTH / f"{stamp}.png", image)
        _write_png(self._folder / IMAGE / f"{stamp}.png", keyframe.image)
        if keyframe.first_depth is not None:
            first, _ = encode_depth(keyframe.first_depth)
            _write_png(self._folder / FIRST_DEPTH / f"{stamp}.png", first)
        if keyframe.parts is not None:
            self._write_parts(stamp, vars(keyframe.parts))

    def rescale(self, stamp_ns: int, scale: float) -> None:
        """Multiply the depths of a keyframe that was written: its unit was another.

        Raises:
            DensebaError: when a file cannot be written.
        """
        for name in (DEPTH, FIRST_DEPTH):
            path = self._folder / name / f"{stamp_ns}.png"
            stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
            if stored is None:
                continue
            image, clipped = encode_depth(stored * (scale / MILLIMETRES))
            _write_png(path, image)
            if name == DEPTH:
                self.clipped[stamp_ns] += clipped
        path = self._folder / PARTS / f"{stamp_ns}.npz"
        if path.is_file():
            with np.load(path) as parts:
                factors = {k: 1.0 / scale if k in _INVERSE else 1.0 for k in parts}
                self._write_parts(stamp_ns, {k: parts[k] * factors[k] for k in parts})

    def _write_parts(self, stamp_ns: int, parts: dict[str, np.ndarray]) -> None:
        # Half precision: a twentieth of a percent, at a third of the size.
        halves: dict[str, Any] = {k: v.astype(np.float16) for k, v in parts.items()}
        np.savez_compressed(self._folder / PARTS / f"{stamp_ns}.npz", **halves)


def encode_depth(depth: np.ndarray) -> tuple[np.ndarray, int]:
    """Depth (h, w), metres, NaN = unknown, as uint16 millimetres, 0 = unknown, and the number of
    pixels that are too far for it."""
    known = np.isfinite(depth) & (depth > 0)
    millimetres = np.round(np.where(known, depth, 0.0) * MILLIMETRES)
    too_far = millimetres > _LARGEST
    return np.where(too_far, 0.0, millimetres).astype(np.uint16), int(too_far.sum())


def _write_png(path: Path, image: np.ndarray) -> None:
    if not cv2.imwrite(str(path), image):
        raise DensebaError(f"{path}: cannot be written")


def _write_camera(path: Path, depth: DepthMap) -> None:
    camera = asdict(depth.calibration)
    path.write_text(json.dumps({**camera, "metres_per_unit": 1.0 / MILLIMETRES}, indent=2) + "\n")
