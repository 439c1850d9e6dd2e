"""Keyframes stay in memory up to a number, are read again from where they were written, and are
made ready once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.global_map.closing import keyframe_store
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore, as_features, as_kept
from denseba_ros.global_map.closing.records import record
from denseba_ros.map_file.map_keyframe import LocalFeatures, MapKeyframe

CPU = torch.device("cpu")
FEATURES = LocalFeatures(
    np.array([[3.0, 4.0], [5.0, 6.0]], np.float32), np.full((2, 64), 0.125, np.float16)
)


@pytest.fixture
def kept(exact_keyframe: Callable[[int], WindowKeyframe]) -> MapKeyframe:
    return replace(record(exact_keyframe(0), 0, 0), features=FEATURES)


def test_those_used_longest_ago_are_read_again(kept: MapKeyframe) -> None:
    file = {n: replace(kept, id=n) for n in range(4)}
    read = list[int]()

    def load(number: int) -> MapKeyframe:
        read.append(number)
        return file[number]

    store = KeyframeStore(CPU, largest=2, load=load)
    for number in range(3):
        store.add(file[number])
    assert len(store) == 2
    assert store.get(1).id == 1
    assert store.get(0).id == 0
    assert store.get(1).id == 1
    assert read == [0]
    assert len(store) == 2


def test_without_a_file_all_are_kept(kept: MapKeyframe) -> None:
    store = KeyframeStore(CPU, largest=1)
    for number in range(3):
        store.add(replace(kept, id=number))
    assert len(store) == 3
    store.remove(1)
    store.remove(7)
    with pytest.raises(KeyError):
        store.get(1)


def test_a_place_is_made_ready_once_and_few_stay(
    kept: MapKeyframe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyframe_store, "_READY", 2)
    store = KeyframeStore(CPU)
    for number in range(3):
        store.add(replace(kept, id=number))
    first = store.place(0)
    assert store.place(0) is first
    store.place(1)
    store.place(2)
    assert store.place(0) is not first
    assert float(first.keyframe.points.median_depth) == pytest.approx(
        float(1.0 / np.median(kept.inverse_depth)), rel=0.02
    )


def test_there_is_no_place_without_features(kept: MapKeyframe) -> None:
    store = KeyframeStore(CPU)
    store.add(replace(kept, features=None))
    with pytest.raises(KeyError):
        store.place(0)


def test_features_come_back_as_they_were_kept() -> None:
    again = as_kept(as_features(FEATURES, (64, 48), CPU))
    np.testing.assert_array_equal(again.places, FEATURES.places)
    np.testing.assert_array_equal(again.descriptors, FEATURES.descriptors)
