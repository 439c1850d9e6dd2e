"""denseba_node as a managed node: its transitions, and parameters that change while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from denseba_ros.config import Config
from denseba_ros.geometry.calibration import Calibration

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from nav_msgs.msg import Odometry
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image

from denseba_ros.errors import ConfigurationError, DensebaError
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.images import encoded_image_to_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.denseba_node import DensebaNode

SECOND = 1_000_000_000
IMAGE = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)


class Driver:
    """A node, a camera for it, and a manager that calls its services."""

    def __init__(
        self,
        ros: Any,
        system: Any,
        calibration: Calibration,
        namespace: str = "",
        **parameters: Any,
    ) -> None:
        self.ros, self.system, self.calibration = ros, system, calibration
        parameters = {
            "node.image_qos": "reliable",
            "node.queue_size": 0,
            "node.frozen_after": 0.0,
            **parameters,
        }
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        self.made: list[Config] = []
        self.node = ros.add(
            DensebaNode(self._make, parameter_overrides=overrides, namespace=namespace)
        )
        self.client = ros.client()
        self.heard: list[Odometry] = []
        self.namespace = f"/{namespace}" if namespace else ""
        self.client.create_subscription(
            Odometry, f"{self.namespace}/odometry", self.heard.append, 100
        )
        self.images = self.client.create_publisher(Image, f"{self.namespace}/image", 100)
        self.infos = self.client.create_publisher(CameraInfo, f"{self.namespace}/camera_info", 100)

    def _make(self, config: Config, _: bool) -> Any:
        self.made.append(config)
        return self.system

    def call(self, kind: Any, name: str, request: Any) -> Any:
        client = self.client.create_client(kind, f"{self.namespace}/denseba/{name}")
        self.ros.spin_until(client.service_is_ready, name)
        future = client.call_async(request)
        self.ros.spin_until(future.done, name)
        return future.result()

    def change(self, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self.call(ChangeState, "change_state", request).success)

    def state(self) -> str:
        return str(self.call(GetState, "get_state", GetState.Request()).current_state.label)

    def set(self, name: str, value: Any) -> tuple[bool, str]:
        message = Parameter(name, value=value).to_parameter_msg()
        (result,) = self.call(
            SetParameters, "set_parameters", SetParameters.Request(parameters=[message])
        ).results
        return bool(result.successful), str(result.reason)

    def send(self, *stamps: int) -> None:
        """Images with their camera_info, once the node listens and is listened to."""
        outputs = [p for p in self.node.publishers if p.topic_name.endswith("/odometry")]
        ends = [self.images, self.infos, *outputs]
        self.ros.spin_until(lambda: all(p.get_subscription_count() for p in ends), "the topics")
        for stamp in stamps:
            self.infos.publish(calibration_to_msg(self.calibration, stamp, "camera"))
            self.images.publish(encoded_image_to_msg(IMAGE, "", stamp, "camera"))

    def wait(self, count: int) -> None:
        self.ros.spin_until(lambda: len(self.heard) >= count, f"{count} odometry messages")


@pytest.fixture
def driver(ros: Any, fake_system: Any, calibration: Calibration) -> Driver:
    return Driver(ros, fake_system, calibration, **{"node.autostart": False})


def test_a_manager_leads_the_node_through_its_states(driver: Driver) -> None:
    driver.node.autostart()
    assert driver.state() == "unconfigured"
    topics = {p.topic_name for p in driver.node.publishers}
    assert "/odometry" not in topics
    assert driver.change(Transition.TRANSITION_CONFIGURE)
    assert driver.state() == "inactive"
    assert "/odometry" in {p.topic_name for p in driver.node.publishers}
    assert "/image" not in {s.topic_name for s in driver.node.subscriptions}
    assert driver.change(Transition.TRANSITION_ACTIVATE)
    driver.send(SECOND, 2 * SECOND)
    driver.wait(1)
    assert driver.change(Transition.TRANSITION_DEACTIVATE)
    assert "/image" not in {s.topic_name for s in driver.node.subscriptions}
    assert driver.change(Transition.TRANSITION_CLEANUP)
    assert {p.topic_name for p in driver.node.publishers} == topics
    assert driver.state() == "unconfigured"


def test_the_map_outlives_deactivation_but_not_cleanup(driver: Driver) -> None:
    assert driver.change(Transition.TRANSITION_CONFIGURE)
    assert driver.change(Transition.TRANSITION_ACTIVATE)
    driver.send(SECOND, 2 * SECOND)
    driver.wait(1)
    assert driver.change(Transition.TRANSITION_DEACTIVATE)
    assert driver.change(Transition.TRANSITION_ACTIVATE)
    driver.send(3 * SECOND)
    driver.wait(2)
    assert len(driver.made) == 1
    assert driver.change(Transition.TRANSITION_DEACTIVATE)
    assert driver.change(Transition.TRANSITION_CLEANUP)
    driver.system.reset()
    assert driver.change(Transition.TRANSITION_CONFIGURE)
    assert driver.change(Transition.TRANSITION_ACTIVATE)
    driver.send(4 * SECOND, 5 * SECOND)
    driver.wait(3)
    assert len(driver.made) == 2
    assert [stamp_to_ns(m.header.stamp) // SECOND for m in driver.heard] == [2, 3, 5]


def test_a_transition_that_the_state_does_not_allow_is_refused(driver: Driver) -> None:
    assert not driver.change(Transition.TRANSITION_ACTIVATE)
    assert driver.change(Transition.TRANSITION_CONFIGURE)
    assert not driver.change(Transition.TRANSITION_CONFIGURE)
    assert driver.state() == "inactive"


def test_shutdown_ends_the_node(driver: Driver) -> None:
    assert driver.change(Transition.TRANSITION_CONFIGURE)
    assert driver.change(Transition.TRANSITION_ACTIVATE)
    assert driver.change(Transition.TRANSITION_ACTIVE_SHUTDOWN)
    assert driver.node.is_finalized
    assert driver.state() == "finalized"


def test_a_configuration_that_cannot_work_is_refused_and_can_be_repaired(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    driver = Driver(ros, fake_system, calibration, **{"node.autostart": False, "node.px4": True})
    if not driver.change(Transition.TRANSITION_CONFIGURE):
        assert driver.state() == "unconfigured"
        assert driver.set("node.px4", False) == (True, "")
        assert driver.change(Transition.TRANSITION_CONFIGURE)
    assert driver.state() == "inactive"


@pytest.mark.parametrize(
    "model",
    ["/etc/passwd", "../../elsewhere.safetensors", "/tmp/x.safetensors", "link.safetensors"],
)
def test_weights_outside_of_their_folder_are_refused(
    driver: Driver, tmp_path: Path, model: str
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "secret.safetensors").write_bytes(b"")
    (tmp_path / "models" / "link.safetensors").symlink_to(tmp_path / "secret.safetensors")
    driver.node.settings = driver.node.settings.model_copy(
        update={"model_folder": str(tmp_path / "models")}
    )
    driver.node.config = driver.node.config.model_copy(
        update={"frontend": driver.node.config.frontend.model_copy(update={"depth_model": model})}
    )
    assert not driver.change(Transition.TRANSITION_CONFIGURE)
    assert driver.state() == "unconfigured"


def test_the_folder_of_the_weights_cannot_be_changed_from_afar(driver: Driver) -> None:
    done, reason = driver.set("node.model_folder", "/")
    assert not done
    assert "start" in reason


@pytest.mark.usefixtures("ros")
def test_autostart_says_why_it_cannot() -> None:
    def broken(_: Config, __: bool) -> None:
        raise ConfigurationError("no model")

    node = DensebaNode(broken)
    try:
        with pytest.raises(DensebaError, match="no model"):
            node.autostart()
    finally:
        node.destroy_node()


def test_live_parameters_change_at_once_and_others_only_while_unconfigured(
    driver: Driver,
) -> None:
    assert driver.set("backend.window", 5) == (True, "")
    assert driver.change(Transition.TRANSITION_CONFIGURE)
    assert driver.node.config.backend.window == 5
    done, reason = driver.set("backend.window", 7)
    assert not done
    assert "unconfigured" in reason
    assert driver.set("node.publish_odom_tf", False) == (True, "")
    assert driver.node.processor.io.outputs.settings.publish_odom_tf is False
    assert driver.set("keyframes.max_flow", 0.1) == (True, "")
    assert driver.change(Transition.TRANSITION_ACTIVATE)
    driver.send(SECOND, 2 * SECOND)
    driver.wait(1)
    assert driver.system.config.keyframes.max_flow == 0.1


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("keyframes.max_flow", 2.0, "max_flow"),
        ("keyframes.max_flow", "much", "max_flow"),
        ("node.lost_output", "silence", "lost_output"),
        ("node.unknown_after", -1.0, "unknown_after"),
    ],
)
def test_wrong_values_are_refused_at_run_time_too(
    driver: Driver, name: str, value: Any, reason: str
) -> None:
    before = driver.node.get_parameter(name).value
    done, why = driver.set(name, value)
    assert not done
    assert reason in why
    assert driver.node.get_parameter(name).value == before


def test_two_nodes_in_two_namespaces_do_not_disturb_each_other(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    other_system = type(fake_system)()
    one = Driver(ros, fake_system, calibration, "one", **{"node.frame_prefix": "one/"})
    two = Driver(ros, other_system, calibration, "two", **{"node.frame_prefix": "two/"})
    for driver in (one, two):
        driver.node.autostart()
    one.send(*(k * SECOND for k in range(1, 6)))
    two.send(*(k * SECOND for k in range(1, 4)))
    one.wait(4)
    two.wait(2)
    assert {m.child_frame_id for m in one.heard} == {"one/base_link"}
    assert {m.child_frame_id for m in two.heard} == {"two/base_link"}
    assert [stamp_to_ns(m.header.stamp) // SECOND for m in two.heard] == [2, 3]
    assert one.change(Transition.TRANSITION_DEACTIVATE)
    two.send(4 * SECOND)
    two.wait(3)
    assert len(one.heard) == 4


def test_odometry_between_images_comes_at_its_own_rate(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    driver = Driver(ros, fake_system, calibration, **{"node.prediction_rate": 50.0})
    driver.node.autostart()
    predicted: list[Odometry] = []
    driver.client.create_subscription(Odometry, "odometry/predicted", predicted.append, 100)
    driver.send(SECOND, 2 * SECOND)
    ros.spin_until(lambda: len(predicted) >= 10, "ten predictions after one odometry")
    stamps = [stamp_to_ns(m.header.stamp) for m in predicted]
    assert stamps == sorted(set(stamps))
    assert stamps[0] >= 2 * SECOND
    x = [m.pose.pose.position.x for m in predicted]
    assert x[-1] > x[0]
    assert predicted[-1].pose.covariance[0] > predicted[0].pose.covariance[0]


def test_a_publisher_of_another_qos_is_explained(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    from rclpy.qos import QoSProfile, ReliabilityPolicy

    driver = Driver(ros, fake_system, calibration)
    said: list[str] = []
    driver.node.autostart()
    driver.node.processor.io.input._throttled._log = said.append
    best_effort = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
    driver.client.create_publisher(Image, "image", best_effort)
    ros.spin_until(lambda: said, "an explanation")
    assert "/image" in said[0]
    assert "reliability" in said[0]
    assert "sensor_data" in said[0]


def test_a_missing_camera_info_is_named_with_its_publishers(
    ros: Any, fake_system: Any, calibration: Calibration
) -> None:
    driver = Driver(ros, fake_system, calibration)
    driver.node.autostart()
    said: list[str] = []
    camera = driver.node.processor.io.input
    camera._throttled._log = said.append
    ros.spin_until(driver.images.get_subscription_count, "the image topic")
    driver.images.publish(encoded_image_to_msg(IMAGE, "", SECOND, "camera"))
    ros.spin_until(lambda: driver.node.health.report().received, "the image")
    camera._last_info -= 100.0
    camera.watch(limit=99.0)
    assert any("no camera_info on /camera_info" in text for text in said)
    assert any("its QoS is reliable" in text for text in said)
