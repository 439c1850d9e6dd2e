"""What ``ros2 topic echo`` and ``rostopic echo`` print of a camera_info topic."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_format import CalibrationFormat, Cameras
from denseba_ros.sequences.calibration_files.calibration_text import CalibrationText, Document
from denseba_ros.sequences.calibration_files.fields import item, numbers, whole
from denseba_ros.sequences.camera_info_message import calibration_from_message


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
    """By the rules of messages: region of interest and binning are applied."""
    region = message.get("roi", {})
    sides = ("x_offset", "y_offset", "width", "height")
    roi = (
        {side: whole(region.get(side, 0), side) for side in sides}
        if isinstance(region, Mapping)
        else dict.fromkeys(sides, 0)
    )
    return calibration_from_message(
        SimpleNamespace(
            width=whole(item(message, "width"), "width"),
            height=whole(item(message, "height"), "height"),
            distortion_model=str(message["distortion_model"]),
            k=k,
            d=numbers(item(message, "d" if "d" in message else "D"), "D"),
            p=numbers(message.get("p", message.get("P", [0.0] * 12)), "P"),
            binning_x=whole(message.get("binning_x", 0), "binning_x"),
            binning_y=whole(message.get("binning_y", 0), "binning_y"),
            roi=SimpleNamespace(**roi),
        )
    )


FORMAT = CalibrationFormat(
    "camera_info message", lambda content: bool(_messages(content)), _cameras
)
