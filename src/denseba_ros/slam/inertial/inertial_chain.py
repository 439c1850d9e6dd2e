"""Velocities, biases, gravity and scale of the last keyframes: a window of its own beside that of
the images, whose poses are taken as measured, with a deviation.

Nonlinear least squares of the inertial factors between neighbours and of the poses that vision
gives, one Gauss-Newton step a keyframe. What leaves becomes a Gaussian on the next keyframe and the
world. That is n = 16 K + 3 unknowns: the poses are unknowns here too, so that their errors do not
press the scale (see ``imu.initialisation.refinement``), and each keyframe has a scale of its own,
as the map's unit drifts (see ``map_drift``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg import cho_factor, cho_solve

from denseba_ros.geometry import pose_step
from denseba_ros.imu.inertial_equations import STATE, Motion
from denseba_ros.imu.inertial_factor import InertialFactor
from denseba_ros.imu.inertial_state import InertialState, MetricWorld
from denseba_ros.slam.inertial.chain_motion import SHARED, ChainMotion
from denseba_ros.slam.inertial.chain_prior import ChainPrior, grown_pose
from denseba_ros.slam.inertial.inertial_motion import InertialMotion
from denseba_ros.slam.inertial.map_drift import MapDrift

# Keyframes of the chain; the oldest of more is marginalised.
_MOST = 25
# The fit is judged at one keyframe in so many.
_JUDGED = 5
# Most that one step changes a log scale and gravity (rad).
_FARTHEST = 0.5


@dataclass(frozen=True)
class _Link:
    """A keyframe of stamp ``stamp_ns``: where vision sees it, with deviations ``sigma`` (6,), and
    the factor to the next one and what the unit may drift to there, None of the newest; ``rest``:
    the factor from it to itself, where the camera stood still."""

    stamp_ns: int
    seen: np.ndarray
    sigma: np.ndarray
    factor: InertialFactor | None = None
    drift: MapDrift | None = None
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
        gain_sigma: float,
        depth: float,
    ) -> None:
        """``stamps`` (K) of the keyframes of ``motion``, ``sigmas`` (K, 6) of their poses, K - 1
        ``factors`` between them; ``bias_sigma`` (6,) about zero of the first biases,
        ``gain_sigma`` of the accelerometer's log gain; median ``depth``, units of the map."""
        states, world = list(motion.states), motion.world
        scales = np.full(len(states), math.log(world.metres_per_unit))
        self._motion = ChainMotion(states, scales, world)
        self._links = [
            _Link(stamp, state.T_camera_world, sigma)
            for stamp, state, sigma in zip(stamps, states, sigmas, strict=True)
        ]
        for k, factor in enumerate(factors):
            drift = MapDrift.between(self._links[k].seen, self._links[k + 1].seen, depth)
            self._links[k] = replace(self._links[k], factor=factor, drift=drift)
        self._prior = ChainPrior.of_sensors(states[0], world, bias_sigma, gain_sigma)
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

    def see(self, poses: Mapping[int, np.ndarray], growth: float, centre: np.ndarray) -> None:
        """Take over T_camera_world (4, 4) by stamp, after the world grew about ``centre`` (3,)."""
        if growth != 1.0:
            states = [_grown(s, growth, centre) for s in self._motion.states]
            scales = self._motion.log_scales - math.log(growth)
            self._motion = replace(self._motion, states=states, log_scales=scales)
            self._prior = self._prior.grown(growth, centre)
            self._links = [replace(k, sigma=_grown_sigma(k.sigma, growth)) for k in self._links]
        self._links = [replace(k, seen=poses.get(k.stamp_ns, k.seen)) for k in self._links]
        if self.motion is not None:
            state, world = self._motion.states[-1], self._motion.world(-1)
            self.motion = replace(self.motion, state=state, world=world)

    def append(
        self,
        stamp_ns: int,
        seen: np.ndarray,
        sigma: np.ndarray,
        factor: InertialFactor,
        drift: MapDrift,
    ) -> None:
        """A keyframe seen at T_camera_world (4, 4) with deviations (6,); ``factor`` leads to it,
        and the unit may ``drift`` on the way."""
        last = self._motion.states[-1]
        state = _after(last, factor, self._motion.upright, seen)
        self._links[-1] = replace(self._links[-1], factor=factor, drift=drift)
        self._links.append(_Link(stamp_ns, seen, sigma))
        self._motion = self._motion.appended(state)
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
        world = slice(STATE * len(self._motion), None)
        step[world] = np.clip(step[world], -_FARTHEST, _FARTHEST)
        self._motion = self._motion.stepped(step)
        # The newest keyframe and its world, and all scales.
        last = len(self._motion) - 1
        wanted = np.r_[self._motion.columns(last), world.start : world.start + last]
        columns = np.zeros((len(b), len(wanted)))
        columns[wanted, np.arange(len(wanted))] = scale[wanted]
        covariance = (cho_solve(factor, columns) * scale[:, None])[wanted]
        self._judge_drifts(covariance)
        of_newest = slice(0, STATE + 1 + SHARED)
        return InertialMotion(
            self.newest_ns,
            self._motion.states[-1],
            self._motion.world(-1),
            covariance[of_newest, of_newest] * self._judged(),
        )

    def _judge_drifts(self, covariance: np.ndarray) -> None:
        """How far the unit drifted at each keyframe, by ``covariance`` of the 19 of the newest, and
        of all other scales."""
        order = [*range(STATE + 1 + SHARED, len(covariance)), STATE]
        P = covariance[np.ix_(order, order)]
        variance = np.diag(P)
        uncertain = variance[1:] + variance[:-1] - 2.0 * np.diag(P, 1)
        square = np.diff(self._motion.log_scales) ** 2 + np.maximum(uncertain, 0.0)
        for k, link in enumerate(self._links[:-1]):
            assert link.drift is not None
            self._links[k] = replace(link, drift=link.drift.judged(float(square[k])))

    def _judged(self) -> float:
        """By what the covariance grows as residuals are larger than they should be."""
        if self._count % _JUDGED == 0:
            self._spread = max(1.0, self._fit())
        self._count += 1
        return self._spread

    def _equations(self) -> tuple[np.ndarray, np.ndarray]:
        H, b = np.zeros((self._motion.size, self._motion.size)), np.zeros(self._motion.size)
        for k in range(len(self._links)):
            self._add_own(H, b, self._motion, k)
        self._add_prior(H, b, self._motion)
        return H, b

    def _add_own(self, H: np.ndarray, b: np.ndarray, motion: ChainMotion, k: int) -> None:
        """Add what is known of keyframe ``k`` of ``motion`` by itself, that is where it was seen,
        and that it stood; and what leads to the next one."""
        link, state, world = self._links[k], motion.states[k], motion.world(k)
        if link.factor is not None:
            assert link.drift is not None
            motion.add(H, b, link.factor, k)
            motion.add_drift(H, b, link.drift.variance, k)
        rows = motion.rows(k)[:6]
        information = link.sigma**-2.0
        H[rows, rows] += information
        b[rows] += information * _off(state, link.seen)
        if link.rest is None:
            return
        J = link.rest.jacobians(state, state, world)
        whole = np.hstack([J.i + J.j, J.world])
        columns = motion.columns(k)
        weighted = whole.T @ link.rest.information
        H[np.ix_(columns, columns)] += weighted @ whole
        b[columns] += weighted @ link.rest.residual(state, state, world)

    def _add_prior(self, H: np.ndarray, b: np.ndarray, motion: ChainMotion) -> None:
        first = motion.columns(0)
        prior_H, prior_b = self._prior.at(motion.states[0], motion.world(0))
        H[np.ix_(first, first)] += prior_H
        b[first] += prior_b

    def _fit(self) -> float:
        """Chi-square over its degrees of freedom, of factors and poses."""
        chi_square, motion = 0.0, self._motion
        for k, link in enumerate(self._links):
            chi_square += float(np.sum((_off(motion.states[k], link.seen) / link.sigma) ** 2))
            if link.factor is not None:
                later = motion.states[k + 1]
                r = link.factor.residual(motion.states[k], later, motion.world(k + 1))
                chi_square += float(r @ link.factor.information @ r)
        count = len(self._links)
        return chi_square / max(6 * count + 15 * (count - 1) - 15 * count, 1)

    def _marginalise(self) -> None:
        """The oldest keyframe becomes a Gaussian on the next one and the world."""
        link, motion = self._links[0], self._motion.part(0, 2)
        assert link.drift is not None
        H, b = np.zeros((motion.size, motion.size)), np.zeros(motion.size)
        self._add_own(H, b, motion, 0)
        self._add_prior(H, b, motion)
        # The oldest keyframe and its scale first, then those of the next one and gravity.
        order = np.r_[motion.rows(0), motion.scale(0), motion.columns(1)]
        H, b = H[np.ix_(order, order)], b[order]
        prior = ChainPrior.eliminated(H, b, motion.states[1], motion.world(1))
        self._prior = prior.after_drift(link.drift.gravity_variance)
        self._links, self._motion = self._links[1:], self._motion.part(1)


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
