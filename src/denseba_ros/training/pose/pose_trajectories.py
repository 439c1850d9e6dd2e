"""Recorded sequences as trajectories of images to learn motion from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.readers.image_sequence import ImageSequence
from denseba_ros.sequences.trajectory import associate
from denseba_ros.training.streaming.trajectory_stream import ImageTrajectory

_STAMP_TOLERANCE_NS = 5_000_000


def read_trajectories(
    path: Path, url: str | None, begin: float, end: float
) -> list[ImageTrajectory]:
    """The images with a known pose between two shares of a sequence, cut where one has none.

    ``begin`` and ``end`` are within 0 and 1; images are read below ``url`` where it is given, else
    below ``path``.

    Raises:
        SequenceError: when the sequence has no image files or no poses.
    """
    sequence = open_sequence(path)
    if not isinstance(sequence, ImageSequence):
        raise SequenceError(f"{path}: not a sequence of image files")
    truth = sequence.groundtruth()
    if truth is None:
        raise SequenceError(f"{path}: no poses to learn from")
    count = len(sequence.files)
    files = sequence.files[int(begin * count) : int(end * count)]
    stamps = np.array([file.stamp_ns for file in files])
    found, at = associate(stamps, truth.stamps_ns, _STAMP_TOLERANCE_NS)
    pieces = np.split(np.arange(len(found)), np.nonzero(np.diff(found) != 1)[0] + 1)
    root = url.rstrip("/") if url else str(path)
    return [
        ImageTrajectory(
            [f"{root}/{files[found[k]].path.relative_to(path).as_posix()}" for k in piece],
            truth.T_world_camera[at[piece]],
            sequence.calibration,
        )
        for piece in pieces
        if len(piece) > 1
    ]
