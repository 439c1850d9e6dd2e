"""The map side of the loop: new keyframes, their first depth, adjustment, marginalisation."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.backend.adjustment import Adjusted, adjust
from denseba_ros.backend.lbfgs import adjust_lbfgs
from denseba_ros.backend.marginalisation import marginalise
from denseba_ros.backend.point_selection import select_points
from denseba_ros.backend.problem import Noise
from denseba_ros.backend.surface import edge_weights, fill, scatter_points
from denseba_ros.backend.window import Points, Window, WindowKeyframe
from denseba_ros.config import Config
from denseba_ros.frontend.epipolar_search import search
from denseba_ros.frontend.flow import detect_corners, track
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole, project
from denseba_ros.geometry.pyramid import inside

GRID_LEVEL = 2
LEVELS = {"coarse": 2, "fine": 1}
_SEARCH_LEVEL = 1
# Depth carried over from other keyframes is trusted this much less.
_CARRIED_FACTOR, _CARRIED_FLOOR = 1.5, 0.03
# Relative deviation of the depth prior that holds points about which nothing else is known.
_DAMPING_SIGMA = 0.5
# The new keyframe's corners are looked for in so many of the newest others; theirs in it, in all.
_MATCHED_BACK = 3
# Levenberg-Marquardt damping, relative to the diagonal.
_DAMPING = 1e-4
# Points better known than this are not searched again.
_KNOWN = 0.08


class Mapper:
    """Owns the window."""

    def __init__(self, config: Config, camera: Pinhole, noise: Noise) -> None:
        self.config = config
        self.camera = camera
        self.window = Window(camera, GRID_LEVEL, noise)
        self._next_id = 0
        self.last: Adjusted | None = None

    @property
    def keyframes(self) -> list[WindowKeyframe]:
        return self.window.keyframes

    def add(
        self,
        frame: FrontendFrame,
        grey: NDArray[np.uint8],
        pyramid: list[Tensor],
        T: Tensor,
        affine: Tensor,
    ) -> WindowKeyframe:
        """New keyframe at T_camera_world with depth carried over, searched and matched."""
        keyframe = self._new_keyframe(frame, grey, pyramid, T, affine)
        self._start_depth(keyframe, frame)
        self.window.append(keyframe)
        self._match(keyframe)
        return keyframe

    def adjust(self, levels: tuple[str, ...]) -> Adjusted:
        """Bundle adjustment of the window; levels by name, in order."""
        numbers = tuple(LEVELS[name] for name in levels)
        problem = self.window.problem(set(numbers))
        if self.config.backend.solver == "lbfgs":
            result = adjust_lbfgs(problem, self.window.variables(), numbers)
        else:
            result = adjust(problem, self.window.variables(), numbers, damping=_DAMPING)
        self.window.update(result.variables, result.system)
        for keyframe in self.keyframes:
            self._drop_outliers(keyframe, result)
            self.refresh_surface(keyframe)
        self.last = result
        return result

    def shrink(self) -> list[WindowKeyframe]:
        """Marginalise until the window has its size again; the keyframes that left."""
        gone = []
        while len(self.keyframes) > self.config.backend.window:
            index = self._least_useful()
            level = LEVELS["fine"]
            problem = self.window.problem({level})
            variables = self.window.variables()
            if self.config.backend.marginalisation == "prior":
                prior = marginalise(problem, variables, index, level)
            else:
                prior = self.window.gauge_without(index)
            gone.append(self.window.remove(index, prior))
        return gone

    def _new_keyframe(
        self,
        frame: FrontendFrame,
        grey: NDArray[np.uint8],
        pyramid: list[Tensor],
        T: Tensor,
        affine: Tensor,
    ) -> WindowKeyframe:
        slots = self.config.tracker.features
        found = detect_corners(grey, slots)
        corners = torch.from_numpy(found).to(frame.device)
        pixels, used = select_points(pyramid, corners, slots, slots + self.config.backend.points)
        depth = torch.ones(len(pixels), device=frame.device)
        points = Points(pixels, depth, depth.clone(), used, depth.clone(), 0 * depth, slots)
        edges = edge_weights(pyramid[GRID_LEVEL][0, 0])
        surface = torch.stack([torch.ones_like(edges[0])] * 2)
        keyframe = WindowKeyframe(
            self._next_id, frame.stamp_ns, grey, pyramid, T, affine, points, surface, edges
        )
        self._next_id += 1
        return keyframe

    def _start_depth(self, keyframe: WindowKeyframe, frame: FrontendFrame) -> None:
        """First depth: what the network says, what other keyframes carry over, then search."""
        prior = torch.exp(-frame.log_depth[0, 0])
        sigma = frame.log_depth_sigma[0, 0]
        if self.keyframes:
            value, weight = self._carry_over(keyframe)
            scale = _median_scale(value, weight, prior)
            surface = fill(value, weight, keyframe.edges)
            known = surface[1] < sigma
            prior = torch.where(known, surface[0], prior * scale)
            sigma = torch.where(known, surface[1], sigma)
        self._take_surface(keyframe, torch.stack([prior, sigma]))
        if self.keyframes:
            self.search_depth(keyframe, self.keyframes)

    def _take_surface(self, keyframe: WindowKeyframe, surface: Tensor) -> None:
        """Points start from the dense surface at their cell."""
        keyframe.surface = surface
        cells = _cells(keyframe.points.pixels, surface.shape[1:])
        values = surface[:, cells[:, 1], cells[:, 0]]
        points = keyframe.points
        points.inverse_depth = values[0].contiguous()
        points.relative_sigma = values[1].contiguous()
        self._hold(points)

    def _hold(self, points: Points) -> None:
        """A wide prior around the present depth, so that unseen points do not run away."""
        points.prior_depth = points.inverse_depth.clone()
        points.prior_information = (_DAMPING_SIGMA * points.inverse_depth) ** -2

    def seed(self, keyframe: WindowKeyframe, pixels: Tensor, inverse_depth: Tensor) -> None:
        """Start the first keyframe from triangulated corners: pixels (M, 2), depths (M,)."""
        shape = (keyframe.surface.shape[1], keyframe.surface.shape[2])
        sigma = torch.full_like(inverse_depth, 0.1)
        value, weight = scatter_points(
            _cells(pixels, shape), inverse_depth, sigma, inverse_depth > 0, shape
        )
        surface = fill(value, weight, keyframe.edges)
        surface[1] = surface[1].clamp(min=0.2)
        self._take_surface(keyframe, surface)

    def _carry_over(self, keyframe: WindowKeyframe) -> tuple[Tensor, Tensor]:
        """Points of all keyframes seen from the new one: mean (h, w) and weight (h, w)."""
        cells, depth, sigma, ok = [], [], [], []
        shape = keyframe.surface.shape[1:]
        for other in self.keyframes:
            T = (keyframe.T @ se3.inverse(other.T)).float()
            points = other.points
            p = project(
                self.camera,
                self.camera.rays(points.pixels),
                points.inverse_depth,
                T[None, :3, :3],
                T[None, :3, 3],
            )
            seen = points.valid & p.in_front & (points.relative_sigma < 0.3)
            seen &= inside(p.pixels, self.camera.width, self.camera.height, 0.0)
            cells.append(_cells(p.pixels, shape))
            depth.append(p.inverse_depth)
            sigma.append(points.relative_sigma * _CARRIED_FACTOR + _CARRIED_FLOOR)
            ok.append(seen)
        return scatter_points(
            torch.cat(cells),
            torch.cat(depth),
            torch.cat(sigma),
            torch.cat(ok),
            (shape[0], shape[1]),
        )

    def search_depth(self, keyframe: WindowKeyframe, others: list[WindowKeyframe]) -> None:
        """Epipolar search for the points that are not well known yet."""
        points = keyframe.points
        wanted = (points.valid & (points.relative_sigma > _KNOWN)).nonzero()[:, 0]
        others = others[-3:]
        if len(wanted) == 0 or not others:
            return
        scale = 1.0 / (1 << _SEARCH_LEVEL)
        d, s = points.inverse_depth[wanted], points.relative_sigma[wanted]
        median = points.inverse_depth[points.valid].median()
        low = torch.where(s > 0.3, 0.02 * median, d * (1 - 3 * s).clamp(min=0.05))
        high = torch.where(s > 0.3, 5 * median, d * (1 + 4 * s))
        match = search(
            self.camera.level(_SEARCH_LEVEL),
            keyframe.pyramid[_SEARCH_LEVEL],
            (points.pixels[wanted] + 0.5) * scale - 0.5,
            torch.cat([o.pyramid[_SEARCH_LEVEL] for o in others]),
            torch.stack([o.T @ se3.inverse(keyframe.T) for o in others]),
            low,
            torch.maximum(high, low * 1.01),
        )
        better = match.ok & (match.relative_sigma < s)
        points.inverse_depth[wanted] = torch.where(better, match.inverse_depth, d)
        points.relative_sigma[wanted] = torch.where(better, match.relative_sigma, s)
        self._hold(points)
        self.refresh_surface(keyframe)

    def refresh_surface(self, keyframe: WindowKeyframe) -> None:
        """Dense depth from the points; points that know little follow the surface."""
        points = keyframe.points
        shape = (keyframe.surface.shape[1], keyframe.surface.shape[2])
        cells = _cells(points.pixels, shape)
        ok = points.valid & (points.relative_sigma < 0.3)
        value, weight = scatter_points(
            cells, points.inverse_depth, points.relative_sigma, ok, shape
        )
        if not bool(ok.any()):
            return
        keyframe.surface = fill(value, weight, keyframe.edges)
        vague = points.relative_sigma > 0.3
        around = keyframe.surface[:, cells[:, 1], cells[:, 0]]
        points.inverse_depth = torch.where(vague, around[0], points.inverse_depth)
        self._hold(points)

    def _drop_outliers(self, keyframe: WindowKeyframe, result: Adjusted) -> None:
        """Points whose patches fit nowhere lose what they claimed to know."""
        index = self.keyframes.index(keyframe)
        uses = result.system.counts[index].sum(0)
        f = keyframe.points.corners
        uses[:f] += sum(ok.long() for _, ok in keyframe.observed.values())
        lonely = uses == 0
        keyframe.points.relative_sigma = torch.where(
            lonely, torch.ones_like(keyframe.points.relative_sigma), keyframe.points.relative_sigma
        )

    def _match(self, new: WindowKeyframe) -> None:
        """Observe the corners of the new keyframe in the others, and theirs in the new one."""
        for other in self.keyframes[:-1]:
            self._observe(other, new)
        for other in self.keyframes[-1 - _MATCHED_BACK : -1]:
            self._observe(new, other)

    def _observe(self, host: WindowKeyframe, target: WindowKeyframe) -> None:
        """Optical flow of the host's corners into the target, started from their projection."""
        f = host.points.corners
        pixels = host.points.pixels[:f]
        T = (target.T @ se3.inverse(host.T)).float()
        p = project(
            self.camera,
            self.camera.rays(pixels),
            host.points.inverse_depth[:f],
            T[None, :3, :3],
            T[None, :3, 3],
        )
        seen = p.in_front & inside(p.pixels, self.camera.width, self.camera.height, 4.0)
        seen &= host.points.valid[:f]
        index = seen.nonzero()[:, 0]
        source = pixels[index].cpu().numpy()
        guess = p.pixels[index].cpu().numpy()
        places, ok = track(host.grey, target.grey, source, guess)
        out = pixels.new_zeros(f, 2)
        out[index] = torch.from_numpy(places).to(pixels)
        found = torch.zeros(f, dtype=torch.bool, device=pixels.device)
        found[index] = torch.from_numpy(ok).to(pixels.device)
        host.observed[target.id] = (out, found)

    def _least_useful(self) -> int:
        """The keyframe to marginalise: little left in view of the newest, else crowded and far.

        The distance score is that of DSO; the two newest always stay.
        """
        newest = self.keyframes[-1]
        centres = torch.stack([se3.inverse(k.T)[:3, 3] for k in self.keyframes])
        old = range(len(self.keyframes) - 2)
        for index in old:
            if self._share_seen(self.keyframes[index], newest) < 0.05:
                return index
        scores = []
        for index in old:
            gaps = torch.linalg.vector_norm(centres[: len(old)] - centres[index], dim=1)
            crowd = sum(1.0 / (float(g) + 1e-5) for k, g in enumerate(gaps) if k != index)
            far = float(torch.linalg.vector_norm(centres[-1] - centres[index]))
            scores.append(math.sqrt(far) * crowd)
        return int(np.argmax(scores))

    def _share_seen(self, host: WindowKeyframe, target: WindowKeyframe) -> float:
        """Share of the host's points that project into the target."""
        T = (target.T @ se3.inverse(host.T)).float()
        p = project(
            self.camera,
            self.camera.rays(host.points.pixels),
            host.points.inverse_depth,
            T[None, :3, :3],
            T[None, :3, 3],
        )
        seen = p.in_front & inside(p.pixels, self.camera.width, self.camera.height, 0.0)
        return float((seen & host.points.valid).sum() / host.points.valid.sum().clamp(min=1))


def _cells(pixels: Tensor, shape: torch.Size | tuple[int, ...]) -> Tensor:
    """Grid cells (N, 2) (x, y) long of working pixels (N, 2)."""
    cells = ((pixels + 0.5) / (1 << GRID_LEVEL)).floor().long()
    limit = cells.new_tensor([shape[1] - 1, shape[0] - 1])
    return torch.minimum(cells.clamp(min=0), limit)


def _median_scale(value: Tensor, weight: Tensor, prior: Tensor) -> Tensor:
    """Ratio of carried-over to prior inverse depth, so that a prior of unknown scale fits in."""
    seen = weight > 0
    if not bool(seen.any()):
        return prior.new_ones(())
    return (value[seen] / prior[seen]).median()
