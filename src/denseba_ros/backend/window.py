"""The sliding window: keyframes, their points and the bundle adjustment over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from denseba_ros.backend.photometric import PatchReference, cut_patches
from denseba_ros.backend.prior.gaussian_prior import GaussianPrior
from denseba_ros.backend.problem import Noise, Problem, Variables
from denseba_ros.backend.rotation_links import MeasuredTurn, RotationLinks
from denseba_ros.backend.solver.normal_equations import LinearSystem
from denseba_ros.geometry import se3
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole, Projection, project_by

# Least inverse depth that a median depth is told of.
_NEAREST_TO_INFINITY = 1e-6


@dataclass
class Points:
    """Points of one keyframe, the first ``corners`` of them corners.

    ``pixels`` (N, 2) working pixels; ``inverse_depth`` (N,); ``relative_sigma`` (N,) deviation of
    the inverse depth over itself; ``valid`` (N,) bool; ``prior_depth``, ``prior_information`` (N,).
    """

    pixels: Tensor
    inverse_depth: Tensor
    relative_sigma: Tensor
    valid: Tensor
    prior_depth: Tensor
    prior_information: Tensor
    corners: int

    @property
    def median_depth(self) -> float:
        """Median depth of the points in use; NaN where there is none."""
        return float(1.0 / self.inverse_depth[self.valid].median().clamp(min=_NEAREST_TO_INFINITY))


@dataclass
class WindowKeyframe:
    """One keyframe while it is being adjusted.

    ``grey`` for optical flow; ``pyramid`` per level (1, 3, h, w); ``T`` (4, 4)
    float64 T_camera_world; ``affine`` (2,) float64; ``inverse_depth_map`` (2, h, w) dense inverse
    depth and relative deviation, ``network_depth`` (2, h, w) the same as the frontend gave it,
    ``edges`` (2, h, w) smoothness weights; ``observed`` maps another keyframe's id to the pixels
    (F, 2) of this one's corners there and whether they are tracked. ``first_inverse_depth_map``
    (2, h, w) is the inverse depth map before the first adjustment. ``is_shape_known``: the
    network's depth is right but for factors that change slowly over the image. ``turn`` from the
    keyframe before, where a gyroscope measured it. ``patches`` by level: cut once, as neither the
    image nor the points' pixels change. ``misses`` (F,) or (): in how many newer keyframes in
    turn each corner was missed.
    """

    id: int
    stamp_ns: int
    grey: Grey
    pyramid: list[Tensor]
    T: Tensor
    affine: Tensor
    points: Points
    inverse_depth_map: Tensor
    network_depth: Tensor
    edges: Tensor
    observed: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    uses_first_estimate: bool = False
    first_inverse_depth_map: Tensor | None = None
    is_shape_known: bool = False
    turn: MeasuredTurn | None = None
    patches: dict[int, PatchReference] = field(default_factory=dict)
    misses: Tensor = field(default_factory=lambda: torch.tensor(0))

    def snapshot(self) -> WindowKeyframe:
        """A keyframe that keeps the present values: adjustment replaces tensors, it never writes
        into them."""
        return replace(self, points=replace(self.points), observed=dict(self.observed))

    def rescale(self, factor: float, centre: Tensor) -> None:
        """Let the world grow by ``factor`` about ``centre`` (3,): the pose, all depths, and their
        priors, that of the network included."""
        self.T = se3.rescaled(self.T, factor, centre)
        points = self.points
        points.inverse_depth = points.inverse_depth / factor
        points.prior_depth = points.prior_depth / factor
        points.prior_information = points.prior_information * factor**2
        self.inverse_depth_map = _rescaled_map(self.inverse_depth_map, factor)
        self.network_depth = _rescaled_map(self.network_depth, factor)
        if self.first_inverse_depth_map is not None:
            self.first_inverse_depth_map = _rescaled_map(self.first_inverse_depth_map, factor)


def seen_from(
    camera: Pinhole, host: WindowKeyframe, target: WindowKeyframe, count: int | None = None
) -> Projection:
    """The host's first ``count`` points (None: all) projected into the target."""
    rays = camera.rays(host.points.pixels[:count])
    T = target.T @ se3.inverse(host.T)
    return project_by(camera, rays, host.points.inverse_depth[:count], T)


