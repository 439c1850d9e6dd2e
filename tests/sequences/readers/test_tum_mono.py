"""TUM's monocular sequences, unpacked or still in their zip file."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.readers.tum_mono import open_tum_mono

NAMES = [f"{i:05}.jpg" for i in range(3)]


@pytest.fixture
def folder(tmp_path: Path, write_pictures: Callable) -> Path:
    write_pictures(tmp_path / "images", NAMES)
    times = "".join(f"{i:05} 1438362021.{i}5 0.5\r\n" for i in range(3))
    (tmp_path / "times.txt").write_text(times)
    (tmp_path / "camera.txt").write_text("0.8 1.1 0.5 0.5 0.5\n64 48\ncrop\n64 48\n")
    (tmp_path / "pcalib.txt").write_text("1 2 3\n")
    return tmp_path


def pack(folder: Path) -> Path:
    archive = folder / "images.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in reversed(NAMES):
            packed.write(folder / "images" / name, name)
            packed.writestr(f"__MACOSX/._{name}", b"resource")
            (folder / "images" / name).unlink()
    (folder / "images").rmdir()
    return archive


@pytest.mark.parametrize("packed", [False, True])
def test_images_stamps_and_camera(folder: Path, packed: bool) -> None:
    if packed:
        pack(folder)
    sequence = open_sequence(folder)
    assert [f.stamp_ns for f in sequence] == [
        1_438_362_021_000_000_000 + tenth * 100_000_000 + 50_000_000 for tenth in range(3)
    ]
    assert sequence.dropped == 0
    camera = sequence.calibration
    assert camera.model == "equidistant"
    # Relative to the size, and counted from the corner of the first pixel.
    assert (camera.cx, camera.cy) == (31.5, 23.5)
    assert [f.index for f in open_sequence(folder, start=1, count=1)] == [1]


def test_a_damaged_archive(folder: Path) -> None:
    archive = pack(folder)
    data = bytearray(archive.read_bytes())
    data[len(data) // 3] ^= 255
    archive.write_bytes(data)
    sequence = open_tum_mono(folder)
    assert len(list(sequence)) + sequence.dropped == 3
    archive.write_bytes(data[: len(data) // 2])
    with pytest.raises(SequenceError, match="no zip file"):
        open_tum_mono(folder)


@pytest.mark.parametrize(
    ("times", "message"),
    [("", "no row for 00000.jpg"), ("0 now 1\n", "number, stamp"), ("0\n", "number, stamp")],
)
def test_wrong_times_are_named(folder: Path, times: str, message: str) -> None:
    (folder / "times.txt").write_text(times)
    with pytest.raises(SequenceError, match=message):
        open_tum_mono(folder)
