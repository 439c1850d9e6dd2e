"""Depth of every image beside tracking: nothing waits for it, and the newest image comes first."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state import image_depth
from denseba_ros.slam.state.estimate import DepthMap
from denseba_ros.slam.state.image_depth import ImageDepth

_T = torch.eye(4, dtype=torch.float64)
_CAMERA = Calibration(4, 3, 3.0, 3.0, 1.5, 1.0)


def _image(stamp_ns: int) -> Any:
    return SimpleNamespace(frame=SimpleNamespace(stamp_ns=stamp_ns))


class _Depths:
    """Stands in for the computation; ``goes_on`` holds it up, ``fails`` at a stamp."""

    def __init__(self) -> None:
        self.goes_on, self.started = threading.Event(), threading.Event()
        self.fails: int | None = None

    def depth(self, tracked: Any) -> DepthMap:
        self.started.set()
        assert self.goes_on.wait(20.0)
        stamp = tracked.image.frame.stamp_ns
        if stamp == self.fails:
            raise ValueError("asked to fail")
        grid = np.full((3, 4), float(stamp), np.float32)
        return DepthMap(grid, grid, _CAMERA)


@pytest.fixture
def depths(monkeypatch: pytest.MonkeyPatch) -> _Depths:
    depths = _Depths()
    monkeypatch.setattr(image_depth._Tracked, "depth", lambda tracked: depths.depth(tracked))
    return depths


class _Heard:
    def __init__(self, expected: int) -> None:
        self.stamps: list[int] = []
        self.threads: set[str] = set()
        self._expected, self._done = expected, threading.Event()

    def __call__(self, stamp_ns: int, depth: DepthMap) -> None:
        assert depth.depth[0, 0] == stamp_ns
        self.threads.add(threading.current_thread().name)
        self.stamps.append(stamp_ns)
        if len(self.stamps) == self._expected:
            self._done.set()

    def wait(self) -> list[int]:
        assert self._done.wait(20.0), self.stamps
        return self.stamps


def test_in_lockstep_the_image_waits_for_its_depth(depths: _Depths) -> None:
    depths.goes_on.set()
    depth = ImageDepth(is_live=False).submit(_image(7), None, _T)  # type: ignore[arg-type]
    assert depth is not None
    assert depth.depth[0, 0] == 7.0


def test_live_only_the_newest_of_those_that_wait_is_computed(depths: _Depths) -> None:
    heard = _Heard(2)
    live = ImageDepth(is_live=True)
    live.on_depth = heard
    assert live.submit(_image(1), None, _T) is None  # type: ignore[arg-type]
    assert depths.started.wait(20.0)
    for stamp in (2, 3, 4):
        assert live.submit(_image(stamp), None, _T) is None  # type: ignore[arg-type]
    depths.goes_on.set()
    assert heard.wait() == [1, 4]
    assert threading.current_thread().name not in heard.threads


def test_a_failure_costs_one_image(depths: _Depths) -> None:
    depths.fails = 1
    heard = _Heard(1)
    live = ImageDepth(is_live=True)
    live.on_depth = heard
    live.submit(_image(1), None, _T)  # type: ignore[arg-type]
    assert depths.started.wait(20.0)
    live.submit(_image(2), None, _T)  # type: ignore[arg-type]
    depths.goes_on.set()
    assert heard.wait() == [2]


def test_an_image_of_a_map_that_is_no_more_is_not_computed(depths: _Depths) -> None:
    heard = _Heard(2)
    live = ImageDepth(is_live=True)
    live.on_depth = heard
    live.submit(_image(1), None, _T)  # type: ignore[arg-type]
    assert depths.started.wait(20.0)
    live.submit(_image(2), None, _T)  # type: ignore[arg-type]
    live.forget()
    depths.goes_on.set()
    while live._is_working:
        pass
    live.submit(_image(3), None, _T)  # type: ignore[arg-type]
    assert heard.wait() == [1, 3]
