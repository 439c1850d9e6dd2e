"""What tests of several parts share: recorded sequences, a small rendered one, and ROS 2 processes
kept apart."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.transport import PROFILE_VARIABLES

REPOSITORY = Path(__file__).resolve().parents[1]

# Where several workers share the cores (pytest-xdist), each of them and their processes take one:
# threads that wait for each other by spinning would take the time of other tests.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)

# Without a GPU Triton's kernels are interpreted; it reads this as it is imported.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of recorded sequences: DENSEBA_DATA, or shared/data beside the repository."""
    named = os.environ.get("DENSEBA_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no recorded sequences: {folder} is absent (set DENSEBA_DATA)")
    return folder


@pytest.fixture(scope="session")
def sequence_dir(data_dir: Path) -> Callable[[str], Path]:
    """``sequence_dir(name)``: the folder of one recorded sequence, or a skip."""

    def find(name: str) -> Path:
        if not (data_dir / name).is_dir():
            pytest.skip(f"no recorded sequence {name} in {data_dir}")
        return data_dir / name

    return find


@pytest.fixture(scope="session")
def small_room() -> RoomSequence:
    return RoomSequence("handheld", 6, 80, 80, noise=0.0, brightness=False, seed=2)


@pytest.fixture(scope="session")
def rgbd_folder(tmp_path_factory: pytest.TempPathFactory, small_room: RoomSequence) -> Path:
    """Images with K.txt and, for every other one, depth in millimetres at half the size."""
    folder: Path = tmp_path_factory.mktemp("rgbd")
    (folder / "images").mkdir()
    (folder / "depth").mkdir()
    c = small_room.calibration
    np.savetxt(folder / "K.txt", c.matrix)
    rows = []
    for k in range(6):
        cv2.imwrite(str(folder / "images" / f"{k:05d}.png"), small_room.image(k))
        rows.append(small_room.pose(k).reshape(-1))
        if k % 2 == 0:
            half = RoomSequence("handheld", 6, 40, 40, 0.0, False, 2).depth(k)
            millimetres = np.round(1000.0 * half).astype(np.uint16)
            cv2.imwrite(str(folder / "depth" / f"{k:05d}.png"), millimetres)
    np.savetxt(folder / "poses.txt", np.array(rows))
    return folder


@pytest.fixture
def ros_environment(tmp_path: Path) -> dict[str, str]:
    """An environment for ROS 2 processes that meet nobody but each other; a skip without ROS 2.

    It names no transport profile: what is under test must choose one.
    """
    if importlib.util.find_spec("rclpy") is None:
        pytest.skip("ROS 2 (rclpy) is not installed")
    kept = {name: value for name, value in os.environ.items() if name not in PROFILE_VARIABLES}
    return kept | {
        "ROS_DOMAIN_ID": str(1 + os.getpid() % 100),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_LOG_DIR": str(tmp_path / "ros_log"),
    }
