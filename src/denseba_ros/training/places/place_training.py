"""Centres by spherical k-means, axes by PCA, and a threshold from images that share nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from denseba_ros.errors import SequenceError
from denseba_ros.place_recognition.vlad import Floats, Vlad, residuals, unit
from denseba_ros.training.places.place_images import PlaceImages
from denseba_ros.training.places.place_threshold import relative_scores_of_strangers

# Share of the images that have no candidate among strangers. What has one is verified by others.
_BELOW = 0.99


@dataclass(frozen=True)
class PlaceTraining:
    """``centres`` of the local descriptors, ``local`` of which are taken from each image; each axis
    of the ``dimensions`` is divided by its deviation to the power ``whitening``."""

    centres: int = 32
    dimensions: int = 512
    local: int = 100
    iterations: int = 25
    whitening: float = 0.5
    seed: int = 0


def train_places(worlds: Sequence[PlaceImages], settings: PlaceTraining) -> Vlad:
    """Centres, axes and threshold from images of several ``worlds``; the same seed gives the same.

    The threshold is what one image in a hundred exceeds with an image that shares nothing with it,
    each world with the axes that the others give: on its own images a PCA looks better than it is.

    Raises:
        SequenceError: with less than two worlds, when without one of them there are no more images
            than axes, or with fewer local descriptors than centres.
    """
    if len(worlds) < 2:
        raise SequenceError("nothing to train on: places need images of two worlds or more")
    rng = np.random.default_rng(settings.seed)
    images = [image for world in worlds for image in world.descriptors]
    local = np.concatenate([_drawn(image, settings.local, rng) for image in images])
    centres = spherical_k_means(local, settings.centres, settings.iterations, rng)
    wholes = [np.stack([residuals(d, centres) for d in world.descriptors]) for world in worlds]
    strangers = []
    for k in tqdm(range(len(worlds)), desc="threshold", disable=None):
        left_out = _axes([*wholes[:k], *wholes[k + 1 :]], settings)
        strangers += relative_scores_of_strangers(
            [unit((whole - left_out[0]) @ left_out[1]) for whole in wholes], worlds, k
        )
    return Vlad(centres, *_axes(wholes, settings), _rounded_up(np.quantile(strangers, _BELOW)))


def _axes(wholes: Sequence[Floats], settings: PlaceTraining) -> tuple[Floats, Floats]:
    """Mean and projection from the images (N, K C) of some worlds, rounded as they are written."""
    rows = np.concatenate(wholes)
    if len(rows) <= settings.dimensions:
        raise SequenceError(
            f"{len(rows)} images for {settings.dimensions} axes when a world is left out: too few"
        )
    mean, projection = principal_axes(rows, settings.dimensions, settings.whitening)
    return mean, projection.astype(np.float16).astype(np.float32)


def spherical_k_means(x: Floats, count: int, iterations: int, rng: np.random.Generator) -> Floats:
    """(count, C) centres of length one of ``x`` (N, C) of length one, by scalar products.

    Raises:
        SequenceError: when there are fewer vectors than centres.
    """
    if len(x) < count:
        raise SequenceError(f"{len(x)} local descriptors for {count} centres: too few")
    centres = x[rng.choice(len(x), count, replace=False)]
    for _ in tqdm(range(iterations), desc="centres", disable=None):
        nearest = np.argmax(x @ centres.T, axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, x)
        empty = np.bincount(nearest, minlength=count) == 0
        sums[empty] = centres[empty]
        centres = unit(sums)
    return centres


def principal_axes(x: Floats, dimensions: int, whitening: float) -> tuple[Floats, Floats]:
    """Mean (C,) of ``x`` (N, C), and its first principal axes (C, dimensions), each divided by the
    deviation along it to the power ``whitening``."""
    mean = x.mean(axis=0)
    _, singular, axes = np.linalg.svd((x - mean).astype(np.float64), full_matrices=False)
    deviation = singular[:dimensions] / math.sqrt(len(x))
    scaled = axes[:dimensions].T / np.maximum(deviation, 1e-6) ** whitening
    return mean, scaled.astype(np.float32)


def _drawn(image: Floats, count: int, rng: np.random.Generator) -> Floats:
    return image[rng.choice(len(image), min(count, len(image)), replace=False)]


def _rounded_up(score: np.floating) -> float:
    """To hundredths."""
    return math.ceil(100.0 * score) / 100.0
