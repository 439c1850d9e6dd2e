"""The first keyframes of a local map: one with known depth, or two with two-view geometry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.slam.initialisation.approximate_pose import ApproximatePose
from denseba_ros.slam.initialisation.scale_initialisation import has_metric_scale, initialise_scale
from denseba_ros.slam.initialisation.two_view_initialisation import (
    TwoViewInitialisation,
    TwoViewInitialiser,
)
from denseba_ros.slam.mapping.depth_initialisation import (
    initialise_from_triangulation,
    search_depth,
)
from denseba_ros.slam.mapping.keyframe_depth import KNOWN_SCALE, cells_of
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.state.frame import Frame

INITIAL_ROUNDS = 8
"""Bundle adjustments of the first two keyframes, which are initialised from two views alone."""


@dataclass(frozen=True)
class NewMap:
    """A map of its own ``mapper``: ``create`` makes its first keyframes, which images can be
    tracked against. ``refine`` adjusts what two views alone say and returns the factor by which it
    rescaled the map; None: there is nothing to adjust."""

    mapper: LocalMapper
    create: Callable[[], object]
    refine: Callable[[], float] | None = None

    def create_and_refine(self) -> float:
        """Both; the factor of ``refine``."""
        self.create()
        return 1.0 if self.refine is None else self.refine()


class MapInitialiser:
    """Takes images until they suffice for a new map, and goes on until two views have refined it.

    A depth model that knows anything gives a map from the first image on. Its scale is the map's,
    and its shape is replaced by what two views show once there is parallax. Without a model there
    is no map before. ``needs_two_views`` is false where the model is certain enough by itself.
    """

    def __init__(self, two_view: TwoViewInitialiser, median_depth: float | None) -> None:
        """``median_depth`` of the map before, which the new map takes over; None: the depth
        prior's."""
        self._two_view = two_view
        self._median_depth = median_depth
        self._model_depth: float | None = None
        self.needs_two_views = True

    @property
    def reason(self) -> str:
        """Why there is no map yet."""
        return self._two_view.reason

    @property
    def pose(self) -> ApproximatePose | None:
        """Of the newest image, without a map; None before the first."""
        return self._two_view.pose

    @property
    def median_depth(self) -> float:
        """Median depth that a new map is initialised with."""
        return self._median_depth or self._model_depth or 1.0

    def process(
        self, image: Frame, T: Tensor, make_mapper: Callable[[], LocalMapper]
    ) -> NewMap | None:
        """A map with its first keyframe, or its first two, once the images suffice.

        ``T`` (4, 4) is T_camera_world of ``image`` as predicted.
        """
        # A network runs on the first image only, not on each until there is parallax.
        if self._model_depth is None or image.frame.depth.is_measured:
            self._model_depth = float(torch.exp(image.frame.log_depth.median()))
            if has_metric_scale(image.frame):
                self.needs_two_views = not has_known_depth(image.frame)
                self._two_view.process(image, T, self.median_depth)
                mapper, device = make_mapper(), image.frame.device
                affine = no_brightness_change(device)
                return NewMap(mapper, lambda: mapper.add(image, T.to(device), affine))
        found = self._two_view.process(image, T, self.median_depth)
        return None if found is None else self._two_views(found, image, make_mapper)

    def refine(
        self, image: Frame, T: Tensor, make_mapper: Callable[[], LocalMapper]
    ) -> NewMap | None:
        """Another map, from two views, in place of that from the depth model alone, once there is
        parallax; ``T`` (4, 4) is T_camera_world of ``image`` as it was tracked."""
        found = self._two_view.process(image, T, self.median_depth, is_tracked=True)
        return None if found is None else self._two_views(found, image, make_mapper)

    def _two_views(
        self, found: TwoViewInitialisation, image: Frame, make_mapper: Callable[[], LocalMapper]
    ) -> NewMap:
        mapper, frames = make_mapper(), (found.first.frame, image.frame)
        return NewMap(
            mapper,
            lambda: _add_two_views(mapper, found, image, self.median_depth),
            lambda: _refine(mapper, frames),
        )


def has_known_depth(frame: FrontendFrame) -> bool:
    """Whether the depth model is certain enough for a map from one image alone."""
    return frame.median_depth_sigma < KNOWN_SCALE


def no_brightness_change(device: torch.device) -> Tensor:
    """Brightness (2,) float64 of a first keyframe: log gain zero, offset zero."""
    return torch.zeros(2, dtype=torch.float64, device=device)


def _add_two_views(
    mapper: LocalMapper, found: TwoViewInitialisation, image: Frame, median_depth: float
) -> None:
    """Make two keyframes at the scale of the depth model in the first or, without one, with
    ``median_depth``."""
    device, solution = image.frame.device, found.solution
    pixels = torch.from_numpy(found.corners[solution.ok]).to(device)
    depth = torch.from_numpy(solution.depth[solution.ok]).to(device, torch.float32)
    factor = median_depth / float(depth.median())
    if has_metric_scale(found.first.frame):
        log_depth = found.first.frame.log_depth[0, 0]
        cells = cells_of(pixels, (log_depth.shape[0], log_depth.shape[1]))
        ratios = log_depth[cells[:, 1], cells[:, 0]] - torch.log(depth)
        factor = float(torch.exp(ratios.median()))
    T_second_first = torch.from_numpy(solution.T_second_first).to(device)
    T_second_first[:3, 3] *= factor
    T_first = found.T_first.to(device)
    first = mapper.add(found.first, T_first, no_brightness_change(device))
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
