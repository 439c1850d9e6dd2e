"""Triton kernels of the sums over pairs: one pass over a block of one host's points.

A program holds BLOCK points of one host in registers, goes through all targets and writes what it
summed as its own partial results, which torch adds up: no atomics, so the same bits every time.
The equations are those of ``torch_kernel``, which is the reference.

Longer than other files: a kernel that keeps its points in registers is one function, and what both
kernels share stays beside them.
"""

import triton
import triton.language as tl

from denseba_ros.backend.kernels.triton_geometry import (
    bilinear,
    cell_of,
    corner,
    huber_cost,
    inside,
    load_pose,
    project,
    uncovered,
)

# A program's partial result for one pair: upper triangle of H (8x8, row by row), b, energy.
PARTIAL = 73
_PARTIAL = tl.constexpr(PARTIAL)


@triton.jit
def _interleaved(m):
    """Eight vectors (B) side by side: (B, 8)."""
    even = tl.join(tl.join(m[0], m[4]), tl.join(m[2], m[6]))
    odd = tl.join(tl.join(m[1], m[5]), tl.join(m[3], m[7]))
    return tl.reshape(tl.join(even, odd), (m[0].shape[0], 8))


@triton.jit
def _patch(
    x,
    y,
    depth,
    usable,
    T,
    image,
    inverse_depth_map,
    brightness,
    weight,
    in_block,
    offset,
    host_offset,
    gain,
    CAMERA: tl.constexpr,
    GRID: tl.constexpr,
    NOISE: tl.constexpr,
    HIDING: tl.constexpr,
    PATTERN: tl.constexpr,
    GRADIENTS: tl.constexpr,
):
    """One patch per point in one target: whether it shows, cost, cap, information and gradient.

    Pixel (x, y) of the level is the patch's centre in its host. The information (10, upper triangle
    of 4x4) and the gradient (4) are by the projected pixel, relative log gain and relative offset.
    """
    SIZE: tl.constexpr = CAMERA[0] * CAMERA[1]
    zero = depth * 0.0
    M00, M01, M02, M03, M11 = zero, zero, zero, zero, zero
    M12, M13, M22, M23, M33 = zero, zero, zero, zero, zero
    q0, q1, q2, q3 = zero, zero, zero, zero
    total, cost, ok = zero, zero, usable
    for p in tl.static_range(len(PATTERN)):
        ray_x = (x + PATTERN[p][0] - CAMERA[4]) / CAMERA[2]
        ray_y = (y + PATTERN[p][1] - CAMERA[5]) / CAMERA[3]
        px, py, scale, in_front = project(ray_x, ray_y, depth, T)
        u = px * CAMERA[2] + CAMERA[4]
        v = py * CAMERA[3] + CAMERA[5]
        ok = ok & in_front & inside(u, v, CAMERA, HIDING[0])
        if PATTERN[p][0] == 0 and PATTERN[p][1] == 0:
            ok = ok & uncovered(u, v, depth * scale, inverse_depth_map, GRID, HIDING[1], HIDING[2])
        cell = cell_of(u, v, CAMERA[0], CAMERA[1])
        model = gain * (tl.load(brightness + p, mask=in_block, other=0.0) - host_offset)
        value = bilinear(image, cell) - offset - model
        size = tl.abs(value) / NOISE[0]
        w = tl.load(weight + p, mask=in_block, other=0.0)
        total += w
        cost += w * huber_cost(size, NOISE[1])
        if GRADIENTS:
            gx = bilinear(image + SIZE, cell)
            gy = bilinear(image + 2 * SIZE, cell)
            w = w * (NOISE[1] / tl.maximum(size, NOISE[1])) / (NOISE[0] * NOISE[0])
            M00 += w * gx * gx
            M01 += w * gx * gy
            M02 -= w * gx * model
            M03 -= w * gx
            M11 += w * gy * gy
            M12 -= w * gy * model
            M13 -= w * gy
            M22 += w * model * model
            M23 += w * model
            M33 += w
            q0 += w * gx * value
            q1 += w * gy * value
            q2 -= w * model * value
            q3 -= w * value
    cap = total * (NOISE[1] * (NOISE[2] - 0.5 * NOISE[1]))
    M = (M00, M01, M02, M03, M11, M12, M13, M22, M23, M33)
    return ok, cost, cap, M, (q0, q1, q2, q3)


