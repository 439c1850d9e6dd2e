"""The loops of the CPU kernel: residual, weights, Jacobian and sums of a chunk of points at once.

A chunk of points of one host stays in the first-level cache while all targets pass over it. Its
numbers lie in rows of one scratch array, a row a quantity, so that every loop over the chunk runs
in vector registers. The quantities are those of ``torch_kernel``.

Longer than other files: numba compiles a loop again only when its own file changes, so the loops
that call each other stay in one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from denseba_ros.backend.kernels.cpu_arrays import PairInput, PairOutput
from denseba_ros.numba_jit import numba_jit

_Floats = NDArray[np.float32]


CHUNK = 64
"""Points that are worked on together; with all rows they fill a cache of 32 KiB."""
PIXELS = 8
"""Of a patch."""

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)


def _rows(*counts: int) -> tuple[int, ...]:
    """First entry of each group of rows in the scratch array, and its size."""
    return tuple(CHUNK * sum(counts[:i]) for i in range(len(counts) + 1))


# Of the host: ray (2) and inverse depth, whether usable, capped energy, patch weight, brightness,
# what the host's own frame gets of the mixed terms, and the sums of the depths.
# Of the pair: point in the target (3), whether the patch is visible and was in use, its pixels (2),
# brightness, gradient, weight, model and residual of one of its pixels, robust energy, information
# (10) and gradient (4) of y, Jacobian of the pixel (2 x 6) and by depth (2), and products of them.
(
    _A, _B, _D, _USABLE, _CAP, _WEIGHT, _BRIGHT, _HOST, _H_DEPTH, _B_DEPTH,
    _X, _Y, _Z, _VISIBLE, _USED, _U, _V, _VALUE, _GX, _GY, _W, _MODEL, _RESIDUAL, _ENERGY,
    _M00, _M01, _M11, _M22, _M23, _M33, _Q2, _Q3, _TOP, _BOTTOM, _JU, _JV, _JD, _MD, _MIXED,
    _SIZE,
) = _rows(
    1, 1, 1, 1, 1, PIXELS, PIXELS, 8, 1, 1,
    1, 1, 1, 1, 1, PIXELS, PIXELS, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 9, 9, 6, 6, 2, 4, 8,
)  # fmt: skip
# _TOP and _BOTTOM: the upper rows of M times the Jacobian of y by (pose, a, b), then of q:
# 6 columns by the pose, M02 M03 q0 and M12 M13 q1.
_M02, _M03, _Q0 = (_TOP + c * CHUNK for c in (6, 7, 8))
_M12, _M13, _Q1 = (_BOTTOM + c * CHUNK for c in (6, 7, 8))
_ACCUMULATED = (
    _ENERGY, _M00, _M01, _M11, _M22, _M23, _M33, _Q2, _Q3, _M02, _M03, _Q0, _M12, _M13, _Q1,
)  # fmt: skip


@numba_jit()
def linearise_pieces(first: int, last: int, chunks: int, i: PairInput, o: PairOutput) -> None:
    """Pieces ``first`` to ``last`` of the normal equations: the chunks of all hosts; no two write
    to the same memory."""
    s, seen = np.zeros(_SIZE, np.float32), np.empty(CHUNK, np.uintp)
    for piece in range(first, last):
        host, start = piece // chunks, (piece % chunks) * CHUNK
        _load(s, i, host, start)
        s[_HOST : _B_DEPTH + CHUNK] = _ZERO
        for target in range(len(i.offset)):
            if target == i.hosts[host]:
                continue
            for row in _ACCUMULATED:
                s[row : row + CHUNK] = _ZERO
            _project(s, i, host, target)
            used = 0
            count = _occlude(s, i, target, seen)
            if count > 0:
                _add_patches(s, i, host, target, seen[:count])
                used = _cut(s, i, o, piece, host, target, start)
            used += _add_corners(s, i, o, piece, host, target, start)
            if used > 0:
                _jacobian(s, i, host, target)
                _add_pair(s, o.H[piece, target], o.b[piece, target])
                _add_points(s, i, o, host, target, start)
        _store(s, i, o, host, start)


@numba_jit()
def energy_pieces(
    first: int, last: int, chunks: int, i: PairInput, costs: _Floats, o: PairOutput
) -> None:
    """Energy of each piece; patches in use cost at most their cap, or, not visible, as before."""
    s, seen = np.zeros(_SIZE, np.float32), np.empty(CHUNK, np.uintp)
    for piece in range(first, last):
        host, start = piece // chunks, (piece % chunks) * CHUNK
        _load(s, i, host, start)
        for target in range(len(i.offset)):
            if target == i.hosts[host]:
                continue
            if _in_use(s, costs[host, target, start:]) == 0 and start >= i.observed.shape[2]:
                continue
            s[_ENERGY : _ENERGY + CHUNK] = _ZERO
            _project(s, i, host, target)
            s[_VISIBLE : _VISIBLE + CHUNK] *= s[_USED : _USED + CHUNK]
            count = _occlude(s, i, target, seen)
            if count > 0:
                _add_costs(s, i, host, target, seen[:count])
            total = 0.0
            for n in range(min(CHUNK, i.depth.shape[1] - start)):
                before = costs[host, target, start + n]
                if before >= _ZERO:
                    seen_now = s[_VISIBLE + n] > _ZERO
                    total += min(s[_ENERGY + n], s[_CAP + n]) if seen_now else before
            o.energy[piece] += total
            _add_corners(s, i, o, piece, host, target, start)


@numba_jit()
def _in_use(s: _Floats, costs: _Floats) -> int:
    """How many of the chunk's patches were in use, ``costs`` being theirs and of those after."""
    used = 0
    s[_USED : _USED + CHUNK] = _ZERO
    for n in range(min(CHUNK, len(costs))):
        if costs[n] >= _ZERO:
            s[_USED + n] = _ONE
            used += 1
    return used


