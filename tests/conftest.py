"""What tests of several parts share: the recorded sequences, and ROS 2 processes kept apart."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from denseba_ros.transport import PROFILE_VARIABLES

REPOSITORY = Path(__file__).resolve().parents[1]

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
