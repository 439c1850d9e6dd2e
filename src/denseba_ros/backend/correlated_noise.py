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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from denseba_ros.backend import correlated_noise_loops as loops
from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO, Pinhole

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Of the field: those of ``correlated_noise_loops``.
_TERMS = 13
# Relative deviation of depths that the displacement leaves free, per unit of displacement.
_DEPTH_FREEDOM = 64.0
_TILES = (4, 3)
# A view needs so many points; a tile so many for its mean to say something.
_MIN_POINTS, _MIN_IN_TILE = 30, 9
# Observed corners farther off than this share of half the width are mismatches, not displaced.
_MISMATCH = 0.013


@dataclass(frozen=True)
class TwoViewLinearisation:
    """Host points as the target sees them, float64 arrays, lengths in half image widths.

    ``chosen`` (N,) indices of the given points; ``pixels`` (N, 2) in the target, in pixels;
    ``J_pose`` (N, 2, 6), ``J_depth`` (N, 2) by relative inverse depth; ``tile`` (N,) in the host,
    ``count`` (tiles,) points in each; ``field`` (N, 2, M) difference that each term of the field,
    of unit size, makes between both views; ``flow`` mean move in pixels; ``half`` pixels per unit.
    """

    chosen: Integers
    pixels: Floats
    J_pose: Floats
    J_depth: Floats
    tile: Integers
    count: Floats
    field: Floats
    flow: float
    half: float


def field_terms(camera: Pinhole, pixels: Floats) -> Floats:
    """Displacement (N, 2, M) at pixels (N, 2) by each term of the field, of unit size."""
    terms = np.empty((len(pixels), 2, _TERMS))
    loops.field_terms(np.ascontiguousarray(pixels), _numbers(camera), terms)
    return terms


def pair_view(
    camera: Pinhole, pixels: Floats, inverse_depth: Floats, T: Floats, usable: Bools
) -> TwoViewLinearisation | None:
    """View of host points (N, 2), (N,) by T_target_host (4, 4); None when too few are seen.

    All of it is float64, ``usable`` (N,) says which points count.
    """
    pixels, T = np.ascontiguousarray(pixels), np.ascontiguousarray(T)
    inverse_depth, numbers = np.ascontiguousarray(inverse_depth), _numbers(camera)
    places, ratio = np.empty((len(pixels), 2)), np.empty(len(pixels))
    loops.places(pixels, inverse_depth, T, numbers, places, ratio)
    size = np.array([camera.width - 2.0, camera.height - 2.0])
    seen = usable & (ratio > MIN_DEPTH_RATIO)
    seen &= ((places >= 1.0) & (places <= size)).all(1)
    chosen = seen.nonzero()[0]
    n = len(chosen)
    if n < _MIN_POINTS:
        return None
    pixels, depth, places = pixels[chosen], inverse_depth[chosen], places[chosen]
    J_pose, J_depth, field = np.empty((n, 2, 6)), np.empty((n, 2)), np.empty((n, 2, _TERMS))
    loops.linearise(pixels, depth, T, numbers, places, J_pose, J_depth, field)
    tile = _tiles(camera, pixels)
    return TwoViewLinearisation(
        chosen=chosen,
        pixels=places,
        J_pose=J_pose,
        J_depth=J_depth,
        tile=tile,
        count=np.bincount(tile, minlength=_TILES[0] * _TILES[1]).astype(np.float64),
        field=field,
        flow=float(np.linalg.norm(places - pixels, axis=-1).mean()),
        half=camera.width / 2,
    )


def _numbers(camera: Pinhole) -> Floats:
    """What the loops need of a camera."""
    return np.array([camera.fx, camera.fy, camera.cx, camera.cy, camera.width / 2])


