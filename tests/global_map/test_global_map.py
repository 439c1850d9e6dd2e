"""A search that fails costs its loop, not the run."""

from __future__ import annotations

import logging
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from denseba_ros.errors import MapFileError, PoseGraphError
from denseba_ros.global_map import global_map as global_map_module
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore
from denseba_ros.global_map.closing.loop_search import Described, Found, LoopSearch
from denseba_ros.global_map.global_map import GlobalMap
from denseba_ros.map_file.map_keyframe import LocalFeatures
from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.slam.mapping.window_history import WindowHistory
from denseba_ros.slam.system import System
from tests.global_map.path_of_keyframes import changes
from tests.map_file.made_map import made_keyframe


class _Search:
    """Stands for ``LoopSearch``: fails as long as ``error`` is set."""

    def __init__(self) -> None:
        self.store, self.index = KeyframeStore(torch.device("cpu")), PlaceIndex(4)
        self.closer = SimpleNamespace(counts=Counter[str](), outcomes=[])
        self.error: Exception | None = None
        self.asked: list[int] = []
        self.told: list[int] = []

    def run(self, query: Any) -> Any:
        self.asked.append(query.number)
        if self.error is not None:
            raise self.error
        found = self.described(query.number)
        return Found(query, found.features, found.descriptor, None)

    def described(self, number: int) -> Described:
        features = LocalFeatures(np.zeros((0, 2), np.float32), np.zeros((0, 64), np.float16))
        self.told.append(number)
        return Described(number, features, np.array([1, 0, 0, 0], np.float32))


@pytest.mark.parametrize("is_live", [False, True])
@pytest.mark.parametrize("error", [MapFileError("no disk"), PoseGraphError("keyframe 8")])
def test_a_failed_search_is_said_and_counted(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    is_live: bool,
) -> None:
    monkeypatch.setattr(global_map_module, "record", lambda _, *numbers: made_keyframe(*numbers))
    search, history = _Search(), WindowHistory()
    history.is_kept = True
    global_map = GlobalMap(cast("LoopSearch", search), 0.03, is_live)
    path = changes(8)
    system = cast(
        "System", SimpleNamespace(is_behind=False, is_urgent=False, history=history, local_map=None)
    )
    with caplog.at_level(logging.ERROR):
        for number, change in enumerate(path):
            search.error = error if number == 2 else None
            history._changes.append(change)
            global_map.update(system)
            if is_live and global_map._thread._pending is not None:
                global_map._thread._pending.exception()  # until it has ended
    global_map.finish(system)
    global_map.close()
    assert global_map.counts["search failed"] == 1
    assert str(error) in caplog.text
    assert search.asked == list(range(8))
    assert sorted(global_map.graph.poses) == [0, 1, 2, 3, 4]
    # The second time it is not searched for, but its place can be found from now on.
    assert all(number in search.index for number in range(5))
    assert sorted(search.told) == list(range(8))
    assert global_map.store.get(2).features is not None


def test_a_mistake_in_the_program_is_raised() -> None:
    search, history = _Search(), WindowHistory()
    history.is_kept = True
    search.error = TypeError("a bug")
    global_map = GlobalMap(cast("LoopSearch", search), 0.03, is_live=False)
    history._changes.append(changes(1)[0])
    with pytest.raises(TypeError, match="a bug"):
        global_map.update(
            cast(
                "System",
                SimpleNamespace(is_behind=False, is_urgent=False, history=history, local_map=None),
            )
        )
