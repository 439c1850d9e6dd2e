"""Separate processes over real DDS: a sequence in, and what an independent subscriber receives."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros import transport
from denseba_ros.config import Config
from denseba_ros.evaluation.trajectory.trajectory_metrics import (
    MatchedTrajectories,
    absolute_errors,
    match,
)
from denseba_ros.nodes.tools.processes import Processes, denseba_command, node_command
from denseba_ros.sequences.rendering.rendered_folder import write_rendered
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.trajectory import Trajectory
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.system import System

FRAMES = 45
PARAMS = Path(__file__).parents[1] / "config" / "denseba.yaml"
LISTENER = Path(__file__).with_name("graph_listener.py")
START_SECONDS = 90.0
PLAY_SECONDS = 240.0
# base_link: x forward, y left, z up; camera: x right, y down, z forward, at the same place.
T_BASE_CAMERA = np.array(
    [[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Received:
    """What the listener heard, by topic: stamps (N,), poses (N, 4, 4) of base_link, depth."""

    odometry_stamps: np.ndarray
    odometry: np.ndarray
    tf_stamps: np.ndarray
    tf: np.ndarray
    depth_stamps: np.ndarray
    depth: np.ndarray
    frames: set[str]

    @classmethod
    def load(cls, file: Path) -> Received:
        with np.load(file) as stored:
            return cls(
                stored["odometry_stamps"],
                poses(stored["odometry"]),
                stored["tf_stamps"],
                poses(stored["tf"]),
                stored["depth_stamps"],
                stored["depth"],
                set(stored["frames"].tolist()),
            )

    def camera_trajectory(self) -> Trajectory:
        """Poses of the camera in the first camera's frame."""
        T = np.linalg.inv(T_BASE_CAMERA) @ self.odometry @ T_BASE_CAMERA
        return Trajectory(self.odometry_stamps, T)


def poses(rows: np.ndarray) -> np.ndarray:
    T = np.tile(np.eye(4), (len(rows), 1, 1))
    T[:, :3, 3] = rows[:, :3]
    T[:, :3, :3] = Rotation.from_quat(rows[:, 3:]).as_matrix()
    return T


@pytest.fixture(scope="module")
def room() -> RoomSequence:
    return RoomSequence(frames=FRAMES, width=320, height=240)


