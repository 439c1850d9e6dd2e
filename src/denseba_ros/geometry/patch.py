"""The patch of pixels that one depth is measured with (Engel et al., DSO, PAMI 40(3), 2018)."""

from __future__ import annotations

PATTERN = ((0, -2), (-1, -1), (1, -1), (-2, 0), (0, 0), (2, 0), (-1, 1), (0, 2))
"""Offsets (x, y) in pixels of the level; (0, 0) is the point itself."""
