"""What is wrong with the content of a sequence's images, counted."""

from __future__ import annotations

import logging
from collections import Counter

from denseba_ros.sequences.brightness.image_check import ImageCheck
from denseba_ros.sequences.sequence import StampedImage

_log = logging.getLogger(__name__)


class ImageProblems:
    """Looks at the images in order, as the node does; each problem is logged once, then counted.

    ``counts`` are images by problem: black, white, of one brightness, frozen.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._check = ImageCheck()

    def look(self, frame: StampedImage) -> None:
        """Look at one image."""
        problem = self._check.check(frame.stamp_ns, frame.image)
        if not problem:
            return
        kind = ImageCheck.kind(problem)
        self.counts[kind] += 1
        if self.counts[kind] == 1:
            _log.warning("image %d is %s", frame.index, problem)

    def text(self) -> str:
        """One line for the user."""
        return "images that show nothing: " + ", ".join(
            f"{count} {kind}" for kind, count in self.counts.most_common()
        )
