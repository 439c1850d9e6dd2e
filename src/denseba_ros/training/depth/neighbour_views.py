"""Neighbours of an image in a training sequence: known poses, and the frames before and after."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.image_io import read_image
from denseba_ros.sequences.readers.image_sequence import ImageSequence
from denseba_ros.sequences.trajectory import associate
from denseba_ros.training.depth.depth_samples import Grey, Matrix, View, kept_size, reduced
from denseba_ros.training.depth.depth_sources import DepthSource

_STAMP_TOLERANCE_NS = 5_000_000


def read_grey(path: Path) -> Grey:
    """An image file in grey (H, W) uint8."""
    image = read_image(path)
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.asarray(grey, np.uint8)


def known_poses(sequence: ImageSequence) -> dict[int, Matrix]:
    """T_world_camera (4, 4) by the index of the image, of those images that have one.

    Raises:
        SequenceError: when the sequence has no poses.
    """
    truth = sequence.groundtruth()
    if truth is None:
        folder = sequence.files[0].path.parent
        raise SequenceError(f"{folder}: no poses, which neighbours need")
    stamps = np.array([f.stamp_ns for f in sequence.files])
    images, poses = associate(stamps, truth.stamps_ns, _STAMP_TOLERANCE_NS)
    return {int(k): truth.T_world_camera[j] for k, j in zip(images, poses, strict=True)}


def neighbours(
    source: DepthSource, sequence: ImageSequence, pixels: int
) -> dict[str, tuple[View, View]]:
    """The frames ``source.neighbours`` before and after, by the name of the image's file, where all
    three poses are known; at the size that is kept for a network of so many ``pixels``.

    Frames that the source leaves out at its ends are never neighbours: evaluation may use them.
    """
    poses = known_poses(sequence)
    last = min(source.stop or len(sequence.files), len(sequence.files))
    result = {}
    for k in range(source.start, last, source.stride):
        before, after = k - source.neighbours, k + source.neighbours
        if source.start <= before and after < last and all(n in poses for n in (k, before, after)):
            views = tuple(_view(sequence, poses, k, n, pixels) for n in (before, after))
            result[sequence.files[k].path.name] = (views[0], views[1])
    return result


def _view(sequence: ImageSequence, poses: dict[int, Matrix], k: int, n: int, pixels: int) -> View:
    camera = sequence.calibration
    kept = kept_size(camera.width, camera.height, pixels)
    small, camera = reduced(read_grey(sequence.files[n].path), camera, kept)
    return View(small, camera, np.linalg.inv(poses[n]) @ poses[k])
