"""denseba_node around a fake system: what goes in, what comes out, and what is refused."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry.body_frame import T_base_optical
from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray
from nav_msgs.msg import Odometry, Path
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.images import encoded_image_to_msg
from denseba_ros.nodes.conversions.poses import pose_from_msg, transform_from_msg, transform_to_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.denseba_node import DensebaNode
from denseba_ros.nodes.inputs.extrinsics import STATIC_TF_QOS

SECOND = 1_000_000_000
BRIGHT = np.full((6, 8, 3), 100, np.uint8)
OUTPUTS: dict[str, Any] = {
    "odometry": Odometry,
    "depth/image": Image,
    "depth/camera_info": CameraInfo,
    "points": PointCloud2,
    "path": Path,
    "keyframes": PoseArray,
    "status": DiagnosticArray,
    "/tf": TFMessage,
    "/diagnostics": DiagnosticArray,
}


class Bench:
    """The node under test, a camera for it, and ears on all of its outputs."""

    def __init__(self, ros: Any, system: Any, calibration: Calibration, **parameters: Any) -> None:
        self.ros, self.system, self.calibration = ros, system, calibration
        parameters = {
            "node.image_qos": "reliable",
            "node.queue_size": 0,
            "node.frozen_after": 0.0,
            "node.subscription_depth": 100,
            **parameters,
        }
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        self.node = ros.add(DensebaNode(lambda _: system, parameter_overrides=overrides))
        self.node.autostart()
        self.client = ros.client()
        self.heard: dict[str, list[Any]] = defaultdict(list)
        self._names = {name.lstrip("/") for name in OUTPUTS}
        for name, kind in OUTPUTS.items():
            self.client.create_subscription(kind, name, self.heard[name].append, 100)
        self.client.create_subscription(
            TFMessage, "/tf_static", self.heard["/tf_static"].append, STATIC_TF_QOS
        )
        self.images = self.client.create_publisher(Image, "image", 100)
        self.infos = self.client.create_publisher(CameraInfo, "camera_info", 100)
        ros.spin_until(self._is_connected, "the node's topics")

    def _is_connected(self) -> bool:
        """Every output reaches its ear, and the camera reaches the node, on both sides."""
        heard = [p for p in self.node.publishers if p.topic_name.lstrip("/") in self._names]
        assert len(heard) == len(OUTPUTS)
        writers = [*heard, self.images, self.infos]
        readers = [s for s in self.client.subscriptions if s.topic_name.lstrip("/") in self._names]
        camera = [s for s in self.node.subscriptions if s.topic_name in ("/image", "/camera_info")]
        return all(p.get_subscription_count() for p in writers) and all(
            s.get_publisher_count() for s in [*readers, *camera]
        )

    def send_info(self, stamp_ns: int = 0) -> None:
        self.infos.publish(calibration_to_msg(self.calibration, stamp_ns, "camera"))

    def send(self, stamp_ns: int, image: np.ndarray = BRIGHT, encoding: str = "") -> None:
        message = encoded_image_to_msg(image, "", stamp_ns, "camera")
        message.encoding = encoding or message.encoding
        self.images.publish(message)

    def statuses(self) -> list[tuple[int, str, str]]:
        """Stamp, state and reason of every image so far."""
        return [
            (stamp_to_ns(m.header.stamp), m.status[0].message, m.status[0].values[0].value)
            for m in self.heard["status"]
        ]

    def wait_for_images(self, count: int) -> None:
        self.ros.spin_until(
            lambda: len(self.heard["status"]) >= count, f"the status of {count} images"
        )

    def wait_for(self, name: str, count: int) -> None:
        self.ros.spin_until(lambda: len(self.heard[name]) >= count, f"{count} on {name}")

    def stamps(self, name: str) -> list[int]:
        return [stamp_to_ns(m.header.stamp) for m in self.heard[name]]

    def call(self, service: str) -> Any:
        client = self.client.create_client(Trigger, f"/denseba/{service}")
        self.ros.spin_until(client.service_is_ready, service)
        future = client.call_async(Trigger.Request())
        self.ros.spin_until(future.done, service)
        return future.result()


@pytest.fixture
def bench(ros: Any, fake_system: Any, calibration: Calibration) -> Bench:
    return Bench(ros, fake_system, calibration)


def test_every_tracked_image_gives_odometry_tf_and_depth_with_its_stamp(bench: Bench) -> None:
    bench.send_info()
    stamps = [10 * SECOND + i * SECOND // 30 for i in range(7)]
    for stamp in stamps:
        bench.send(stamp)
    bench.wait_for_images(7)
    for name, count in {"odometry": 6, "/tf": 6, "depth/image": 7, "depth/camera_info": 7}.items():
        bench.wait_for(name, count)
    for name, count in {"points": 2, "keyframes": 2, "path": 1}.items():
        bench.wait_for(name, count)
    tracked = stamps[1:]  # the first one initialises
    assert bench.stamps("odometry") == tracked
    assert bench.stamps("depth/image") == stamps == bench.stamps("depth/camera_info")
    poses = [pose_from_msg(m.pose.pose)[:3, 3] for m in bench.heard["odometry"]]
    np.testing.assert_allclose(poses, [[0.1 * i, 0, 0] for i in range(1, 7)], atol=1e-9)
    trees = [
        [(t.header.frame_id, t.child_frame_id) for t in m.transforms] for m in bench.heard["/tf"]
    ]
    assert trees == [[("map", "odom"), ("odom", "base_link")]] * 6
    last = transform_from_msg(bench.heard["/tf"][-1].transforms[1].transform)
    np.testing.assert_allclose(last[:3, 3], poses[-1], atol=1e-9)
    assert [len(m.poses) for m in bench.heard["keyframes"]] == [1, 1]
    assert len(bench.heard["points"]) == 2
    assert bench.heard["path"][-1].header.frame_id == "odom"


def test_the_default_camera_looks_forward_and_is_in_the_static_tree(bench: Bench) -> None:
    bench.send_info()
    bench.send(SECOND)
    bench.wait_for("/tf_static", 1)
    (transform,) = bench.heard["/tf_static"][0].transforms
    assert (transform.header.frame_id, transform.child_frame_id) == ("base_link", "camera")
    expected = T_base_optical(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    np.testing.assert_allclose(transform_from_msg(transform.transform), expected, atol=1e-9)


def test_images_before_camera_info_wait_for_it(bench: Bench) -> None:
    bench.send(SECOND)
    bench.send(2 * SECOND)
    bench.ros.spin_until(lambda: bench.node.health.report().received == 2, "two images")
    bench.send_info()
    bench.wait_for_images(2)
    assert [state for _, state, _ in bench.statuses()] == ["initialising", "tracking"]


@pytest.mark.parametrize(
    ("parameters", "lost_variances"),
    [
        ({}, [3.0, 1.0, 2.0, 6.0, 4.0, 5.0]),
        ({"node.unknown_after": 0.0}, [1e6] * 6),
        ({"node.lost_output": "null"}, [9999.0] * 6),
    ],
)
def test_what_odometry_says_while_lost_can_be_chosen(
    ros: Any,
    fake_system: Any,
    calibration: Calibration,
    parameters: dict[str, Any],
    lost_variances: list[float],
) -> None:
    bench = Bench(ros, fake_system, calibration, **parameters)
    bench.send_info()
    for i, image in enumerate([BRIGHT, BRIGHT, np.zeros_like(BRIGHT)]):
        bench.send(SECOND + i * SECOND // 30, image)
    bench.wait_for("odometry", 2)
    bench.wait_for_images(3)
    lost = bench.heard["odometry"][1]
    np.testing.assert_allclose(np.diag(np.reshape(lost.pose.covariance, (6, 6))), lost_variances)
    is_null = parameters.get("node.lost_output") == "null"
    assert (lost.pose.pose.orientation.w == 0.0) == is_null
    bench.wait_for("/tf", 1 if is_null else 2)


def test_odom_does_not_jump_on_recovery_and_map_takes_the_difference(bench: Bench) -> None:
    bench.send_info()
    for i, image in enumerate([BRIGHT, BRIGHT, BRIGHT, np.zeros_like(BRIGHT)]):
        bench.send(SECOND + i * SECOND // 30, image)
    bench.wait_for_images(4)
    bench.system.count = 50  # tracking comes back 4.6 m ahead
    bench.send(SECOND + 4 * SECOND // 30)
    bench.wait_for("odometry", 4)
    bench.wait_for("/tf", 4)
    x = [m.pose.pose.position.x for m in bench.heard["odometry"]]
    # The fake moves at 3 m/s, which the prediction goes on with.
    np.testing.assert_allclose(x, [0.1, 0.2, 0.3, 0.4], atol=1e-3)
    map_odom = transform_from_msg(bench.heard["/tf"][-1].transforms[0].transform)
    np.testing.assert_allclose(map_odom[:3, 3], [4.6, 0.0, 0.0], atol=0.01)
    bench.wait_for_images(5)
    variance = bench.heard["odometry"][-1].pose.covariance[0]
    assert variance == pytest.approx(3.0 + 4.6**2, rel=0.01)
    values = {v.key: v.value for v in bench.heard["status"][-1].status[0].values}
    assert float(values["map to odom"].split()[3]) == pytest.approx(4.6, rel=0.01)
    assert values["resets"] == "0"


def test_odometry_goes_on_over_images_that_cannot_be_used(bench: Bench) -> None:
    bench.send_info()
    bench.send(SECOND)
    bench.send(SECOND + SECOND // 30)
    bench.send(SECOND + 2 * SECOND // 30, encoding="invented8")
    bench.wait_for("odometry", 2)
    x = [m.pose.pose.position.x for m in bench.heard["odometry"]]
    np.testing.assert_allclose(x, [0.1, 0.2], atol=1e-6)
    first, second = (m.pose.covariance[0] for m in bench.heard["odometry"])
    assert second > first


def test_after_a_reset_odometry_goes_on_as_unknown_until_there_is_a_pose(bench: Bench) -> None:
    bench.send_info()
    for stamp in (SECOND, 2 * SECOND):
        bench.send(stamp)
    bench.wait_for_images(2)
    assert bench.call("reset").success
    bench.send(3 * SECOND)
    bench.wait_for("odometry", 2)
    assert bench.heard["odometry"][-1].pose.covariance[0] == 1e6
    bench.wait_for_images(3)
    values = {v.key: v.value for v in bench.heard["status"][-1].status[0].values}
    assert values["resets"] == "1"


def test_transforms_can_be_inverted_and_prefixed(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    inverted = {f"node.invert_{name}_tf": True for name in ("map", "odom", "camera")}
    bench = Bench(ros, fake_system, calibration, **inverted, **{"node.frame_prefix": "one/"})
    bench.send_info()
    bench.send(SECOND)
    bench.send(2 * SECOND)
    bench.wait_for("/tf", 1)
    bench.wait_for("/tf_static", 1)
    names = [(t.header.frame_id, t.child_frame_id) for t in bench.heard["/tf"][0].transforms]
    assert names == [("one/odom", "one/map"), ("one/base_link", "one/odom")]
    (static,) = bench.heard["/tf_static"][0].transforms
    assert (static.header.frame_id, static.child_frame_id) == ("camera", "one/base_link")
    base_odom = transform_from_msg(bench.heard["/tf"][0].transforms[1].transform)
    np.testing.assert_allclose(base_odom[:3, 3], [-0.1, 0.0, 0.0], atol=1e-9)


def test_a_camera_that_hangs_is_named_and_its_images_are_dropped(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    bench = Bench(ros, fake_system, calibration, **{"node.frozen_after": 1.0})
    bench.send_info()
    moved = np.full((6, 8, 3), 150, np.uint8)
    for i, image in enumerate([BRIGHT, BRIGHT, BRIGHT, moved]):
        bench.send(SECOND + i * SECOND * 6 // 10, image)
    bench.wait_for_images(4)
    states = [state for _, state, _ in bench.statuses()]
    assert states == ["initialising", "tracking", "dropped", "tracking"]
    bench.wait_for("odometry", 3)


def test_odometry_is_predicted_where_an_image_takes_long(bench: Bench) -> None:
    """... with that image's stamp; what it gives in the end only corrects the next."""
    import threading

    release = threading.Event()
    quick = bench.system.process

    def slow(stamp_ns: int, image: np.ndarray) -> Any:
        if bench.system.count == 2:
            assert release.wait(60.0)
        return quick(stamp_ns, image)

    bench.system.process = slow
    bench.send_info()
    for i in range(4):
        bench.send(SECOND + i * SECOND // 30)
    bench.wait_for("odometry", 2)
    assert len(bench.statuses()) == 2  # the third is being worked on, the fourth waits
    release.set()
    bench.wait_for_images(4)
    assert bench.stamps("odometry")[:2] == [SECOND + i * SECOND // 30 for i in (1, 2)]
    first, predicted = (m.pose.covariance[0] for m in bench.heard["odometry"][:2])
    assert predicted > first


def test_black_images_are_named_in_the_diagnostics(bench: Bench) -> None:
    bench.send_info()
    bench.send(SECOND, np.zeros_like(BRIGHT))
    bench.wait_for_images(1)

    def images() -> str:
        arrays = bench.heard["/diagnostics"]
        values = arrays[-1].status[0].values if arrays else []
        return "".join(v.value for v in values if v.key == "images")

    bench.ros.spin_until(lambda: "black" in images(), "black in /diagnostics")


def test_a_lost_image_keeps_odometry_going_and_says_so(bench: Bench) -> None:
    bench.send_info()
    for i, image in enumerate([BRIGHT, BRIGHT, np.zeros_like(BRIGHT), BRIGHT]):
        bench.send(SECOND + i, image)
    bench.wait_for_images(4)
    assert [s for _, s, _ in bench.statuses()] == ["initialising", "tracking", "lost", "tracking"]
    bench.wait_for("odometry", 3)
    assert bench.stamps("odometry") == [SECOND + 1, SECOND + 2, SECOND + 3]


def test_wrong_images_are_dropped_and_counted_and_the_rest_goes_on(bench: Bench) -> None:
    bench.send_info()
    bench.send(SECOND)
    bench.send(SECOND)
    bench.send(SECOND - 1)
    bench.send(SECOND + 1, np.full((5, 8, 3), 9, np.uint8))
    bench.send(SECOND + 2, encoding="invented8")
    bench.send(SECOND + 3)
    bench.wait_for_images(6)
    # What is wrong with the stamp alone is told on arrival, before the images that wait.
    assert sorted(bench.statuses(), key=lambda s: (s[0], s[1] == "dropped")) == [
        (SECOND - 1, "dropped", "stamp earlier than the last image's"),
        (SECOND, "initialising", "because the test says so"),
        (SECOND, "dropped", "duplicate stamp"),
        (SECOND + 1, "dropped", "bad image"),
        (SECOND + 2, "dropped", "bad image"),
        (SECOND + 3, "tracking", ""),
    ]

    def drops() -> dict[str, int]:
        values = (
            bench.heard["/diagnostics"][-1].status[0].values if bench.heard["/diagnostics"] else []
        )
        return {v.key: int(v.value) for v in values if v.key.startswith("dropped: ")}

    expected = {
        "dropped: duplicate stamp": 1,
        "dropped: stamp earlier than the last image's": 1,
        "dropped: bad image": 2,
    }
    bench.ros.spin_until(lambda: drops() == expected, f"{expected} in /diagnostics")


def test_a_jump_back_in_time_starts_anew(bench: Bench) -> None:
    bench.send_info()
    for stamp in (5 * SECOND, 6 * SECOND, SECOND, 2 * SECOND):
        bench.send(stamp)
    bench.wait_for_images(4)
    states = [state for _, state, _ in bench.statuses()]
    assert states == ["initialising", "tracking", "initialising", "tracking"]
    assert bench.system.resets == 1


def test_another_calibration_starts_a_new_system(bench: Bench) -> None:
    bench.send_info()
    bench.send(SECOND)
    bench.wait_for_images(1)
    bench.calibration = Calibration(8, 6, 11.0, 11.0, 3.5, 2.5)
    bench.send_info()
    bench.ros.spin_until(lambda: bench.node.camera.calibration.fx == 11.0, "the calibration")
    bench.send(2 * SECOND)
    bench.wait_for_images(2)
    assert [c.fx for c in bench.system.calibrations] == [10.0, 11.0]


def test_an_uncalibrated_camera_holds_the_images_back(bench: Bench) -> None:
    bench.infos.publish(CameraInfo(width=8, height=6))
    bench.send(SECOND)
    bench.ros.spin_until(lambda: bench.node.health.report().received == 1, "the image")
    assert bench.node.camera.calibration is None
    assert bench.system.calibrations == []
    bench.send_info()
    bench.wait_for_images(1)


def test_services_pause_resume_and_reset(bench: Bench) -> None:
    bench.send_info()
    bench.send(SECOND)
    bench.wait_for_images(1)
    assert bench.call("pause").message == "paused"
    bench.send(2 * SECOND)
    bench.wait_for_images(2)
    assert bench.call("resume").success
    bench.send(3 * SECOND)
    bench.wait_for_images(3)
    assert bench.call("reset").success
    bench.send(2 * SECOND)  # after a reset any stamp will do
    bench.wait_for_images(4)
    states = [state for _, state, _ in bench.statuses()]
    assert states == ["initialising", "dropped", "tracking", "initialising"]


def test_the_newest_images_win_where_the_queue_is_short(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    bench = Bench(ros, fake_system, calibration, **{"node.queue_size": 2})
    for i in range(5):
        bench.send(SECOND + i)
    bench.wait_for_images(3)
    bench.send_info()
    bench.wait_for_images(5)
    assert [(stamp - SECOND, state) for stamp, state, _ in bench.statuses()] == [
        (0, "dropped"),
        (1, "dropped"),
        (2, "dropped"),
        (3, "initialising"),
        (4, "tracking"),
    ]


def test_extrinsics_come_from_tf_and_images_wait_for_them(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    bench = Bench(ros, fake_system, calibration, **{"node.extrinsics_from_tf": True})
    bench.send_info()
    bench.send(SECOND)
    bench.send(2 * SECOND)
    bench.ros.spin_until(lambda: bench.node.health.report().received == 2, "two images")
    assert bench.statuses() == []
    static = bench.client.create_publisher(TFMessage, "/tf_static", STATIC_TF_QOS)
    T_base_mast = T_base_optical(1.0, 0.0, 0.0, 0.0, 0.0, np.pi / 2)
    transforms = [
        transform_to_msg(T_base_mast, 0, "base_link", "mast"),
        transform_to_msg(np.eye(4), 0, "mast", "camera"),
    ]
    static.publish(TFMessage(transforms=transforms))
    bench.wait_for_images(2)
    bench.wait_for("odometry", 1)
    # The camera looks to the left of the robot, so that its motion is the robot's along y.
    (odometry,) = bench.heard["odometry"]
    np.testing.assert_allclose(pose_from_msg(odometry.pose.pose)[:3, 3], [0.0, 0.1, 0.0], atol=1e-9)


def test_frames_are_renamed_and_tf_is_switched_off(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    parameters = {
        "node.odom_frame": "world",
        "node.base_frame": "drone",
        "node.camera_frame": "eye",
        "node.publish_odom_tf": False,
        "node.publish_map_tf": False,
    }
    bench = Bench(ros, fake_system, calibration, **parameters)
    bench.send_info()
    bench.send(SECOND)
    bench.send(2 * SECOND)
    bench.wait_for("odometry", 1)
    bench.wait_for("depth/image", 1)
    bench.wait_for_images(2)
    (odometry,) = bench.heard["odometry"]
    assert (odometry.header.frame_id, odometry.child_frame_id) == ("world", "drone")
    assert bench.heard["depth/image"][0].header.frame_id == "eye"
    assert bench.heard["/tf"] == []


def test_one_failing_image_starts_anew_and_a_lasting_bug_stops_the_node_loudly(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    good = fake_system.process

    def broken(_: int, __: np.ndarray) -> None:
        raise ZeroDivisionError("a bug")

    bench = Bench(ros, fake_system, calibration)
    bench.send_info()
    fake_system.process = broken
    bench.send(SECOND)
    ros.spin_until(lambda: bench.system.resets == 1, "a new start")
    assert bench.node.failure is None
    fake_system.process = good
    bench.send(SECOND + 1)
    bench.wait_for_images(1)
    fake_system.process = broken
    for i in range(3):
        bench.send(SECOND + 2 + i)
    ros.spin_until(lambda: bench.node.failure is not None, "the failure")
    assert isinstance(bench.node.failure, ZeroDivisionError)


@pytest.mark.usefixtures("ros")
def test_a_wrong_parameter_refuses_to_start() -> None:
    with pytest.raises(ConfigurationError, match="queue_size"):
        DensebaNode(parameter_overrides=[Parameter("node.queue_size", value=-1)])
