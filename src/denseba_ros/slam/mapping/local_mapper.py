"""The local map: creates keyframes, adjusts the window, marginalises."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import edge_weights
from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.point_selection import select_points
from denseba_ros.backend.prior.marginalisation import marginalise
from denseba_ros.backend.problem import Noise
from denseba_ros.backend.solver.bundle_adjustment import BundleAdjustmentResult
from denseba_ros.backend.solver.cuda_graph import CapturedBundleAdjustment
from denseba_ros.backend.solver.lbfgs import adjust_lbfgs
from denseba_ros.backend.window import Points, Window, WindowKeyframe
from denseba_ros.config import Config
from denseba_ros.device import pick_device
from denseba_ros.frontend.features.optical_flow import corner_spacing
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.inertial.inertial_map import InertialMap
from denseba_ros.slam.mapping.depth_initialisation import initialise_depth
from denseba_ros.slam.mapping.keyframe_depth import (
    GRID_LEVEL,
    has_known_shape,
    update_depth_maps,
)
from denseba_ros.slam.mapping.keyframe_selection import select_for_marginalisation
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.mapping.track_propagation import (
    PropagatedTracks,
    new_corners,
    propagate_tracks,
    track_back,
)
from denseba_ros.slam.mapping.triangulation import triangulate
from denseba_ros.slam.state.frame import Frame

LEVELS = {"coarse": 2, "fine": 1}
# Levenberg-Marquardt damping, relative to the diagonal.
DAMPING = 1e-4


class LocalMapper:
    """Owns the window of keyframes; ``last`` is the result of the last bundle adjustment."""

    def __init__(
        self,
        config: Config,
        camera: Pinhole,
        noise: Noise,
        kernel: PairKernel = TORCH_KERNEL,
        inertial: InertialMap | None = None,
    ) -> None:
        """``camera`` of level 0; ``noise`` of the residuals; ``kernel`` forms the normal equations;
        ``inertial``: what an IMU says of the map.

        Raises:
            ConfigurationError: when ``config.device`` is not there.
        """
        self.config = config
        self.camera = camera
        self._kernel = kernel
        self._adjust = CapturedBundleAdjustment.on(pick_device(config.device), DAMPING, kernel)
        self.window = Window(camera, GRID_LEVEL, noise)
        self._next_id = 0
        self._inertial = inertial
        self.last: BundleAdjustmentResult | None = None

    @property
    def keyframes(self) -> list[WindowKeyframe]:
        """Keyframes of the window, oldest first."""
        return self.window.keyframes

    def add(
        self, image: Frame, T: Tensor, affine: Tensor, is_metric: bool = True
    ) -> WindowKeyframe:
        """Add a keyframe: propagate tracks, initialise and triangulate its depth.

        Args:
            image: the frame.
            T: T_camera_world (4, 4) float64.
            affine: (2,) float64 brightness (log gain, offset in grey levels).
            is_metric: whether the map's unit is the metre, as far as anything told it.
        """
        count = self.config.tracker.features
        spacing = corner_spacing(image.grey, count)
        propagated = propagate_tracks(
            self.camera, self.keyframes, self._next_id, image.grey, T, count, spacing
        )
        keyframe = self.make_keyframe(image, T, affine, propagated)
        initialise_depth(self.camera, keyframe, self.keyframes, propagated, is_metric)
        track_back(self.camera, keyframe, self.keyframes, propagated)
        if self.keyframes:
            triangulate(self.camera, keyframe, self.keyframes)
            update_depth_maps([keyframe])
        if self._inertial is not None and self.keyframes:
            last = self.keyframes[-1]
            R = (T[:3, :3] @ last.T[:3, :3].mT).cpu().numpy()
            keyframe.turn = self._inertial.turn(last.stamp_ns, keyframe.stamp_ns, R)
        self.window.append(keyframe)
        return keyframe

    def reseed(self, keyframe: WindowKeyframe) -> None:
        """Initialise an empty window with a keyframe of an earlier one, as it was."""
        keyframe.observed.clear()
        keyframe.turn = None
        self.window.append(keyframe)
        self._next_id = max(self._next_id, keyframe.id + 1)

    def make_keyframe(
        self, image: Frame, T: Tensor, affine: Tensor, propagated: PropagatedTracks | None = None
    ) -> WindowKeyframe:
        """A keyframe with selected points whose depth is not initialised yet.

        ``T`` (4, 4) T_camera_world; ``affine`` (2,); ``propagated``: its first corners.
        """
        slots = self.config.tracker.features
        spacing = corner_spacing(image.grey, slots)
        corners = new_corners(image.grey, slots, spacing, propagated).to(image.frame.device)
        count = slots + self.config.backend.points
        pixels, used = select_points(image.pyramid, corners, slots, count)
        one = torch.ones(len(pixels), device=image.frame.device)
        edges = edge_weights(image.pyramid[GRID_LEVEL][0, 0])
        keyframe = WindowKeyframe(
            id=self._next_id,
            stamp_ns=image.frame.stamp_ns,
            grey=image.grey,
            pyramid=image.pyramid,
            T=T,
            affine=affine,
            points=Points(pixels, one, one.clone(), used, one.clone(), 0 * one, slots),
            inverse_depth_map=torch.ones_like(edges),
            network_depth=torch.stack(
                [torch.exp(-image.frame.log_depth[0, 0]), image.frame.log_depth_sigma[0, 0]]
            ),
            edges=edges,
            is_shape_known=has_known_shape(image.frame.log_depth_sigma[0, 0]),
        )
        self._next_id += 1
        return keyframe

    def adjust(self, levels: tuple[str, ...]) -> BundleAdjustmentResult:
        """Bundle adjustment of the window: one iteration per entry of ``levels``, each "coarse" or
        "fine", in order. Updates poses, points and inverse depth maps."""
        numbers = tuple(LEVELS[name] for name in levels)
        problem = self.window.problem(set(numbers))
        for keyframe in self.keyframes:
            if keyframe.first_inverse_depth_map is None:
                keyframe.first_inverse_depth_map = keyframe.inverse_depth_map
        if self.config.backend.solver == "lbfgs":
            result = adjust_lbfgs(problem, self.window.variables(), numbers)
        else:
            references = {level: self.window.patches(level) for level in set(numbers)}
            result = self._adjust(problem, self.window.variables(), numbers, references)
        self.window.update(result.variables, result.system)
        update_depth_maps(self.keyframes)
        self.last = result
        return result

    def marginalise(self) -> list[WindowKeyframe]:
        """Marginalise until the window has its configured size; returns the removed keyframes."""
        removed = []
        while len(self.keyframes) > self.config.backend.window:
            index = select_for_marginalisation(self.camera, self.keyframes)
            if self.config.backend.marginalisation == "prior":
                level = LEVELS["fine"]
                problem = self.window.problem({level})
                variables = self.window.variables()
                patches = self.window.patches(level, [index])
                prior = marginalise(problem, variables, index, level, self._kernel, patches)
            else:
                prior = self.window.gauge_without(index)
            removed.append(self.window.remove(index, prior))
        return removed

    def snapshot(self) -> LocalMap:
        """The window as it is now."""
        motion = None if self._inertial is None else self._inertial.motion
        return LocalMap(self.camera, [k.snapshot() for k in self.keyframes], motion)

    def follow_inertially(self, growth: float) -> None:
        """Compare the window with the IMU, if there is one, after it grew by ``growth`` about its
        newest keyframe."""
        if self._inertial is not None:
            depth = self.keyframes[-1].points.median_depth
            self._inertial.update(self.snapshot().poses(), growth, depth)
