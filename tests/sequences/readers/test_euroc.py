"""EuRoC folders: the camera's pose is not the body's."""

import codecs
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import CalibrationError, SequenceError, TrajectoryError
from denseba_ros.sequences.readers.euroc import open_euroc
from denseba_ros.sequences.sequence import imu_extrinsics_of

SENSOR = """%YAML:1.0
sensor_type: camera
T_BS:
  cols: 4
  rows: 4
  data: [0.0, -1.0, 0.0, 0.1,
         1.0, 0.0, 0.0, 0.2,
         0.0, 0.0, 1.0, 0.3,
         0.0, 0.0, 0.0, 1.0]
rate_hz: 20
resolution: [64, 48]
camera_model: pinhole
intrinsics: [40.0, 41.0, 31.0, 23.0] #fu, fv, cu, cv
distortion_model: radial-tangential
distortion_coefficients: [-0.28, 0.07, 0.0002, 1.8e-05]
"""
STAMPS = [1403636579763555584, 1403636579813555456]


@pytest.fixture
def folder(tmp_path: Path, write_pictures: Callable) -> Path:
    camera = tmp_path / "mav0" / "cam0"
    write_pictures(camera / "data", [f"{s}.png" for s in STAMPS])
    rows = "".join(f"{s},{s}.png\r\n" for s in STAMPS)
    (camera / "data.csv").write_text("#timestamp [ns],filename\r\n" + rows)
    # As in the published files, where "%YAML:1.0" is not the directive that YAML knows.
    (camera / "sensor.yaml").write_text(SENSOR)
    truth = tmp_path / "mav0" / "state_groundtruth_estimate0"
    truth.mkdir()
    half = np.sqrt(0.5)
    row = f"{STAMPS[0]},1,2,3,{half},0,0,{half},0.1,0.1,0.1,0,0,0,0,0,0\n"
    (truth / "data.csv").write_text("#timestamp, p_RS_R_x [m], ...\n" + row)
    return tmp_path


@pytest.mark.parametrize("inner", ["", "mav0"])
def test_camera_and_stamps(folder: Path, inner: str) -> None:
    sequence = open_euroc(folder / inner)
    assert [f.stamp_ns for f in sequence] == STAMPS
    c = sequence.calibration
    assert (c.model, c.fy, c.coefficients) == ("plumb_bob", 41, (-0.28, 0.07, 2e-4, 1.8e-5))


def test_ground_truth_is_that_of_the_camera(folder: Path) -> None:
    """The body stands at (1, 2, 3) turned 90 degrees about z; T_BS turns it 90 more."""
    truth = open_euroc(folder).groundtruth()
    assert truth is not None
    expected = [[-1, 0, 0, 1 - 0.2], [0, -1, 0, 2 + 0.1], [0, 0, 1, 3.3], [0, 0, 0, 1]]
    assert np.allclose(truth.T_world_camera[0], expected)
    assert truth.stamps_ns.tolist() == STAMPS[:1]


def test_the_camera_sits_on_the_imu_as_both_files_say(folder: Path) -> None:
    sequence = open_euroc(folder)
    T_body_camera = imu_extrinsics_of(sequence)
    assert T_body_camera is not None
    assert np.allclose(T_body_camera[:3], [[0, -1, 0, 0.1], [1, 0, 0, 0.2], [0, 0, 1, 0.3]])
    imu = folder / "mav0" / "imu0" / "sensor.yaml"
    imu.parent.mkdir()
    imu.write_text("T_BS:\n  data: [1,0,0,0.1, 0,0,-1,0, 0,1,0,0, 0,0,0,1]\n")
    T_imu_camera = imu_extrinsics_of(sequence)
    assert T_imu_camera is not None
    assert np.allclose(T_imu_camera[:3], [[0, -1, 0, 0], [0, 0, 1, 0.3], [-1, 0, 0, -0.2]])


def test_without_t_bs_it_is_not_known_where_the_camera_sits(folder: Path) -> None:
    path = folder / "mav0" / "cam0" / "sensor.yaml"
    path.write_text(SENSOR.replace("T_BS", "T_other"))
    assert imu_extrinsics_of(open_euroc(folder)) is None


def test_equidistant_lens(folder: Path) -> None:
    path = folder / "mav0" / "cam0" / "sensor.yaml"
    path.write_text(SENSOR.replace("radial-tangential", "equidistant"))
    assert open_euroc(folder).calibration.model == "equidistant"


def test_invalid_poses_are_left_out(folder: Path) -> None:
    path = folder / "mav0" / "state_groundtruth_estimate0" / "data.csv"
    good = f"{STAMPS[0]},1,2,3,1,0,0,0\n"
    lost, repeated = f"{STAMPS[1]},0,0,0,0,0,0,0\n", good
    path.write_text(good + repeated + lost)
    truth = open_euroc(folder).groundtruth()
    assert truth is not None
    assert len(truth) == 1
    path.write_text(lost)
    with pytest.raises(TrajectoryError, match="no valid poses"):
        open_euroc(folder).groundtruth()


