"""Local mapping: takes new keyframes into the local map, beside tracking or in lockstep with it.

Tracking aligns images with the newest keyframe of the last *finished* update, and never waits for
the next (as in Klein, Murray, "Parallel tracking and mapping for small AR workspaces", ISMAR 2007).
While a keyframe is being adjusted no other becomes one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.frame import DepthPrior
from denseba_ros.parallel import giving_way
from denseba_ros.slam.mapping.local_map import LocalMap, keyframe_views
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.mapping.mapper_stream import MapperStream
from denseba_ros.slam.mapping.window_history import LeftKeyframe, link_to_next
from denseba_ros.slam.scale.scale_drift import MapScale, ScaleDriftFilter
from denseba_ros.slam.state.estimate import Keyframe
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.tracking.keyframe_tracker import KeyframeTracker
from denseba_ros.slam.tracking.tracker import Tracker

# So many seconds a keyframe gives way to tracking that is behind.
_MAX_PAUSE = 1.0
# For so many images after one that was behind, mapping goes on between images only.
_PRESSED_IMAGES = 30
# Bundle adjustments of a new keyframe while the window has no more keyframes than this.
_YOUNG_ROUNDS, _YOUNG = 2, 3


@dataclass(frozen=True)
class NewKeyframe:
    """A tracked image that becomes a keyframe: ``T`` (4, 4) float64 T_camera_world and ``affine``
    (2,) float64 as they were tracked."""

    image: Frame
    T: Tensor
    affine: Tensor


@dataclass(frozen=True)
class MapUpdate:
    """The local map of ``mapper`` after it took in ``keyframe``.

    ``tracker`` tracks against its newest keyframe; ``left`` are the keyframes that left the window,
    ``finished`` their copies for the user; ``growth`` is the factor by which the map was rescaled
    about the newest camera, and ``scale`` what is known of it since; ``seconds`` is what it took.
    """

    keyframe: NewKeyframe
    mapper: LocalMapper
    local_map: LocalMap
    tracker: KeyframeTracker
    left: list[LeftKeyframe]
    finished: list[Keyframe]
    growth: float
    scale: MapScale
    seconds: float


class LocalMapping:
    """Makes one ``MapUpdate`` at a time, ``is_live``: in a thread of its own.

    While ``is_tracking_behind``, to be set, it gives way. Only the thread that tracks calls it.
    Between ``submit`` and the update that ``take`` returns the mapper and the filter belong to the
    mapping thread.
    """

    def __init__(self, drift: ScaleDriftFilter, device: torch.device, is_live: bool) -> None:
        """``drift``: filter of the map's scale, which every update corrects."""
        self._drift = drift
        self._stream = MapperStream(device)
        # The thread ends with the executor, which ends with this object.
        self._executor = ThreadPoolExecutor(1, "denseba mapper") if is_live else None
        # In lockstep a core is idle, on which the depth model runs while tracks are propagated.
        is_idle = device.type == "cpu" and not is_live
        self._ahead = ThreadPoolExecutor(1, "denseba depth") if is_idle else None
        self._pending: Future[MapUpdate] | None = None
        self._added: Future[WindowKeyframe] | None = None
        self.is_tracking_behind = False
        self._pressed_images = 0

    @property
    def is_busy(self) -> bool:
        """Whether a keyframe was submitted whose update was not taken yet."""
        return self._pending is not None

    @contextmanager
    def tracking(self, is_behind: bool) -> Iterator[None]:
        """Inside, an image is tracked, and ``is_behind``: others wait for it already.

        Where some did of late, the cores are short: then both threads at once only hold each other
        up, and mapping goes on between the images.
        """
        self._pressed_images = _PRESSED_IMAGES if is_behind else max(0, self._pressed_images - 1)
        self.is_tracking_behind = self._pressed_images > 0
        try:
            yield
        finally:
            self.is_tracking_behind = is_behind

    def submit(
        self,
        mapper: LocalMapper,
        tracker: Tracker,
        keyframe: NewKeyframe,
        refine: Callable[[], float] | None = None,
    ) -> None:
        """Take a keyframe into the map of ``mapper``; images will be tracked by ``tracker``.

        ``refine``: brings the keyframe into the map, where it is not yet, adjusts it and returns
        the factor by which it rescaled the map.

        Raises:
            RuntimeError: while another is being taken in.
        """
        if self._pending is not None:
            raise RuntimeError("a keyframe is being adjusted")
        added: Future[WindowKeyframe] = Future()
        job = self._stream.after_tracking(
            lambda: self._update(mapper, tracker, keyframe, refine, added)
        )
        if self._executor is not None:
            self._pending, self._added = self._executor.submit(job), added
            return
        self._pending = Future()
        self._pending.set_result(job())

    def take(self, is_awaited: bool = False) -> MapUpdate | None:
        """The finished update, once; None where there is none, or it is not finished.

        ``is_awaited``: wait for one that is under way. Raises what the adjustment raised.
        """
        if is_awaited:
            self.await_update()
        if self._pending is None or not self._pending.done():
            return None
        pending, self._pending = self._pending, None
        return pending.result()

    def take_added(self) -> WindowKeyframe | None:
        """A copy of the keyframe that is under way, with its depth before the adjustment, once;
        waits for that. None where there is none."""
        if self._pending is None or self._added is None:
            return None
        self.is_tracking_behind = False
        added, self._added = self._added, None
        either: list[Future[Any]] = [added, self._pending]
        wait(either, return_when=FIRST_COMPLETED)
        return added.result() if added.done() else None

    def await_update(self) -> None:
        """Wait for an update that is under way, and leave it to be taken."""
        self.is_tracking_behind = False
        if self._pending is not None:
            wait([self._pending])

    def discard(self) -> None:
        """Wait for an update that is under way and forget it, and what it may have raised."""
        self.await_update()
        self._pending = None

    @torch.no_grad()
    def _update(
        self,
        mapper: LocalMapper,
        tracker: Tracker,
        keyframe: NewKeyframe,
        refine: Callable[[], float] | None,
        added: Future[WindowKeyframe],
    ) -> MapUpdate:
        started = time.perf_counter()
        with giving_way(lambda: self.is_tracking_behind, _MAX_PAUSE):
            growth = self._take_in(mapper, keyframe, added) if refine is None else refine()
            removed = mapper.marginalise()
            mapper.follow_inertially(growth)
        finished = keyframe_views(mapper.camera, removed)
        local_map = mapper.snapshot()
        left = link_to_next(mapper.camera, removed, local_map.keyframes)
        seconds = time.perf_counter() - started
        tracked = KeyframeTracker(tracker, local_map.newest)
        return MapUpdate(
            keyframe,
            mapper,
            local_map,
            tracked,
            left,
            finished,
            growth,
            self._drift.scale,
            seconds,
        )

    def _take_in(
        self, mapper: LocalMapper, keyframe: NewKeyframe, added: Future[WindowKeyframe]
    ) -> float:
        """Create the keyframe (then it is ``added``), adjust the window, correct its scale; the
        factor of that."""
        if self._ahead is not None:
            self._ahead.submit(_compute_depth, keyframe.image.frame.depth)
        new = mapper.add(keyframe.image, keyframe.T, keyframe.affine, self._drift.is_metric)
        added.set_result(new.snapshot())
        if len(mapper.keyframes) < 2:
            return 1.0
        # Depths of a young window are far from what its few views say of them.
        for _ in range(_YOUNG_ROUNDS if len(mapper.keyframes) <= _YOUNG else 1):
            mapper.adjust(mapper.config.backend.iterations)
        frame = keyframe.image.frame
        growth = math.exp(self._drift.log_correction(mapper.camera, mapper.keyframes, frame))
        if growth != 1.0:
            mapper.window.rescale(growth, about=-1)
        return growth


@torch.no_grad()
def _compute_depth(prior: DepthPrior) -> None:
    """Compute a depth prior that will be asked for; a failure is raised there again."""
    _ = prior.grids
