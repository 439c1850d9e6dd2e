"""The arrays of a keyframe come back within the errors that the codes state."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from denseba_ros.map_file.codes import logarithms
from denseba_ros.map_file.codes.descriptors import (
    local_from_bytes,
    local_to_bytes,
    whole_from_bytes,
    whole_to_bytes,
)
from denseba_ros.map_file.codes.images import image_from_bytes, image_suffix, image_to_bytes
from denseba_ros.map_file.codes.packing import CodeError, inflate, pack, unpack
from denseba_ros.map_file.codes.pixels import pixels_from_codes, pixels_to_codes
from tests.map_file.made_map import unit

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("shape", [(2, 12, 16), (4, 100), (2, 0), (1,)])
def test_packing_loses_nothing(shape: tuple[int, ...]) -> None:
    values = RNG.integers(0, 2**16, shape, dtype=np.uint16)
    assert np.array_equal(unpack(pack(values), shape), values)


def test_packed_bytes_of_another_length_are_refused() -> None:
    data = pack(np.zeros((2, 50), np.uint16))
    for wrong in (data[:-4], data[:5], b"", b"no deflated data"):
        with pytest.raises(CodeError):
            unpack(wrong, (2, 50))
    with pytest.raises(CodeError, match="instead of"):
        unpack(data, (2, 49))
    with pytest.raises(CodeError, match="instead of"):
        unpack(data, (2, 51))


def test_a_bomb_is_not_inflated() -> None:
    with pytest.raises(CodeError, match="11 bytes or more"):
        inflate(zlib.compress(bytes(10_000_000)), 10)


@pytest.mark.parametrize(
    ("step", "error"), [(logarithms.INVERSE_DEPTH_STEP, 5e-4), (logarithms.SIGMA_STEP, 1.6e-2)]
)
def test_logarithms_have_the_stated_relative_error(step: float, error: float) -> None:
    values = np.exp(RNG.uniform(-15, 15, 10_000)).astype(np.float32)
    back = logarithms.from_codes(logarithms.to_codes(values, step), step)
    assert np.abs(back / values - 1).max() < error
    assert np.abs(np.log(back / values)).mean() > step / 8  # and the step is not finer than said


def test_what_has_no_logarithm_stays_what_it_is() -> None:
    step = logarithms.INVERSE_DEPTH_STEP
    values = np.array([0.0, np.nan, np.inf, -1.0, 1e-30, 1e30], np.float32)
    back = logarithms.from_codes(logarithms.to_codes(values, step), step)
    assert back[0] == 0
    assert np.isnan(back[1])
    assert np.isposinf(back[2])
    assert np.isnan(back[3])
    np.testing.assert_allclose(back[4:], np.exp([-16.0, 16.0]), rtol=3e-3)


def test_whole_and_half_pixels_are_exact_and_others_nearly() -> None:
    size = (480, 640)
    exact = np.array([[0, 0], [639, 479], [-0.5, 17.5]], np.float32)
    assert np.array_equal(pixels_from_codes(pixels_to_codes(exact, size), size), exact)
    pixels = RNG.uniform(0, 479, (1000, 2)).astype(np.float32)
    back = pixels_from_codes(pixels_to_codes(pixels, size), size)
    assert np.abs(back - pixels).max() <= 1 / 128


def test_an_image_is_the_shorter_of_jpeg_and_png() -> None:
    flat = np.full((48, 64), 7, np.uint8)
    assert image_suffix(image_to_bytes(flat)) == ".png"
    assert np.array_equal(image_from_bytes(image_to_bytes(flat), (48, 64)), flat)
    noisy = np.clip(RNG.normal(120, 30, (48, 64)), 0, 255).astype(np.uint8)
    data = image_to_bytes(noisy)
    assert image_suffix(data) == ".jpg"
    assert np.std(image_from_bytes(data, (48, 64)).astype(float) - noisy) < 2
    with pytest.raises(CodeError, match=r"\(48, 64\) instead of \(48, 65\)"):
        image_from_bytes(data, (48, 65))
    with pytest.raises(CodeError):
        image_from_bytes(b"", (48, 64))
    with pytest.raises(CodeError):
        image_from_bytes(b"no image", (48, 64))


def test_descriptors_turn_by_little() -> None:
    local = unit(RNG.normal(size=(500, 64))).astype(np.float16)
    back = local_from_bytes(local_to_bytes(local), local.shape)
    cosines = np.sum(back.astype(float) * local.astype(float), axis=1)
    assert np.degrees(np.arccos(np.minimum(cosines, 1))).max() < 1.5
    np.testing.assert_allclose(np.linalg.norm(back.astype(float), axis=1), 1, atol=1e-3)
    whole = unit(RNG.normal(size=512)).astype(np.float32)
    (back_whole,) = whole_from_bytes([whole_to_bytes(whole)], [0], 512)
    assert np.linalg.norm(back_whole - whole) < 1e-3
    for wrong in (b"", b"123"):
        with pytest.raises(CodeError):
            local_from_bytes(wrong, local.shape)
        with pytest.raises(CodeError):
            whole_from_bytes([wrong], [7], 512)
    assert local_from_bytes(b"", (0, 64)).shape == (0, 64)
