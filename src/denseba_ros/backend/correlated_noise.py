"""What a systematic displacement of the image does to the motion between two views.

Rolling shutter, distortion, calibration and blur displace neighbouring pixels alike. Thousands of
residuals that err together say no more than a few, so the inverse of the Hessian alone is far too
small. Here the displacement is a smooth random field, fixed to the image, plus one of its own in
each tile. With one measurement per tile, the inverse H^-1 of the reduced Hessian of two views
(depths eliminated) is what the tiles' own displacements do to the motion; what the field does is
the sandwich H^-1 G G^T H^-T of White, "Maximum likelihood estimation of misspecified models",
Econometrica 50, 1982, with the field as the cluster. The part of the field that neither motion nor
depth absorbs shows in the residuals and gives the size of both.

Displacements are in shares of half the image's width, tangent vectors as in ``geometry.se3``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from denseba_ros.geometry.pinhole import Pinhole, Projection, project_by, projection_jacobians
from denseba_ros.geometry.pyramid import inside

# Powers of x and y of the field's terms; radial distortion is one more.
_POWERS = ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
_RADIAL_DEGREE = 3
# Fields of lenses and shutters are smooth: the power of the terms halves with each degree.
_AMPLITUDE = 0.5**0.5
# Relative deviation of depths that the displacement leaves free, per unit of displacement.
_DEPTH_FREEDOM = 64.0
_TILES = (4, 3)
# A view needs so many points; a tile so many for its mean to say something.
_MIN_POINTS, _MIN_IN_TILE = 30, 9
# Observed corners farther off than this share of half the width are mismatches, not displaced.
_MISMATCH = 0.013


@dataclass(frozen=True)
class TwoViewLinearisation:
    """Host points as the target sees them, float64, lengths in half image widths.

    ``chosen`` (N,) indices of the given points; ``pixels`` (N, 2) in the target, in pixels;
    ``J_pose`` (N, 2, 6), ``J_depth`` (N, 2) by relative inverse depth; ``tile`` (N,) in the host,
    ``count`` (tiles,) points in each; ``field`` (N, 2, M) difference that each term of the field,
    of unit size, makes between both views; ``flow`` mean move in pixels; ``half`` pixels per unit.
    """

    chosen: Tensor
    pixels: Tensor
    J_pose: Tensor
    J_depth: Tensor
    tile: Tensor
    count: Tensor
    field: Tensor
    flow: float
    half: float


def field_terms(camera: Pinhole, pixels: Tensor) -> Tensor:
    """Displacement (N, 2, M) at pixels (N, 2) by each term of the field, of unit size."""
    half = camera.width / 2
    x, y = (pixels[:, 0] - camera.cx) / half, (pixels[:, 1] - camera.cy) / half
    scalar = torch.stack([_AMPLITUDE ** (i + j) * x**i * y**j for i, j in _POWERS], -1)
    zero = torch.zeros_like(scalar)
    radial = torch.stack([x, y], -1) * (_AMPLITUDE**_RADIAL_DEGREE * (x * x + y * y))[:, None]
    along_x, along_y = torch.cat([scalar, zero], -1), torch.cat([zero, scalar], -1)
    return torch.cat([torch.stack([along_x, along_y], 1), radial[..., None]], -1)


def pair_view(
    camera: Pinhole, pixels: Tensor, inverse_depth: Tensor, T: Tensor, usable: Tensor
) -> TwoViewLinearisation | None:
    """View of host points (N, 2), (N,) by T_target_host (4, 4); None when too few are seen."""
    T, pixels, depth = T.double(), pixels.double(), inverse_depth.double()
    p = project_by(camera, camera.rays(pixels), depth, T)
    seen = usable & p.in_front & inside(p.pixels, camera.width, camera.height, 1.0)
    chosen = seen.nonzero()[:, 0]
    if len(chosen) < _MIN_POINTS:
        return None
    pixels, depth = pixels[chosen], depth[chosen]
    p = Projection(*(getattr(p, f.name)[chosen] for f in fields(p)))
    J_pose, J_depth = projection_jacobians(camera, p, T[:3, 3])
    half = camera.width / 2
    shifts = torch.eye(2, dtype=pixels.dtype, device=pixels.device)[:, None]
    moved = project_by(camera, camera.rays(pixels + shifts), depth, T).pixels
    by_host = (moved - p.pixels).permute(1, 2, 0)
    field = field_terms(camera, p.pixels) - by_host @ field_terms(camera, pixels)
    tile = _tiles(camera, pixels)
    count = torch.bincount(tile, minlength=_TILES[0] * _TILES[1]).double()
    flow = float(torch.linalg.vector_norm(p.pixels - pixels, dim=-1).mean())
    J_depth = J_depth * depth[:, None] / half
    return TwoViewLinearisation(
        chosen, p.pixels, J_pose / half, J_depth, tile, count, field, flow, half
    )


def motion_covariance(view: TwoViewLinearisation) -> tuple[Tensor, Tensor]:
    """Covariances (6, 6) of T_target_host, perturbed on the left, per squared unit displacement.

    The first comes from the smooth field, whose error grows in proportion to the motion, the
    second from the tiles' own displacements, which the motion hardly changes.
    """
    weight = 1.0 / view.count[view.tile]
    J, by_depth = view.J_pose, view.J_depth
    information = weight * ((by_depth**2).sum(-1) + _DEPTH_FREEDOM**-2)
    mixed = (J * by_depth[..., None]).sum(1) * weight[:, None]
    gain = mixed / information[:, None]
    H = torch.einsum("nea,neb,n->ab", J, J, weight) - gain.T @ mixed
    # How a displacement (2,) of each point enters the gradient of the motion: (N, 6, 2).
    pull = (J.transpose(1, 2) - gain[..., None] * by_depth[:, None]) * weight[:, None, None]
    G = (pull @ view.field).sum(0)
    scale = H.diagonal().clamp(min=1e-12).rsqrt()
    eye = torch.eye(6, dtype=H.dtype, device=H.device)
    factor = torch.linalg.cholesky(H * scale[:, None] * scale[None] + 1e-9 * eye)
    K = torch.cholesky_solve(G * scale[:, None], factor) * scale[:, None]
    return K @ K.T, torch.cholesky_inverse(factor) * scale[:, None] * scale[None]


def visible_displacement(view: TwoViewLinearisation, observed: Tensor) -> tuple[float, float]:
    """Squared displacement that shows in the residuals of corners observed at (N, 2) pixels.

    Only the part across the epipolar lines counts, less what the motion absorbs, as means over
    tiles and less what the scatter within a tile leaves on its mean.

    Returns:
        The sum over tiles as measured (it may be negative), and as a field of unit size makes it.
    """
    residual = (view.pixels - observed.double()[view.chosen]) / view.half
    near = torch.linalg.vector_norm(residual, dim=-1) < _MISMATCH
    if int(near.sum()) < _MIN_POINTS:
        return 0.0, 0.0
    tile = view.tile[near]
    count = torch.bincount(tile, minlength=len(view.count)).double()
    across = torch.stack([-view.J_depth[near, 1], view.J_depth[near, 0]], -1)
    across = across / torch.linalg.vector_norm(across, dim=-1, keepdim=True).clamp(min=1e-12)
    rows = torch.cat([residual[near][..., None], view.field[near], view.J_pose[near]], -1)
    rows = (across[..., None] * rows).sum(1)
    root = count[tile].rsqrt()[:, None]
    U = _orthonormal(root * rows[:, -6:])
    rest = root * rows[:, :-6]
    rest = (rest - U @ (U.T @ rest)) / root
    total = rest.new_zeros(len(count), rest.shape[1]).index_add_(0, tile, rest)
    mean = total / count.clamp(min=1)[:, None]
    square = rest.new_zeros(len(count)).index_add_(0, tile, rest[:, 0] ** 2)
    scatter = square / count.clamp(min=1) - mean[:, 0] ** 2
    # The motion was fitted to the same noise, which took its share of each tile's mean.
    leverage = U.new_zeros(len(count), 6).index_add_(0, tile, U * root)
    left = 1.0 - (leverage**2).sum(1)
    measured = mean[:, 0] ** 2 - left * scatter / (count - 1).clamp(min=1)
    kept = count >= _MIN_IN_TILE
    return float(measured[kept].sum()), float((mean[:, 1:] ** 2).sum(1)[kept].sum())


def _orthonormal(columns: Tensor) -> Tensor:
    """Orthonormal basis (N, r) of the columns (N, 6); directions without content become zero."""
    scale = torch.linalg.vector_norm(columns, dim=0).clamp(min=1e-12)
    values, vectors = torch.linalg.eigh((columns / scale).T @ (columns / scale))
    inverse = torch.where(values > 1e-9, values.clamp(min=1e-9).rsqrt(), torch.zeros_like(values))
    basis: Tensor = (columns / scale) @ (vectors * inverse)
    return basis


def _tiles(camera: Pinhole, pixels: Tensor) -> Tensor:
    """Tile (N,) long of each pixel (N, 2)."""
    columns, rows = _TILES
    x = (pixels[:, 0] / camera.width * columns).long().clamp(0, columns - 1)
    y = (pixels[:, 1] / camera.height * rows).long().clamp(0, rows - 1)
    return y * columns + x
