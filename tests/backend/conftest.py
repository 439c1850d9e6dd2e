"""Two windows for the backend's tests.

``small_window``: a few points on images of known derivatives, in float64, for Jacobians and
linear algebra. ``room_window``: keyframes of the synthetic room with exact truth, from which the
adjustment starts perturbed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference, relative_poses
from denseba_ros.backend.prior.gaussian_prior import GaussianPrior
from denseba_ros.backend.problem import FRAME_DOF, Noise, Problem, Variables
from denseba_ros.backend.solver.normal_equations import LinearSystem, linearise
from denseba_ros.config import Config
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole, project
from denseba_ros.geometry.pyramid import inside, sample, with_gradients
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.mapping.keyframe_depth import GRID_LEVEL
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.state.frame import Frame

# -- a small window in float64 ---------------------------------------------------------------------

_SMALL = Pinhole(90.0, 85.0, 47.0, 36.5, 96, 72)
# Residuals stay quadratic: no robust weights, nothing is cut off.
QUADRATIC = Noise(huber=1e6, cutoff=1e7, pixel_cutoff=1e7)


@dataclass(frozen=True)
class SmallWindow:
    """A problem in float64 with the variables at which it is looked at."""

    problem: Problem
    variables: Variables

    def linearise(self, level: int = 0) -> LinearSystem:
        reference = patch_reference(self.problem, level)
        return linearise(self.problem, reference, self.variables, level, TORCH_KERNEL)


def ramps(count: int, camera: Pinhole, rng: np.random.Generator) -> Tensor:
    """Brightness linear in the pixel, whose central differences are exact: (count, 1, h, w)."""
    x, y = camera.grid(torch.device("cpu")).double().unbind(-1)
    slopes = torch.from_numpy(rng.uniform(-2.0, 2.0, (count, 2)))[..., None, None]
    return (100.0 + slopes[:, 0] * x + slopes[:, 1] * y)[:, None]


def clouds(count: int, camera: Pinhole, rng: np.random.Generator) -> Tensor:
    """Noise blurred over 12 pixels, so that central differences are good to a few per mille."""
    size = (camera.height, camera.width)
    images = [cv2.GaussianBlur(rng.normal(size=size), (0, 0), 12) for _ in range(count)]
    return torch.from_numpy(np.stack([100.0 + 20.0 * i / i.std() for i in images]))[:, None]


def make_small_window(
    images: Callable[[int, Pinhole, np.random.Generator], Tensor],
    keyframes: int = 3,
    points: int = 10,
    corners: int = 4,
    noise: Noise = QUADRATIC,
    seed: int = 0,
) -> SmallWindow:
    """Keyframes with brightness of their own, observed corners, and a prior off the variables."""
    rng = np.random.default_rng(seed)
    k, n, f = keyframes, points, corners
    step = rng.normal(size=(k, 6)) * ([0.08] * 3 + [0.03] * 3)
    T = se3.exp(torch.from_numpy(step))
    affine = torch.from_numpy(rng.normal(size=(k, 2)) * [0.1, 4.0])
    pixels = torch.from_numpy(rng.uniform([22, 20], [72, 50], (k, n, 2)))
    d = torch.from_numpy(rng.uniform(0.3, 0.7, (k, n)))
    variables = Variables(T, affine, d)
    pairs = relative_poses(T, torch.arange(k))[:, :, None]
    rays = _SMALL.rays(pixels[:, None, :f])
    seen = project(_SMALL, rays, d[:, None, :f], pairs[..., :3, :3], pairs[..., :3, 3]).pixels
    root = rng.normal(size=(8 * k, 8 * k)) * np.tile([30.0] * 6 + [3.0, 0.1], k)
    origin = se3.exp(torch.from_numpy(rng.normal(size=(k, 6)) * 1e-3)) @ T
    prior = GaussianPrior(
        torch.from_numpy(root.T @ root), torch.from_numpy(rng.normal(size=8 * k)), origin, affine
    )
    base = images(k, _SMALL, rng)
    problem = Problem(
        camera=_SMALL,
        images={
            0: with_gradients(base),
            1: with_gradients(torch.nn.functional.avg_pool2d(base, 2)),
        },
        hosts=torch.arange(k),
        pixels=pixels,
        valid=torch.ones(k, n, dtype=torch.bool),
        prior_depth=d * torch.from_numpy(rng.uniform(0.95, 1.05, (k, n))),
        prior_information=torch.full_like(d, 50.0),
        observed=seen + torch.from_numpy(rng.normal(size=(k, k, f, 2))),
        observed_ok=~torch.eye(k, dtype=torch.bool)[..., None].expand(k, k, f),
        inverse_depth_map=torch.full((k, 2, 18, 24), 0.05, dtype=torch.float64),
        grid_level=2,
        pose_prior=prior,
        uses_first_estimate=torch.zeros(k, dtype=torch.bool),
        noise=noise,
    )
    return SmallWindow(problem, variables)


@pytest.fixture
def ramp_window() -> SmallWindow:
    return make_small_window(ramps)


@pytest.fixture
def cloud_window() -> SmallWindow:
    return make_small_window(clouds, points=60)


def dense_system(system: LinearSystem) -> tuple[Tensor, Tensor]:
    """The whole system (8K + KN, 8K + KN) and gradient, nothing eliminated."""
    E = system.H_mixed.reshape(-1, len(system.b)).double()
    depths = torch.diag(system.H_depth.reshape(-1).double())
    H = torch.cat([torch.cat([system.H, E.T], 1), torch.cat([E, depths], 1)])
    return H, torch.cat([system.b, system.b_depth.reshape(-1).double()])


def retracted(variables: Variables, flat: Tensor) -> Variables:
    """Variables after a step of all unknowns (8K + KN,), in the order of ``dense_system``."""
    k, n = variables.inverse_depth.shape
    frames, depths = flat[: k * FRAME_DOF], flat[k * FRAME_DOF :]
    return variables.retracted(frames.reshape(k, FRAME_DOF), depths.reshape(k, n))


@dataclass(frozen=True)
class Algebra:
    """What the tests of the linear algebra share."""

    dense: Callable[[LinearSystem], tuple[Tensor, Tensor]]
    retracted: Callable[[Variables, Tensor], Variables]
    window: Callable[..., SmallWindow]
    ramps: Callable[..., Tensor]
    clouds: Callable[..., Tensor]


@pytest.fixture(scope="session")
def algebra() -> Algebra:
    return Algebra(dense_system, retracted, make_small_window, ramps, clouds)


# -- keyframes of the room -------------------------------------------------------------------------

# Rendered images fit better than those of real cameras, which the default is for.
_RENDERED = Noise(intensity=8.0)
# Deviation of the prior that holds every depth at its start, as the mapper sets it.
_HOLD = 0.5


@dataclass(frozen=True)
class Errors:
    """Against the truth, at the truth's scale: ``depth`` median relative; ``position`` (m) and
    ``rotation`` (degrees) median over the frames; ``gain`` largest log gain; ``grey`` largest
    error of what a middle grey becomes."""

    depth: float
    position: float
    rotation: float
    gain: float
    grey: float


@dataclass(frozen=True)
class RoomWindow:
    """Keyframes of the room: ``problem`` and ``truth`` with exact depth, poses and brightness.

    ``exact_depth_map`` (K, 2, h, w): exact inverse depth of the grid with a deviation of 5 %.
    """

    sequence: RoomSequence
    indices: tuple[int, ...]
    problem: Problem
    truth: Variables
    exact_depth_map: Tensor

    def start(
        self, position: float, degrees: float, depth: float, seed: int = 0
    ) -> tuple[Problem, Variables]:
        """Poses off by ``position`` (m) and ``degrees``, except the first, which is the gauge;
        inverse depth off by low-frequency blobs of median ``depth``; brightness unknown."""
        rng = np.random.default_rng(seed)
        k = self.problem.keyframes
        step = rng.normal(size=(k, 2, 3))
        step /= np.linalg.norm(step, axis=2, keepdims=True)
        step *= np.array([position, np.radians(degrees)])[None, :, None]
        step[0] = 0.0
        T = se3.exp(torch.from_numpy(step.reshape(k, 6))) @ self.truth.T
        factor = torch.from_numpy(np.stack([self._blobs(rng, depth) for _ in range(k)]))
        cells = (self.problem.pixels + 0.5) / (1 << GRID_LEVEL) - 0.5
        inverse_depth = self.truth.inverse_depth * sample(factor[:, None], cells)[:, 0]
        problem = replace(
            self.problem,
            prior_depth=inverse_depth,
            prior_information=(_HOLD * inverse_depth) ** -2,
            inverse_depth_map=self.exact_depth_map
            * torch.stack([factor, torch.ones_like(factor)], 1),
        )
        return problem, Variables(T, torch.zeros_like(self.truth.affine), inverse_depth)

    def errors(self, variables: Variables) -> Errors:
        ratio = (variables.inverse_depth / self.truth.inverse_depth)[self.problem.valid]
        scale = ratio.median()
        T = variables.T.clone()
        T[:, :3, 3] *= scale
        inverse, true_inverse = se3.inverse(T)[1:], se3.inverse(self.truth.T)[1:]
        angle = se3.log(inverse @ self.truth.T[1:])[:, 3:].norm(dim=-1)
        a, b = variables.affine.T
        true_a, true_b = self.truth.affine.T
        grey = (128.0 * a.exp() + b - 128.0 * true_a.exp() - true_b).abs().max()
        return Errors(
            float((ratio / scale - 1).abs().median()),
            float((inverse - true_inverse)[:, :3, 3].norm(dim=-1).median()),
            float(torch.rad2deg(angle).median()),
            float((a - true_a).abs().max()),
            float(grey),
        )

    def _blobs(self, rng: np.random.Generator, median: float) -> np.ndarray:
        h, w = self.exact_depth_map.shape[2:]
        field = cv2.GaussianBlur(rng.normal(size=(h, w)), (0, 0), w / 8)
        field *= median / float(np.median(np.abs(field)))
        return np.exp(field).astype(np.float32)


def _relative_brightness(room: RoomSequence, indices: tuple[int, ...]) -> Tensor:
    """(K, 2) log gain and offset of each image against the first."""
    gain, offset = np.array([room.brightness(i) for i in indices]).T
    ratio = gain / gain[0]
    return torch.from_numpy(np.stack([np.log(ratio), offset - ratio * offset[0]], 1))


@torch.no_grad()
def make_room_window(trajectory: str, indices: tuple[int, ...], points: int) -> RoomWindow:
    """Keyframes at ``indices`` of a 320x240 room with changing brightness."""
    room = RoomSequence(trajectory, max(indices) + 1, 320, 240)
    config = Config.from_dict(
        {"device": "cpu", "tracker": {"features": 150}, "backend": {"points": points}}
    )
    frontend = Frontend(config, room.calibration)
    mapper = LocalMapper(
        config, Pinhole.from_calibration(frontend.rectifier.calibration), _RENDERED
    )
    world = torch.from_numpy(np.linalg.inv(np.stack([room.pose(i) for i in indices])))
    T = world @ se3.inverse(world[:1])
    affine = _relative_brightness(room, indices)
    depths = [torch.from_numpy(1.0 / room.depth(i))[None, None] for i in indices]
    for j, i in enumerate(indices):
        frame = frontend.process(1 + i, room.image(i))
        image = Frame.prepare(frame)
        points = mapper.add(image, T[j], affine[j]).points
        # Exact instead of the mapper's own depth: the tests choose the initial values.
        points.inverse_depth = sample(depths[j], points.pixels[None])[0, 0]
        points.relative_sigma = torch.full_like(points.inverse_depth, 0.05)
    grid = torch.cat([torch.nn.functional.avg_pool2d(d, 1 << GRID_LEVEL) for d in depths])
    exact_depth_map = torch.cat([grid, torch.full_like(grid, 0.05)], 1)
    problem, truth = mapper.window.problem({0, 1, 2}), mapper.window.variables()
    problem = replace(
        problem,
        prior_depth=truth.inverse_depth,
        prior_information=torch.zeros_like(truth.inverse_depth),
        inverse_depth_map=exact_depth_map,
    )
    return RoomWindow(room, indices, problem, truth, exact_depth_map)


@pytest.fixture(scope="session")
def room_window() -> RoomWindow:
    """Five keyframes 0.4 s apart; boxes hide what is behind them."""
    return make_room_window("handheld", (0, 12, 24, 36, 48), 500)


@pytest.fixture(scope="session")
def sweep_window() -> RoomWindow:
    return make_room_window("sweep", (0, 12, 24, 36, 48), 500)


@pytest.fixture(scope="session")
def tiny_window() -> RoomWindow:
    """Small enough for L-BFGS."""
    return make_room_window("sweep", (0, 18, 36), 150)


# -- windows drawn at random -----------------------------------------------------------------------


def in_float64(window: SmallWindow) -> SmallWindow:
    """The same window with every number in double precision."""
    problem, variables = window.problem, window.variables

    def double(values: Any) -> dict[str, Tensor]:
        tensors = {f.name: getattr(values, f.name) for f in fields(values)}
        return {
            name: t.double()
            for name, t in tensors.items()
            if isinstance(t, Tensor) and t.is_floating_point()
        }

    images = {level: image.double() for level, image in problem.images.items()}
    return SmallWindow(
        replace(problem, **double(problem), images=images),
        replace(variables, **double(variables)),
    )


def draw_window(
    seed: int, keyframes: int, points: int, corners: int, width: int, height: int, spread: float
) -> SmallWindow:
    """A float32 window of any size with everything that goes wrong in some of its points.

    Some are not valid, near the border, very near or far, behind a target's surface; ``spread`` of
    1 turns cameras by half a radian and more, so that points fall out of view or behind cameras.
    Some corners are outliers.
    """
    rng = np.random.default_rng(seed)
    k, n, f = keyframes, points, corners
    camera = Pinhole(0.9 * width, 0.95 * width, 0.48 * width, 0.53 * height, width, height)
    T = se3.exp(torch.from_numpy(spread * rng.normal(size=(k, 6)) * ([0.3] * 3 + [0.5] * 3)))
    pixels = torch.from_numpy(rng.uniform(-0.5, [width, height], (k, n, 2))).float()
    d = torch.from_numpy(np.exp(rng.normal(-0.7, 0.8, (k, n)))).float()
    pairs = relative_poses(T, torch.arange(k)).float()[:, :, None]
    rays = camera.rays(pixels[:, None, :f])
    R, t = pairs[..., :3, :3], pairs[..., :3, 3]
    seen = project(camera, rays, d[:, None, :f], R, t)
    # Nobody observes a corner far outside the image, but one may be wrong about what is in front.
    possible = inside(seen.pixels, width, height, 0.0) | ~seen.in_front
    possible &= ~torch.eye(k, dtype=torch.bool)[..., None]
    error = rng.normal(size=(k, k, f, 2)) * rng.choice([0.5, 1.0, 30.0], (k, k, f, 1))
    root = rng.normal(size=(8 * k, 8 * k)) * np.tile([30.0] * 6 + [3.0, 0.1], k)
    origin = se3.exp(torch.from_numpy(rng.normal(size=(k, 6)) * 1e-2)) @ T
    affine = torch.from_numpy(rng.normal(size=(k, 2)) * [0.05, 2.0])
    gradient = torch.from_numpy(rng.normal(size=8 * k))
    levels = [clouds(k, camera, rng).float()]
    for _ in range(2):
        levels.append(torch.nn.functional.avg_pool2d(levels[-1], 2))
    grid = (k, 1, height >> 2, width >> 2)
    inverse_depth_map = np.concatenate(
        [np.exp(rng.normal(-0.7, 0.5, grid)), rng.choice([0.05, 0.5], grid)], 1
    )
    problem = Problem(
        camera=camera,
        images={level: with_gradients(image) for level, image in enumerate(levels)},
        hosts=torch.arange(k),
        pixels=pixels,
        valid=torch.from_numpy(rng.random((k, n)) < 0.9),
        prior_depth=d * torch.from_numpy(rng.uniform(0.9, 1.1, (k, n))).float(),
        prior_information=(0.5 * d) ** -2,
        observed=seen.pixels + torch.from_numpy(error).float(),
        observed_ok=torch.from_numpy(rng.random((k, k, f)) < 0.8) & possible,
        inverse_depth_map=torch.from_numpy(inverse_depth_map).float(),
        grid_level=2,
        pose_prior=GaussianPrior(torch.from_numpy(root.T @ root), gradient, origin, affine),
        uses_first_estimate=torch.from_numpy(rng.random(k) < 0.5),
        noise=Noise(),
    )
    return SmallWindow(problem, Variables(T, affine, d))


@dataclass(frozen=True)
class Drawn:
    """Windows drawn at random, for comparing implementations of the same sums."""

    window: Callable[..., SmallWindow]
    of: Callable[[Problem, Variables], SmallWindow]
    in_float64: Callable[[SmallWindow], SmallWindow]


@pytest.fixture(scope="session")
def drawn() -> Drawn:
    return Drawn(draw_window, SmallWindow, in_float64)
