"""Any cut or flipped bit in any file of any layout: images and a count, or one clear error."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.errors import DensebaError
from denseba_ros.sequences.opening import open_sequence

IMAGES = 4
CALIBRATION = "fx: 50.0\nfy: 50.0\ncx: 31.0\ncy: 23.0\nwidth: 64\nheight: 48\nk1: 0.0\n"


def kitti(folder: Path, write: Callable) -> None:
    write(folder / "image_0", [f"{i:06d}.png" for i in range(IMAGES)])
    (folder / "calib.txt").write_text("P0: 50 0 31 0 0 50 23 0 0 0 1 0\n")
    (folder / "times.txt").write_text("".join(f"{i / 10:.6e}\n" for i in range(IMAGES)))
    (folder / "poses.txt").write_text("1 0 0 0 0 1 0 0 0 0 1 0\n" * IMAGES)


def kitti_raw(folder: Path, write: Callable) -> None:
    write(folder / "image_00" / "data", [f"{i:010}.png" for i in range(IMAGES)])
    times = "".join(f"2011-09-26 13:02:2{i}.123456789\n" for i in range(IMAGES))
    (folder / "image_00" / "timestamps.txt").write_text(times)
    rows = "S_rect_00: 64 48\nP_rect_00: 50 0 31 0 0 50 23 0 0 0 1 0\n"
    (folder / "calib_cam_to_cam.txt").write_text(rows)


def tum(folder: Path, write: Callable) -> None:
    write(folder / "rgb", [f"{i}.jpg" for i in range(IMAGES)])
    (folder / "rgb.txt").write_text("".join(f"{i}.25 rgb/{i}.jpg\n" for i in range(IMAGES)))
    (folder / "calibration.txt").write_text("50 50 31 23\n")


def tum_mono(folder: Path, write: Callable) -> None:
    write(folder / "images", [f"{i:05}.jpg" for i in range(IMAGES)])
    (folder / "times.txt").write_text("".join(f"{i} {i}.5 0.1\n" for i in range(IMAGES)))
    (folder / "camera.txt").write_text("0.8 1.1 0.5 0.5 0.5\n64 48\ncrop\n64 48\n")


def euroc(folder: Path, write: Callable) -> None:
    camera = folder / "mav0" / "cam0"
    write(camera / "data", [f"{i}.png" for i in range(1, IMAGES + 1)])
    rows = "".join(f"{i},{i}.png\n" for i in range(1, IMAGES + 1))
    (camera / "data.csv").write_text("#timestamp [ns],filename\n" + rows)
    sensor = "T_BS:\n  data: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]\n"
    sensor += "camera_model: pinhole\nresolution: [64, 48]\nintrinsics: [50, 50, 31, 23]\n"
    sensor += "distortion_model: radtan\ndistortion_coefficients: [0.0, 0.0, 0.0, 0.0]\n"
    (camera / "sensor.yaml").write_text(sensor)
    truth = folder / "mav0" / "state_groundtruth_estimate0"
    truth.mkdir()
    (truth / "data.csv").write_text("#t\n1,0,0,0,1,0,0,0\n2,1,0,0,1,0,0,0\n")


def images(folder: Path, write: Callable) -> None:
    write(folder / "images", [f"{i}.webp" for i in range(IMAGES)])
    (folder / "camera_info.yaml").write_text(CALIBRATION)


def seven_scenes(folder: Path, write: Callable) -> None:
    write(folder, [f"frame-{i:06d}.color.jpg" for i in range(IMAGES)])
    (folder / "camera_info.yaml").write_text(CALIBRATION)
    for i in range(IMAGES):
        pose = "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"
        (folder / f"frame-{i:06d}.pose.txt").write_text(pose)


def icl_nuim(folder: Path, write: Callable) -> None:
    write(folder / "rgb", [f"{i}.png" for i in range(IMAGES)])
    (folder / "camera_info.yaml").write_text(CALIBRATION)
    rows = "".join(f"{i} {i} 0 0 0 0 0 1\n" for i in range(1, IMAGES))
    (folder / "traj0.gt.freiburg").write_text(rows)


LAYOUTS = [kitti, kitti_raw, tum, tum_mono, icl_nuim, euroc, images, seven_scenes]


@pytest.mark.slow
@pytest.mark.parametrize("make", LAYOUTS, ids=lambda make: make.__name__)
def test_damage_is_counted_or_one_error(
    make: Callable, tmp_path: Path, write_pictures: Callable
) -> None:
    make(tmp_path, write_pictures)
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert check(tmp_path) == (IMAGES, 0)

    @given(st.sampled_from(files), st.floats(0.0, 0.999), st.integers(-3, 7))
    @settings(max_examples=120, deadline=None)
    def damage(path: Path, share: float, bit: int) -> None:
        """Flip a bit, or cut the file where ``bit`` is negative."""
        whole = path.read_bytes()
        place = int(share * len(whole))
        damaged = bytearray(whole)
        if bit < 0:
            del damaged[place:]
        else:
            damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            check(tmp_path)
        finally:
            path.write_bytes(whole)

    damage()


def check(folder: Path) -> tuple[int, int]:
    """Number of images and of those left out; an error has one line that names a file."""
    try:
        sequence = open_sequence(folder)
        count = sum(1 for _ in sequence)
        sequence.groundtruth()
    except DensebaError as error:
        message = str(error)
        assert "\n" not in message or "known layouts" in message
        assert folder.name in message
        assert "Error(" not in message
        return 0, 0
    return count, sequence.dropped
