"""Depth images of messages and files in metres, 0 where unknown."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from denseba_ros.errors import ImageError
from denseba_ros.sequences.depth_encodings import decode_depth, read_depth

METRES = np.array([[1.5, 0.0, 2.25], [3.0, 4.125, 0.5]], np.float32)


def test_16_bits_are_millimetres_unless_told() -> None:
    values = np.rint(1000 * METRES).astype("<u2")
    assert np.allclose(decode_depth(values.tobytes(), "16UC1", 3, 2, 6), METRES)
    assert np.allclose(decode_depth(values.tobytes(), "16UC1", 3, 2, 6, False, 5000.0), METRES / 5)
    assert np.allclose(
        decode_depth(values.astype(">u2").tobytes(), "mono16", 3, 2, 6, True), METRES
    )


def test_floats_are_metres_and_what_is_no_depth_is_unknown() -> None:
    values = METRES.copy()
    values[0] = [np.nan, np.inf, -1.0]
    padded = np.concatenate([values, np.zeros((2, 1), np.float32)], 1)
    depth = decode_depth(padded.tobytes(), "32FC1", 3, 2, 16)
    assert np.array_equal(depth, [[0, 0, 0], METRES[1]])
    assert depth.dtype == np.float32


@pytest.mark.parametrize(
    ("encoding", "size", "step", "error"),
    [("bgr8", 18, 9, "known: 16UC1"), ("16UC1", 11, 6, "do not fit"), ("32FC1", 24, 6, "do not")],
)
def test_what_does_not_fit_is_said(encoding: str, size: int, step: int, error: str) -> None:
    with pytest.raises(ImageError, match=error):
        decode_depth(bytes(size), encoding, 3, 2, step)


def test_files_of_16_bits_and_of_floats(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "d.png"), np.rint(5000 * METRES).astype(np.uint16))
    cv2.imwrite(str(tmp_path / "d.tiff"), METRES)
    for name in ("d.png", "d.tiff"):
        assert np.allclose(read_depth(tmp_path / name, 5000.0), METRES, atol=1e-3)
    cv2.imwrite(str(tmp_path / "grey.png"), np.ones((2, 3), np.uint8))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    for name in ("grey.png", "broken.png", "none.png"):
        with pytest.raises(ImageError, match=name):
            read_depth(tmp_path / name, 5000.0)
