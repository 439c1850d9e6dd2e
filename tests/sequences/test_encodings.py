"""Every encoding against pixels packed by hand, and every way to be wrong."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.errors import ImageError
from denseba_ros.sequences.encodings import ENCODINGS, decode_compressed, decode_image, to_8_bit

W, H = 8, 6
BGR = np.zeros((H, W, 3), np.uint8)
BGR[:] = (200, 120, 40)


def decode(pixels: np.ndarray, encoding: str, **changes: int) -> np.ndarray:
    arguments = {"width": W, "height": H, "step": pixels.strides[0]} | changes
    return decode_image(pixels.tobytes(), encoding, **arguments)


def random_image(shape: tuple[int, ...], dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


def test_mono_and_bgr_are_taken_as_they_are() -> None:
    grey, colour = random_image((H, W)), random_image((H, W, 3))
    assert np.array_equal(decode(grey, "mono8"), grey)
    assert np.array_equal(decode(grey, "8UC1"), grey)
    assert np.array_equal(decode(colour, "bgr8"), colour)


def test_colour_orders() -> None:
    alpha = np.full((H, W, 1), 7, np.uint8)
    rgb = np.ascontiguousarray(BGR[..., ::-1])
    assert np.array_equal(decode(rgb, "rgb8"), BGR)
    assert np.array_equal(decode(np.concatenate([rgb, alpha], -1), "rgba8"), BGR)
    assert np.array_equal(decode(np.concatenate([BGR, alpha], -1), "bgra8"), BGR)
    assert np.array_equal(decode(rgb.astype(np.uint16) * 257, "rgb16"), BGR)


@pytest.mark.parametrize(
    ("encoding", "order"),
    [("yuv422", "UYVY"), ("uyvy", "UYVY"), ("yuv422_yuy2", "YUYV"), ("yuyv", "YUYV")],
)
def test_yuv(encoding: str, order: str) -> None:
    y, u, v = (int(c) for c in cv2.cvtColor(BGR, cv2.COLOR_BGR2YUV)[0, 0])
    # Studio range, as video has it.
    values = {"Y": round(16 + y * 219 / 255), "U": round(128 + (u - 128) * 0.888)}
    values["V"] = round(128 + (v - 128) * 0.73)
    packed = np.tile([values[c] for c in order], (H, W // 2)).astype(np.uint8)
    image = decode(packed, encoding)
    assert image.shape == (H, W, 3)
    assert np.abs(image.astype(int) - BGR).max() < 25
    assert image[0, 0].argmax() == 0


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize("depth", [8, 16])
def test_bayer(pattern: str, depth: int) -> None:
    mosaic = np.zeros((H, W), np.uint8)
    for place, letter in enumerate(pattern):
        mosaic[place // 2 :: 2, place % 2 :: 2] = BGR[0, 0]["bgr".index(letter)]
    raw = mosaic if depth == 8 else mosaic.astype(np.uint16) * 257
    assert np.array_equal(decode(raw, f"bayer_{pattern}{depth}"), BGR)


def test_mono16_maps_the_full_range_and_respects_the_byte_order() -> None:
    values = np.array([[0, 257, 257 * 255, 128, 129, 65535]], np.uint16)
    expected = [[0, 1, 255, 0, 1, 255]]
    for order, bigendian in (("<u2", False), (">u2", True)):
        data = values.astype(order).tobytes()
        image = decode_image(data, "mono16", 6, 1, 12, bigendian)
        assert image.tolist() == expected


@given(st.integers(0, 65535))
def test_16_bit_rounds_to_the_nearest(value: int) -> None:
    assert to_8_bit(np.array([value], np.uint16))[0] == round(value * 255 / 65535)


def test_row_padding_is_left_out_also_without_its_last_bytes() -> None:
    grey = random_image((H, W))
    padded = np.pad(grey, ((0, 0), (0, 5))).tobytes()
    assert np.array_equal(decode_image(padded, "mono8", W, H, W + 5), grey)
    assert np.array_equal(decode_image(padded[:-5], "mono8", W, H, W + 5), grey)
    wide = random_image((H, W), np.uint16)
    padded = np.pad(wide, ((0, 0), (0, 3))).tobytes()
    assert np.array_equal(decode_image(padded, "mono16", W, H, 2 * W + 6), to_8_bit(wide))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda b: np.frombuffer(b, "u1")])
def test_any_buffer_type_is_accepted(kind: type) -> None:
    grey = random_image((H, W))
    assert np.array_equal(decode_image(kind(grey.tobytes()), "mono8", W, H, W), grey)


@pytest.mark.parametrize(
    ("encoding", "changes", "message"),
    [
        ("nonsense", {}, "known: mono8"),
        ("32FC1", {}, "unknown encoding"),
        ("bgr8", {}, "step"),
        ("mono8", {"step": W - 1}, "step"),
        ("mono8", {"step": 0}, "step"),
        ("mono8", {"width": 0}, "not positive"),
        ("mono8", {"height": H + 1}, "needs"),
        ("yuyv", {"width": 7, "step": 14}, "width is 7"),
        ("bayer_rggb8", {"height": 2}, "too small"),
    ],
)
def test_wrong_images_are_refused_with_the_reason(
    encoding: str, changes: dict, message: str
) -> None:
    with pytest.raises(ImageError, match=message):
        decode(random_image((H, W)), encoding, **changes)


@given(
    st.binary(max_size=64),
    st.sampled_from(ENCODINGS),
    st.integers(-1, 9),
    st.integers(-1, 9),
    st.integers(-1, 40),
)
@settings(max_examples=300)
def test_any_input_gives_an_image_or_an_image_error(
    data: bytes, encoding: str, width: int, height: int, step: int
) -> None:
    try:
        image = decode_image(data, encoding, width, height, step)
    except ImageError:
        return
    assert image.dtype == np.uint8
    assert image.shape in ((height, width), (height, width, 3))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3)])
def test_compressed(suffix: str, shape: tuple[int, ...]) -> None:
    image = cv2.GaussianBlur(random_image(shape), (0, 0), 5)
    data = cv2.imencode(suffix, image)[1].tobytes()
    decoded = decode_compressed(data, f"bgr8; {suffix[1:]} compressed bgr8")
    assert decoded.shape == shape
    assert np.abs(decoded.astype(int) - image).max() <= (0 if suffix == ".png" else 12)


def test_compressed_16_bit() -> None:
    image = random_image((10, 12), np.uint16)
    assert np.array_equal(
        decode_compressed(cv2.imencode(".png", image)[1].tobytes()), to_8_bit(image)
    )


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.98])
def test_truncated_files_are_refused(suffix: str, share: float) -> None:
    data = cv2.imencode(suffix, random_image((100, 100, 3)))[1].tobytes()
    with pytest.raises(ImageError, match=r"truncated|empty|decoded"):
        decode_compressed(data[: int(share * len(data))], suffix)


def test_what_is_no_camera_image_is_refused() -> None:
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode_compressed(b"this is text, not an image at all")
    with pytest.raises(ImageError, match=r"h264, 5 bytes\) is a part of a video: record single"):
        decode_compressed(b"\x00\x00\x00\x01\x67", "h264")
    with pytest.raises(ImageError, match="git lfs pull"):
        decode_compressed(b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", ".png")
    with pytest.raises(ImageError, match="depth image"):
        decode_compressed(b"\x00" * 20, "16UC1; compressedDepth png")