@dataclass
class Window:
    """Keyframes oldest first, with the prior over them."""

    camera: Pinhole
    grid_level: int
    noise: Noise
    keyframes: list[WindowKeyframe] = field(default_factory=list)
    prior: GaussianPrior | None = None
    # By level, of the present keyframes.
    _images: dict[int, Tensor] = field(default_factory=dict)

    def problem(self, levels: set[int]) -> Problem:
        """Stack the keyframes into tensors for the solver, with the images of ``levels``."""
        frames = self.keyframes
        assert self.prior is not None
        device = frames[0].points.pixels.device
        observed, observed_ok = self._observed()
        return Problem(
            camera=self.camera,
            images={level: self._stacked_images(level) for level in levels},
            hosts=torch.arange(len(frames), device=device),
            pixels=torch.stack([k.points.pixels for k in frames]),
            valid=torch.stack([k.points.valid for k in frames]),
            prior_depth=torch.stack([k.points.prior_depth for k in frames]),
            prior_information=torch.stack([k.points.prior_information for k in frames]),
            observed=observed,
            observed_ok=observed_ok,
            inverse_depth_map=torch.stack([k.inverse_depth_map for k in frames]),
            grid_level=self.grid_level,
            pose_prior=self.prior,
            uses_first_estimate=torch.tensor(
                [k.uses_first_estimate for k in frames], device=device
            ),
            noise=self.noise,
            rotation_links=RotationLinks.stacked([k.turn for k in frames[1:]], device),
        )

    def _stacked_images(self, level: int) -> Tensor:
        """Images (K, 3, h, w) of all keyframes, kept until these change."""
        if level not in self._images:
            self._images[level] = torch.cat([k.pyramid[level] for k in self.keyframes])
        return self._images[level]

    def patches(self, level: int, hosts: Sequence[int] | None = None) -> PatchReference:
        """What ``patch_reference`` cuts for the points of ``hosts``, indices of keyframes; None:
        all of them."""
        indices = range(len(self.keyframes)) if hosts is None else hosts
        return PatchReference.joined([self._patches_of(self.keyframes[i], level) for i in indices])

    def _patches_of(self, keyframe: WindowKeyframe, level: int) -> PatchReference:
        if level not in keyframe.patches:
            points = keyframe.points
            only = torch.zeros(1, dtype=torch.long, device=points.pixels.device)
            given = (points.pixels[None], points.valid[None])
            keyframe.patches[level] = cut_patches(
                keyframe.pyramid[level], only, *given, level, self.noise
            )
        return keyframe.patches[level]

    def _observed(self) -> tuple[Tensor, Tensor]:
        """(K, K, F, 2) pixels of each host's corners in each keyframe and (K, K, F) whether
        tracked."""
        points, k = self.keyframes[0].points, len(self.keyframes)
        pixels = points.pixels.new_zeros(k, k, points.corners, 2)
        is_tracked = points.valid.new_zeros(k, k, points.corners)
        for i, host in enumerate(self.keyframes):
            for j, other in enumerate(self.keyframes):
                if other.id in host.observed:
                    pixels[i, j], is_tracked[i, j] = host.observed[other.id]
        return pixels, is_tracked

    def variables(self) -> Variables:
        """The current values of the unknowns."""
        return Variables(
            torch.stack([k.T for k in self.keyframes]),
            torch.stack([k.affine for k in self.keyframes]),
            torch.stack([k.points.inverse_depth for k in self.keyframes]),
        )

    def update(self, variables: Variables, system: LinearSystem) -> None:
        """Take over adjusted variables and the depths' uncertainty from the last system."""
        sigma = system.H_depth.clamp(min=1e-9).rsqrt()
        for i, keyframe in enumerate(self.keyframes):
            keyframe.T = se3.orthonormalised(variables.T[i])
            keyframe.affine = variables.affine[i]
            points = keyframe.points
            points.inverse_depth = variables.inverse_depth[i]
            relative_sigma = (sigma[i] / points.inverse_depth).clamp(max=10.0)
            # The deviation of points without an inlier in any keyframe is at least 100 %.
            seen = system.counts[i].any(0)
            for _, is_tracked in keyframe.observed.values():
                seen[: points.corners] |= is_tracked
            points.relative_sigma = torch.where(seen, relative_sigma, relative_sigma.clamp(min=1.0))

    def rescale(self, factor: float, about: int) -> None:
        """Let the world grow by ``factor`` about the camera of keyframe ``about``, with all
        keyframes and the prior."""
        centre = se3.inverse(self.keyframes[about].T)[:3, 3]
        for keyframe in self.keyframes:
            keyframe.rescale(factor, centre)
        if self.prior is not None:
            self.prior = self.prior.rescaled(factor, centre)

    def gauge_without(self, index: int) -> GaussianPrior:
        """The prior when keyframe ``index`` is dropped: the oldest other one fixes the gauge."""
        others = [k for i, k in enumerate(self.keyframes) if i != index]
        return GaussianPrior.gauge(
            torch.stack([k.T for k in others]), torch.stack([k.affine for k in others])
        )

    def append(self, keyframe: WindowKeyframe) -> None:
        """Add a keyframe; the first one fixes the gauge, others get no prior."""
        self.keyframes.append(keyframe)
        self._images.clear()
        if self.prior is None:
            T, affine = keyframe.T[None], keyframe.affine[None]
            self.prior = GaussianPrior.gauge(T, affine)
            keyframe.uses_first_estimate = True
        else:
            self.prior = self.prior.extended(keyframe.T, keyframe.affine)

    def remove(self, index: int, prior: GaussianPrior) -> WindowKeyframe:
        """Take out keyframe ``index`` and return it; ``prior`` is that of the other frames."""
        gone = self.keyframes.pop(index)
        gone.patches.clear()
        self._images.clear()
        for keyframe in self.keyframes:
            keyframe.observed.pop(gone.id, None)
            keyframe.uses_first_estimate = True
        if index < len(self.keyframes):
            self.keyframes[index].turn = None  # its link to the gone one is a part of the prior
        self.prior = prior
        return gone


def _rescaled_map(grids: Tensor, factor: float) -> Tensor:
    """Inverse depth and relative deviation (2, h, w) in a world ``factor`` times as large."""
    return torch.stack([grids[0] / factor, grids[1]])
