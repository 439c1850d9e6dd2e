"""The player publishes what is recorded, with its stamps, and says when nobody listens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from denseba_ros.errors import DensebaError, ImageError
from denseba_ros.geometry import pose_step
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.sequence import StampedImage

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, Imu

from denseba_ros.nodes.conversions.camera_info import calibration_from_msg
from denseba_ros.nodes.conversions.images import image_from_msg
from denseba_ros.nodes.conversions.poses import transform_from_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.inputs.extrinsics import STATIC_TF_QOS
from denseba_ros.nodes.outputs.diagnostics import drop_status
from denseba_ros.nodes.tools.player import Player, PlayReport
from denseba_ros.nodes.tools.player_options import PlayerOptions
from denseba_ros.nodes.tools.sent_images import read_sent

SECOND = 1_000_000_000
FRAMES = [
    StampedImage(i, SECOND + i * SECOND // 100, np.full((6, 8), i, np.uint8)) for i in range(5)
]


@pytest.fixture
def listener(ros: Any) -> Iterator[Any]:
    """A node whose callbacks run in a thread, as those of another process would."""
    from rclpy.node import Node

    node, executor = Node("listener"), SingleThreadedExecutor()
    executor.add_node(node)
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            executor.spin_once(timeout_sec=0.05)

    thread = threading.Thread(target=spin)
    thread.start()
    yield node
    stop.set()
    thread.join()
    executor.shutdown()
    node.destroy_node()


def play(
    calibration: Calibration, frames: Iterable[StampedImage] = FRAMES, **options: Any
) -> PlayReport:
    imu, T_imu_camera = options.pop("imu", None), options.pop("T_imu_camera", None)
    player = Player(calibration, PlayerOptions(**options), threading.Event(), imu, T_imu_camera)
    try:
        return player.play(frames)
    finally:
        player.destroy_node()


def listen(listener: Any, kind: Any, name: str) -> list[Any]:
    heard: list[Any] = []
    listener.create_subscription(kind, name, heard.append, 100)
    return heard


def test_images_info_and_clock_carry_the_recorded_stamps(
    ros: Any, listener: Any, calibration: Calibration
) -> None:
    images, infos = listen(listener, Image, "image"), listen(listener, CameraInfo, "camera_info")
    clock = listen(listener, Clock, "/clock")
    report = play(calibration)
    stamps = [frame.stamp_ns for frame in FRAMES]
    ros.spin_until(lambda: len(images) == len(infos) == 5, "five images")
    assert [stamp_to_ns(m.header.stamp) for m in images] == stamps
    assert [stamp_to_ns(m.header.stamp) for m in infos] == stamps
    assert calibration_from_msg(infos[0]) == calibration
    for message, frame in zip(images, FRAMES, strict=True):
        np.testing.assert_array_equal(image_from_msg(message), frame.image)
    times = [stamp_to_ns(m.clock) for m in clock]
    assert times == sorted(times)
    assert times[-1] == stamps[-1]
    assert (report.published, len(report.lateness)) == (5, 5)
    assert report.text().startswith("published 5 images")


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_samples_of_the_imu_come_before_their_image(
    ros: Any, listener: Any, calibration: Calibration, rate: float
) -> None:
    listen(listener, CameraInfo, "camera_info")
    heard: list[tuple[str, int]] = []
    for kind, name in ((Imu, "gyro"), (Image, "image")):
        listener.create_subscription(
            kind,
            name,
            lambda m, name=name: heard.append((name, stamp_to_ns(m.header.stamp))),
            1000,
        )
    stamps = SECOND // 5 + 5_000_000 * np.arange(200, dtype=np.int64)
    values = np.arange(600, dtype=np.float64).reshape(200, 3)
    samples = ImuSamples(stamps, values, -values)
    play(calibration, imu=samples, imu_topic="gyro", rate=rate)
    last = FRAMES[-1].stamp_ns
    expected = [int(s) for s in stamps if SECOND // 2 <= s <= last + 5_000_000]
    ros.spin_until(lambda: sum(name == "gyro" for name, _ in heard) == len(expected), "samples")
    played = [stamp for name, stamp in heard if name == "gyro"]
    assert played == expected


def test_where_the_camera_sits_on_the_imu_is_on_tf_static(
    ros: Any, listener: Any, calibration: Calibration
) -> None:
    tf2_msgs = pytest.importorskip("tf2_msgs.msg", reason="tf2_msgs is not built")

    heard: list[Any] = []
    listener.create_subscription(tf2_msgs.TFMessage, "/tf_static", heard.append, STATIC_TF_QOS)
    listen(listener, CameraInfo, "camera_info")
    stamps = SECOND + 5_000_000 * np.arange(10, dtype=np.int64)
    samples = ImuSamples(stamps, np.zeros((10, 3)), np.zeros((10, 3)))
    T_imu_camera = pose_step.exp(np.array([0.1, 0.2, 0.3, 0.0, 1.0, 0.0]))
    player = Player(calibration, PlayerOptions(), threading.Event(), samples, T_imu_camera)
    ros.spin_until(lambda: heard, "the transform")
    player.destroy_node()
    (transform,) = heard[0].transforms
    assert transform.header.frame_id == "camera_optical_frame"
    assert transform.child_frame_id == "imu_link"
    T = transform_from_msg(transform.transform)
    np.testing.assert_allclose(T @ T_imu_camera, np.eye(4), atol=1e-12)


def test_compressed_colour_under_another_name(
    ros: Any, listener: Any, calibration: Calibration
) -> None:
    images = listen(listener, CompressedImage, "eye/compressed")
    listen(listener, CameraInfo, "camera_info")
    play(calibration, image_topic="eye", compressed="png", rate=0.0, publish_clock=False)
    ros.spin_until(lambda: len(images) == 5, "five images")
    np.testing.assert_array_equal(image_from_msg(images[3]), FRAMES[3].image)


def test_lockstep_waits_for_every_answer_and_counts_drops(
    listener: Any, calibration: Calibration
) -> None:
    answers = listener.create_publisher(DiagnosticArray, "status", 100)
    order: list[tuple[str, int]] = []

    def answer(message: Image) -> None:
        stamp_ns = stamp_to_ns(message.header.stamp)
        order.append(("answered", stamp_ns))
        answers.publish(drop_status("test", stamp_ns, "test"))

    def frames() -> Iterator[StampedImage]:
        for frame in FRAMES:
            order.append(("taken", frame.stamp_ns))
            yield frame

    listener.create_subscription(Image, "image", answer, 100)
    listen(listener, CameraInfo, "camera_info")
    report = play(calibration, frames(), lockstep=True, rate=0.0)
    assert (report.published, report.dropped) == (5, 5)
    assert order == [(what, f.stamp_ns) for f in FRAMES for what in ("taken", "answered")]


def test_lockstep_goes_on_where_the_node_waits_for_the_next_image(
    listener: Any, calibration: Calibration
) -> None:
    held = listener.create_publisher(DiagnosticArray, "status/held", 100)
    answers = listener.create_publisher(DiagnosticArray, "status", 100)
    waiting: list[int] = []

    def answer(message: Image) -> None:
        waiting.append(stamp_to_ns(message.header.stamp))
        if len(waiting) < 3:
            held.publish(drop_status("test", waiting[-1], "held"))
            return
        for stamp_ns in waiting:
            answers.publish(drop_status("test", stamp_ns, "test"))
        waiting.clear()

    listener.create_subscription(Image, "image", answer, 100)
    listen(listener, CameraInfo, "camera_info")
    report = play(calibration, FRAMES[:3], lockstep=True, rate=0.0)
    assert report.published == 3


def test_lockstep_names_the_answer_that_it_misses(listener: Any, calibration: Calibration) -> None:
    listen(listener, Image, "image")
    listen(listener, CameraInfo, "camera_info")
    with pytest.raises(DensebaError, match="no node publishes /status, which --lockstep needs"):
        play(calibration, lockstep=True, wait_limit=0.5)


def test_the_log_has_a_row_for_each_image_at_its_publication(
    listener: Any, calibration: Calibration, tmp_path: Path
) -> None:
    listen(listener, Image, "image")
    listen(listener, CameraInfo, "camera_info")
    started = time.monotonic()
    play(calibration, sent_log=str(tmp_path / "sent.log"))
    sent = read_sent((tmp_path / "sent.log").read_text())
    assert [(s.stamp_ns, s.place) for s in sent] == [(f.stamp_ns, f.index) for f in FRAMES]
    times = [started, *(s.at for s in sent), time.monotonic()]
    assert times == sorted(times)


def test_nobody_listening_is_an_error(calibration: Calibration, ros: Any) -> None:
    with pytest.raises(DensebaError, match="listens to /image and nobody listens to /camera_info"):
        play(calibration, wait_limit=0.3)


def test_a_node_that_does_not_answer_is_an_error(listener: Any, calibration: Calibration) -> None:
    listen(listener, Image, "image")
    listen(listener, CameraInfo, "camera_info")
    listener.create_publisher(DiagnosticArray, "status", 100)
    with pytest.raises(DensebaError, match="for the node to say on /status what became"):
        play(calibration, lockstep=True, lockstep_limit=0.5)


def test_an_encoding_that_cannot_be_made_is_an_error(ros: Any, calibration: Calibration) -> None:
    with pytest.raises(ImageError, match="mono8, bgr8, rgb8"):
        play(calibration, wait_subscribers=0, encoding="yuv422")
