"""What ``ros2 topic echo`` and ``rostopic echo`` print of a camera_info topic."""

from __future__ import annotations

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat, Cameras
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText, Document
from denseba_ros.sequences.calibration_files.fields import item, numbers, whole
from denseba_ros.sequences.camera_info import calibration_from_fields


def _messages(content: CalibrationText) -> list[Document]:
    return [
        document
        for document in content.documents
        if "distortion_model" in document and ("k" in document or "K" in document)
    ]


def _cameras(content: CalibrationText) -> Cameras:
    return {"camera": lambda: _read(_messages(content))}


def _read(messages: list[Document]) -> Calibration:
    """The first message whose K is not zero: drivers may start with an empty one."""
    for message in messages:
        k = numbers(message["k" if "k" in message else "K"], "K")
        if any(k):
            return _calibration(message, k)
    raise CalibrationError("K is zero in all messages: the camera is not calibrated")


def _calibration(message: Document, k: list[float]) -> Calibration:
    d = numbers(item(message, "d" if "d" in message else "D"), "D")
    return calibration_from_fields(
        whole(item(message, "width"), "width"),
        whole(item(message, "height"), "height"),
        k,
        str(message["distortion_model"]),
        d,
    )


FORMAT = CalibrationFormat(
    "camera_info message", lambda content: bool(_messages(content)), _cameras
)
