"""A camera with scripted faults: ``python -m denseba_ros.faults.camera SCRIPT``."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image, Imu

from denseba_ros import transport
from denseba_ros.benchmark.system.palindrome import palindrome
from denseba_ros.faults.imu import play, scheduled
from denseba_ros.faults.script import Script
from denseba_ros.nodes.base.stopping import stop_event
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.images import encoded_image_to_msg, to_bytes
from denseba_ros.nodes.conversions.imu_messages import imu_to_msg
from denseba_ros.nodes.tools.sent_images import Sent, SentLog
from denseba_ros.sequences.opening import open_sequence

_BACK_NS = 100_000_000_000
# Factor of the rate of a burst and of a flood.
_TIMES = 10
_DROPPED = {"drop5": 0.05, "drop20": 0.2, "drop50": 0.5}
_FRAME, _IMU = "camera_optical_frame", "imu_link"


class ScriptedCamera(Node):
    """Publishes `image` and `camera_info`; the images are those of a sequence, forth and back."""

    def __init__(self, script: Script, log: SentLog) -> None:
        super().__init__("scripted_camera")
        sequence = open_sequence(Path(script.frames))
        self._calibration = sequence.calibration
        self._frames = list(sequence)
        groundtruth = sequence.groundtruth() if script.has_imu else None
        self._poses = None if groundtruth is None else groundtruth.T_world_camera
        self._imu_publisher = self.create_publisher(Imu, "imu", QoSProfile(depth=1000))
        self._script, self._log = script, log
        self._random = random.Random(script.seed)
        self._image_publisher = self.create_publisher(Image, "image", QoSProfile(depth=20))
        self._info_publisher = self.create_publisher(
            CameraInfo, "camera_info", QoSProfile(depth=20)
        )
        self._back_ns = 0
        self._focal = 1.0
        self._last = self._frames[0].image
        self._held: tuple[Sent, Image] | None = None

    def play(self, stop: threading.Event) -> None:
        """Publish the windows in real time until the script ends or ``stop`` is set."""
        places = {id(frame.image): place for place, frame in enumerate(self._frames)}
        frames = palindrome(self._frames, sys.maxsize)
        pictures = ((places[id(frame.image)], frame.image) for frame in frames)
        self._start_imu(stop)
        while not stop.is_set():
            for number, (fault, seconds) in enumerate(self._script.windows):
                self._begin(fault)
                self._play_window(number, fault, seconds, pictures, stop)
            if not self._script.loop:
                return

    def _start_imu(self, stop: threading.Event) -> None:
        """Play the IMU in a thread of its own, where there is one."""
        if self._poses is None:
            return
        script = self._script
        samples = scheduled(script.windows, self._poses, script.fps, script.seed)

        def publish(stamp_ns: int, gyroscope: np.ndarray, accelerometer: np.ndarray) -> None:
            self._imu_publisher.publish(imu_to_msg(stamp_ns, gyroscope, accelerometer, _IMU))

        arguments = (samples, publish, time.time_ns(), stop)
        threading.Thread(target=play, args=arguments, daemon=True).start()

    def _begin(self, fault: str) -> None:
        if fault == "back":
            self._back_ns += _BACK_NS
        if fault == "new info":
            self._focal *= 1.02

    def _play_window(
        self,
        number: int,
        fault: str,
        seconds: float,
        pictures: Iterator[tuple[int, np.ndarray]],
        stop: threading.Event,
    ) -> None:
        started, started_ns = time.monotonic(), time.time_ns() - self._back_ns
        for k, (taken, sent) in enumerate(schedule(fault, seconds, self._script.fps)):
            if stop.wait(max(started + sent - time.monotonic(), 0.0)):
                return
            if fault != "flood" or k % _TIMES == 0:
                place, picture = next(pictures)
            self._publish(number, fault, place, picture, started_ns + round(taken * 1e9))
        stop.wait(max(started + seconds - time.monotonic(), 0.0))

    def _publish(
        self, number: int, fault: str, place: int, picture: np.ndarray, stamp_ns: int
    ) -> None:
        if fault == "silent" or self._random.random() < _DROPPED.get(fault, 0.0):
            return
        if fault != "frozen":
            self._last = picture
        message = faulty_image(fault, self._last, stamp_ns)
        if fault != "no info":
            self._info_publisher.publish(self._info(fault, stamp_ns))
        sent = Sent(time.monotonic(), stamp_ns, number, place)
        if fault == "reorder" and self._held is None:
            self._held = (sent, message)
            return
        self._send(sent, message)
        if fault == "duplicate":
            self._send(sent, message)
        if self._held is not None:
            self._send(*self._held)
            self._held = None

    def _send(self, sent: Sent, message: Image) -> None:
        self._log.sending(sent.stamp_ns, sent.place, sent.window)
        self._image_publisher.publish(message)

    def _info(self, fault: str, stamp_ns: int) -> CameraInfo:
        message = calibration_to_msg(self._calibration, stamp_ns, _FRAME)
        k = np.array(message.k)
        k[[0, 4]] *= self._focal
        if fault == "zero info":
            k[:] = 0.0
        if fault == "nan info":
            k[:] = np.nan
        message.k = k
        if fault == "other info":
            message.width, message.height = 2 * message.width, 2 * message.height
        return message


def schedule(fault: str, seconds: float, fps: float) -> list[tuple[float, float]]:
    """Times at which each image of a window is taken and sent, seconds since its begin; ``fps`` in
    Hz."""
    rate = fps * (_TIMES if fault == "flood" else 1)
    taken = [k / rate for k in range(round(seconds * rate))]
    if fault != "burst":
        return [(t, t) for t in taken]
    held = seconds * (1.0 - 1.0 / _TIMES)
    return [(t, held + t / _TIMES) for t in taken]


def faulty_image(fault: str, picture: np.ndarray, stamp_ns: int) -> Image:
    """The message of a picture (H, W) or (H, W, 3) uint8 with the fault."""
    if fault in ("black", "white"):
        picture = np.full_like(picture, 0 if fault == "black" else 255)
    message = encoded_image_to_msg(picture, "", stamp_ns, _FRAME)
    if fault == "nan":
        message.encoding, message.step = "32FC1", 4 * message.width
        message.data = to_bytes(np.full(picture.shape[:2], np.nan, np.float32))
    if fault == "step":
        message.step += 64
    if fault == "short":
        message.data = message.data[: len(message.data) // 2]
    if fault == "encoding":
        message.encoding = "bgr7"
    if fault == "empty":
        message.width = message.height = message.step = 0
        message.data = to_bytes(np.zeros(0, np.uint8))
    return message


def main() -> None:
    """Play the script of the first argument."""
    transport.activate()
    stop = stop_event()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    script = Script.load(Path(sys.argv[1]))
    with SentLog(Path(script.log), flush=True) as log:
        ScriptedCamera(script, log).play(stop)
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
