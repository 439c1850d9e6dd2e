"""Velocities, biases, gravity and scale of the last keyframes: a window of its own beside that of
the images, whose poses are taken as measured, with a deviation.

Nonlinear least squares of the inertial factors between neighbours and of the poses that vision
gives, one Gauss-Newton step a keyframe. What leaves becomes a Gaussian on the next keyframe and the
world. That is n = 15 K + 3 unknowns: the poses are unknowns here too, so that their errors do not
press the scale (see ``imu.initialisation.refinement``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg import cho_factor, cho_solve

from denseba_ros.geometry import pose_step
from denseba_ros.imu.inertial_equations import (
    STATE,
    WORLD,
    Motion,
    inertial_chi_square,
    inertial_equations,
)
from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import InertialState, MetricWorld
from denseba_ros.slam.inertial.chain_prior import ChainPrior, grown_pose
from denseba_ros.slam.inertial.inertial_motion import InertialMotion

# Keyframes of the chain; the oldest of more is marginalised.
_MOST = 25
# Seconds after which what was marginalised counts for 1/e: the map's own scale drifts.
_MEMORY = 60.0
# The fit is judged at one keyframe in so many.
_JUDGED = 5
# Most that one step changes the log scale and gravity (rad).
_FARTHEST = 0.5


@dataclass(frozen=True)
class _Link:
    """A keyframe of stamp ``stamp_ns``: where vision sees it, with deviations ``sigma`` (6,), and
    the factor to the next one, None of the newest; ``rest``: the factor from it to itself, where
    the camera stood still."""

    stamp_ns: int
    seen: np.ndarray
    sigma: np.ndarray
    factor: InertialFactor | None
    rest: InertialFactor | None = None


class InertialChain:
    """Begins with the result of an alignment; ``motion`` is what it knows, None when it failed."""

    def __init__(
        self,
        stamps: list[int],
        sigmas: np.ndarray,
        factors: list[InertialFactor],
        motion: Motion,
        bias_sigma: np.ndarray,
    ) -> None:
        """``stamps`` (K) of the keyframes of ``motion``, ``sigmas`` (K, 6) of their poses, K - 1
        ``factors`` between them; ``bias_sigma`` (6,) about zero of the first biases."""
        self._motion = motion
        self._links = [
            _Link(stamp, state.T_camera_world, sigma, factor)
            for stamp, state, sigma, factor in zip(
                stamps, motion.states, sigmas, [*factors, None], strict=True
            )
        ]
        self._prior = ChainPrior.of_biases(motion.states[0], motion.world, bias_sigma)
        self._count, self._spread = 0, 1.0
        self.motion = self._adjusted()

    @property
    def newest_ns(self) -> int:
        """Stamp of the newest keyframe."""
        return self._links[-1].stamp_ns

    @property
    def newest_seen(self) -> np.ndarray:
        """T_camera_world (4, 4) of the newest keyframe by vision."""
        return self._links[-1].seen

    def see(self, poses: dict[int, np.ndarray], growth: float, centre: np.ndarray) -> None:
        """Take over T_camera_world (4, 4) by stamp, after the world grew about ``centre`` (3,)."""
        if growth != 1.0:
            states = [_grown(s, growth, centre) for s in self._motion.states]
            world = self._motion.world
            world = replace(world, metres_per_unit=world.metres_per_unit / growth)
            self._motion = Motion(states, world)
            self._prior = self._prior.grown(growth, centre)
            self._links = [replace(k, sigma=_grown_sigma(k.sigma, growth)) for k in self._links]
        self._links = [replace(k, seen=poses.get(k.stamp_ns, k.seen)) for k in self._links]
        if self.motion is not None:
            state, world = self._motion.states[-1], self._motion.world
            self.motion = replace(self.motion, state=state, world=world)

    def append(
        self, stamp_ns: int, seen: np.ndarray, sigma: np.ndarray, factor: InertialFactor
    ) -> None:
        """A keyframe seen at T_camera_world (4, 4) with deviations (6,); ``factor`` leads to it."""
        last = self._motion.states[-1]
        state = _after(last, factor, self._motion.world, seen)
        self._links[-1] = replace(self._links[-1], factor=factor)
        self._links.append(_Link(stamp_ns, seen, sigma, None))
        self._motion = Motion([*self._motion.states, state], self._motion.world)
        while len(self._links) > _MOST:
            self._marginalise()
        self.motion = self._adjusted()

    def rest(self, measured: InertialFactor) -> None:
        """The camera stands still since the newest keyframe: ``measured`` from the one time to the
        other. As it leads from a state to itself, that has no velocity, and its biases show."""
        self._links[-1] = replace(self._links[-1], rest=measured)
        self.motion = self._adjusted()

    def _adjusted(self) -> InertialMotion | None:
        """One step; None where the equations have no solution."""
        H, b = self._equations()
        scale = 1.0 / np.sqrt(np.maximum(np.diag(H), 1e-12))
        try:
            factor = cho_factor(H * np.outer(scale, scale), lower=True)
        except (LinAlgError, ValueError):
            return None
        step = -scale * cho_solve(factor, scale * b)
        step[-WORLD:] = np.clip(step[-WORLD:], -_FARTHEST, _FARTHEST)
        self._motion = self._motion.stepped(step)
        last = np.arange(len(b) - STATE - WORLD, len(b))
        columns = np.zeros((len(b), len(last)))
        columns[last, np.arange(len(last))] = scale[last]
        covariance = (cho_solve(factor, columns) * scale[:, None])[last]
        return InertialMotion(
            self.newest_ns,
            self._motion.states[-1],
            self._motion.world,
            covariance * self._judged(),
        )

    def _judged(self) -> float:
        """By what the covariance grows as residuals are larger than they should be."""
        if self._count % _JUDGED == 0:
            self._spread = max(1.0, self._fit())
        self._count += 1
        return self._spread

    def _equations(self) -> tuple[np.ndarray, np.ndarray]:
        motion = self._motion
        H, b = inertial_equations([k.factor for k in self._links if k.factor], motion)
        for k in range(len(self._links)):
            self._add_own(H, b, k)
        self._add_prior(H, b)
        return H, b

    def _add_own(self, H: np.ndarray, b: np.ndarray, k: int) -> None:
        """Add what is known of keyframe ``k`` by itself: where it was seen, and that it stood."""
        link, state, world = self._links[k], self._motion.states[k], self._motion.world
        rows = np.arange(STATE * k, STATE * k + 6)
        information = link.sigma**-2.0
        H[rows, rows] += information
        b[rows] += information * _off(state, link.seen)
        if link.rest is None:
            return
        J = link.rest.jacobians(state, state, world)
        whole = np.hstack([J.i + J.j, J.world])
        columns = np.r_[STATE * k : STATE * (k + 1), len(b) - WORLD : len(b)]
        weighted = whole.T @ link.rest.information
        H[np.ix_(columns, columns)] += weighted @ whole
        b[columns] += weighted @ link.rest.residual(state, state, world)

    def _add_prior(self, H: np.ndarray, b: np.ndarray) -> None:
        first = self._prior.rows(len(b))
        prior_H, prior_b = self._prior.at(self._motion.states[0], self._motion.world)
        H[np.ix_(first, first)] += prior_H
        b[first] += prior_b

    def _fit(self) -> float:
        """Chi-square over its degrees of freedom, of factors and poses."""
        chi_square = inertial_chi_square([k.factor for k in self._links if k.factor], self._motion)
        for state, link in zip(self._motion.states, self._links, strict=True):
            chi_square += float(np.sum((_off(state, link.seen) / link.sigma) ** 2))
        count = len(self._links)
        return chi_square / max(6 * count + 15 * (count - 1) - 15 * count, 1)

    def _marginalise(self) -> None:
        """The oldest keyframe becomes a Gaussian on the next one and the world."""
        link, states = self._links[0], self._motion.states
        assert link.factor is not None
        H, b = inertial_equations([link.factor], Motion(states[:2], self._motion.world))
        self._add_own(H, b, 0)
        self._add_prior(H, b)
        kept = math.exp(-float(link.factor.measured.seconds) / _MEMORY)
        self._prior = ChainPrior.eliminated(H, b, states[1], self._motion.world, kept)
        self._links = self._links[1:]
        self._motion = Motion(states[1:], self._motion.world)


def _off(state: InertialState, seen: np.ndarray) -> np.ndarray:
    """(6,) left step of the pose from where it was seen."""
    return pose_step.log(state.T_camera_world @ pose_step.inverse(seen))


def _after(
    last: InertialState, factor: InertialFactor, world: MetricWorld, seen: np.ndarray
) -> InertialState:
    """The state that the IMU leads to from ``last``, at the pose that is ``seen``."""
    m = factor.measured.at_bias(last.bias)
    R_world_imu = last.T_camera_world[:3, :3].T @ factor.T_imu_camera[:3, :3].T
    velocity = last.velocity + float(m.seconds) * world.gravity + R_world_imu @ m.velocity
    return InertialState(seen, velocity, last.bias)


def _grown(state: InertialState, growth: float, centre: np.ndarray) -> InertialState:
    """In a world that grew about ``centre`` (3,)."""
    return replace(state, T_camera_world=grown_pose(state.T_camera_world, growth, centre))


def _grown_sigma(sigma: np.ndarray, growth: float) -> np.ndarray:
    return np.concatenate([growth * sigma[:3], sigma[3:]])