@numba_jit()
def _load(s: _Floats, i: PairInput, host: int, start: int) -> None:
    """Rows of the host's points; those beyond the last are there but not usable."""
    cap = i.scales.huber * (i.scales.cutoff - _HALF * i.scales.huber)
    count = min(CHUNK, i.depth.shape[1] - start)
    for n in range(CHUNK):
        s[_A + n] = s[_B + n] = s[_USABLE + n] = s[_CAP + n] = _ZERO
        s[_D + n] = _ONE
    for n in range(count):
        s[_A + n] = (i.pixels[host, start + n, 0] - i.working.cx) / i.working.fx
        s[_B + n] = (i.pixels[host, start + n, 1] - i.working.cy) / i.working.fy
        s[_D + n] = i.depth[host, start + n]
        s[_USABLE + n] = _ONE if i.usable[host, start + n] else _ZERO
        total = _ZERO
        for p in range(PIXELS):
            total += i.weight[host, start + n, p]
        s[_CAP + n] = total * cap
    for p in range(PIXELS):
        for n in range(CHUNK):
            s[_WEIGHT + p * CHUNK + n] = i.weight[host, start + n, p] if n < count else _ZERO
            s[_BRIGHT + p * CHUNK + n] = i.brightness[host, start + n, p] if n < count else _ZERO


