"""Centres, axes and threshold of place recognition from synthetic local descriptors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from denseba_ros.errors import SequenceError
from denseba_ros.place_recognition.vlad import Floats, unit
from denseba_ros.training.places.place_images import PlaceImages
from denseba_ros.training.places.place_threshold import relative_scores_of_strangers
from denseba_ros.training.places.place_training import (
    PlaceTraining,
    principal_axes,
    spherical_k_means,
    train_places,
)

_SETTINGS = PlaceTraining(centres=4, dimensions=8, local=20)


def _turning(count: int) -> np.ndarray:
    """Poses that turn once about the y axis."""
    T = np.tile(np.eye(4), (count, 1, 1))
    for k, angle in enumerate(np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)):
        c, s = math.cos(angle), math.sin(angle)
        T[k, :3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    return T


def _world(seed: int, count: int = 24) -> PlaceImages:
    """Each image keeps most of the features of the one before."""
    rng = np.random.default_rng(seed)
    stream = unit(rng.normal(size=(10 * count + 40, 16)))
    return PlaceImages([stream[10 * k : 10 * k + 40] for k in range(count)], _turning(count))


def _worlds() -> list[PlaceImages]:
    return [_world(seed) for seed in range(3)]


def test_centres_are_where_the_descriptors_gather() -> None:
    rng = np.random.default_rng(0)
    truth = np.eye(8, dtype=np.float32)[:3]
    x = unit(np.repeat(truth, 100, axis=0) + 0.05 * rng.normal(size=(300, 8)))
    best = max(
        (spherical_k_means(x, 3, 20, np.random.default_rng(seed)) for seed in range(8)),
        key=lambda centres: float((x @ centres.T).max(axis=1).sum()),
    )
    assert (truth @ best.T).max(axis=1).min() > 0.99
    np.testing.assert_allclose(np.linalg.norm(best, axis=1), 1.0, rtol=1e-5)


def test_axes_are_the_directions_of_most_variance() -> None:
    rng = np.random.default_rng(0)
    x: Floats = (rng.normal(size=(500, 3)) * [3.0, 1.0, 0.01] + 5.0).astype(np.float32)
    mean, axes = principal_axes(x, 2, whitening=1.0)
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(((x - mean) @ axes).std(axis=0), 1.0, rtol=1e-3)
    halfway = (x - mean) @ principal_axes(x, 2, whitening=0.5)[1]
    np.testing.assert_allclose(halfway.std(axis=0) ** 2, [3.0, 1.0], rtol=0.1)


def test_the_same_seed_gives_the_same_weights() -> None:
    one, other = (train_places(_worlds(), _SETTINGS) for _ in range(2))
    np.testing.assert_array_equal(one.centres, other.centres)
    np.testing.assert_array_equal(one.projection, other.projection)
    assert one.threshold == other.threshold
    assert one.projection.shape == (64, 8)


def test_strangers_are_of_other_worlds_or_look_elsewhere() -> None:
    """An image that comes again in another world is the best stranger; one of the own world that
    looks the same way is none."""
    worlds = [_world(0, 12), _world(1, 12)]
    rows = unit(np.random.default_rng(2).normal(size=(24, 64)))
    rows[3], rows[4] = rows[5], rows[5]
    own = relative_scores_of_strangers([rows[:12], rows[12:]], worlds, 0)
    assert len(own) == 12
    assert own[5] < 0.6
    rows[20] = rows[5]
    own = relative_scores_of_strangers([rows[:12], rows[12:]], worlds, 0)
    assert own[5] == pytest.approx(1.0, abs=1e-5)
    rows[20], rows[11] = rows[19], rows[5]
    assert relative_scores_of_strangers([rows[:12], rows[12:]], worlds, 0)[5] > 0.99


def test_too_little_is_said() -> None:
    with pytest.raises(SequenceError, match="24 images for 30 axes"):
        train_places([_world(0), _world(1)], PlaceTraining(centres=4, dimensions=30))
    with pytest.raises(SequenceError, match="for 5000 centres"):
        train_places(_worlds(), PlaceTraining(centres=5000, dimensions=8))
