"""A descriptor is alike for like sets of features, whatever their order and number."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.place_recognition.vlad import Vlad, residuals, unit

_RNG = np.random.default_rng(3)


def _local(count: int) -> np.ndarray:
    return unit(_RNG.normal(size=(count, 8)).astype(np.float32))


@pytest.fixture
def vlad() -> Vlad:
    centres = _local(4)
    mean = np.mean([residuals(_local(60), centres) for _ in range(50)], axis=0)
    return Vlad(centres, mean, _RNG.normal(size=(32, 24)).astype(np.float32), 0.5)


def test_residuals_are_what_the_definition_says() -> None:
    centres = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    local = unit(np.array([[1, 0.2, 0], [1, 0, 0.4]], np.float32))
    expected = (local - centres[0]).sum(axis=0)
    expected = np.concatenate([expected / np.linalg.norm(expected), np.zeros(3)])
    np.testing.assert_allclose(residuals(local, centres), expected, atol=1e-6)


def test_the_order_of_the_features_does_not_matter(vlad: Vlad) -> None:
    local = _local(50)
    one, other = vlad.describe(local), vlad.describe(local[::-1])
    assert one.shape == (vlad.size,)
    assert one.dtype == np.float32
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.linalg.norm(one) == pytest.approx(1.0, abs=1e-5)


def test_images_that_share_features_are_more_alike_than_others(vlad: Vlad) -> None:
    local, others = _local(60), _local(60)
    shared = np.concatenate([local[:50], others[:10]])
    same = vlad.describe(local) @ vlad.describe(shared)
    assert same > 0.6
    assert same > vlad.describe(local) @ vlad.describe(others) + 0.2


def test_half_precision_of_the_map_suffices(vlad: Vlad) -> None:
    local = _local(60)
    assert vlad.describe(local) @ vlad.describe(local.astype(np.float16)) > 0.999


def test_the_mean_is_taken_away(vlad: Vlad) -> None:
    local = _local(60)
    centred = Vlad(vlad.centres, residuals(local, vlad.centres), vlad.projection, 0.5)
    np.testing.assert_array_equal(centred.describe(local), np.zeros(vlad.size))


def test_an_image_without_features_is_like_nothing(vlad: Vlad) -> None:
    np.testing.assert_array_equal(vlad.describe(np.zeros((0, 8), np.float16)), np.zeros(vlad.size))