@numba_jit()
def _project(s: _Floats, i: PairInput, host: int, target: int) -> None:
    """Point and patch in the target; patches that leave the image are not visible."""
    T, camera, border, min_z = i.T[host, target], i.camera, i.scales.border, i.scales.min_z
    for n in range(CHUNK):
        a, b, d = s[_A + n], s[_B + n], s[_D + n]
        s[_X + n] = T[0, 0] * a + T[0, 1] * b + (T[0, 2] + T[0, 3] * d)
        s[_Y + n] = T[1, 0] * a + T[1, 1] * b + (T[1, 2] + T[1, 3] * d)
        s[_Z + n] = T[2, 0] * a + T[2, 1] * b + (T[2, 2] + T[2, 3] * d)
        s[_VISIBLE + n] = s[_USABLE + n]
    right = np.float32(i.images.shape[3] - 1) - border
    below = np.float32(i.images.shape[2] - 1) - border
    for p in range(PIXELS):
        x, y = i.pattern[p, 0] / camera.fx, i.pattern[p, 1] / camera.fy
        dX, dY = T[0, 0] * x + T[0, 1] * y, T[1, 0] * x + T[1, 1] * y
        dZ = T[2, 0] * x + T[2, 1] * y
        for n in range(CHUNK):
            Z = s[_Z + n] + dZ
            inverse = _ONE / max(Z, min_z)
            u = (s[_X + n] + dX) * inverse * camera.fx + camera.cx
            v = (s[_Y + n] + dY) * inverse * camera.fy + camera.cy
            ok = (min_z < Z) & (u >= border) & (u <= right) & (v >= border) & (v <= below)
            s[_VISIBLE + n] = s[_VISIBLE + n] if ok else _ZERO
            # Any pixel inside will do for the others, also for those that are not a number.
            s[_U + p * CHUNK + n] = u if ok else border
            s[_V + p * CHUNK + n] = v if ok else border


@numba_jit()
def _occlude(s: _Floats, i: PairInput, target: int, seen: NDArray[np.uintp]) -> int:
    """Points that the target's inverse depth map occludes are not visible; returns how many others
    there are, and which in ``seen``."""
    inverse_depth_map, scale, camera = i.inverse_depth_map[target], i.scales.grid, i.camera
    right, below = inverse_depth_map.shape[2] - 1, inverse_depth_map.shape[1] - 1
    count = 0
    for n in range(CHUNK):
        if s[_VISIBLE + n] == _ZERO:
            continue
        inverse = _ONE / max(s[_Z + n], i.scales.min_z)
        u = s[_X + n] * inverse * camera.fx + camera.cx
        v = s[_Y + n] * inverse * camera.fy + camera.cy
        u = min(max((u + _HALF) * scale - _HALF, _ZERO), np.float32(right))
        v = min(max((v + _HALF) * scale - _HALF, _ZERO), np.float32(below))
        x, y = int(u), int(v)
        right_x, below_y = min(x + 1, right), min(y + 1, below)
        fx, fy = u - np.float32(x), v - np.float32(y)
        w00, w01 = (_ONE - fx) * (_ONE - fy), fx * (_ONE - fy)
        w10, w11 = (_ONE - fx) * fy, fx * fy
        nearest = w00 * inverse_depth_map[0, y, x] + w01 * inverse_depth_map[0, y, right_x]
        nearest += (
            w10 * inverse_depth_map[0, below_y, x] + w11 * inverse_depth_map[0, below_y, right_x]
        )
        deviation = w00 * inverse_depth_map[1, y, x] + w01 * inverse_depth_map[1, y, right_x]
        deviation += (
            w10 * inverse_depth_map[1, below_y, x] + w11 * inverse_depth_map[1, below_y, right_x]
        )
        if nearest > i.scales.hidden * inverse * s[_D + n] and deviation < i.scales.known:
            s[_VISIBLE + n] = _ZERO
        else:
            seen[count] = n
            count += 1
    return count


@numba_jit()
def _sample(
    s: _Floats, flat: _Floats, first: int, wide: int, plane: int, seen: NDArray[np.uintp], p: int
) -> None:
    """Brightness and gradient at pixel row ``p`` of the patches ``seen``; their three planes begin
    at ``first`` of ``flat``, ``plane`` numbers apart, in rows of ``wide`` pixels."""
    # Unsigned indices into a flat array: others are tested for being negative.
    for n in seen:
        u, v = s[np.uintp(_U + p) + n], s[np.uintp(_V + p) + n]
        x, y = np.int32(u), np.int32(v)
        fx, fy = u - np.float32(x), v - np.float32(y)
        w11 = fx * fy
        w01, w10 = fx - w11, fy - w11
        w00 = _ONE - fx - w10
        at = np.uintp(first) + np.uintp(y) * np.uintp(wide) + np.uintp(x)
        for row in (np.uintp(_VALUE), np.uintp(_GX), np.uintp(_GY)):
            right, below = at + np.uintp(1), at + np.uintp(wide)
            upper = w00 * flat[at] + w01 * flat[right]
            s[row + n] = upper + (w10 * flat[below] + w11 * flat[below + np.uintp(1)])
            at += np.uintp(plane)


