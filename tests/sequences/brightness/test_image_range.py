"""16-bit images become 8-bit ones that show something, always by the same range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError
from denseba_ros.sequences.brightness.image_range import ImageRange, parse_image_range
from denseba_ros.sequences.encodings import decode_image, to_8_bit


def scene(low: float, high: float, step: int = 0, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    """A textured (H, W) uint16 image with values from low to high."""
    y, x = np.mgrid[: size[0], : size[1]]
    texture = 0.5 + 0.25 * np.sin((x + step) / 5.0) + 0.25 * np.cos(y / 4.0)
    return np.rint(low + (high - low) * texture).astype(np.uint16)


@pytest.mark.parametrize(
    ("low", "high"),
    [(7246, 7650), (0, 4095), (120, 1000), (2000, 2060), (30000, 30500), (0, 65535), (3, 255)],
)
def test_the_content_has_many_grey_levels(low: int, high: int) -> None:
    image = ImageRange(warn=lambda _: None).to_8_bit(scene(low, high))
    assert image.dtype == np.uint8
    assert len(np.unique(image)) >= min(70, high - low)
    assert np.mean((image == 0) | (image == 255)) < 0.02


def test_all_16_bits_are_divided_as_before() -> None:
    image = scene(0, 65535)
    levels = ImageRange(warn=pytest.fail)
    assert np.array_equal(levels.to_8_bit(image), to_8_bit(image))
    shifted = (scene(0, 3000) << 4).astype(np.uint16)
    assert np.array_equal(ImageRange(warn=pytest.fail).to_8_bit(shifted), to_8_bit(shifted))


def test_twelve_bits_use_twelve_bits() -> None:
    levels = ImageRange(warn=lambda _: None)
    levels.to_8_bit(scene(100, 3900))
    assert levels.range == (0, 4095)


def test_a_value_keeps_its_brightness_while_the_scene_changes() -> None:
    said: list[str] = []
    levels = ImageRange(warn=said.append)
    levels.to_8_bit(scene(7246, 7650))
    first = levels.range
    for i in range(20):
        levels.to_8_bit(scene(7250 + 3 * i, 7600 + 2 * i, i))
    assert levels.range == first
    assert len(said) == 1
    assert "values 7" in said[0]


def test_the_range_is_widened_where_values_leave_it() -> None:
    said: list[str] = []
    levels = ImageRange(warn=said.append)
    levels.to_8_bit(scene(7246, 7650))
    image = levels.to_8_bit(scene(7000, 9000))
    assert levels.range is not None
    assert levels.range[0] < 7100
    assert levels.range[1] > 8900
    assert len(np.unique(image)) > 100
    assert len(said) == 2


def test_single_hot_pixels_and_unknown_ones_do_not_count() -> None:
    image = scene(7246, 7650)
    image[::9, ::7] = 0
    image[5, 4:8] = 65535
    levels = ImageRange(warn=lambda _: None)
    levels.to_8_bit(image)
    assert levels.range is not None
    assert 6900 < levels.range[0] < levels.range[1] < 8000


def test_a_covered_lens_at_first_does_not_decide() -> None:
    levels = ImageRange(warn=lambda _: None)
    dark = np.full((60, 80), 64, np.uint16)
    dark[::2] += 3
    levels.to_8_bit(dark)
    levels.to_8_bit(scene(100, 3900))
    assert levels.range == (0, 4095)


def test_eight_bits_are_left_alone() -> None:
    image = scene(0, 255).astype(np.uint8)
    levels = ImageRange(warn=pytest.fail)
    assert levels.to_8_bit(image) is image
    assert levels.range is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("auto", None), ("14", (0, 16383)), ("16", (0, 65535)), ("7000,8200", (7000, 8200))],
)
def test_the_parameter(text: str, expected: tuple[int, int] | None) -> None:
    assert parse_image_range(text) == expected
    assert Config.from_dict({"frontend": {"image_range": text}}).frontend.image_range == text
    levels = ImageRange(text, warn=lambda _: None)
    levels.to_8_bit(scene(7246, 7650))
    if expected is not None:
        assert levels.range == expected


@pytest.mark.parametrize("text", ["", "7", "17", "9,3", "-1,4", "1,2,3", "0,70000", "full"])
def test_a_wrong_parameter_is_said_in_one_sentence(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"image range {text!r}: write auto"):
        parse_image_range(text)


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), min_size=1, max_size=5))
def test_any_content_gives_an_image(pairs: list[tuple[int, int]]) -> None:
    levels = ImageRange(warn=lambda _: None)
    for low, high in pairs:
        image = levels.to_8_bit(scene(min(low, high), max(low, high), size=(8, 8)))
        assert image.shape == (8, 8)
        assert image.dtype == np.uint8


@pytest.mark.parametrize("encoding", ["mono16", "16UC1", "bayer_rggb16", "rgb16", "bgr16"])
def test_every_16_bit_encoding_takes_the_range(encoding: str) -> None:
    channels = 3 if "gb16" in encoding or "gr16" in encoding else 1
    if "bayer" in encoding:
        channels = 1
    image = np.repeat(scene(7246, 7650)[..., None], channels, axis=-1)
    levels = ImageRange(warn=lambda _: None)
    decoded = decode_image(
        image.tobytes(), encoding, 80, 60, 160 * channels, reduce=levels.to_8_bit
    )
    assert len(np.unique(decoded)) > 70
