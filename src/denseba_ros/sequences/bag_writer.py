"""Writing a sequence as a bag, for tests and for replay by ``ros2 bag play``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore
from tqdm import tqdm

from denseba_ros.errors import ImageError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.imu.imu_message import IMU
from denseba_ros.sequences.readers.bags.bag_topics import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE
from denseba_ros.sequences.sequence import Sequence, StampedImage, imu_of

Storage = Literal["sqlite3", "mcap"]
Compression = Literal["jpeg", "png"]
FRAME_ID = "camera_optical_frame"


def write_bag(
    path: Path,
    sequence: Sequence,
    storage: Storage = "sqlite3",
    ros1: bool = False,
    compressed: Compression | None = None,
    namespace: str = "/camera",
    progress: bool = False,
) -> None:
    """Write ``namespace``/image_raw (or image_raw/compressed), ``namespace``/camera_info and, where
    the sequence has an IMU, ``namespace``/imu.

    ``path`` becomes a folder, or a file .bag with ``ros1``. Messages are recorded at their stamps.

    Raises:
        SequenceError: when the path exists already.
    """
    if path.exists():
        raise SequenceError(f"{path}: exists already")
    typestore = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_JAZZY)
    kind = IMAGE if compressed is None else COMPRESSED_IMAGE
    topic = f"{namespace}/image_raw" + ("" if compressed is None else "/compressed")
    serialize: Callable[[Any, str], bytes | memoryview]
    serialize = typestore.serialize_ros1 if ros1 else typestore.serialize_cdr
    with _writer(path, storage, ros1) as writer:
        images = writer.add_connection(topic, kind, typestore=typestore)
        infos = writer.add_connection(f"{namespace}/camera_info", CAMERA_INFO, typestore=typestore)
        for frame in tqdm(sequence, desc="writing bag", unit="frame", disable=not progress):
            header = _header(typestore, frame.stamp_ns, ros1)
            image = _image(typestore, header, frame, compressed)
            writer.write(images, frame.stamp_ns, serialize(image, kind))
            info = _camera_info(typestore, header, sequence.calibration, ros1)
            writer.write(infos, frame.stamp_ns, serialize(info, CAMERA_INFO))
        samples = imu_of(sequence)
        if samples is not None:
            topic = writer.add_connection(f"{namespace}/imu", IMU, typestore=typestore)
            for k, stamp_ns in enumerate(samples.stamp_ns.tolist()):
                message = _imu(typestore, _header(typestore, stamp_ns, ros1), samples, k)
                writer.write(topic, stamp_ns, serialize(message, IMU))


def _writer(path: Path, storage: Storage, ros1: bool) -> Any:
    if ros1:
        return Ros1Writer(path)
    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    return Ros2Writer(path, version=9, storage_plugin=plugin)


def _header(typestore: Typestore, stamp_ns: int, ros1: bool) -> Any:
    seconds, nanoseconds = divmod(stamp_ns, 1_000_000_000)
    stamp = typestore.types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds)
    sequence_number = {"seq": 0} if ros1 else {}
    return typestore.types["std_msgs/msg/Header"](stamp=stamp, frame_id=FRAME_ID, **sequence_number)


def _image(
    typestore: Typestore, header: Any, frame: StampedImage, compressed: Compression | None
) -> Any:
    image = np.ascontiguousarray(frame.image)
    encoding = "mono8" if image.ndim == 2 else "bgr8"
    if compressed is not None:
        written, data = cv2.imencode(".jpg" if compressed == "jpeg" else ".png", image)
        if not written:
            raise ImageError(f"frame {frame.index} cannot be compressed as {compressed}")
        # The wording of ROS's own compressed_image_transport.
        text = f"{encoding}; {compressed} compressed {encoding}"
        return typestore.types[COMPRESSED_IMAGE](header=header, format=text, data=data.ravel())
    return typestore.types[IMAGE](
        header=header,
        height=image.shape[0],
        width=image.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=image.strides[0],
        data=image.ravel(),
    )


def _imu(typestore: Typestore, header: Any, samples: ImuSamples, index: int) -> Any:
    vector = typestore.types["geometry_msgs/msg/Vector3"]
    unknown = np.zeros(9)
    no_orientation = np.array([-1.0, *unknown[1:]])  # as sensor_msgs/Imu has it
    return typestore.types[IMU](
        header=header,
        orientation=typestore.types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
        orientation_covariance=no_orientation,
        angular_velocity=vector(*samples.gyroscope[index].tolist()),
        angular_velocity_covariance=unknown,
        linear_acceleration=vector(*samples.accelerometer[index].tolist()),
        linear_acceleration_covariance=unknown,
    )


def _camera_info(typestore: Typestore, header: Any, calibration: Calibration, ros1: bool) -> Any:
    k = calibration.matrix
    matrices = {
        "d": np.array(calibration.coefficients or (0.0,) * 5),
        "k": k.ravel(),
        "r": np.eye(3).ravel(),
        "p": np.hstack([k, np.zeros((3, 1))]).ravel(),
    }
    roi = typestore.types["sensor_msgs/msg/RegionOfInterest"](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    return typestore.types[CAMERA_INFO](
        header=header,
        height=calibration.height,
        width=calibration.width,
        distortion_model="plumb_bob" if calibration.model == "none" else calibration.model,
        binning_x=0,
        binning_y=0,
        roi=roi,
        **{name.upper() if ros1 else name: value for name, value in matrices.items()},
    )
