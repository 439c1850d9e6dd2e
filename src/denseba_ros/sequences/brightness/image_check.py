"""Images that decode but show nothing: black, white, of one colour, or always the same."""

from __future__ import annotations

import hashlib
import re

import numpy as np

# One pixel in so many per axis is looked at.
_STRIDE = 8
_DARK, _BRIGHT, _FLAT = 8.0, 247.0, 1.5


class ImageCheck:
    """Looks at every image; remembers only a digest of the last.

    Identical pixels over ``frozen_after`` seconds (0: not checked) are a camera that hangs: a real
    one has noise. ``is_frozen`` is the verdict on the last image.
    """

    def __init__(self, frozen_after: float = 1.0) -> None:
        self._frozen_after = frozen_after
        self.is_frozen = False
        self._digest = b""
        self._since_ns = 0

    def check(self, stamp_ns: int, image: np.ndarray) -> str:
        """What is wrong with an image (H, W[, 3]) uint8 and what to do, or an empty string."""
        frozen = self._frozen(stamp_ns, image)
        self.is_frozen = bool(frozen)
        return _without_content(image[::_STRIDE, ::_STRIDE]) or frozen

    @staticmethod
    def kind(problem: str) -> str:
        """The first words of what ``check`` said, the same for the same problem."""
        return re.split(r"[:(]", problem, maxsplit=1)[0].strip()

    def _frozen(self, stamp_ns: int, image: np.ndarray) -> str:
        digest = hashlib.blake2b(image[::_STRIDE].tobytes(), digest_size=16).digest()
        if digest != self._digest or stamp_ns < self._since_ns:
            self._digest, self._since_ns = digest, stamp_ns
        seconds = (stamp_ns - self._since_ns) * 1e-9
        if not self._frozen_after or seconds < self._frozen_after:
            return ""
        return f"frozen: the same pixels for {seconds:.0f} s with new stamps. Does the camera hang?"


def _without_content(pixels: np.ndarray) -> str:
    mean = float(pixels.mean())
    if pixels.max() <= _DARK:
        return f"black (mean {mean:.0f}): is the lens covered, the exposure right?"
    if pixels.min() >= _BRIGHT:
        return f"white (mean {mean:.0f}): is it blinded, the exposure right?"
    if float(pixels.std()) < _FLAT:
        return f"of one brightness ({mean:.0f}): is the lens covered or out of focus?"
    return ""
