"""Joins camera images with the depth images of another topic, whose stamps may differ a little."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

ImageT = TypeVar("ImageT")
DepthT = TypeVar("DepthT")

# Depth images that wait for their image, and images that wait for their depth, at most.
_MOST_DEPTHS, _MOST_IMAGES = 30, 30


@dataclass(frozen=True)
class _Waiting(Generic[ImageT]):
    """An image, its stamp, and the time (s) up to which it waits."""

    image: ImageT
    stamp_ns: int
    until: float


class DepthPairing(Generic[ImageT, DepthT]):
    """Images go on in their order, each with the depth that is nearest in time or with None.

    ``on_pair`` gets them. An image waits for a depth of its very stamp, or for one that comes after
    it, ``wait`` seconds at most. All times (s) of calls are of one monotonic clock.
    """

    def __init__(
        self,
        on_pair: Callable[[ImageT, DepthT | None], None],
        tolerance_ns: int,
        wait: float,
    ) -> None:
        """``tolerance_ns``: largest difference of the stamps of an image and its depth."""
        self._on_pair, self._tolerance_ns, self._wait = on_pair, tolerance_ns, wait
        self._images: deque[_Waiting[ImageT]] = deque()
        self._depths: deque[tuple[int, DepthT]] = deque(maxlen=_MOST_DEPTHS)

    def add_image(self, image: ImageT, stamp_ns: int, now: float) -> None:
        """An image arrived at ``now``."""
        self._images.append(_Waiting(image, stamp_ns, now + self._wait))
        self.release(now)

    def add_depth(self, depth: DepthT, stamp_ns: int, now: float) -> None:
        """A depth image arrived at ``now``."""
        if self._depths and stamp_ns < self._depths[-1][0]:
            self._depths.clear()  # time went back
        self._depths.append((stamp_ns, depth))
        self.release(now)

    def release(self, now: float) -> None:
        """Let images go whose depth is there or will not come; to be called now and then."""
        while self._images:
            oldest = self._images[0]
            near = [d for d in self._depths if abs(d[0] - oldest.stamp_ns) <= self._tolerance_ns]
            # Depth comes in the order of its stamps: after a later one there is no nearer one.
            is_settled = bool(self._depths) and self._depths[-1][0] >= oldest.stamp_ns
            if not (is_settled or now >= oldest.until or len(self._images) > _MOST_IMAGES):
                return
            self._images.popleft()
            best = min(near, key=lambda depth: abs(depth[0] - oldest.stamp_ns), default=None)
            self._on_pair(oldest.image, None if best is None else best[1])
