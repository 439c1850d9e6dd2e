"""Small sources of training data, made of the rendered room."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.synthetic_room import RoomSequence
from denseba_ros.training.depth_samples import DepthSample, SampleSet, View

SIZE = (64, 64)


@pytest.fixture(scope="session")
def room_sets(small_room: RoomSequence) -> list[SampleSet]:
    """Two sources: measured depth, and the true depth as a hint with a view to warp."""
    measured, hinted = [], []
    for k in range(5):
        image, depth = small_room.image(k), small_room.depth(k)
        T = np.linalg.inv(small_room.pose(k + 1)) @ small_room.pose(k)
        view = View(small_room.image(k + 1), small_room.calibration, T)
        measured.append(DepthSample(image, small_room.calibration, depth, True))
        hinted.append(DepthSample(image, small_room.calibration, depth, False, (view,)))
    return [SampleSet("measured", SIZE, measured), SampleSet("hinted", SIZE, hinted, 2.0)]


@pytest.fixture(scope="session")
def stereo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wall eight pixels of disparity away; the right images are stored at half the size."""
    folder: Path = tmp_path_factory.mktemp("stereo")
    rng = np.random.default_rng(0)
    for name in ("image_0", "image_1"):
        (folder / name).mkdir()
    for k in range(2):
        wide = np.kron(rng.integers(20, 235, (40, 80)), np.ones((8, 8))).astype(np.uint8)
        left, right = wide[:160, :400], wide[:160, 16:416]
        small = cv2.resize(right, (200, 80), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / "image_0" / f"{k:06d}.png"), left)
        cv2.imwrite(str(folder / "image_1" / f"{k:06d}.png"), small)
    return folder


@pytest.fixture
def camera() -> Calibration:
    return Calibration(80, 60, 70.0, 72.0, 41.0, 29.0)
