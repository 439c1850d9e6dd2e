"""Accuracy and time of the minimal solvers' forward pass against other libraries."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from denseba_ros.benchmark.solvers.minimal_problems import (
    Problems,
    five_point_problems,
    nearest,
    p3p_problems,
    registration_problems,
)
from denseba_ros.benchmark.timing import measure
from denseba_ros.solvers.five_point import five_point, homogeneous
from denseba_ros.solvers.p3p import p3p
from denseba_ros.solvers.registration import register, rigid
from denseba_ros.solvers.solutions import Solutions

_FOUND = 1e-6
# Libraries that solve one sample a call get this many of the samples at most.
_ONE_BY_ONE = 2000

Call = Callable[..., Solutions]


@dataclass(frozen=True)
class AccuracyResult:
    """Microseconds a sample, share of samples whose true solution was missed by more than 1e-6
    (Frobenius norm), and the median and 99th percentile of the distance to it."""

    problem: str
    solver: str
    microseconds: float
    missed: float
    median: float
    p99: float


def run_accuracy(samples: int, device: torch.device, repeat: int) -> list[AccuracyResult]:
    """Every solver that is installed, on the same samples."""
    results = []
    for problem, make, either_sign, solvers in _cases():
        problems = make(samples)
        for name, call, batched in solvers:
            place = device if name == "denseba" else torch.device("cpu")
            count = samples if batched else min(samples, _ONE_BY_ONE)
            data = tuple(d[:count].to(place) for d in problems.data)
            timing = measure(lambda c=call, d=data: c(*d), place, repeat, name)  # type: ignore[misc]
            found = Solutions(*(x.cpu() for x in call(*data)))
            _, distance = nearest(found, problems.truth[:count], either_sign)
            results.append(
                AccuracyResult(
                    problem,
                    name,
                    1e6 * timing.median / count,
                    float((distance > _FOUND).double().mean()),
                    float(distance.median()),
                    float(distance.quantile(0.99, interpolation="lower")),
                )
            )
    return results


def _cases() -> list[tuple[str, Callable[..., Problems], bool, list[tuple[str, Call, bool]]]]:
    """Problem, its maker, whether the sign is open, and (name, call, in batches) of each solver."""
    five: list[tuple[str, Call, bool]] = [
        ("denseba", five_point, True),
        ("OpenCV", _opencv_five_point, False),
    ]
    three: list[tuple[str, Call, bool]] = [
        ("denseba", p3p, True),
        ("OpenCV", _opencv_p3p, False),
    ]
    if _installed("poselib"):
        five.append(("poselib", _poselib_five_point, False))
        three.append(("poselib", _poselib_p3p, False))
    if _installed("kornia"):
        five.append(("kornia", _kornia_five_point, True))
    exact: list[tuple[str, Call, bool]] = [("denseba", register, True)]
    return [
        ("five points", five_point_problems, True, five),
        ("P3P", p3p_problems, False, three),
        ("registration", _exact_registration, False, exact),
    ]


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _exact_registration(count: int) -> Problems:
    problems = registration_problems(count, number=3)
    p = problems.data[0]
    T = problems.truth
    return Problems((p, p @ T[:, :3, :3].mT + T[:, None, :3, 3]), T)


def _collect(found: list[np.ndarray], most: int) -> Solutions:
    """Lists of matrices (k, n, n) as padded solutions."""
    shape = found[0].shape[1:]
    values = torch.zeros(len(found), most, *shape, dtype=torch.float64)
    ok = torch.zeros(len(found), most, dtype=torch.bool)
    for row, matrices in enumerate(found):
        k = min(len(matrices), most)
        values[row, :k] = torch.from_numpy(np.asarray(matrices[:k]))
        ok[row, :k] = True
    return Solutions(values, ok)


def _unit(E: np.ndarray | None) -> np.ndarray:
    """Stacked essential matrices (3 k, 3) as (k, 3, 3) of length one."""
    if E is None or not E.size:
        return np.zeros((0, 3, 3))
    E = E.reshape(-1, 3, 3)
    unit: np.ndarray = E / np.linalg.norm(E, axis=(1, 2), keepdims=True)
    return unit


def _opencv_five_point(first: Tensor, second: Tensor) -> Solutions:
    eye = np.eye(3)
    pairs = zip(first.numpy(), second.numpy(), strict=True)
    return _collect(
        [_unit(cv2.findEssentialMat(a, b, eye, method=cv2.RANSAC)[0]) for a, b in pairs], 10
    )


def _poselib_five_point(first: Tensor, second: Tensor) -> Solutions:
    poselib: Any = importlib.import_module("poselib")
    a, b = (F.normalize(homogeneous(x), dim=-1).numpy() for x in (first, second))
    solved = (poselib.essential_matrix_5pt(x, y) for x, y in zip(a, b, strict=True))
    return _collect([_unit(np.array(E)) for E in solved], 10)


def _kornia_five_point(first: Tensor, second: Tensor) -> Solutions:
    epipolar: Any = importlib.import_module("kornia.geometry.epipolar")
    E = epipolar.find_essential(first, second)
    return Solutions(E.nan_to_num(0.0), torch.isfinite(E).flatten(2).all(-1))


def _opencv_p3p(points: Tensor, rays: Tensor) -> Solutions:
    places = np.ascontiguousarray((rays[..., :2] / rays[..., 2:]).numpy())
    found = []
    for X, x in zip(points.numpy(), places, strict=True):
        _, turns, shifts = cv2.solveP3P(X, x, np.eye(3), None, flags=cv2.SOLVEPNP_AP3P)
        poses = [
            np.column_stack([cv2.Rodrigues(r)[0], t]) for r, t in zip(turns, shifts, strict=True)
        ]
        found.append(_square(poses))
    return _collect(found, 4)


def _poselib_p3p(points: Tensor, rays: Tensor) -> Solutions:
    poselib: Any = importlib.import_module("poselib")
    directions = F.normalize(rays, dim=-1).numpy()
    pairs = zip(directions, points.numpy(), strict=True)
    return _collect([_square([pose.Rt for pose in poselib.p3p(f, X)]) for f, X in pairs], 4)


def _square(poses: list[np.ndarray]) -> np.ndarray:
    """Poses (3, 4) as (k, 4, 4)."""
    top = torch.from_numpy(np.array(poses).reshape(-1, 3, 4))
    return rigid(top[..., :3], top[..., 3]).numpy()
