"""How far matches are from the epipolar geometry of an essential matrix."""

from __future__ import annotations

from torch import Tensor


def sampson_squared(E: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Squared Sampson distance (..., N) of homogeneous matches (..., N, 3) to E (..., 3, 3).

    Hartley, Zisserman, "Multiple view geometry", equation (11.9); in squared normalised image
    coordinates, first order in the error.
    """
    line = first @ E.mT  # in the second image
    back = second @ E
    residual = (second * line).sum(-1)
    size = line[..., :2].square().sum(-1) + back[..., :2].square().sum(-1)
    return residual.square() / size.clamp(min=1e-12)
