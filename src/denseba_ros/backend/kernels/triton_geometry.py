"""What the Triton kernels compute of one point: projection, bilinear values, robust costs.

The same equations as ``geometry.pinhole``, ``geometry.pyramid`` and ``backend.photometric``, for a
vector of points at a time. A pose is a tuple of 12 numbers, R and t row by row; a camera is
(width, height, fx, fy, cx, cy), known when the kernel is compiled.
"""

import triton
import triton.language as tl

from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO

_NEAREST = tl.constexpr(MIN_DEPTH_RATIO)


@triton.jit
def load_pose(T):
    """R and t of a row-major 4x4 matrix."""
    return (
        tl.load(T + 0),
        tl.load(T + 1),
        tl.load(T + 2),
        tl.load(T + 3),
        tl.load(T + 4),
        tl.load(T + 5),
        tl.load(T + 6),
        tl.load(T + 7),
        tl.load(T + 8),
        tl.load(T + 9),
        tl.load(T + 10),
        tl.load(T + 11),
    )


@triton.jit
def project(ray_x, ray_y, inverse_depth, T):
    """(x, y) on the target's z = 1 plane, target over host inverse depth, and whether in front."""
    X = T[0] * ray_x + T[1] * ray_y + (T[2] + T[3] * inverse_depth)
    Y = T[4] * ray_x + T[5] * ray_y + (T[6] + T[7] * inverse_depth)
    Z = T[8] * ray_x + T[9] * ray_y + (T[10] + T[11] * inverse_depth)
    scale = 1.0 / tl.maximum(Z, _NEAREST)
    return X * scale, Y * scale, scale, Z > _NEAREST


@triton.jit
def inside(u, v, CAMERA: tl.constexpr, BORDER: tl.constexpr):
    """Whether pixels lie at least BORDER inside the image."""
    across = (u >= BORDER) & (u <= CAMERA[0] - 1 - BORDER)
    return across & (v >= BORDER) & (v <= CAMERA[1] - 1 - BORDER)


@triton.jit
def cell_of(u, v, WIDTH: tl.constexpr, HEIGHT: tl.constexpr):
    """Indices of the four pixels around (u, v), clamped to the image, and the fractions."""
    x = tl.minimum(tl.maximum(u, 0.0), WIDTH - 1.0)
    y = tl.minimum(tl.maximum(v, 0.0), HEIGHT - 1.0)
    left = tl.floor(x)
    top = tl.floor(y)
    x0 = left.to(tl.int32)
    y0 = top.to(tl.int32)
    x1 = tl.minimum(x0 + 1, WIDTH - 1)
    row0 = y0 * WIDTH
    row1 = tl.minimum(y0 + 1, HEIGHT - 1) * WIDTH
    return row0 + x0, row0 + x1, row1 + x0, row1 + x1, x - left, y - top


@triton.jit
def bilinear(plane, cell):
    """Value of one image plane; border values outside."""
    a = tl.load(plane + cell[0])
    b = tl.load(plane + cell[1])
    c = tl.load(plane + cell[2])
    d = tl.load(plane + cell[3])
    upper = a + (b - a) * cell[4]
    lower = c + (d - c) * cell[4]
    return upper + (lower - upper) * cell[5]


@triton.jit
def huber_cost(size, HUBER: tl.constexpr):
    """0.5 size^2 up to HUBER, linear beyond."""
    return tl.where(size < HUBER, 0.5 * size * size, HUBER * (size - 0.5 * HUBER))


@triton.jit
def uncovered(
    u,
    v,
    inverse_depth,
    inverse_depth_map,
    GRID: tl.constexpr,
    RATIO: tl.constexpr,
    KNOWN: tl.constexpr,
):
    """Whether the target's inverse depth map has nothing nearer in front of the point.

    GRID is (width, height, cells per pixel) of the map.
    """
    cell = cell_of((u + 0.5) * GRID[2] - 0.5, (v + 0.5) * GRID[2] - 0.5, GRID[0], GRID[1])
    behind = bilinear(inverse_depth_map, cell) <= RATIO * inverse_depth
    return behind | (bilinear(inverse_depth_map + GRID[0] * GRID[1], cell) >= KNOWN)


@triton.jit
def corner(ray_x, ray_y, inverse_depth, T, observed, ok, CAMERA: tl.constexpr, NOISE: tl.constexpr):
    """Projected less observed corner in working pixels, its weight and its capped cost.

    NOISE is (Huber's bend, deviation in pixels, cutoff in deviations).
    """
    x, y, _, in_front = project(ray_x, ray_y, inverse_depth, T)
    ok = ok & in_front
    du = x * CAMERA[2] + CAMERA[4] - tl.load(observed, mask=ok, other=0.0)
    dv = y * CAMERA[3] + CAMERA[5] - tl.load(observed + 1, mask=ok, other=0.0)
    size = tl.sqrt(du * du + dv * dv) / NOISE[1]
    weight = NOISE[0] / tl.maximum(size, NOISE[0]) / (NOISE[1] * NOISE[1])
    cost = huber_cost(tl.minimum(size, NOISE[2]), NOISE[0])
    return (
        tl.where(ok, du, 0.0),
        tl.where(ok, dv, 0.0),
        tl.where(ok & (size < NOISE[2]), weight, 0.0),
        tl.where(ok, cost, 0.0),
    )
