"""nv12, nv21 and nv24 against OpenCV's other layout of the same colours, and rows of any length."""

import cv2
import numpy as np
import pytest

from denseba_ros.errors import ImageError
from denseba_ros.sequences.encodings import decode_image

W, H = 8, 6
GREY = np.random.default_rng(0).integers(16, 236, (H, W), dtype=np.uint8)
U, V = 90, 180


def planes(encoding: str) -> np.ndarray:
    """Rows of the brightness, then of the colours; one colour all over."""
    pair = (V, U) if encoding == "nv21" else (U, V)
    rows = 2 * H if encoding == "nv24" else H // 2
    return np.concatenate([GREY, np.tile(np.array(pair, np.uint8), (rows, W // 2))])


def expected() -> np.ndarray:
    """The same as packed YUYV."""
    packed = np.stack([GREY, np.tile(np.array([U, V], np.uint8), (H, W // 2))], axis=-1)
    return cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_YUYV)


@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24", "NV12"])
def test_colours_and_brightness(encoding: str) -> None:
    data = planes(encoding.lower()).tobytes()
    assert np.array_equal(decode_image(data, encoding, W, H, W), expected())


@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24"])
def test_padded_rows_and_the_steps_that_drivers_write(encoding: str) -> None:
    rows = planes(encoding)
    padded = np.pad(rows, ((0, 0), (0, 8)))
    if encoding == "nv24":  # its colour rows are one row of 2 W bytes and one padding of twice 8
        colour = np.pad(rows[H:].reshape(H, 2 * W), ((0, 0), (0, 16))).reshape(2 * H, W + 8)
        padded = np.concatenate([padded[:H], colour])
    assert np.array_equal(decode_image(padded.tobytes(), encoding, W, H, W + 8), expected())
    for step in (3 * W // 2, 2 * W) if encoding != "nv24" else (3 * W,):
        assert np.array_equal(decode_image(rows.tobytes(), encoding, W, H, step), expected())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 7}, "size is 7x6"),
        ({"height": 5}, "size is 8x5"),
        ({"step": 4}, "step 4"),
        ({"height": 8}, "needs"),
    ],
)
def test_wrong_sizes_are_refused(changes: dict[str, int], message: str) -> None:
    arguments = {"width": W, "height": H, "step": W} | changes
    with pytest.raises(ImageError, match=message):
        decode_image(planes("nv12").tobytes(), "nv12", **arguments)


def test_nv24_of_an_odd_size() -> None:
    grey = np.full((3, 5), 100, np.uint8)
    colour = np.tile(np.array([U, V], np.uint8), (3, 5))
    data = grey.tobytes() + colour.tobytes()
    image = decode_image(data, "nv24", 5, 3, 5)
    assert image.shape == (3, 5, 3)
    assert (image == image[0, 0]).all()