@numba_jit()
def _sample_value(
    s: _Floats, flat: _Floats, first: int, wide: int, seen: NDArray[np.uintp], p: int
) -> None:
    """Brightness alone, as ``_sample``."""
    for n in seen:
        u, v = s[np.uintp(_U + p) + n], s[np.uintp(_V + p) + n]
        x, y = np.int32(u), np.int32(v)
        fx, fy = u - np.float32(x), v - np.float32(y)
        at = np.uintp(first) + np.uintp(y) * np.uintp(wide) + np.uintp(x)
        below = at + np.uintp(wide)
        upper = flat[at] + fx * (flat[at + np.uintp(1)] - flat[at])
        lower = flat[below] + fx * (flat[below + np.uintp(1)] - flat[below])
        s[np.uintp(_VALUE) + n] = upper + fy * (lower - upper)


@numba_jit()
def _weigh(s: _Floats, i: PairInput, host: int, target: int, p: int) -> None:
    """Residual, model and robust weight of pixel row ``p``; its energy is added."""
    gain, sigma, huber = i.gain[host, target], _ONE / i.scales.intensity, i.scales.huber
    host_offset, offset = i.offset[i.hosts[host]], i.offset[target]
    # A loop of its own for rows whose offset is not known at compile time.
    for n in range(CHUNK):
        s[_MODEL + n], s[_W + n] = s[_BRIGHT + p + n], s[_WEIGHT + p + n]
    for n in range(CHUNK):
        model = gain * (s[_MODEL + n] - host_offset)
        residual = s[_VALUE + n] - offset - model
        weight, size = s[_W + n], abs(residual) * sigma
        cost = _HALF * size * size if size < huber else huber * (size - _HALF * huber)
        s[_ENERGY + n] += weight * cost
        s[_W + n] = weight * (huber / max(size, huber)) * sigma * sigma
        s[_MODEL + n] = model
        s[_RESIDUAL + n] = residual


@numba_jit()
def _add_information(s: _Floats) -> None:
    """Weighted products of the derivatives by y (gx, gy, -model, -1) and of the residual."""
    for n in range(CHUNK):
        w, gx, gy = s[_W + n], s[_GX + n], s[_GY + n]
        model, residual = s[_MODEL + n], s[_RESIDUAL + n]
        wx, wy, wm = w * gx, w * gy, w * model
        s[_M00 + n] += wx * gx
        s[_M01 + n] += wx * gy
        s[_M11 + n] += wy * gy
        s[_M02 + n] -= wx * model
        s[_M12 + n] -= wy * model
        s[_M03 + n] -= wx
        s[_M13 + n] -= wy
        s[_M22 + n] += wm * model
        s[_M23 + n] += wm
        s[_M33 + n] += w
        s[_Q0 + n] += wx * residual
        s[_Q1 + n] += wy * residual
        s[_Q2 + n] -= wm * residual
        s[_Q3 + n] -= w * residual


@numba_jit()
def _add_patches(s: _Floats, i: PairInput, host: int, target: int, seen: NDArray[np.uintp]) -> None:
    # Flattened here, because that takes as long as twenty samples.
    flat, wide = i.images.ravel(), i.images.shape[3]
    plane = i.images.shape[2] * wide
    for p in range(0, PIXELS * CHUNK, CHUNK):
        _sample(s, flat, 3 * target * plane, wide, plane, seen, p)
        _weigh(s, i, host, target, p)
        _add_information(s)


@numba_jit()
def _add_costs(s: _Floats, i: PairInput, host: int, target: int, seen: NDArray[np.uintp]) -> None:
    flat, wide = i.images.ravel(), i.images.shape[3]
    first = 3 * target * i.images.shape[2] * wide
    for p in range(0, PIXELS * CHUNK, CHUNK):
        _sample_value(s, flat, first, wide, seen, p)
        _weigh(s, i, host, target, p)


