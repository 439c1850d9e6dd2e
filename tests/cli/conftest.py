"""A tiny recorded sequence, and a stand-in for the SLAM system that knows its ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.config import Config
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.trajectory import Trajectory, write_tum
from denseba_ros.slam.state.estimate import DepthMap, DepthParts, Estimate, Keyframe, Tracking

FRAMES = 30
STEP_NS = 100_000_000
SCALE = 0.5
SIZE = (64, 48)


def true_poses() -> np.ndarray:
    """A curve with turns, (FRAMES, 4, 4) camera-to-world."""
    s = np.linspace(0.0, 3.0, FRAMES)
    T = np.tile(np.eye(4), (FRAMES, 1, 1))
    T[:, :3, 3] = np.stack([np.sin(s), 0.2 * np.cos(2 * s), s], axis=1)
    T[:, :3, :3] = Rotation.from_rotvec(np.stack([0 * s, 0.3 * s, 0.1 * s], axis=1)).as_matrix()
    return T


def true_depth() -> np.ndarray:
    """A slanted wall, (48, 64) metres."""
    return np.tile(np.linspace(1.0, 4.0, SIZE[0]), (SIZE[1], 1))


@dataclass(frozen=True)
class Recording:
    """``sequence`` holds images, K.txt and poses; ``depth`` is named by stamp in nanoseconds."""

    sequence: Path
    depth: Path


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    sequence, depth = tmp_path / "sequence", tmp_path / "true_depth"
    (sequence / "images").mkdir(parents=True)
    depth.mkdir()
    rng = np.random.default_rng(0)
    for i in range(FRAMES):
        image = rng.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        cv2.imwrite(str(sequence / "images" / f"{i:05d}.png"), image)
        millimetres = np.round(1000 * true_depth()).astype(np.uint16)
        cv2.imwrite(str(depth / f"{i * STEP_NS}.png"), millimetres)
    (sequence / "K.txt").write_text("60 0 31.5\n0 60 23.5\n0 0 1\n")
    stamps = np.arange(FRAMES, dtype=np.int64) * STEP_NS
    write_tum(sequence / "poses_tum.txt", Trajectory(stamps, true_poses()))
    return Recording(sequence, depth)


def _parts() -> DepthParts:
    """The fused depth is right, the network's is 1.5 times as large; every cell has a point."""
    inverse_depth = (1.0 / (SCALE * true_depth())).astype(np.float32)
    sigma = np.full_like(inverse_depth, 0.1)
    return DepthParts(inverse_depth, sigma, inverse_depth / 1.5, inverse_depth, 0.0 * sigma + 1.0)


class KnowingSystem:
    """Gives the truth at half its size; frames 0 and 1 initialise, frame 10 is lost."""

    fails_at: int | None = None
    never_tracks: bool = False
    failure: type[BaseException] = RuntimeError

    def __init__(self, config: Config, calibration: Calibration) -> None:
        self._calibration = calibration
        self._seen = 0
        self._kept: list[Keyframe] = []

    def process(
        self, stamp_ns: int, image: np.ndarray, depth: np.ndarray | None = None
    ) -> Estimate:
        i = self._seen
        if i == self.fails_at:
            raise self.failure("asked to fail")
        self._seen += 1
        state = {0: Tracking.INITIALISING, 1: Tracking.INITIALISING, 10: Tracking.LOST}.get(
            i, Tracking.INITIALISING if self.never_tracks else Tracking.TRACKING
        )
        T = np.linalg.inv(true_poses()[0]) @ true_poses()[round(stamp_ns / STEP_NS)]
        T[:3, 3] *= SCALE
        if i % 5 == 0 and not self.never_tracks:
            self._kept.append(self._keyframe(stamp_ns, T, image))
        tracked = state is Tracking.TRACKING
        return Estimate(
            stamp_ns=stamp_ns,
            tracking=state,
            T_world_camera=T,
            covariance=np.eye(6) * 1e-6 * (i + 1),
            twist=np.zeros(6),
            twist_covariance=np.eye(6),
            depth=None,
            is_keyframe=i % 5 == 0,
            reason="" if tracked else "asked not to track",
            seconds={"frontend": 0.001, "tracking": 0.002, "backend": 0.0},
        )

    def _keyframe(self, stamp_ns: int, T: np.ndarray, image: np.ndarray) -> Keyframe:
        depth = (SCALE * true_depth()).astype(np.float32)
        depth[0, 0] = np.nan
        depth[0, 1] = 70.0
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        depth_map = DepthMap(depth, np.full_like(depth, 0.01), self._calibration)
        first = 1.2 * depth
        first[:, ::2] *= 1.5
        return Keyframe(len(self._kept), stamp_ns, T, depth_map, grey, first, _parts())

    def finished_keyframes(self) -> list[Keyframe]:
        finished, self._kept = self._kept[:-3], self._kept[-3:]
        return finished

    def keyframes(self) -> list[Keyframe]:
        return self._kept


@pytest.fixture
def knowing_system(monkeypatch: pytest.MonkeyPatch) -> type[KnowingSystem]:
    """`denseba run` uses a fresh KnowingSystem class, whose failure a test may set."""

    class System(KnowingSystem):
        pass

    monkeypatch.setattr("denseba_ros.cli.run.System", System)
    monkeypatch.setattr("denseba_ros.cli.run.begin_map_session", lambda *_, **__: None)
    return System
