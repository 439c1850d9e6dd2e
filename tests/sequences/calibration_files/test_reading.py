"""Calibration files of every tool, as it writes them, and what is said of those that cannot be."""

import codecs
import logging
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_source import given_calibration
from denseba_ros.sequences.calibration_files.calibration_text import parse
from denseba_ros.sequences.calibration_files.reading import read_calibration
from tests.sequences.calibration_files.example_files import (
    COLMAP,
    CX,
    CY,
    DSO_FOV,
    ECHO,
    FISHEYES,
    FX,
    FY,
    JSON_NESTED,
    KALIBR,
    KALIBR_STEREO,
    OPENCV,
    ORB_SLAM2,
    ORB_SLAM3,
    PINHOLES,
    ROS_YAML,
    UNDISTORTED,
    VINS,
    VINS_MEI,
    D,
    basalt,
)

CAMERA = (320, 240, FX, FY, CX, CY)


def read(folder: Path, text: str | bytes, camera: str | None = None) -> Calibration:
    """Of a file whose name says nothing."""
    path = folder / "calibration.cfg"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_calibration(path, 320, 240, camera)


def values(camera: Calibration) -> tuple[float, ...]:
    return (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)


@pytest.mark.parametrize("name", PINHOLES)
def test_a_pinhole_camera_of_every_tool(tmp_path: Path, name: str) -> None:
    camera = read(tmp_path, PINHOLES[name])
    assert values(camera) == pytest.approx(CAMERA)
    assert camera.model == "plumb_bob"
    assert camera.coefficients[:4] == D
    assert not any(camera.coefficients[4:])


@pytest.mark.parametrize("name", UNDISTORTED)
def test_a_camera_without_distortion(tmp_path: Path, name: str) -> None:
    camera = read(tmp_path, UNDISTORTED[name])
    assert values(camera) == pytest.approx(CAMERA)
    assert not camera.is_distorted


@pytest.mark.parametrize("name", FISHEYES)
def test_a_fisheye_of_every_tool(tmp_path: Path, name: str) -> None:
    camera = read(tmp_path, FISHEYES[name])
    assert values(camera) == pytest.approx(CAMERA)
    assert (camera.model, camera.coefficients) == ("equidistant", D)


@pytest.mark.parametrize("name", PINHOLES)
@pytest.mark.parametrize(
    "change",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: codecs.BOM_UTF16_LE + text.replace("\n", "\r\n").encode("utf-16-le"),
    ],
    ids=["mark", "crlf", "powershell"],
)
def test_a_file_from_windows_is_the_same(tmp_path: Path, name: str, change: object) -> None:
    assert callable(change)
    assert read(tmp_path, change(PINHOLES[name])) == read(tmp_path, PINHOLES[name])


def test_comments_in_latin_1_do_not_matter(tmp_path: Path) -> None:
    text = ORB_SLAM2.encode() + "# Kamera für innen\n".encode("latin-1")
    assert values(read(tmp_path, text)) == pytest.approx(CAMERA)


def test_of_several_cameras_the_first_is_taken_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert read(tmp_path, KALIBR_STEREO).fx == FX
    assert "cam0, cam1; taking cam0" in caplog.text
    assert read(tmp_path, KALIBR_STEREO, camera="cam1").fx == 300.0
    with pytest.raises(CalibrationError, match="no camera 'cam2'; there are: cam0, cam1"):
        read(tmp_path, KALIBR_STEREO, camera="cam2")


def test_a_camera_is_named_behind_the_file(tmp_path: Path) -> None:
    path = tmp_path / "camchain.yaml"
    path.write_text(KALIBR_STEREO)
    camera = given_calibration(f"{path}:cam1", (320, 240))
    assert camera is not None
    assert camera.fx == 300.0
    with pytest.raises(CalibrationError, match="neither a file"):
        given_calibration(str(tmp_path / "nowhere.yaml"), (320, 240))


