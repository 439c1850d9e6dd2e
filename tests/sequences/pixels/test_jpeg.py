"""JPEG as OpenCV decodes it, and what of its damage is seen."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from denseba_ros.errors import ImageError
from denseba_ros.sequences.encodings import Decoding, decode_compressed
from denseba_ros.sequences.pixels.jpeg import SurplusBytes, decode_jpeg

NOISE = np.random.default_rng(0).integers(0, 256, (121, 163, 3), dtype=np.uint8)
COLOUR = cv2.GaussianBlur(NOISE, (0, 0), 2)
GREY = COLOUR[..., 0]


def jpeg(image: np.ndarray = GREY, mode: str = "", **options: object) -> bytes:
    file, picture = io.BytesIO(), Image.fromarray(image)
    picture.convert(mode or picture.mode).save(file, "jpeg", quality=90, **options)
    return file.getvalue()


def with_surplus(data: bytes, count: int = 12) -> bytes:
    """As some cameras write them: bytes between the last pixel and the end.

    The decoder reads a few bytes ahead, and does not see so few.
    """
    return data[:-2] + b"\x5a" * count + data[-2:]


def by_opencv(data: bytes) -> np.ndarray:
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    assert image is not None
    return image


@pytest.mark.parametrize(
    "data",
    [
        jpeg(),
        jpeg(COLOUR, subsampling=0),
        jpeg(COLOUR, subsampling=1),
        jpeg(COLOUR, subsampling=2),
        jpeg(COLOUR, progressive=True),
        jpeg(COLOUR, optimize=True, restart_marker_rows=1),
        jpeg(COLOUR, keep_rgb=True),
        jpeg(COLOUR, "CMYK"),
    ],
    ids=["grey", "444", "422", "420", "progressive", "restarts", "rgb", "cmyk"],
)
def test_pixels_are_those_of_opencv(data: bytes) -> None:
    assert np.array_equal(decode_compressed(data), by_opencv(data))


def test_images_without_huffman_tables_are_read() -> None:
    """Webcams leave them out of Motion JPEG: everybody has the standard's."""
    data = cv2.imencode(".jpg", COLOUR)[1].tobytes()
    bare = data
    while (at := bare.find(b"\xff\xc4")) >= 0:
        length = int.from_bytes(bare[at + 2 : at + 4], "big")
        bare = bare[:at] + bare[at + 2 + length :]
    assert len(bare) < len(data)
    assert np.array_equal(decode_compressed(bare), by_opencv(data))


@pytest.mark.parametrize("lost", [64, 512])
def test_a_lost_block_is_damage(lost: int) -> None:
    data = jpeg(COLOUR)
    begin = data.index(b"\xff\xda") + 300
    with pytest.raises(ImageError, match="damaged"):
        decode_compressed(data[:begin] + data[begin + lost :], "jpg", Decoding())


def test_zeros_instead_of_a_block_are_damage() -> None:
    data = jpeg(COLOUR)
    begin = data.index(b"\xff\xda") + 300
    zeros = data[:begin] + bytes(512) + data[begin + 512 :]
    with pytest.raises(ImageError, match="damaged"):
        decode_compressed(zeros, "jpg", Decoding(surplus=SurplusBytes()))


def test_surplus_bytes_in_every_image_are_the_cameras_way() -> None:
    how = Decoding(surplus=SurplusBytes())
    for _ in range(5):
        image = decode_compressed(with_surplus(jpeg()), "jpg", how)
        assert np.array_equal(image, by_opencv(jpeg()))


def test_surplus_bytes_in_one_image_are_damage() -> None:
    how = Decoding(surplus=SurplusBytes())
    for _ in range(3):
        decode_compressed(jpeg(), "jpg", how)
    with pytest.raises(ImageError, match="belong to no pixel"):
        decode_compressed(with_surplus(jpeg()), "jpg", how)
    decode_compressed(jpeg(), "jpg", how)


def test_many_flipped_bits_are_seen_and_the_rest_have_the_size() -> None:
    """Of single bits of a JPEG file only some can be seen: the others make another valid file."""
    data, rng = jpeg(COLOUR), np.random.default_rng(1)
    how, seen = Decoding(surplus=SurplusBytes()), 0
    decode_compressed(data, "jpg", how)
    places = rng.integers(data.index(b"\xff\xda") + 14, len(data) - 2, 200)
    for place in places:
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(rng.integers(8))
        try:
            image = decode_compressed(bytes(flipped), "jpg", how)
        except ImageError:
            seen += 1
        else:
            assert image.shape == COLOUR.shape
            decode_compressed(data, "jpg", how)
    assert seen > 10


def test_a_header_that_turbojpeg_does_not_understand_is_left_to_opencv() -> None:
    """For one flipped bit in the length of the first segment it raises a KeyError."""
    data = bytearray(jpeg())
    data[4] ^= 1
    assert decode_jpeg(bytes(data)) is None
    with pytest.raises(ImageError):
        decode_compressed(bytes(data))
