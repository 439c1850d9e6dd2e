"""The problem as the CPU kernel's loops read it: plain arrays and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.backend.kernels.cpu_arrays import Camera, PairInput, Scales
from denseba_ros.backend.kernels.cpu_loops import PIXELS
from denseba_ros.backend.kernels.interface import linearisation_poses, relative_gains
from denseba_ros.backend.photometric import (
    BORDER,
    OCCLUDER_MAX_SIGMA,
    OCCLUSION_RATIO,
    PatchReference,
    relative_poses,
)
from denseba_ros.backend.problem import Problem, Variables
from denseba_ros.geometry.patch import PATTERN
from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO, Pinhole

_Floats = NDArray[np.float32]


def pair_input(
    problem: Problem,
    reference: PatchReference,
    variables: Variables,
    level: int,
    chain: Tensor,
) -> PairInput:
    """Views of the tensors, copied only where they are not contiguous, with ``chain`` as in
    NormalEquations.

    Raises:
        ValueError: when the tensors are not float32 on the CPU or patches have another pattern.
    """
    if reference.weight.shape[-1] != PIXELS:
        raise ValueError(f"patches have {reference.weight.shape[-1]} pixels, not {PIXELS}")
    return PairInput(
        images=_floats(problem.images[level]),
        inverse_depth_map=_floats(problem.inverse_depth_map),
        hosts=_array(problem.hosts),
        pattern=np.array(PATTERN, np.float32),
        pixels=_floats(problem.pixels),
        depth=_floats(variables.inverse_depth),
        brightness=_floats(reference.brightness),
        weight=_floats(reference.weight),
        usable=_array(reference.usable),
        valid=_array(problem.valid),
        observed=_floats(problem.observed),
        observed_ok=_array(problem.observed_ok),
        T=_floats(relative_poses(variables.T, problem.hosts).float()),
        T_first=_floats(linearisation_poses(problem, variables).float()),
        gain=_floats(relative_gains(problem, variables).float()),
        offset=_floats(variables.affine[:, 1].float()),
        chain=_floats(chain.float()),
        camera=_camera(problem.camera.level(level)),
        working=_camera(problem.camera),
        scales=_scales(problem, level),
    )


def blank_input() -> PairInput:
    """Input of the right dtypes without any points, to compile the loops for."""

    def floats(*shape: int) -> _Floats:
        return np.zeros(shape, np.float32)

    no = np.zeros((0, 0), np.bool_)
    one = Camera(*floats(4))
    return PairInput(
        images=floats(0, 3, 0, 0),
        inverse_depth_map=floats(0, 2, 0, 0),
        hosts=np.zeros(0, np.int64),
        pattern=floats(PIXELS, 2),
        pixels=floats(0, 0, 2),
        depth=floats(0, 0),
        brightness=floats(0, 0, PIXELS),
        weight=floats(0, 0, PIXELS),
        usable=no,
        valid=no,
        observed=floats(0, 0, 0, 2),
        observed_ok=np.zeros((0, 0, 0), np.bool_),
        T=floats(0, 0, 4, 4),
        T_first=floats(0, 0, 4, 4),
        gain=floats(0, 0),
        offset=floats(0),
        chain=floats(0, 0, 8, 8),
        camera=one,
        working=one,
        scales=Scales(*floats(len(Scales._fields))),
    )


def _scales(problem: Problem, level: int) -> Scales:
    noise = problem.noise
    values = (
        noise.intensity,
        noise.huber,
        noise.cutoff,
        noise.pixel,
        noise.pixel_cutoff,
        0.5**level,
        2.0 ** (level - problem.grid_level),
        BORDER,
        OCCLUSION_RATIO,
        OCCLUDER_MAX_SIGMA,
        MIN_DEPTH_RATIO,
    )
    return Scales(*(np.float32(value) for value in values))


def _camera(camera: Pinhole) -> Camera:
    return Camera(*(np.float32(v) for v in (camera.fx, camera.fy, camera.cx, camera.cy)))


def _array(tensor: Tensor) -> Any:
    return np.ascontiguousarray(tensor.detach().numpy())


def _floats(tensor: Tensor) -> _Floats:
    array: _Floats = _array(tensor)
    if array.dtype != np.float32:
        raise ValueError(f"the fused kernel works in float32, not {array.dtype}")
    return array