@numba_jit()
def _cut(
    s: _Floats, i: PairInput, o: PairOutput, piece: int, host: int, target: int, start: int
) -> int:
    """Patches that are not visible or are outliers no longer count; returns how many do."""
    total, used = 0.0, 0
    for n in range(min(CHUNK, i.depth.shape[1] - start)):
        keep = s[_VISIBLE + n] > _ZERO and s[_ENERGY + n] < s[_CAP + n]
        s[_VISIBLE + n] = _ONE if keep else _ZERO
        o.costs[host, target, start + n] = s[_ENERGY + n] if keep else -_ONE
        if keep:
            total += s[_ENERGY + n]
            used += 1
    o.energy[piece] += total
    for row in _ACCUMULATED:
        for n in range(CHUNK):
            s[row + n] = s[row + n] if s[_VISIBLE + n] > _ZERO else _ZERO
    return used


@numba_jit()
def _add_corners(
    s: _Floats, i: PairInput, o: PairOutput, piece: int, host: int, target: int, start: int
) -> int:
    """Observed corners add to the information of their pixel; returns how many do."""
    camera, scales = i.working, i.scales
    to_level = _ONE / scales.level
    total, used = 0.0, 0
    for n in range(min(CHUNK, i.observed.shape[2] - start)):
        at = start + n
        seen = i.observed_ok[host, target, at] and i.valid[host, at]
        if not (seen and s[_Z + n] > scales.min_z):
            continue
        du = s[_X + n] / s[_Z + n] * camera.fx + camera.cx - i.observed[host, target, at, 0]
        dv = s[_Y + n] / s[_Z + n] * camera.fy + camera.cy - i.observed[host, target, at, 1]
        size = math.sqrt(du * du + dv * dv) / scales.pixel
        clipped = min(size, scales.pixel_cutoff)
        linear = scales.huber * (clipped - _HALF * scales.huber)
        total += float(_HALF * clipped * clipped if clipped < scales.huber else linear)
        if size < scales.pixel_cutoff:
            robust = scales.huber / max(size, scales.huber)
            weight = robust * to_level / (scales.pixel * scales.pixel)
            s[_M00 + n] += weight * to_level
            s[_M11 + n] += weight * to_level
            s[_Q0 + n] += weight * du
            s[_Q1 + n] += weight * dv
            used += 1
    o.energy[piece] += total
    return used


@numba_jit()
def _jacobian(s: _Floats, i: PairInput, host: int, target: int) -> None:
    """Derivatives of the pixel by the relative step (rows u and v) and by the depth."""
    T, fx, fy, min_z = i.T_first[host, target], i.camera.fx, i.camera.fy, i.scales.min_z
    for n in range(CHUNK):
        a, b, d = s[_A + n], s[_B + n], s[_D + n]
        Z = T[2, 0] * a + T[2, 1] * b + (T[2, 2] + T[2, 3] * d)
        scale = _ONE / max(Z, min_z)
        x = (T[0, 0] * a + T[0, 1] * b + (T[0, 2] + T[0, 3] * d)) * scale
        y = (T[1, 0] * a + T[1, 1] * b + (T[1, 2] + T[1, 3] * d)) * scale
        d *= scale
        s[_JU + n] = s[_JV + CHUNK + n] = d
        s[_JU + CHUNK + n] = s[_JV + n] = _ZERO
        s[_JU + 2 * CHUNK + n], s[_JV + 2 * CHUNK + n] = -d * x, -d * y
        s[_JU + 3 * CHUNK + n], s[_JV + 3 * CHUNK + n] = -x * y, -(_ONE + y * y)
        s[_JU + 4 * CHUNK + n], s[_JV + 4 * CHUNK + n] = _ONE + x * x, x * y
        s[_JU + 5 * CHUNK + n], s[_JV + 5 * CHUNK + n] = -y, x
        s[_JD + n] = fx * scale * (T[0, 3] - x * T[2, 3])
        s[_JD + CHUNK + n] = fy * scale * (T[1, 3] - y * T[2, 3])
    for row in range(0, 6 * CHUNK, CHUNK):
        for n in range(CHUNK):
            ju, jv = s[_JU + row + n] * fx, s[_JV + row + n] * fy
            s[_JU + row + n], s[_JV + row + n] = ju, jv
            s[_TOP + row + n] = s[_M00 + n] * ju + s[_M01 + n] * jv
            s[_BOTTOM + row + n] = s[_M01 + n] * ju + s[_M11 + n] * jv


