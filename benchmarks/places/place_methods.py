"""Ways to describe an image as a vector, and how alike two vectors are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from places.place_sequence import PlaceSequence

from denseba_ros.place_recognition.place_describer import WEIGHTS
from denseba_ros.place_recognition.vlad import unit
from denseba_ros.place_recognition.vlad_file import load_vlad
from denseba_ros.resources import share_file
from denseba_ros.training.places.place_training import principal_axes, spherical_k_means

_WORDS, _LOCAL, _ITERATIONS = 1000, 100, 15
# Generalised mean (Radenovic, Tolias, Chum, PAMI 2019) with its usual power.
_GEM_POWER, _GEM_AXES, _WHITENING = 3.0, 128, 0.5

Describe = Callable[[PlaceSequence], np.ndarray]


@dataclass(frozen=True)
class Method:
    """``describe`` gives (N, D); ``similarity`` of (N, D) and (M, D) is (N, M). A reference below
    ``least`` is no measure (see PlaceIndex)."""

    name: str
    describe: Describe
    similarity: Callable[[np.ndarray, np.ndarray], np.ndarray]
    least: float


def make_methods(training: PlaceSequence) -> list[Method]:
    """All of them; ``training`` is what words and axes are learned from, where they are not ours
    and shipped."""
    vlad = load_vlad(share_file(WEIGHTS))

    def describe_vlad(sequence: PlaceSequence) -> np.ndarray:
        return np.stack([vlad.describe(f.descriptors.numpy()) for f in sequence.features])

    mean, axes = principal_axes(_pooled(training), _GEM_AXES, _WHITENING)

    def describe_gem(sequence: PlaceSequence) -> np.ndarray:
        return unit((_pooled(sequence) - mean) @ axes)

    def describe_both(sequence: PlaceSequence) -> np.ndarray:
        return np.sqrt(0.5) * np.hstack([describe_vlad(sequence), describe_gem(sequence)])

    return [
        Method("VLAD (ours)", describe_vlad, _scalar_product, 0.7),
        Method("GeM of the depth encoder", describe_gem, _scalar_product, 0.7),
        Method("VLAD and GeM", describe_both, _scalar_product, 0.7),
        Method("bag of words, XFeat", _bag_of_words(training, _xfeat), _common_weight, 0.05),
        Method("bag of words, ORB", _bag_of_words(training, _orb), _common_weight, 0.05),
    ]


def _pooled(sequence: PlaceSequence) -> np.ndarray:
    """(N, 192) of length one: the generalised mean of each channel."""
    maps = (np.maximum(m, 1e-6) ** _GEM_POWER for m in sequence.maps)
    return unit(np.stack([m.mean(axis=(1, 2)) ** (1.0 / _GEM_POWER) for m in maps]))


def _xfeat(sequence: PlaceSequence) -> list[np.ndarray]:
    return [f.descriptors.numpy() for f in sequence.features]


def _orb(sequence: PlaceSequence) -> list[np.ndarray]:
    """Bits as -1 and 1, of length one: scalar products order as Hamming distances do."""
    bits = (np.unpackbits(d, axis=1).astype(np.float32) for d in sequence.orb)
    return [(2.0 * b - 1.0) / np.float32(16.0) for b in bits]


def _bag_of_words(
    training: PlaceSequence, local: Callable[[PlaceSequence], list[np.ndarray]]
) -> Describe:
    """Counts of words times log(N / N_i), of sum one (Sivic, Zisserman, ICCV 2003)."""
    images, rng = local(training), np.random.default_rng(0)
    drawn = [i[rng.choice(len(i), min(_LOCAL, len(i)), replace=False)] for i in images if len(i)]
    words = spherical_k_means(np.concatenate(drawn), _WORDS, _ITERATIONS, rng)

    def count(images: list[np.ndarray]) -> np.ndarray:
        hits = (np.argmax(image @ words.T, axis=1) for image in images)
        return np.stack([np.bincount(h, minlength=_WORDS) for h in hits]).astype(np.float32)

    seen_in = np.maximum((count(images) > 0).sum(axis=0), 1)
    weight = np.log(len(images) / seen_in).astype(np.float32)

    def describe(sequence: PlaceSequence) -> np.ndarray:
        bags = weight * count(local(sequence))
        return bags / np.maximum(bags.sum(axis=1, keepdims=True), 1e-9)

    return describe


def _scalar_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    product: np.ndarray = a @ b.T
    return product


def _common_weight(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1 - |a - b|_1 / 2 (Nister, Stewenius, CVPR 2006), the sum of the smaller weights."""
    return np.stack([np.minimum(row, b).sum(axis=1) for row in a])
