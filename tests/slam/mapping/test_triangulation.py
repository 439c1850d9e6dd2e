"""Corners that several keyframes see take the depth that fits all of them."""

from __future__ import annotations

import pytest
import torch

from denseba_ros.backend.window import Points, WindowKeyframe, seen_from
from denseba_ros.geometry import se3
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole, project_by
from denseba_ros.slam.mapping.triangulation import triangulate

_CAMERA = Pinhole(200.0, 200.0, 159.5, 119.5, 320, 240)
_CORNERS = 60
Scene = tuple[WindowKeyframe, list[WindowKeyframe], torch.Tensor]


def _keyframe(number: int, step: list[float]) -> WindowKeyframe:
    """Keyframe with ``_CORNERS`` corners about which nothing is known."""
    generator = torch.Generator().manual_seed(number)
    size = torch.tensor([240.0, 160.0])
    pixels = 40.0 + torch.rand(_CORNERS, 2, generator=generator) * size
    one = torch.ones(_CORNERS)
    valid = torch.ones(_CORNERS, dtype=torch.bool)
    points = Points(pixels, one, one.clone(), valid, one.clone(), 0 * one, _CORNERS)
    T = se3.exp(torch.tensor([step], dtype=torch.float64))[0]
    none = torch.zeros(2, dtype=torch.float64)
    grid = torch.ones(2, 60, 80)
    return WindowKeyframe(number, number, Grey(()), [], T, none, points, grid, grid, grid)


@pytest.fixture
def scene() -> Scene:
    """A keyframe, three others that see all of its corners, and the true inverse depth."""
    new = _keyframe(0, [0.0] * 6)
    steps = ([0.1, 0, 0, 0, 0.01, 0], [0.2, 0.05, 0.1, 0.01, 0, 0], [-0.1, 0, 0.2, 0, 0, 0.05])
    others = [_keyframe(k + 1, list(step)) for k, step in enumerate(steps)]
    true = 0.2 + 0.8 * torch.rand(_CORNERS, generator=torch.Generator().manual_seed(9))
    new.points.inverse_depth = true
    for other in others:
        seen = seen_from(_CAMERA, new, other).pixels
        new.observed[other.id] = (seen, torch.ones(_CORNERS, dtype=torch.bool))
    new.points.inverse_depth = torch.full_like(true, 0.5)
    return new, others, true


def test_exact_observations_give_the_exact_depth(scene: Scene) -> None:
    new, others, true = scene
    triangulate(_CAMERA, new, others)
    assert torch.allclose(new.points.inverse_depth, true, rtol=2e-3)
    assert float(new.points.relative_sigma.max()) < 0.3
    assert all(bool(found.all()) for _, found in new.observed.values())


def test_a_mismatch_is_removed(scene: Scene) -> None:
    """Two good observations outvote one that is 9 pixels off across its epipolar line."""
    new, others, true = scene
    new.observed[others[0].id][0][:20, 1] += 9.0
    triangulate(_CAMERA, new, others)
    _, found = new.observed[others[0].id]
    assert not bool(found[:20].any())
    assert bool(found[20:].all())
    assert float((new.points.inverse_depth / true - 1).abs()[20:].max()) < 2e-3
    assert float((new.points.inverse_depth / true - 1).abs()[:20].median()) < 0.05


def test_without_parallax_nothing_changes(scene: Scene) -> None:
    new, others, _ = scene
    for other in others:
        other.T = se3.exp(torch.tensor([[0, 0, 0, 0, 0.01, 0]], dtype=torch.float64))[0]
        new.observed[other.id] = (
            seen_from(_CAMERA, new, other).pixels,
            torch.ones(_CORNERS, dtype=torch.bool),
        )
    new.points.relative_sigma.fill_(0.2)
    triangulate(_CAMERA, new, others)
    assert torch.allclose(new.points.inverse_depth, torch.full((_CORNERS,), 0.5))
    assert torch.allclose(new.points.relative_sigma, torch.full((_CORNERS,), 0.2))


def test_smaller_deviations_are_kept(scene: Scene) -> None:
    new, others, _ = scene
    new.points.relative_sigma.fill_(1e-4)
    triangulate(_CAMERA, new, others)
    assert torch.allclose(new.points.inverse_depth, torch.full((_CORNERS,), 0.5))


def test_noisy_observations_give_the_depth_of_least_pixels(scene: Scene) -> None:
    """Against all depths within a half of the true one, where one of the others is much nearer to
    the corners: errors count in pixels there, too."""
    new, others, true = scene
    others = others[:2]
    others[1].T = se3.exp(torch.tensor([[0.15, 0.1, -0.7, 0, 0, 0]], dtype=torch.float64))[0]
    trials = true * torch.linspace(0.5, 1.5, 2001)[:, None]
    depths = torch.cat([trials, true[None]])

    def pixels(other: WindowKeyframe, depth: torch.Tensor) -> torch.Tensor:
        return project_by(_CAMERA, _CAMERA.rays(new.points.pixels), depth, other.T).pixels

    generator = torch.Generator().manual_seed(1)
    errors = torch.zeros(len(depths), _CORNERS)
    for other in others:
        seen = pixels(other, true) + 0.5 * torch.randn(_CORNERS, 2, generator=generator)
        new.observed[other.id] = (seen, torch.ones(_CORNERS, dtype=torch.bool))
        errors += ((pixels(other, depths) - seen) ** 2).sum(-1)
    triangulate(_CAMERA, new, others)
    used = torch.stack([new.observed[o.id][1] for o in others]).all(0)
    assert int(used.sum()) > 0.8 * _CORNERS
    best = depths.gather(0, errors.argmin(0)[None])[0]
    off = (new.points.inverse_depth / best - 1).abs()[used]
    assert float(off.max()) < 0.003
    assert float(new.points.relative_sigma.min()) == pytest.approx(0.01)