@numba_jit("void(f4[::1], f8[:, ::1], f8[::1])", reorders_sums=True)
def _add_pair(s: _Floats, H: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    """Sum J^T M J and J^T q over the chunk into H (8, 8) and b (8,)."""
    for r in range(6):
        ju, jv = _JU + r * CHUNK, _JV + r * CHUNK
        for c in range(r, 9):
            top, bottom = _TOP + c * CHUNK, _BOTTOM + c * CHUNK
            total = _ZERO
            for n in range(CHUNK):
                total += s[ju + n] * s[top + n] + s[jv + n] * s[bottom + n]
            if c == 8:
                b[r] += total
            else:
                H[r, c] += total
                if c != r:
                    H[c, r] += total
    m22, m23, m33, q2, q3 = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    for n in range(CHUNK):
        m22 += s[_M22 + n]
        m23 += s[_M23 + n]
        m33 += s[_M33 + n]
        q2 += s[_Q2 + n]
        q3 += s[_Q3 + n]
    H[6, 6] += m22
    H[6, 7] += m23
    H[7, 6] += m23
    H[7, 7] += m33
    b[6] += q2
    b[7] += q3


@numba_jit()
def _add_points(
    s: _Floats, i: PairInput, o: PairOutput, host: int, target: int, start: int
) -> None:
    """Sums of the depths and the mixed terms, chained to both frames."""
    for n in range(CHUNK):
        ju, jv = s[_JD + n], s[_JD + CHUNK + n]
        top, bottom = s[_M00 + n] * ju + s[_M01 + n] * jv, s[_M01 + n] * ju + s[_M11 + n] * jv
        s[_MD + n], s[_MD + CHUNK + n] = top, bottom
        s[_MIXED + 6 * CHUNK + n] = s[_M02 + n] * ju + s[_M12 + n] * jv
        s[_MIXED + 7 * CHUNK + n] = s[_M03 + n] * ju + s[_M13 + n] * jv
        s[_H_DEPTH + n] += ju * top + jv * bottom
        s[_B_DEPTH + n] += ju * s[_Q0 + n] + jv * s[_Q1 + n]
    for row in range(0, 6 * CHUNK, CHUNK):
        for n in range(CHUNK):
            s[_MIXED + row + n] = (
                s[_JU + row + n] * s[_MD + n] + s[_JV + row + n] * s[_MD + CHUNK + n]
            )
    for r in range(8):
        for c in range(8):
            factor = i.chain[host, target, r, c]
            if factor != _ZERO:
                for n in range(CHUNK):
                    s[_HOST + c * CHUNK + n] -= factor * s[_MIXED + r * CHUNK + n]
    for n in range(min(CHUNK, i.depth.shape[1] - start)):
        for r in range(8):
            o.H_mixed[host, start + n, 8 * target + r] = s[_MIXED + r * CHUNK + n]


@numba_jit()
def _store(s: _Floats, i: PairInput, o: PairOutput, host: int, start: int) -> None:
    """Write the sums of the points over all targets."""
    own = 8 * i.hosts[host]
    for n in range(min(CHUNK, i.depth.shape[1] - start)):
        o.H_depth[host, start + n] = s[_H_DEPTH + n]
        o.b_depth[host, start + n] = s[_B_DEPTH + n]
        for r in range(8):
            o.H_mixed[host, start + n, own + r] = s[_HOST + r * CHUNK + n]