@pytest.fixture(scope="module")
def room_folder(room: RoomSequence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("room")
    write_rendered(folder, room)
    return folder


@pytest.fixture(scope="module")
def direct(room: RoomSequence) -> list[Estimate]:
    """The estimates of the core alone."""
    system = System(Config.from_yaml(PARAMS), room.calibration)
    return [system.process(frame.stamp_ns, frame.image) for frame in room]


@pytest.fixture
def processes(ros_environment: dict[str, str], tmp_path: Path) -> Iterator[Processes]:
    pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")
    transport.activate(ros_environment)
    with Processes(ros_environment, tmp_path / "logs") as processes:
        yield processes


def listen(processes: Processes, kind: str, file: Path) -> None:
    processes.start("listener", [sys.executable, str(LISTENER), kind, str(file)])


@pytest.mark.parametrize("nodes", [["denseba_node"], ["frontend_node", "backend_node"]])
def test_the_graph_gives_what_the_core_gives(
    nodes: list[str],
    processes: Processes,
    room: RoomSequence,
    room_folder: Path,
    direct: list[Estimate],
    tmp_path: Path,
) -> None:
    parameters = {"node.image_qos": "reliable", "node.mapping": "lockstep"}
    for node in nodes:
        processes.start(node, node_command(node, PARAMS, parameters))
    listen(processes, "outputs", tmp_path / "received.npz")
    processes.wait_for_line("listener", "listening", START_SECONDS)
    processes.start("replay", denseba_command("replay", str(room_folder), "--lockstep"))
    assert processes.wait("replay", PLAY_SECONDS) == 0, processes.log("replay")
    time.sleep(1.0)  # the last depth may come after the last status
    assert processes.stop("listener") == 0, processes.log("listener")
    for node in nodes:
        assert processes.stop(node) == 0, processes.log(node)

    received = Received.load(tmp_path / "received.npz")
    assert_one_message_per_tracked_image(received, direct)
    assert_tf_says_what_odometry_says(received)
    matched = assert_as_accurate_as_the_core(received, room, direct)
    assert_depth_is_the_room(received, room, matched.alignment.scale)


def assert_one_message_per_tracked_image(received: Received, direct: list[Estimate]) -> None:
    started = [e for e in direct if e.tracking is not Tracking.INITIALISING]
    assert len(started) > FRAMES / 2
    assert received.odometry_stamps.tolist() == [e.stamp_ns for e in started]
    assert received.depth_stamps.tolist() == [e.stamp_ns for e in direct if e.depth is not None]


def assert_tf_says_what_odometry_says(received: Received) -> None:
    assert {"odometry odom base_link", "tf map odom", "tf odom base_link"} <= received.frames
    assert received.tf_stamps.tolist() == received.odometry_stamps.tolist()
    np.testing.assert_allclose(received.tf, received.odometry, atol=1e-9)


def assert_as_accurate_as_the_core(
    received: Received, room: RoomSequence, direct: list[Estimate]
) -> MatchedTrajectories:
    """Trajectory error within 5 % of the core's own, and small."""
    tracked = [e for e in direct if e.tracking is Tracking.TRACKING]
    core = Trajectory(
        np.array([e.stamp_ns for e in tracked]), np.array([e.T_world_camera for e in tracked])
    )
    truth = room.groundtruth()
    through_ros = match(received.camera_trajectory(), truth, tolerance_ns=1)
    alone = match(core, truth, tolerance_ns=1)
    error, error_alone = (rmse(absolute_errors(m)) for m in (through_ros, alone))
    assert error == pytest.approx(error_alone, rel=0.05, abs=1e-4)
    assert error < 0.02
    return through_ros


def rmse(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def assert_depth_is_the_room(received: Received, room: RoomSequence, scale: float) -> None:
    """Median relative error of the second half of the images, in the trajectory's scale."""
    index = {int(stamp): i for i, stamp in enumerate(room.groundtruth().stamps_ns)}
    errors = []
    for stamp, depth in list(zip(received.depth_stamps, received.depth, strict=True))[
        FRAMES // 3 :
    ]:
        truth = room.depth(index[int(stamp)])
        rows = np.linspace(0, truth.shape[0] - 1, depth.shape[0]).round().astype(int)
        columns = np.linspace(0, truth.shape[1] - 1, depth.shape[1]).round().astype(int)
        sampled = truth[np.ix_(rows, columns)]
        known = np.isfinite(depth)
        assert known.mean() > 0.3
        errors.append(np.abs(scale * depth[known] / sampled[known] - 1.0))
    assert np.median(np.concatenate(errors)) < 0.1


def test_colour_images_at_30_hz_arrive_without_loss(processes: Processes, tmp_path: Path) -> None:
    buffer = Path("/proc/sys/net/core/rmem_max")
    if not buffer.exists() or int(buffer.read_text()) < transport.BUFFER_BYTES:
        pytest.skip(f"net.core.rmem_max is below {transport.BUFFER_BYTES}: see `denseba doctor`")
    images = tmp_path / "images"
    write_images(images, 90)
    replay = denseba_command(
        *("replay", str(images), "--format", "images", "--fps", "30", "--rate", "1"),
        *("--intrinsics", "500,500,319.5,239.5", "--encoding", "bgr8"),
    )
    arrived: list[int] = []
    # Best effort may lose an image when the machine stalls; a wrong transport loses most, always.
    for attempt in range(3):
        file = tmp_path / f"{attempt}.npz"
        listen(processes, "images", file)
        processes.wait_for_line("listener", "listening", START_SECONDS)
        processes.start("replay", replay)
        assert processes.wait("replay", PLAY_SECONDS) == 0, processes.log("replay")
        time.sleep(1.0)
        assert processes.stop("listener") == 0, processes.log("listener")
        with np.load(file) as stored:
            arrived.append(len(np.unique(stored["stamps"])))
        if arrived[-1] == 90:
            return
    pytest.fail(f"of 90 images arrived {arrived}")


def write_images(folder: Path, count: int) -> None:
    import cv2

    folder.mkdir()
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 255, (15, 20, 3), dtype=np.uint8), (640, 480))
    for i in range(count):
        assert cv2.imwrite(os.fspath(folder / f"{i:04d}.jpg"), np.roll(image, 3 * i, axis=1))


@pytest.mark.parametrize("node", ["denseba_node", "frontend_node", "backend_node"])
def test_a_wrong_parameter_ends_the_node_with_the_reason(node: str, processes: Processes) -> None:
    processes.start("node", node_command(node, PARAMS, {"backend.window": "99"}))
    assert processes.wait("node", START_SECONDS) == 2
    assert "backend.window" in processes.log("node")