def test_unrectified_cameras_beside_the_rectified_one_are_asked_for(tmp_path: Path) -> None:
    matrix = "!!opencv-matrix\n   rows: 3\n   cols: 3\n   dt: d\n   data: [{}]\n"
    k = matrix.format("458.6, 0.0, 367.2, 0.0, 457.3, 248.4, 0.0, 0.0, 1.0")
    d = matrix.format("-0.28, 0.07, 0.0002, 1.7e-05, 0.0")
    text = f"{ORB_SLAM2}LEFT.width: 752\nLEFT.height: 480\nLEFT.D: {d}LEFT.K: {k}"
    with pytest.raises(CalibrationError, match=r"Camera, LEFT: .* choose as"):
        read(tmp_path, text)
    assert values(read(tmp_path, text, "LEFT"))[:3] == (752, 480, 458.6)
    assert read(tmp_path, text, "Camera").fx == FX


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            DSO_FOV.replace("0.5357 0.6695", "0.2 0.2"),
            r"this is a field-of-view \(FOV, ATAN\) calibration of 5 parameters",
        ),
        (VINS_MEI, r"this is an omnidirectional \(MEI\) calibration of 9 parameters"),
        (KALIBR.replace("pinhole", "ds"), "double-sphere calibration of 8 parameters"),
        (KALIBR.replace("radtan", "fov"), "field-of-view"),
        (COLMAP.replace("OPENCV", "FOV"), "field-of-view"),
        (COLMAP.replace("OPENCV", "THIN_PRISM_FISHEYE"), "thin-prism fisheye"),
        (COLMAP.replace("OPENCV", "FULL_OPENCV"), "12 parameters, got 8"),
        (ROS_YAML.replace("plumb_bob", "magic"), "unknown distortion model 'magic'"),
        (ORB_SLAM2.replace("Camera.k2: -0.02\n", ""), "Camera.k2 is missing"),
        (ORB_SLAM2.replace("Camera.cy", "Camera.cz"), "Camera.cy is missing"),
        (VINS.replace("p2:", "p3:"), "p2 is missing"),
        (VINS.replace(f"fx: {FX}", "fx: wide"), "fx is no number: 'wide'"),
        (KALIBR.replace(str(FX), ".nan"), "nan"),
        (JSON_NESTED.replace(str(FX), "[]"), "fx is no number"),
        (JSON_NESTED.replace(str(FX), "0.0"), "the camera is uncalibrated"),
        (basalt("ds", "xi", "alpha"), "double-sphere calibration of 6 parameters"),
        ("262,5;262,5;159,5;119,5\n", "write numbers with a point, as 262.5"),
        ("262,5 262,5 159,5 119,5\n", "write numbers with a point"),
        ("262,5\n262,5\n159,5\n119,5\n", "write numbers with a point"),
        ("cam0_calib: cam0.yaml\n", "in other files: give the one of cam0, cam0.yaml"),
        (ECHO.replace(f"k: [{FX}", "k: [0.0").replace(str(FY), "0.0"), "not calibrated"),
        ('{"fx": 0.8, "fy": 0.9, "cx": 0.5, "cy": 0.5}', "parts of the image size"),
        ("frame_id: camera\nimage: 3\n", "no calibration that is known here"),
        ("Dear reader, the camera is a good one.", "no calibration that is known here"),
        (" \n", "is empty"),
        ("a: [1, 2\nb: {", "no calibration"),
        (b"\x00\x01\x02\x03", "no text file"),
        (b"\xff\xfe\x00\xd8", "UTF-16"),
        ("[" * 5000, "no calibration"),
        ("- " * 5000 + "a", "no calibration"),
        ("1 " * 1_000_000, "too many"),
        ("<xml>no storage</xml>", "not of OpenCV"),
        (KALIBR.replace("[320, 240]", "[320]"), "resolution is not width and height"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_sentence(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(CalibrationError, match=message) as caught:
        read(tmp_path, text)
    assert_one_sentence(str(caught.value))


def assert_one_sentence(message: str) -> None:
    assert "\n" not in message
    assert "calibration.cfg" in message
    assert not re.search(r"Error\(|<class|object at 0x|Traceback|NoneType", message)


@pytest.mark.parametrize(
    ("model", "parameters", "expected"),
    [
        ("SIMPLE_PINHOLE", "262 160 120", ("none", ())),
        ("PINHOLE", "262 262 160 120", ("none", ())),
        ("SIMPLE_RADIAL", "262 160 120 0.1", ("plumb_bob", (0.1, 0, 0, 0))),
        ("RADIAL", "262 160 120 0.1 0.2", ("plumb_bob", (0.1, 0.2, 0, 0))),
        (
            "FULL_OPENCV",
            "262 262 160 120 1 2 3 4 5 6 7 8",
            ("rational_polynomial", (1, 2, 3, 4, 5, 6, 7, 8)),
        ),
        ("SIMPLE_FISHEYE", "262 160 120", ("equidistant", (0, 0, 0, 0))),
        ("FISHEYE", "262 262 160 120", ("equidistant", (0, 0, 0, 0))),
        ("SIMPLE_RADIAL_FISHEYE", "262 160 120 0.1", ("equidistant", (0.1, 0, 0, 0))),
        ("RADIAL_FISHEYE", "262 160 120 0.1 0.2", ("equidistant", (0.1, 0.2, 0, 0))),
    ],
)
def test_every_model_of_colmap(
    tmp_path: Path, model: str, parameters: str, expected: tuple[str, tuple[float, ...]]
) -> None:
    camera = read(tmp_path, f"1 {model} 320 240 {parameters}\n")
    assert values(camera) == (320, 240, 262, 262, 159.5, 119.5)
    assert (camera.model, camera.coefficients) == expected


def test_echo_begins_with_the_first_message_that_has_a_camera(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    empty = ECHO.replace(str(FX), "0.0").replace(str(FY), "0.0").replace(str(CX), "0.0")
    empty = empty.replace(str(CY), "0.0").replace("0., 1.]", "0., 0.]")
    assert values(read(tmp_path, empty + ECHO + ECHO)) == pytest.approx(CAMERA)
    with caplog.at_level(logging.WARNING):
        cut = read(tmp_path, ECHO + ECHO[: ECHO.index("p: [") + 8])
    assert values(cut) == pytest.approx(CAMERA)
    assert "broken and left out" in caplog.text
    in_capitals = re.sub(r"^[dkrp]:", lambda m: m[0].upper(), ECHO, flags=re.MULTILINE)
    assert values(read(tmp_path, in_capitals)) == pytest.approx(CAMERA)


def test_echo_has_the_region_and_binning_of_messages(tmp_path: Path) -> None:
    cut = ECHO.replace("x_offset: 0", "x_offset: 16").replace("  width: 0", "  width: 160")
    cut = cut.replace("  height: 0", "  height: 120").replace("binning_x: 0", "binning_x: 2")
    camera = read(tmp_path, cut)
    assert (camera.width, camera.height) == (80, 120)
    assert camera.fx == FX / 2


def test_a_matrix_alone_is_taken_as_undistorted_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        camera = read(tmp_path, OPENCV[: OPENCV.index("distortion")])
    assert not camera.is_distorted
    assert "no distortion is stated" in caplog.text


def test_stereo_matrices_and_blanks_that_opencv_does_not_need(tmp_path: Path) -> None:
    matrix = f"data: [ {FX}, 0, {CX}, 0, {FY}, {CY}, 0, 0, 1 ]"
    stereo = f"%YAML:1.0\nM1: {{{matrix}}}\nD1: {{data: [0, 0, 0, 0, 0]}}\n"
    stereo += f"M2: {{{matrix}}}\nD2: {{data: [0.1, 0, 0, 0, 0]}}\nsize: [320, 240]\n"
    assert not read(tmp_path, stereo, "left").is_distorted
    assert read(tmp_path, stereo, "right").is_distorted
    assert values(read(tmp_path, ORB_SLAM3.replace(": ", ":"))) == pytest.approx(CAMERA)
    tabs = ORB_SLAM2.replace(": ", ":\t")
    assert values(read(tmp_path, tabs)) == pytest.approx(CAMERA)


def test_a_negative_fy_is_that_of_icl_nuim(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        camera = given_calibration("481.2,-480,319.5,239.5", (640, 480))
    assert camera == Calibration(640, 480, 481.2, 480.0, 319.5, 239.5)
    assert "fy is -480" in caplog.text


EXAMPLES = [*PINHOLES.values(), *UNDISTORTED.values(), *FISHEYES.values(), VINS_MEI, DSO_FOV]


@given(st.sampled_from(EXAMPLES), st.floats(0.0, 1.0))
@settings(max_examples=300, deadline=None)
def test_any_cut_gives_a_camera_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: str, share: float
) -> None:
    check_damaged(tmp_path_factory.getbasetemp(), text.encode()[: int(share * len(text))])


@given(st.sampled_from(EXAMPLES), st.floats(0.0, 0.999), st.integers(0, 7))
@settings(max_examples=500, deadline=None)
def test_any_flipped_bit_gives_a_camera_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: str, share: float, bit: int
) -> None:
    data = bytearray(text.encode())
    data[int(share * len(data))] ^= 1 << bit
    check_damaged(tmp_path_factory.getbasetemp(), bytes(data))


def check_damaged(folder: Path, data: bytes) -> None:
    try:
        camera = read(folder, data)
    except CalibrationError as error:
        assert_one_sentence(str(error))
    else:
        assert isinstance(camera, Calibration)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_parsed_or_broken(text: str) -> None:
    content = parse(text, (320, 240))
    assert "\n" not in content.broken
