"""The first keyframes of a local map: one with known depth, or two with two-view geometry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.slam.initialisation.scale_initialisation import has_metric_scale, initialise_scale
from denseba_ros.slam.initialisation.two_view_initialisation import (
    TwoViewInitialisation,
    TwoViewInitialiser,
)
from denseba_ros.slam.mapping.depth_initialisation import (
    initialise_from_triangulation,
    search_depth,
)
from denseba_ros.slam.mapping.keyframe_depth import KNOWN_SCALE
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.state.frame import Frame

INITIAL_ROUNDS = 4
"""Bundle adjustments of the first two keyframes, which are initialised from two views alone."""


@dataclass(frozen=True)
class NewMap:
    """A map that images can be tracked against. ``refine`` adjusts what two views alone say and
    returns the factor by which it rescaled the map; None where nothing is left to adjust."""

    mapper: LocalMapper
    refine: Callable[[], float] | None = None


class MapInitialiser:
    """Takes images until they suffice for a new map."""

    def __init__(self, two_view: TwoViewInitialiser, median_depth: float | None) -> None:
        """``median_depth`` of the map before, which the new map takes over; None: the depth
        prior's."""
        self._two_view = two_view
        self._median_depth = median_depth
        self._T_first = torch.eye(4, dtype=torch.float64)

    @property
    def reason(self) -> str:
        """Why there is no map yet."""
        return self._two_view.reason

    @property
    def median_depth(self) -> float:
        """Median depth that a new map is initialised with."""
        first = self._two_view.first
        if self._median_depth is not None or first is None:
            return self._median_depth or 1.0
        return float(torch.exp(first.frame.log_depth.median()))

    @property
    def T_image_world(self) -> Tensor | None:
        """T_camera_world (4, 4) of the newest image, approximate without parallax; None with too
        few corners."""
        motion: NDArray[np.float64] | None = self._two_view.motion
        if motion is None or self._two_view.first is None:
            return None
        T_image_first = torch.from_numpy(motion).to(self._T_first.device)
        T_image_first[:3, 3] *= self.median_depth
        return T_image_first @ self._T_first

    def process(
        self, image: Frame, T: Tensor, make_mapper: Callable[[], LocalMapper]
    ) -> NewMap | None:
        """A map with its first keyframe, or its first two, once the images suffice.

        ``T`` (4, 4) is T_camera_world of the image before, which a first image takes over.
        """
        # The depth model runs on the first image only, not on each until there is parallax.
        if has_known_depth((self._two_view.first or image).frame):
            mapper = make_mapper()
            mapper.add(image, T.to(image.frame.device), no_brightness_change(image.frame.device))
            return NewMap(mapper)
        initialisation = self._two_view.process(image)
        if self._two_view.first is image:
            self._T_first = T
        if initialisation is None:
            return None
        mapper = make_mapper()
        _add_two_views(mapper, initialisation, image, self._T_first, self.median_depth)
        frames = (initialisation.first.frame, image.frame)
        return NewMap(mapper, lambda: _refine(mapper, frames))


def has_known_depth(frame: FrontendFrame) -> bool:
    """Whether the depth model is certain enough to initialise a map from one image."""
    return float(frame.log_depth_sigma.median()) < KNOWN_SCALE


def no_brightness_change(device: torch.device) -> Tensor:
    """Brightness (2,) float64 of a first keyframe: log gain zero, offset zero."""
    return torch.zeros(2, dtype=torch.float64, device=device)


def _add_two_views(
    mapper: LocalMapper,
    initialisation: TwoViewInitialisation,
    image: Frame,
    T_first: Tensor,
    median_depth: float,
) -> None:
    """Make two keyframes.

    ``T_first`` (4, 4): T_camera_world of the first; ``median_depth`` gives the scale of its
    triangulated points, until a depth model with a metric scale corrects it.
    """
    device, solution = image.frame.device, initialisation.solution
    depth = torch.from_numpy(solution.depth[solution.ok]).to(device, torch.float32)
    factor = median_depth / float(depth.median())
    T_second_first = torch.from_numpy(solution.T_second_first).to(device)
    T_second_first[:3, 3] *= factor
    T_first = T_first.to(device)
    first = mapper.add(initialisation.first, T_first, no_brightness_change(device))
    pixels = torch.from_numpy(initialisation.corners[solution.ok]).to(device)
    initialise_from_triangulation(first, pixels, 1.0 / (depth * factor))
    second = mapper.add(image, T_second_first @ T_first, no_brightness_change(device))
    search_depth(mapper.camera, first, [second])


def _refine(mapper: LocalMapper, frames: tuple[FrontendFrame, FrontendFrame]) -> float:
    """Adjust the two keyframes of ``frames`` and take the depth model's scale over, if it has one;
    the factor of that."""
    for _ in range(INITIAL_ROUNDS):
        mapper.adjust(mapper.config.backend.iterations)
    if not all(has_metric_scale(frame) for frame in frames):
        return 1.0
    return initialise_scale(mapper.window, [frame.log_depth[0, 0] for frame in frames])
