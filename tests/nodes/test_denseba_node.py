"""denseba_node around a fake system: what goes in and what comes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry.body_frame import T_base_optical
from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from rclpy.qos import DurabilityPolicy, QoSProfile

from denseba_ros.nodes.conversions.poses import pose_from_msg, transform_from_msg
from tests.nodes.conftest import depth_map
from tests.nodes.node_bench import BRIGHT, OUTPUTS, SECOND, Bench


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


def test_a_leading_slash_does_not_reach_tf(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    """tf2 takes "/camera" and "camera" for two frames that nothing connects."""
    bench = Bench(ros, fake_system, calibration, **{"node.base_frame": "/robot"})
    bench.send_info()
    bench.send(SECOND, frame="/camera")
    bench.send(2 * SECOND, frame="/camera")
    bench.wait_for("/tf_static", 1)
    (transform,) = bench.heard["/tf_static"][0].transforms
    assert (transform.header.frame_id, transform.child_frame_id) == ("robot", "camera")
    bench.wait_for("odometry", 1)
    bench.wait_for("depth/image", 1)
    assert bench.heard["odometry"][0].child_frame_id == "robot"
    assert bench.heard["depth/image"][0].header.frame_id == "camera"


def test_a_late_subscriber_gets_path_keyframes_and_points(bench: Bench) -> None:
    bench.send_info()
    for i in range(4):
        bench.send(SECOND + i * SECOND // 30)
    for name in ("path", "keyframes", "points"):
        bench.wait_for(name, 1)
    late: dict[str, list[Any]] = {name: [] for name in ("path", "keyframes", "points")}
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    for name, messages in late.items():
        bench.client.create_subscription(OUTPUTS[name], name, messages.append, latched)
    bench.ros.spin_until(lambda: all(late.values()), "what was published before")
    for name, messages in late.items():
        assert messages[0] == bench.heard[name][-1]


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


def test_odometry_is_predicted_where_an_image_takes_long(bench: Bench) -> None:
    """... with that image's stamp; what it gives in the end only corrects the next."""
    import threading

    release = threading.Event()
    quick = bench.system.process

    def slow(stamp_ns: int, image: np.ndarray, *depth: Any) -> Any:
        if bench.system.count == 2:
            assert release.wait(60.0)
        return quick(stamp_ns, image, *depth)

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


def test_a_lost_image_keeps_odometry_going_and_says_so(bench: Bench) -> None:
    bench.send_info()
    for i, image in enumerate([BRIGHT, BRIGHT, np.zeros_like(BRIGHT), BRIGHT]):
        bench.send(SECOND + i, image)
    bench.wait_for_images(4)
    assert [s for _, s, _ in bench.statuses()] == ["initialising", "tracking", "lost", "tracking"]
    bench.wait_for("odometry", 3)
    assert bench.stamps("odometry") == [SECOND + 1, SECOND + 2, SECOND + 3]


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


def test_depth_that_comes_after_its_estimate_is_published_with_the_images_stamp(
    bench: Bench,
) -> None:
    bench.send_info()
    for k in (1, 2):
        bench.send(k * SECOND)
    bench.wait_for_images(2)
    before = len(bench.heard["depth/image"])
    bench.system.image_depth_listener(2 * SECOND, depth_map())
    bench.wait_for("depth/image", before + 1)
    assert bench.stamps("depth/image")[-1] == 2 * SECOND
    assert bench.heard["depth/image"][-1].header.frame_id == "camera"
    assert bench.system.wants_depth
    assert bench.system.was_urgent
    bench.ros.spin_until(lambda: not bench.system.is_urgent, "the last image to be published")


@pytest.mark.parametrize(("size", "width"), [("quarter", 4), ("half", 8), ("full", 16)])
def test_depth_and_rectified_image_share_one_grid(
    ros: Any, fake_system: Any, calibration: Calibration, size: str, width: int
) -> None:
    bench = Bench(ros, fake_system, calibration, **{"node.depth_size": size})
    bench.send_info()
    for k in (1, 2):
        bench.send(k * SECOND)
    names = ("depth/image", "depth/camera_info", "rectified/image", "rectified/camera_info")
    for name in names:
        bench.wait_for(name, 2)
        message = bench.heard[name][-1]
        assert (message.width, message.height) == (width, width * 3 // 4)
        assert bench.stamps(name) == bench.stamps("depth/image")
        assert message.header.frame_id == "camera"
    depth, info, grey, grey_info = (bench.heard[name][-1] for name in names)
    assert (depth.encoding, grey.encoding) == ("32FC1", "mono8")
    assert info == grey_info
    assert info.k[0] == pytest.approx(calibration.fx * width / calibration.width)
    assert not any(info.d)