def test_without_ground_truth(folder: Path) -> None:
    (folder / "mav0" / "state_groundtruth_estimate0" / "data.csv").unlink()
    assert open_euroc(folder).groundtruth() is None


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("pinhole", "omni", "omni"),
        ("[64, 48]", "[65, 48]", "64x48"),
        ("radial-tangential", "magic", "magic"),
        ("intrinsics:", "intrinsick:", "no calibration that is known"),
        ("0.0, 0.0, 1.0, 0.3", "0.0, 0.0, 5.0, 0.3", "rigid"),
    ],
)
def test_a_wrong_sensor_file_is_refused(
    folder: Path, before: str, after: str, message: str
) -> None:
    assert before in SENSOR
    (folder / "mav0" / "cam0" / "sensor.yaml").write_text(SENSOR.replace(before, after))
    with pytest.raises(CalibrationError, match=message):
        open_euroc(folder)


def test_without_sensor_file_the_intrinsics_must_be_given(folder: Path) -> None:
    (folder / "mav0" / "cam0" / "sensor.yaml").unlink()
    with pytest.raises(CalibrationError, match="missing"):
        open_euroc(folder)
    assert open_euroc(folder, "40,40,32,24").calibration.fx == 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no images"),
        ("12\n", "2 columns"),
        ("1,2,3\nx,a.png\ny,b.png\n", "stamp 'x' is no number"),
        ("1e99999999,a.png\n", "stamp '1e99999999' is no number"),
    ],
)
def test_a_malformed_listing_is_named(folder: Path, text: str, message: str) -> None:
    (folder / "mav0" / "cam0" / "data.csv").write_text(text)
    with pytest.raises(SequenceError, match=message):
        open_euroc(folder)


A, B = STAMPS


@pytest.mark.parametrize("wrong", ["140363", "nan,a.png", "1e400,a.png", "-9e99,a.png"])
def test_a_malformed_row_is_left_out_and_said(
    folder: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = f"{A},{A}.png\n{B},{B}.png\n{wrong}\n"
    (folder / "mav0" / "cam0" / "data.csv").write_text(text)
    with caplog.at_level(logging.WARNING):
        assert [f.stamp_ns for f in open_euroc(folder)] == STAMPS
    assert "left out 1 rows, the first: " in caplog.text
    assert "data.csv:3" in caplog.text


def test_names_without_a_suffix(folder: Path) -> None:
    (folder / "mav0" / "cam0" / "data.csv").write_text(f"{A},{A}\n{B},{B}\n")
    assert [f.stamp_ns for f in open_euroc(folder)] == STAMPS


@pytest.mark.parametrize(
    "text",
    [
        f"{A},{A}.png\n{B},{B}.png\n",
        f"timestamp,filename\n{A},{A}.png\n{B},{B}.png\n",
        f"# timestamp [ns], filename\n\n{A}, data/{A}.png\n{B}, data/{B}.png\n",
        f"index;timestamp [ns];image path\r\n0;{A};{A}.png\r\n1;{B};{B}.png\r\n",
        f"filename,#timestamp\n{A}.png,{A}\n{B}.png,{B}\n",
        f"#timestamp [s] filename\n{A / 1e9:.9f} {A}.png\n1403636579.813555456 {B}.png\n",
        f"1403636579.763555584\t{A}.png\n1403636579.813555456\t{B}.png\n",
        f'#time [us],"file"\n1403636579763555.584,"{A}.png"\n1403636579813555.456,"{B}.png"\n',
        f"#timestamp [ns],filename\n{A},{A}.png\n{A},{A}.png\n{B},{B}.png\n",
    ],
)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_headers_separators_and_units(folder: Path, text: str, mark: bytes) -> None:
    exact = text.replace(f"{A / 1e9:.9f}", "1403636579.763555584")
    (folder / "mav0" / "cam0" / "data.csv").write_bytes(mark + exact.encode())
    sequence = open_euroc(folder)
    assert [f.stamp_ns for f in sequence] == STAMPS
    assert sequence.dropped == exact.count(f"{A}.png") - 1


CAMCHAIN = """cam0:
  T_cam_imu:
  - [0.0, 1.0, 0.0, -0.2]
  - [-1.0, 0.0, 0.0, 0.1]
  - [0.0, 0.0, 1.0, -0.3]
  - [0.0, 0.0, 0.0, 1.0]
  camera_model: pinhole
  distortion_coeffs: [0.0034, 0.0007, -0.002, 0.0002]
  distortion_model: equidistant
  intrinsics: [40.0, 41.0, 31.0, 23.0]
  resolution: [64, 48]
cam1:
  camera_model: pinhole
"""


@pytest.mark.parametrize("place", ["dso", "mav0", "."])
def test_tum_vi_has_kalibrs_camchain(folder: Path, place: str) -> None:
    """Its T_cam_imu is the inverse of the T_BS of EuRoC."""
    by_sensor = open_euroc(folder).groundtruth()
    (folder / "mav0" / "cam0" / "sensor.yaml").unlink()
    (folder / place).mkdir(exist_ok=True)
    (folder / place / "camchain.yaml").write_text(CAMCHAIN)
    sequence = open_euroc(folder)
    assert (sequence.calibration.model, sequence.calibration.fy) == ("equidistant", 41.0)
    by_camchain = sequence.groundtruth()
    assert by_sensor is not None
    assert by_camchain is not None
    assert np.allclose(by_camchain.T_world_camera, by_sensor.T_world_camera)
