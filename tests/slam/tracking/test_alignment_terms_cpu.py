"""The compiled sums of the tracker are those of the tensor operations, for awkward points too."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.backend.problem import Noise
from denseba_ros.geometry import pose_step
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import build_pyramid
from denseba_ros.slam.tracking.alignment_terms_cpu import FusedTerms
from denseba_ros.slam.tracking.alignment_terms_torch import Terms, TorchTerms
from denseba_ros.slam.tracking.reference import Corners, CurrentView, Reference, ReferenceLevel

_CAMERA = Pinhole(90.0, 95.0, 47.0, 33.0, 96, 64)
_POINTS, _CORNERS, _LEVEL = 120, 40, 1
# What a point may hold: known, behind the camera, at infinity, absurd.
_DEPTHS = [0.5, 0.1, 0.0, -3.0, 1e30, float("inf"), float("nan")]


def _scene(seed: int, depths: list[float], spread: float) -> tuple[Reference, CurrentView]:
    """Random points, ``spread`` image sizes wide, on a smooth random image, all float32."""
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 1, 64, 96, generator=generator) * 200
    pyramid = build_pyramid(torch.nn.functional.avg_pool2d(image, 5, 1, 2), 3)
    pixels = ((torch.rand(_POINTS, 2, generator=generator) - 0.5) * spread + 0.5) * torch.tensor(
        [96.0, 64.0]
    )
    one = torch.rand(_POINTS, generator=generator)
    level = ReferenceLevel(_CAMERA.level(_LEVEL), 200 * one, 0.2 + 0.8 * one, one > 0.1)
    inverse_depth = torch.from_numpy(rng.choice(np.float32(depths), _POINTS))
    reference = Reference(
        _CAMERA,
        pixels,
        _CAMERA.rays(pixels),
        inverse_depth,
        0.3 * one,
        one > 0.05,
        torch.tensor([0.1, 3.0]).double(),
        {_LEVEL: level},
    )
    noise = torch.randn(_CORNERS, 2, generator=generator) * 4
    return reference, CurrentView(pyramid, Corners(pixels[:_CORNERS] + noise, one[:_CORNERS] > 0.2))


def _double(value: Any) -> Any:
    """The same with every float tensor in double precision."""
    if isinstance(value, torch.Tensor):
        return value.double() if value.is_floating_point() else value
    if isinstance(value, (list, tuple)):
        return type(value)(_double(v) for v in value)
    if isinstance(value, dict):
        return {k: _double(v) for k, v in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, (type, Pinhole)):
        return dataclasses.replace(
            value, **{f.name: _double(getattr(value, f.name)) for f in dataclasses.fields(value)}
        )
    return value


def _both(seed: int, depths: list[float], spread: float) -> tuple[Terms, Terms]:
    reference, seen = _scene(seed, depths, spread)
    exact = TorchTerms(_double(reference), _double(seen), Noise(intensity=8.0))
    return exact, FusedTerms(reference, seen, Noise(intensity=8.0))


def _agree(first: Any, second: Any) -> None:
    for field in dataclasses.fields(first):
        a, b = (np.asarray(getattr(x, field.name)) for x in (first, second))
        assert np.isfinite(b).all(), field.name
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9 * (1 + np.abs(a).max()))


_SEEDS = st.integers(0, 10_000)
_STEPS = st.lists(st.floats(-0.3, 0.3), min_size=6, max_size=6)


@settings(max_examples=60, deadline=None)
@given(seed=_SEEDS, step=_STEPS, log_gain=st.floats(-1, 1), spread=st.sampled_from([0.8, 3.0]))
def test_all_sums_agree_in_double_precision(
    seed: int, step: list[float], log_gain: float, spread: float
) -> None:
    torch_terms, fused = _both(seed, [0.5, 0.1, 0.0, 2.0], spread)
    T = pose_step.exp(np.array(step))
    affine = np.array([log_gain, -4.0])
    _agree(torch_terms.photometric(T, affine, _LEVEL), fused.photometric(T, affine, _LEVEL))
    for level in (0, 1, 3):
        _agree(torch_terms.corners(T, level), fused.corners(T, level))
    _agree(torch_terms.zncc(T, _LEVEL), fused.zncc(T, _LEVEL))


@settings(max_examples=60, deadline=None)
@given(
    seed=_SEEDS,
    step=_STEPS,
    depths=st.lists(st.sampled_from(_DEPTHS), min_size=1, max_size=4),
    far=st.booleans(),
)
def test_sums_are_finite_for_any_points(
    seed: int, step: list[float], depths: list[float], far: bool
) -> None:
    T = pose_step.exp(np.array(step))
    T[2, 3] -= 50.0 * far
    for terms in _both(seed, depths, 3.0):
        photo = terms.photometric(T, np.zeros(2), _LEVEL)
        corners = terms.corners(T, 0)
        for value in (photo.H, photo.b, photo.energy, corners.H, corners.b, corners.energy):
            assert np.isfinite(value).all()
        assert 0.0 <= photo.visible <= 1.0
        assert 0.0 <= photo.inlier_ratio <= 1.0


def test_the_gradient_is_that_of_the_energy_of_the_corners() -> None:
    """Central differences; the weights of far corners and uncertain depth are held in the sums."""
    reference, seen = _scene(3, [0.5, 0.2], 0.6)
    corner_inliers = Corners(reference.pixels[:_CORNERS] + 0.4, seen.corners.ok)
    certain = dataclasses.replace(
        reference, relative_sigma=torch.zeros_like(reference.relative_sigma)
    )
    terms = FusedTerms(certain, CurrentView(seen.pyramid, corner_inliers), Noise(intensity=8.0))
    gradient = terms.corners(np.eye(4), 0).b
    for i in range(6):
        step = np.zeros(6)
        step[i] = 1e-6
        ahead, behind = (terms.corners(pose_step.exp(s), 0).energy for s in (step, -step))
        assert gradient[i] == pytest.approx((ahead - behind) / 2e-6, rel=1e-4, abs=1e-3)


def test_threads_do_not_disturb_each_other() -> None:
    _, fused = _both(5, [0.5, 0.1], 0.8)
    expected = fused.photometric(np.eye(4), np.zeros(2), _LEVEL)
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda _: fused.photometric(np.eye(4), np.zeros(2), _LEVEL), range(200))
        for result in results:
            np.testing.assert_array_equal(result.H, expected.H)
            assert result.energy == expected.energy
