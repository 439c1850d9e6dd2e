"""The index finds what brute force over all descriptors finds."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.place_recognition.vlad import Floats, unit

_SIZE = 16


def _descriptors(count: int, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    return unit(rng.normal(size=(count, _SIZE)).astype(np.float32))


def _index(descriptors: Floats) -> PlaceIndex:
    index = PlaceIndex(_SIZE)
    for id, descriptor in enumerate(descriptors):
        index.add(id, descriptor)
    return index


def test_the_best_come_first_beyond_the_first_allocation() -> None:
    descriptors, query = _descriptors(700), _descriptors(1, 5)[0]
    found = _index(descriptors).search(query, (), count=5)
    scores = descriptors @ query
    assert [c.id for c in found] == np.argsort(-scores)[:5].tolist()
    np.testing.assert_allclose([c.score for c in found], np.sort(scores)[:-6:-1], rtol=1e-5)


def test_what_was_removed_is_not_found_and_the_rest_is() -> None:
    descriptors = _descriptors(300)
    index = _index(descriptors)
    rng = np.random.default_rng(1)
    for id in rng.choice(300, 200, replace=False).tolist():
        index.remove(id)
        assert id not in index
    assert len(index) == 100
    for id in range(300):
        found = index.search(descriptors[id], (), count=1)[0]
        assert (found.id == id) == (id in index)


def test_adding_again_replaces() -> None:
    descriptors = _descriptors(4)
    index = _index(descriptors[:3])
    index.add(1, descriptors[3])
    assert len(index) == 3
    assert index.search(descriptors[3], (), count=1)[0].id == 1


def test_excluded_keyframes_are_no_candidates_named_or_by_predicate() -> None:
    descriptors = _descriptors(50)
    index = _index(descriptors)
    all_ids = [c.id for c in index.search(descriptors[7], (), count=50)]
    assert all_ids[0] == 7
    rest = [id for id in all_ids if id >= 20][:5]
    named = index.search(descriptors[7], (), range(20), 5)
    asked = index.search(descriptors[7], (), lambda id: id < 20, 5)
    assert [c.id for c in named] == [c.id for c in asked] == rest
    # The unknown are ignored, and searching has changed nothing.
    assert [c.id for c in index.search(descriptors[7], (), {99}, 50)] == all_ids


def test_scores_are_relative_to_the_best_neighbour() -> None:
    query = unit(np.ones(_SIZE, np.float32))
    axes = np.eye(_SIZE, dtype=np.float32)
    index = PlaceIndex(_SIZE)
    index.add(0, unit(query + 0.2 * axes[0]))
    index.add(1, unit(query + 2.0 * axes[1]))
    index.add(2, unit(query + axes[2]))
    found = index.search(query, neighbours=[0, 1])
    assert [c.id for c in found] == [2]
    best = float(query @ unit(query + 0.2 * axes[0]))
    assert found[0].relative == pytest.approx(found[0].score / best, rel=1e-5)


def test_neighbours_unlike_the_image_do_not_make_strangers_alike() -> None:
    axes = np.eye(_SIZE, dtype=np.float32)
    index = PlaceIndex(_SIZE)
    index.add(0, axes[0])
    index.add(1, unit(axes[1] + 4.0 * axes[2]))
    found = index.search(axes[1], neighbours=[0])
    assert found[0].score == pytest.approx(found[0].relative * 0.7, rel=1e-5)


def test_without_known_neighbours_the_score_stands_for_itself() -> None:
    descriptors = _descriptors(3)
    found = _index(descriptors).search(descriptors[0], neighbours=[77], count=1)
    assert found[0].relative == found[0].score


def test_an_empty_index_finds_nothing() -> None:
    index = PlaceIndex(_SIZE)
    assert index.search(np.zeros(_SIZE, np.float32), ()) == []
    assert len(index) == 0
    with pytest.raises(KeyError):
        index.remove(3)


def test_descriptors_that_are_none_are_refused() -> None:
    index = PlaceIndex(_SIZE)
    with pytest.raises(ValueError, match=r"\(3,\), not \(16,\)"):
        index.add(0, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="not finite"):
        index.search(np.full(_SIZE, np.nan, np.float32), ())
    assert len(index) == 0
