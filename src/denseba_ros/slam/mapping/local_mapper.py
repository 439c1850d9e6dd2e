"""The map side of the loop: new keyframes, adjustment of the window, marginalisation."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import edge_weights
from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.point_selection import select_points
from denseba_ros.backend.prior.marginalisation import marginalise
from denseba_ros.backend.problem import Noise
from denseba_ros.backend.solver.bundle_adjustment import Adjusted
from denseba_ros.backend.solver.cuda_graph import GraphedAdjustment
from denseba_ros.backend.solver.lbfgs import adjust_lbfgs
from denseba_ros.backend.window import Points, Window, WindowKeyframe
from denseba_ros.config import Config
from denseba_ros.device import pick_device
from denseba_ros.frontend.features.optical_flow import corner_spacing
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.mapping.depth_initialisation import start_depth
from denseba_ros.slam.mapping.keyframe_depth import GRID_LEVEL, refresh_surfaces
from denseba_ros.slam.mapping.keyframe_selection import least_useful
from denseba_ros.slam.mapping.track_propagation import HandedOn, hand_on, match_back, new_corners
from denseba_ros.slam.mapping.triangulation import triangulate
from denseba_ros.slam.state.frame import PreparedFrame

LEVELS = {"coarse": 2, "fine": 1}
# Levenberg-Marquardt damping, relative to the diagonal.
DAMPING = 1e-4


class Mapper:
    """Owns the window."""

    def __init__(
        self, config: Config, camera: Pinhole, noise: Noise, kernel: PairKernel = TORCH_KERNEL
    ) -> None:
        self.config = config
        self.camera = camera
        self._kernel = kernel
        self._adjust = GraphedAdjustment.on(pick_device(config.device), DAMPING, kernel)
        self.window = Window(camera, GRID_LEVEL, noise)
        self._next_id = 0
        self.last: Adjusted | None = None

    @property
    def keyframes(self) -> list[WindowKeyframe]:
        return self.window.keyframes

    def add(self, image: PreparedFrame, T: Tensor, affine: Tensor) -> WindowKeyframe:
        """New keyframe at T_camera_world with depth carried over, searched and matched."""
        count = self.config.tracker.features
        spacing = corner_spacing(image.grey, count)
        handed = hand_on(self.camera, self.keyframes, self._next_id, image.grey, T, count, spacing)
        keyframe = self.make_keyframe(image, T, affine, handed)
        start_depth(self.camera, keyframe, self.keyframes, handed)
        match_back(self.camera, keyframe, self.keyframes, handed)
        if self.keyframes:
            triangulate(self.camera, keyframe, self.keyframes)
            refresh_surfaces([keyframe])
        self.window.append(keyframe)
        return keyframe

    def resume(self, keyframe: WindowKeyframe) -> None:
        """Begin the window with a keyframe of an earlier one, as it was."""
        keyframe.observed.clear()
        self.window.append(keyframe)
        self._next_id = max(self._next_id, keyframe.id + 1)

    def make_keyframe(
        self, image: PreparedFrame, T: Tensor, affine: Tensor, handed: HandedOn | None = None
    ) -> WindowKeyframe:
        """A keyframe with its points chosen, of which no depth is known yet."""
        slots = self.config.tracker.features
        spacing = corner_spacing(image.grey, slots)
        corners = new_corners(image.grey, slots, spacing, handed).to(image.frame.device)
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
            surface=torch.ones_like(edges),
            network_depth=torch.stack(
                [torch.exp(-image.frame.log_depth[0, 0]), image.frame.log_depth_sigma[0, 0]]
            ),
            edges=edges,
        )
        self._next_id += 1
        return keyframe

    def adjust(self, levels: tuple[str, ...]) -> Adjusted:
        """Bundle adjustment of the window; levels by name, in order."""
        numbers = tuple(LEVELS[name] for name in levels)
        problem = self.window.problem(set(numbers))
        for keyframe in self.keyframes:
            if keyframe.first_surface is None:
                keyframe.first_surface = keyframe.surface
        if self.config.backend.solver == "lbfgs":
            result = adjust_lbfgs(problem, self.window.variables(), numbers)
        else:
            result = self._adjust(problem, self.window.variables(), numbers)
        self.window.update(result.variables, result.system)
        refresh_surfaces(self.keyframes)
        self.last = result
        return result

    def shrink(self) -> list[WindowKeyframe]:
        """Marginalise until the window has its size again; the keyframes that left."""
        gone = []
        while len(self.keyframes) > self.config.backend.window:
            index = least_useful(self.camera, self.keyframes)
            if self.config.backend.marginalisation == "prior":
                level = LEVELS["fine"]
                problem = self.window.problem({level})
                variables = self.window.variables()
                prior = marginalise(problem, variables, index, level, self._kernel)
            else:
                prior = self.window.gauge_without(index)
            gone.append(self.window.remove(index, prior))
        return gone
