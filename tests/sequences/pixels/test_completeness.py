"""Files with anything behind their end, files without their end, and thumbnails inside them."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from denseba_ros.errors import ImageError
from denseba_ros.sequences.encodings import decode_compressed
from denseba_ros.sequences.pixels.completeness import whole_length

SUFFIXES = [".jpg", ".png", ".webp"]


def encoded(suffix: str, number: int = 0) -> bytes:
    noise = np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return cv2.imencode(suffix, cv2.GaussianBlur(noise, (0, 0), 2))[1].tobytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "padding",
    [b"\0" * 8192, b"\0" * 100_000, b"\xff" * 9000, b"\xff\xd8" * 3, b"old" * 4000],
    ids=["8k", "100k", "ff", "beginnings", "text"],
)
def test_padding_of_any_length_is_left_out(suffix: str, padding: bytes) -> None:
    data = encoded(suffix)
    assert whole_length(data + padding) == whole_length(data) == len(data)
    assert np.array_equal(decode_compressed(data + padding), decode_compressed(data))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_rest_of_an_image_before_does_not_make_a_cut_one_whole(suffix: str) -> None:
    data, before = encoded(suffix), encoded(suffix, 1)
    for share in (0.3, 0.9):
        cut = data[: int(share * len(data))]
        if suffix != ".webp":  # whose length alone says where it ends
            with pytest.raises(ImageError, match=r"truncated|decoded"):
                decode_compressed(cut + before)
        with pytest.raises(ImageError, match="truncated"):
            decode_compressed(cut)


def test_progressive_and_thumbnails() -> None:
    """A thumbnail is a whole JPEG, with an end mark, inside of the header."""
    picture = Image.fromarray(np.arange(4800, dtype=np.uint8).reshape(60, 80))
    thumbnail, whole = io.BytesIO(), io.BytesIO()
    picture.resize((8, 6)).save(thumbnail, "jpeg")
    extra = b"Exif\0\0" + thumbnail.getvalue()
    picture.save(whole, "jpeg", progressive=True, quality=95, exif=extra)
    data = whole.getvalue()
    assert whole_length(data) == len(data)
    with pytest.raises(ImageError, match="truncated"):
        decode_compressed(data[: len(data) // 2])


@given(st.sampled_from(SUFFIXES), st.floats(0.0, 0.999), st.integers(0, 7), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_damage_gives_an_image_or_an_image_error(
    suffix: str, share: float, bit: int, cut: bool
) -> None:
    data = bytearray(encoded(suffix))
    place = int(share * len(data))
    if cut:
        del data[place:]
    else:
        data[place] ^= 1 << bit
    try:
        image = decode_compressed(bytes(data), suffix)
    except ImageError:
        return
    assert image.dtype == np.uint8
    assert not cut
