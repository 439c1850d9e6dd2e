"""What every minimal solver returns."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Solutions(NamedTuple):
    """``values`` (B, S, ...) float64, up to S solutions a sample; ``ok`` (B, S) which are real
    solutions. Where ``ok`` is False the value is a harmless constant."""

    values: Tensor
    ok: Tensor