def motion_covariance(
    view: TwoViewLinearisation, depth_freedom: float = _DEPTH_FREEDOM
) -> tuple[Floats, Floats]:
    """Covariances (6, 6) of T_target_host, perturbed on the left, per squared unit displacement.

    ``depth_freedom``: relative deviation of the depths over that displacement.

    The first comes from the smooth field, whose error grows in proportion to the motion, the
    second from the tiles' own displacements, which the motion hardly changes.
    """
    weight = 1.0 / view.count[view.tile]
    J, by_depth = view.J_pose, view.J_depth
    information = weight * ((by_depth**2).sum(-1) + depth_freedom**-2)
    mixed = (J * by_depth[..., None]).sum(1) * weight[:, None]
    gain = mixed / information[:, None]
    rows = (J * np.sqrt(weight)[:, None, None]).reshape(-1, 6)
    H = rows.T @ rows - gain.T @ mixed
    # How a displacement (2,) of each point enters the gradient of the motion: (N, 2, 6).
    pull = (J - gain[:, None] * by_depth[..., None]) * weight[:, None, None]
    G = pull.reshape(-1, 6).T @ view.field.reshape(-1, view.field.shape[-1])
    scale = 1.0 / np.sqrt(np.maximum(H.diagonal(), 1e-12))
    inverse = np.linalg.inv(H * scale[:, None] * scale + 1e-9 * np.eye(6))
    inverse = 0.5 * (inverse + inverse.T) * scale[:, None] * scale
    K = inverse @ G
    return K @ K.T, inverse


@dataclass(frozen=True)
class VisibleDisplacement:
    """Squared displacement that shows in the residuals of corners between two views.

    Sums over tiles: ``measured`` (it may be negative), as a ``field`` of unit size makes it, and in
    how many ``tiles`` worth of it would show if each had one of its own.
    """

    measured: float = 0.0
    field: float = 0.0
    tiles: float = 0.0


def visible_displacement(view: TwoViewLinearisation, observed: Floats) -> VisibleDisplacement:
    """What the residuals of corners observed at (N, 2) pixels show.

    Only the part across the epipolar lines counts, less what the motion absorbs, as means over
    tiles and less what the scatter within a tile leaves on its mean.
    """
    residual = (view.pixels - observed[view.chosen]) / view.half
    near = np.linalg.norm(residual, axis=-1) < _MISMATCH
    if int(near.sum()) < _MIN_POINTS:
        return VisibleDisplacement()
    tile = view.tile[near]
    tiles = len(view.count)
    count = np.bincount(tile, minlength=tiles).astype(np.float64)
    some = np.maximum(count, 1.0)
    across = np.stack([-view.J_depth[near, 1], view.J_depth[near, 0]], -1)
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-12)
    rows = np.concatenate([residual[near][..., None], view.field[near], view.J_pose[near]], -1)
    rows = (across[..., None] * rows).sum(1)
    root = 1.0 / np.sqrt(count[tile])[:, None]
    U = _orthonormal(root * rows[:, -6:])
    rest = root * rows[:, :-6]
    rest = (rest - U @ (U.T @ rest)) / root
    # Sums over tiles as products with (tiles, N) zeros and ones.
    member = (np.arange(tiles)[:, None] == tile).astype(np.float64)
    mean = member @ rest / some[:, None]
    scatter = member @ rest[:, 0] ** 2 / some - mean[:, 0] ** 2
    # The motion was fitted to the same noise, which took its share of each tile's mean.
    left = 1.0 - ((member @ (U * root)) ** 2).sum(1)
    measured = mean[:, 0] ** 2 - left * scatter / np.maximum(count - 1, 1.0)
    kept = count >= _MIN_IN_TILE
    field = (mean[:, 1:] ** 2).sum(1)
    sums = (float(values[kept].sum()) for values in (measured, field, left))
    return VisibleDisplacement(*sums)


def _orthonormal(columns: Floats) -> Floats:
    """Orthonormal basis (N, r) of the columns (N, 6); directions without content become zero."""
    columns = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
    values, vectors = np.linalg.eigh(columns.T @ columns)
    inverse = np.where(values > 1e-9, 1.0 / np.sqrt(np.maximum(values, 1e-9)), 0.0)
    basis: Floats = columns @ (vectors * inverse)
    return basis


def _tiles(camera: Pinhole, pixels: Floats) -> Integers:
    """Tile (N,) of each pixel (N, 2)."""
    columns, rows = _TILES
    x = (pixels[:, 0] / camera.width * columns).astype(np.int64).clip(0, columns - 1)
    y = (pixels[:, 1] / camera.height * rows).astype(np.int64).clip(0, rows - 1)
    tiles: Integers = y * columns + x
    return tiles
