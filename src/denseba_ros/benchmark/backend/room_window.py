"""The window that the backend is timed on: keyframes of the rendered room, perturbed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from denseba_ros.backend.problem import Noise, Problem, Variables
from denseba_ros.backend.window import Points
from denseba_ros.config import Config
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import sample
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.mapping.keyframe_depth import GRID_LEVEL
from denseba_ros.slam.mapping.local_mapper import LEVELS, LocalMapper
from denseba_ros.slam.state.frame import Frame

# Images between two keyframes: 0.4 s.
_STRIDE = 12
# Initial values: poses off by this (m, degrees), but for the first; inverse depth off by blobs of
# this median, with the deviation of the mapper's own prior; brightness changes unknown.
_POSITION, _ROTATION, _DEPTH, _PRIOR_SIGMA = 0.007, 0.3, 0.09, 0.5
_KNOWN_SIGMA = 0.05


@dataclass(frozen=True)
class WindowSize:
    """Of a window: ``keyframes``; ``grid`` (w, h) of the depth, a quarter of the image each way;
    ``points`` per keyframe besides ``corners``, or None for every cell of the grid."""

    keyframes: int = 7
    grid: tuple[int, int] = (160, 120)
    points: int | None = None
    corners: int = 0

    def __str__(self) -> str:
        width, height = self.grid
        each = "all" if self.points is None else f"{self.points}+{self.corners}"
        return f"{self.keyframes} keyframes, grid {width}x{height}, {each} points"


@dataclass(frozen=True)
class BenchmarkWindow:
    """``problem`` with the images of ``levels`` (in order), and the ``start`` of every solver."""

    problem: Problem
    start: Variables
    levels: tuple[int, ...]


@torch.no_grad()
def make_room_window(size: WindowSize, device: torch.device, seed: int = 0) -> BenchmarkWindow:
    """Render the keyframes, add them as the system does, with exact depth, and perturb them.

    Windows with ``points`` have the tracks that ``LocalMapper.add`` finds; those of every cell have
    no corners. The same ``seed`` gives the same window.
    """
    width, height = (side << GRID_LEVEL for side in size.grid)
    room = RoomSequence("sweep", _STRIDE * (size.keyframes - 1) + 1, width, height)
    mapper, frontend = _mapper(size, room, device)
    inverse_depth = []
    for j in range(size.keyframes):
        image = Frame.prepare(frontend.process(1 + j, room.image(_STRIDE * j)))
        true = 1.0 / torch.from_numpy(room.depth(_STRIDE * j)).to(device)
        T, affine = _pose(room, j).to(device), _no_change(device)
        if size.points is None:
            keyframe = mapper.make_keyframe(image, T, affine)
            keyframe.points = _every_cell(mapper.camera, device)
            mapper.window.append(keyframe)
        else:
            keyframe = mapper.add(image, T, affine)
        points = keyframe.points
        points.inverse_depth = sample(true[None, None], points.pixels[None])[0, 0]
        # As well known as after an adjustment: the next keyframe takes over the tracks.
        points.relative_sigma = torch.full_like(points.inverse_depth, _KNOWN_SIGMA)
        inverse_depth.append(true)
    exact = torch.nn.functional.avg_pool2d(torch.stack(inverse_depth)[:, None], 1 << GRID_LEVEL)
    levels = (LEVELS["coarse"], LEVELS["fine"])
    problem, start = mapper.window.problem(set(levels)), mapper.window.variables()
    return BenchmarkWindow(*_perturbed(problem, start, exact, seed), levels)


def _mapper(
    size: WindowSize, room: RoomSequence, device: torch.device
) -> tuple[LocalMapper, Frontend]:
    """The system's own mapper, which chooses the points unless every cell is one."""
    camera = Pinhole.from_calibration(room.calibration)
    values = {
        "device": device.type,
        "frontend": {"working_pixels": max(19_200, camera.width * camera.height)},
        "tracker": {"features": max(50, size.corners)},
        "backend": {"points": max(100, size.points or 0), "window": max(3, size.keyframes)},
    }
    config = Config.from_dict(values)
    return LocalMapper(config, camera, Noise()), Frontend(config, room.calibration)


def _pose(room: RoomSequence, keyframe: int) -> Tensor:
    """T_camera_world (4, 4), the world being the first camera."""
    first, own = room.pose(0), room.pose(_STRIDE * keyframe)
    return torch.from_numpy(np.linalg.inv(own) @ first)


def _no_change(device: torch.device) -> Tensor:
    return torch.zeros(2, dtype=torch.float64, device=device)


def _every_cell(camera: Pinhole, device: torch.device) -> Points:
    """A point in the middle of every cell of the depth grid; none of them is a corner."""
    cells = camera.level(GRID_LEVEL).grid(device).reshape(-1, 2)
    one = torch.ones(len(cells), device=device)
    pixels = (cells + 0.5) * (1 << GRID_LEVEL) - 0.5
    return Points(pixels, one, one, torch.ones_like(one, dtype=torch.bool), one, 0 * one, 0)


def _perturbed(
    problem: Problem, truth: Variables, exact: Tensor, seed: int
) -> tuple[Problem, Variables]:
    """Start off the ``truth``; ``exact`` (K, 1, h, w) is the true inverse depth of the grid."""
    rng = np.random.default_rng(seed)
    device = truth.T.device
    step = rng.normal(size=(problem.keyframes, 2, 3))
    step /= np.linalg.norm(step, axis=2, keepdims=True)
    step *= np.array([_POSITION, np.radians(_ROTATION)])[:, None]
    step[0] = 0.0
    T = se3.exp(torch.from_numpy(step.reshape(-1, 6)).to(device)) @ truth.T
    blobs = np.stack([_blobs(rng, exact.shape[2:]) for _ in range(problem.keyframes)])
    factor = torch.from_numpy(blobs)[:, None].to(device)
    cells = (problem.pixels + 0.5) / (1 << GRID_LEVEL) - 0.5
    depth = truth.inverse_depth * sample(factor, cells)[:, 0]
    inverse_depth_map = torch.cat([exact * factor, torch.full_like(exact, _KNOWN_SIGMA)], 1)
    information = (_PRIOR_SIGMA * depth) ** -2
    perturbed = replace(
        problem,
        prior_depth=depth,
        prior_information=information,
        inverse_depth_map=inverse_depth_map,
    )
    return perturbed, Variables(T, truth.affine, depth)


def _blobs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Factors (h, w) float32 that vary over an eighth of the width."""
    field = np.asarray(cv2.GaussianBlur(rng.normal(size=shape), (0, 0), shape[1] / 8))
    factors: np.ndarray = np.exp(field * (_DEPTH / np.median(np.abs(field))))
    return factors.astype(np.float32)