@triton.jit
def _host_points(
    hosts,
    pixels,
    inverse_depth,
    usable,
    valid,
    offsets,
    N,
    F,
    WORKING: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Indices of this program's points and their host, and the points themselves.

    The first tuple: (g, n, in_block, point, host). The second: pixel (u, v) of the working image,
    ray (x, y), inverse depth, whether the patch is usable, whether it is a corner, host's offset.
    """
    g = tl.program_id(1)
    n = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    in_block = n < N
    point = g * N + n
    host = tl.load(hosts + g).to(tl.int32)
    u = tl.load(pixels + 2 * point, mask=in_block, other=0.0)
    v = tl.load(pixels + 2 * point + 1, mask=in_block, other=0.0)
    depth = tl.load(inverse_depth + point, mask=in_block, other=0.0)
    use = tl.load(usable + point, mask=in_block, other=0) != 0
    is_corner = (n < F) & (tl.load(valid + point, mask=in_block, other=0) != 0)
    ray_x = (u - WORKING[4]) / WORKING[2]
    ray_y = (v - WORKING[5]) / WORKING[3]
    host_offset = tl.load(offsets + host)
    index = (g, n, in_block, point, host)
    return index, (u, v, ray_x, ray_y, depth, use, is_corner, host_offset)


@triton.jit
def _residuals(
    k,
    pair,
    index,
    points,
    arrays,
    F,
    CAMERA: tl.constexpr,
    WORKING: tl.constexpr,
    GRID: tl.constexpr,
    NOISE: tl.constexpr,
    CORNER_NOISE: tl.constexpr,
    HIDING: tl.constexpr,
    SCALE: tl.constexpr,
    PATTERN: tl.constexpr,
    GRADIENTS: tl.constexpr,
):
    """The host's points in target ``k``: what ``_patch`` gives, and what ``corner`` gives.

    ``arrays`` are those of the kernel: images, inverse depth map, brightness, weight, T, gain,
    offsets, observed, observed_ok.
    """
    images, inverse_depth_map, brightness, weight, T_now, gain, offsets, observed, ok = arrays
    n, in_block, point = index[1], index[2], index[3]
    u, v, ray_x, ray_y, depth, use, is_corner, host_offset = points
    T = load_pose(T_now + 16 * pair)
    patch = _patch(
        (u + 0.5) / SCALE - 0.5,
        (v + 0.5) / SCALE - 0.5,
        depth,
        use,
        T,
        images + k * (3 * CAMERA[0] * CAMERA[1]),
        inverse_depth_map + k * (2 * GRID[0] * GRID[1]),
        brightness + point * len(PATTERN),
        weight + point * len(PATTERN),
        in_block,
        tl.load(offsets + k),
        host_offset,
        tl.load(gain + pair),
        CAMERA,
        GRID,
        NOISE,
        HIDING,
        PATTERN,
        GRADIENTS,
    )
    seen = pair * F + n
    tracked = is_corner & (tl.load(ok + seen, mask=is_corner, other=0) != 0)
    at_corner = corner(ray_x, ray_y, depth, T, observed + 2 * seen, tracked, WORKING, CORNER_NOISE)
    return patch, at_corner


# Sizes change from window to window, and a kernel takes long to compile: one serves all.
_SIZES = ["K", "N", "F"]


@triton.jit(do_not_specialize=_SIZES)
def linearise_kernel(
    images,
    inverse_depth_map,
    hosts,
    pixels,
    inverse_depth,
    usable,
    valid,
    brightness,
    weight,
    T_now,
    T_first,
    gain,
    offsets,
    observed,
    observed_ok,
    costs_out,
    H_depth,
    b_depth,
    H_mixed,
    partial,
    K,
    N,
    F,
    CAMERA: tl.constexpr,
    WORKING: tl.constexpr,
    GRID: tl.constexpr,
    NOISE: tl.constexpr,
    CORNER_NOISE: tl.constexpr,
    HIDING: tl.constexpr,
    SCALE: tl.constexpr,
    PATTERN: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Everything of ``NormalEquations``; what concerns a pair as partial sums
    (G, K, blocks, PARTIAL)."""
    block = tl.program_id(0)
    index, points = _host_points(
        hosts, pixels, inverse_depth, usable, valid, offsets, N, F, WORKING, BLOCK
    )
    g, n, in_block, point, host = index
    arrays = (
        images,
        inverse_depth_map,
        brightness,
        weight,
        T_now,
        gain,
        offsets,
        observed,
        observed_ok,
    )
    ray_x, ray_y, depth = points[2], points[3], points[4]
    row = H_mixed + (point * (8 * K))[:, None] + tl.arange(0, 8)[None, :]
    zero = depth * 0.0
    Hd, bd = zero, zero
    h0, h1, h2, h3, h4, h5, h6, h7 = zero, zero, zero, zero, zero, zero, zero, zero
    for j in range(K - 1):
        k = j + (j >= host).to(tl.int32)
        pair = g * K + k
        patch, at_corner = _residuals(
            k,
            pair,
            index,
            points,
            arrays,
            F,
            CAMERA,
            WORKING,
            GRID,
            NOISE,
            CORNER_NOISE,
            HIDING,
            SCALE,
            PATTERN,
            True,
        )
        shown, cost, cap, M, q = patch
        du, dv, corner_weight, corner_cost = at_corner
        counts = shown & (cost < cap)
        tl.store(costs_out + pair * N + n, tl.where(counts, cost, -1.0), mask=in_block)
        M00 = tl.where(counts, M[0], 0.0) + corner_weight * (SCALE * SCALE)
        M01 = tl.where(counts, M[1], 0.0)
        M02 = tl.where(counts, M[2], 0.0)
        M03 = tl.where(counts, M[3], 0.0)
        M11 = tl.where(counts, M[4], 0.0) + corner_weight * (SCALE * SCALE)
        M12 = tl.where(counts, M[5], 0.0)
        M13 = tl.where(counts, M[6], 0.0)
        M22 = tl.where(counts, M[7], 0.0)
        M23 = tl.where(counts, M[8], 0.0)
        M33 = tl.where(counts, M[9], 0.0)
        q0 = tl.where(counts, q[0], 0.0) + corner_weight * SCALE * du
        q1 = tl.where(counts, q[1], 0.0) + corner_weight * SCALE * dv
        q2 = tl.where(counts, q[2], 0.0)
        q3 = tl.where(counts, q[3], 0.0)

        # Jacobians of the projected pixel by the relative step and by the host's inverse depth.
        L = load_pose(T_first + 16 * pair)
        x, y, scale, _ = project(ray_x, ray_y, depth, L)
        d = depth * scale
        fx = CAMERA[2]
        fy = CAMERA[3]
        Ju = (fx * d, zero, -fx * d * x, -fx * x * y, fx * (1.0 + x * x), -fx * y)
        Jv = (zero, fy * d, -fy * d * y, -fy * (1.0 + y * y), fy * x * y, fy * x)
        Du = fx * scale * (L[3] - x * L[11])
        Dv = fy * scale * (L[7] - y * L[11])

        # Depth, and between depth and the relative step.
        m0 = M00 * Du + M01 * Dv
        m1 = M01 * Du + M11 * Dv
        m6 = M02 * Du + M12 * Dv
        m7 = M03 * Du + M13 * Dv
        Hd += Du * m0 + Dv * m1
        bd += Du * q0 + Dv * q1
        tx = Ju[0] * m0
        ty = Jv[1] * m1
        tz = Ju[2] * m0 + Jv[2] * m1
        rx = Ju[3] * m0 + Jv[3] * m1
        ry = Ju[4] * m0 + Jv[4] * m1
        rz = Ju[5] * m0 + Jv[5] * m1
        tl.store(
            row + 8 * k,
            _interleaved((tx, ty, tz, rx, ry, rz, m6, m7)),
            mask=in_block[:, None],
        )

        # The host's step enters as -chain: (t, r) -> (t R, (t x translation + r) R), gain.
        ax = ty * L[11] - tz * L[7] + rx
        ay = tz * L[3] - tx * L[11] + ry
        az = tx * L[7] - ty * L[3] + rz
        h0 -= tx * L[0] + ty * L[4] + tz * L[8]
        h1 -= tx * L[1] + ty * L[5] + tz * L[9]
        h2 -= tx * L[2] + ty * L[6] + tz * L[10]
        h3 -= ax * L[0] + ay * L[4] + az * L[8]
        h4 -= ax * L[1] + ay * L[5] + az * L[9]
        h5 -= ax * L[2] + ay * L[6] + az * L[10]
        h6 -= m6
        h7 -= tl.load(gain + pair) * m7

        # The pair's own 8x8 system, summed over the block.
        out = partial + (pair * tl.num_programs(0) + block) * _PARTIAL
        for r in tl.static_range(6):
            A = M00 * Ju[r] + M01 * Jv[r]
            B = M01 * Ju[r] + M11 * Jv[r]
            for c in tl.static_range(r, 6):
                tl.store(out + r * 8 + c, tl.sum(A * Ju[c] + B * Jv[c]))
            tl.store(out + r * 8 + 6, tl.sum(Ju[r] * M02 + Jv[r] * M12))
            tl.store(out + r * 8 + 7, tl.sum(Ju[r] * M03 + Jv[r] * M13))
            tl.store(out + 64 + r, tl.sum(Ju[r] * q0 + Jv[r] * q1))
        tl.store(out + 54, tl.sum(M22))
        tl.store(out + 55, tl.sum(M23))
        tl.store(out + 63, tl.sum(M33))
        tl.store(out + 70, tl.sum(q2))
        tl.store(out + 71, tl.sum(q3))
        tl.store(out + 72, tl.sum(tl.where(counts, cost, 0.0) + corner_cost))
    tl.store(H_depth + point, Hd, mask=in_block)
    tl.store(b_depth + point, bd, mask=in_block)
    tl.store(row + 8 * host, _interleaved((h0, h1, h2, h3, h4, h5, h6, h7)), mask=in_block[:, None])


@triton.jit(do_not_specialize=_SIZES)
def energy_kernel(
    images,
    inverse_depth_map,
    hosts,
    pixels,
    inverse_depth,
    usable,
    valid,
    brightness,
    weight,
    T_now,
    gain,
    offsets,
    observed,
    observed_ok,
    costs_in,
    partial,
    K,
    N,
    F,
    CAMERA: tl.constexpr,
    WORKING: tl.constexpr,
    GRID: tl.constexpr,
    NOISE: tl.constexpr,
    CORNER_NOISE: tl.constexpr,
    HIDING: tl.constexpr,
    SCALE: tl.constexpr,
    PATTERN: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Energy of the patches in use and of the corners, one number a program (G, blocks).

    A patch that fits no more costs its cap, one that is seen no more what it did: ``costs_in``.
    """
    block = tl.program_id(0)
    index, points = _host_points(
        hosts, pixels, inverse_depth, usable, valid, offsets, N, F, WORKING, BLOCK
    )
    g, n, in_block, host = index[0], index[1], index[2], index[4]
    arrays = (
        images,
        inverse_depth_map,
        brightness,
        weight,
        T_now,
        gain,
        offsets,
        observed,
        observed_ok,
    )
    energy = points[4] * 0.0
    for j in range(K - 1):
        k = j + (j >= host).to(tl.int32)
        pair = g * K + k
        patch, at_corner = _residuals(
            k,
            pair,
            index,
            points,
            arrays,
            F,
            CAMERA,
            WORKING,
            GRID,
            NOISE,
            CORNER_NOISE,
            HIDING,
            SCALE,
            PATTERN,
            False,
        )
        shown, cost, cap, _, _ = patch
        before = tl.load(costs_in + pair * N + n, mask=in_block, other=-1.0)
        now = tl.where(shown, tl.minimum(cost, cap), before)
        energy += tl.where(before >= 0.0, now, 0.0)
        energy += at_corner[3]
    tl.store(partial + g * tl.num_programs(0) + block, tl.sum(energy))
