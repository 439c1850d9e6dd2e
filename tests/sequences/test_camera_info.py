"""Calibrations in all the ways that people write them."""

from pathlib import Path

import pytest
import yaml

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.intrinsics_text import parse_intrinsics
from denseba_ros.sequences.calibration_files.reading import read_calibration
from denseba_ros.sequences.camera_info import calibration_from_fields, write_camera_info
from denseba_ros.sequences.known_cameras import KITTI_BY_SIZE, SEVEN_SCENES_COLOUR, TUM_BY_NAME

K = [50.0, 0.0, 31.0, 0.0, 51.0, 23.0, 0.0, 0.0, 1.0]
CAMERAS = Path(__file__).parents[2] / "config" / "cameras"


def test_intrinsics_text() -> None:
    c = parse_intrinsics("525,526,319.5,239.5", 640, 480)
    assert c == Calibration(640, 480, 525, 526, 319.5, 239.5)
    c = parse_intrinsics(" 525, 526, 319.5, 239.5, -0.2, 0.1, 1e-3, 0 ", 640, 480)
    assert (c.model, c.coefficients) == ("plumb_bob", (-0.2, 0.1, 1e-3, 0))
    assert not parse_intrinsics("525,526,319.5,239.5,0,0,0,0", 640, 480).is_distorted


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "a,b,c,d", "1,2,3,4,5", "0,0,320,240", "500,500,nan,240", "1 2 3 4 5 6 7"]
)
def test_wrong_intrinsics_text_is_refused(text: str) -> None:
    with pytest.raises(CalibrationError):
        parse_intrinsics(text, 640, 480)


@pytest.mark.parametrize(
    ("model", "d", "expected"),
    [
        ("plumb_bob", [0.1, 0.2, 0.0, 0.0, 0.3], ("plumb_bob", (0.1, 0.2, 0.0, 0.0, 0.3))),
        ("plumb_bob", [0.1, 0.2, 0.0, 0.0], ("plumb_bob", (0.1, 0.2, 0.0, 0.0))),
        ("plumb_bob", [0.1] * 4 + [0.0] * 4, ("plumb_bob", (0.1,) * 4 + (0.0,))),
        ("plumb_bob", [0.0] * 5, ("none", ())),
        ("plumb_bob", [], ("none", ())),
        ("", [], ("none", ())),
        ("rational_polynomial", [0.1] * 8, ("rational_polynomial", (0.1,) * 8)),
        ("rational_polynomial", [0.1] * 8 + [0.0] * 6, ("rational_polynomial", (0.1,) * 8)),
        ("equidistant", [0.1] * 4, ("equidistant", (0.1,) * 4)),
        ("fisheye", [0.1] * 4, ("equidistant", (0.1,) * 4)),
    ],
)
def test_distortion_models_of_camera_info(model: str, d: list[float], expected: tuple) -> None:
    c = calibration_from_fields(64, 48, K, model, d)
    assert (c.model, c.coefficients) == expected


@pytest.mark.parametrize(
    ("k", "model", "d"),
    [
        ([0.0] * 9, "plumb_bob", []),
        (K[:8], "plumb_bob", []),
        ([50.0, 2.0, *K[2:]], "plumb_bob", []),
        (K, "magic", [0.1] * 4),
        ([*K[:3], 1.0, *K[4:]], "plumb_bob", []),
        ([*K[:8], 2.0], "plumb_bob", []),
        (K, "rational_polynomial", [0.1] * 15),
        (K, "plumb_bob", [0.1] * 3),
        (K, "equidistant", [0.1] * 5),
    ],
)
def test_camera_info_that_is_no_camera_is_refused(
    k: list[float], model: str, d: list[float]
) -> None:
    with pytest.raises(CalibrationError):
        calibration_from_fields(64, 48, k, model, d)


@pytest.mark.parametrize(
    "camera",
    [
        Calibration(64, 48, 50.5, 51, 31, 23),
        Calibration(64, 48, 50.5, 51, 31, 23, "plumb_bob", (0.1, 0.2, 0.3, 0.4, 0.5)),
        Calibration(64, 48, 50.5, 51, 31, 23, "equidistant", (0.1, 0.2, 0.3, 0.4)),
        Calibration(64, 48, 50.5, 51, 31, 23, "rational_polynomial", (0.1,) * 8),
    ],
)
def test_yaml_round_trip(tmp_path: Path, camera: Calibration) -> None:
    write_camera_info(tmp_path / "c.yaml", camera, "x")
    assert read_calibration(tmp_path / "c.yaml", 1, 1) == camera


@pytest.mark.parametrize(
    "text", ["", "[1, 2]", "image_width: 3", "{", "camera_matrix: {data: [1]}\nimage_width: a"]
)
def test_a_broken_yaml_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(CalibrationError, match=r"c\.yaml"):
        read_calibration(path, 64, 48)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="nowhere"):
        read_calibration(tmp_path / "nowhere.txt", 64, 48)


def test_the_camera_files_of_the_project_are_the_published_cameras() -> None:
    files = {path.stem: read_calibration(path, 1, 1) for path in CAMERAS.glob("*.yaml")}
    expected = {f"tum_{name}": camera for name, camera in TUM_BY_NAME.items()}
    expected |= {f"kitti_{w}x{h}": camera for (w, h), (_, camera) in KITTI_BY_SIZE.items()}
    expected["7scenes"] = SEVEN_SCENES_COLOUR
    assert files == expected


def test_the_camera_files_are_camera_info_yaml() -> None:
    document = yaml.safe_load((CAMERAS / "tum_freiburg1.yaml").read_text())
    assert len(document["projection_matrix"]["data"]) == 12
    assert document["camera_name"] == "tum_freiburg1"
