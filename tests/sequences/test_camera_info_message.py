"""One meaning of camera_info, for the messages of a topic and of both kinds of bags."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.camera_info_message import (
    calibration_from_message,
    check_principal_point,
    doubts_about,
    doubts_about_message,
    is_rectified,
)

D = (-0.1, 0.01, 0.0, 0.0, 0.0)


def fields(**given: Any) -> dict[str, Any]:
    """A 640x480 camera with distortion, K of 500 and P of 450 px."""
    values = {
        "width": 640,
        "height": 480,
        "distortion_model": "plumb_bob",
        "d": np.array(D),
        "k": np.array([500.0, 0, 320, 0, 500, 240, 0, 0, 1]),
        "r": np.eye(3).ravel(),
        "p": np.array([450.0, 0, 310, 0, 0, 450, 230, 0, 0, 0, 1, 0]),
        "binning_x": 0,
        "binning_y": 0,
        "roi": (0, 0, 0, 0),
    }
    assert set(given) <= set(values)
    return {**values, **given}


def of_bag(store: Stores) -> Callable[..., Any]:
    def make(**given: Any) -> Any:
        types = get_typestore(store).types
        values = fields(**given)
        left, top, width, height = values.pop("roi")
        roi = types["sensor_msgs/msg/RegionOfInterest"](
            x_offset=left, y_offset=top, width=width, height=height, do_rectify=False
        )
        if store is Stores.ROS1_NOETIC:
            for name in "dkrp":
                values[name.upper()] = values.pop(name)
        return types["sensor_msgs/msg/CameraInfo"](header=None, roi=roi, **values)

    return make


def of_topic(**given: Any) -> Any:
    messages = pytest.importorskip("sensor_msgs.msg", reason="ROS 2 is not installed")
    values = fields(**given)
    left, top, width, height = values.pop("roi")
    roi = messages.RegionOfInterest(x_offset=left, y_offset=top, width=width, height=height)
    return messages.CameraInfo(roi=roi, **values)


@pytest.fixture(params=["topic", "bag of ROS 1", "bag of ROS 2"])
def info(request: pytest.FixtureRequest) -> Callable[..., Any]:
    makers = {
        "topic": of_topic,
        "bag of ROS 1": of_bag(Stores.ROS1_NOETIC),
        "bag of ROS 2": of_bag(Stores.ROS2_JAZZY),
    }
    return makers[request.param]


def test_raw_images_have_k_and_d(info: Callable) -> None:
    expected = Calibration(640, 480, 500.0, 500.0, 320.0, 240.0, "plumb_bob", D)
    assert calibration_from_message(info()) == expected


def test_rectified_images_have_p_and_no_distortion(info: Callable) -> None:
    expected = Calibration(640, 480, 450.0, 450.0, 310.0, 230.0)
    assert calibration_from_message(info(), rectified=True) == expected


def test_rectified_images_without_p_have_k_if_there_is_no_distortion(info: Callable) -> None:
    expected = Calibration(640, 480, 500.0, 500.0, 320.0, 240.0)
    plain = info(p=np.zeros(12), d=np.zeros(5))
    assert calibration_from_message(plain, rectified=True) == expected
    with pytest.raises(CalibrationError, match="P of camera_info is zero, but the images are rect"):
        calibration_from_message(info(p=np.zeros(12)), rectified=True)


def test_region_and_binning_are_those_of_the_full_sensor(info: Callable) -> None:
    message = info(roi=(160, 120, 320, 240), binning_x=2, binning_y=2, d=np.zeros(0))
    expected = Calibration(160, 120, 250.0, 250.0, 79.75, 59.75)
    assert calibration_from_message(message) == expected
    rectified = calibration_from_message(message, rectified=True)
    assert (rectified.fx, rectified.width) == (225.0, 160)


@pytest.mark.parametrize("roi", [(400, 0, 320, 240), (0, 300, 320, 240), (0, 0, 641, 480)])
def test_a_region_beyond_the_image_is_refused(
    info: Callable, roi: tuple[int, int, int, int]
) -> None:
    with pytest.raises(CalibrationError, match="reaches beyond its 640x480 image"):
        calibration_from_message(info(roi=roi))


def test_a_zero_message_names_the_remedy(info: Callable) -> None:
    identity = info(k=np.eye(3).ravel(), d=np.zeros(5))
    for message in (info(k=np.zeros(9), p=np.zeros(12)), info(width=0), identity):
        with pytest.raises(CalibrationError, match="camera_calibration"):
            calibration_from_message(message)


def test_a_principal_point_off_the_centre_is_doubted_or_refused(info: Callable) -> None:
    def at(cx: float, cy: float) -> Any:
        return info(k=np.array([500.0, 0, cx, 0, 500, cy, 0, 0, 1]))

    assert doubts_about(calibration_from_message(at(330.0, 220.0))) == ""
    for cx, cy in ((640.0, 240.0), (0.0, 0.0), (320.0, 420.0)):
        assert "far off the centre of a 640x480" in doubts_about(
            calibration_from_message(at(cx, cy))
        )
    for cx, cy in ((1280.0, 240.0), (320.0, -900.0)):
        with pytest.raises(CalibrationError, match="no calibration of these images"):
            calibration_from_message(at(cx, cy))


def test_a_focal_length_that_is_not_in_pixels_is_doubted(info: Callable) -> None:
    k = np.array([3.6, 0, 320, 0, 3.6, 240, 0, 0, 1])
    assert "fx is 3.6 for a 640x480" in doubts_about(calibration_from_message(info(k=k)))


def test_pixels_that_are_far_from_square_are_doubted(info: Callable) -> None:
    def with_fy(fy: float) -> str:
        k = np.array([500.0, 0, 320, 0, fy, 240, 0, 0, 1])
        return doubts_about(calibration_from_message(info(k=k)))

    assert "fx is 500 and fy 5" in with_fy(5.0)
    assert with_fy(250.0) == ""


def test_no_distortion_and_another_p_is_doubted(info: Callable) -> None:
    message = info(d=np.zeros(5))
    calibration = calibration_from_message(message)
    assert calibration.fx == 500.0
    said = doubts_about_message(message, rectified=False, calibration=calibration)
    assert "500 in K and 450 in P" in said
    assert doubts_about_message(info(), rectified=False, calibration=calibration) == ""


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("/camera/image_rect", True),
        ("/camera/image_rect_color/compressed", True),
        ("/infra1/image_rect_raw", True),
        ("/left/image_rectified", True),
        ("/camera/image_raw", False),
        ("/camera/image_direct", False),
        ("/correct/image", False),
    ],
)
def test_rectified_topics_are_known_by_name(topic: str, expected: bool) -> None:
    assert is_rectified(topic) is expected


numbers = st.one_of(st.floats(), st.integers(-1000, 5000).map(float))
counts = st.integers(0, 5000)


@given(
    st.lists(numbers, min_size=9, max_size=9),
    st.lists(numbers, max_size=14),
    st.lists(numbers, min_size=12, max_size=12),
    st.sampled_from(["", "plumb_bob", "rational_polynomial", "equidistant", "odd"]),
    st.lists(counts, min_size=8, max_size=8),
    st.booleans(),
)
def test_any_message_is_a_calibration_or_one_sentence(
    k: list[float], d: list[float], p: list[float], model: str, n: list[int], rectified: bool
) -> None:
    roi = SimpleNamespace(x_offset=n[0], y_offset=n[1], width=n[2], height=n[3])
    message = SimpleNamespace(
        width=n[4], height=n[5], k=k, d=d, p=p, distortion_model=model, roi=roi,
        binning_x=n[6], binning_y=n[7],
    )  # fmt: skip
    calibration = None
    with suppress(CalibrationError):
        calibration = calibration_from_message(message, rectified=rectified)
    if calibration is None:
        return
    check_principal_point(calibration)
    assert isinstance(
        doubts_about_message(message, rectified=rectified, calibration=calibration), str
    )
