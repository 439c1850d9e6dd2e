"""The derivatives are those of the errors, and exact observations lead back to the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.global_map.adjustment.bundle import POSE, Bundle, State
from denseba_ros.global_map.adjustment.lens import PARAMETERS, Lens
from denseba_ros.global_map.adjustment.links import Lengths, Links
from denseba_ros.global_map.adjustment.observations import Observations
from denseba_ros.global_map.adjustment.optimisation import adjust

FOCAL, PRINCIPAL = np.array([300.0, 310.0]), np.array([160.0, 120.0])
KEYFRAMES, POINTS = 5, 12


def truth(turned: float = 0.05) -> State:
    """A camera that moves aside and is ``turned`` a little, before points 3 to 6 away."""
    rng = np.random.default_rng(1)
    turns = Rotation.from_rotvec(turned * rng.standard_normal((KEYFRAMES, 3))).as_matrix()
    centres = np.linspace(0.0, 1.0, KEYFRAMES)[:, None] * np.array([1.0, 0.2, 0.3])
    centres += 0.02 * rng.standard_normal(centres.shape)
    return State(turns, centres, 1.0 / rng.uniform(3.0, 6.0, KEYFRAMES * POINTS), Lens())


def observations(state: State, reach: float = 0.3) -> Observations:
    """All points in all other keyframes, exactly; pixels and rays are as the lens has them."""
    rng = np.random.default_rng(2)
    host = np.repeat(np.arange(KEYFRAMES), POINTS)
    rays = np.c_[rng.uniform(-reach, reach, (len(host), 2)), np.ones(len(host))]
    point, target = np.nonzero(host[:, None] != np.arange(KEYFRAMES))
    h = host[point]
    places = rays.copy()
    places[:, :2] = state.lens.places(rays[:, :2])
    in_map = np.einsum("nij,nj->ni", state.rotations[h], places[point])
    in_map += state.inverse_depth[point, None] * (state.centres[h] - state.centres[target])
    y = np.einsum("nji,nj->ni", state.rotations[target], in_map)
    pixels = FOCAL * state.lens.seen(y[:, :2] / y[:, 2:]) + PRINCIPAL
    return Observations(KEYFRAMES, host, rays, state.inverse_depth, point, target, pixels)


def links(state: State) -> Links:
    first, second = np.arange(KEYFRAMES - 1), np.arange(1, KEYFRAMES)
    R = state.rotations[first].swapaxes(1, 2) @ state.rotations[second]
    moved = state.centres[second] - state.centres[first]
    t = np.einsum("nji,nj->ni", state.rotations[first], moved)
    ones = np.ones(len(first))
    return Links(first, second, R, t, 0.02 * ones, 0.01 * ones)


def lengths(state: State) -> Lengths:
    first, second = np.arange(KEYFRAMES - 1), np.arange(1, KEYFRAMES)
    length = np.linalg.norm(state.centres[second] - state.centres[first], axis=1)
    return Lengths(first, second, np.log(length), np.full(len(first), 0.05))


def shaken(state: State, size: float) -> State:
    rng = np.random.default_rng(3)
    poses = size * rng.standard_normal((KEYFRAMES, POSE))
    poses[0] = 0.0
    depths = size * rng.standard_normal(len(state.inverse_depth))
    return state.moved(poses, depths, 0.3 * size * rng.standard_normal(PARAMETERS))


def bundle(true: State) -> Bundle:
    return Bundle(observations(true), links(true), lengths(true), FOCAL, PRINCIPAL)


def test_derivatives_are_differences() -> None:
    # Little, since the logarithm of a link's rotation is taken to first order.
    true = truth()
    problem, state = bundle(true), shaken(true, 1e-3)
    errors = problem.errors(state)
    of = problem.derivatives(state, errors)

    def at(step: np.ndarray) -> np.ndarray:
        poses, depths, lens = np.split(step, [KEYFRAMES * POSE, size - PARAMETERS])
        e = problem.errors(state.moved(poses.reshape(-1, POSE), depths, lens))
        return np.concatenate([e.pixels.ravel(), e.links.ravel(), e.lengths.ravel()])

    size = KEYFRAMES * POSE + KEYFRAMES * POINTS + PARAMETERS
    numeric = np.stack(
        [(at(1e-6 * axis) - at(-1e-6 * axis)) / 2e-6 for axis in np.eye(size)], axis=1
    )
    analytic = np.concatenate([of.poses.toarray(), of.depths.toarray(), of.lens], axis=1)
    scale = np.abs(numeric).max(axis=1, keepdims=True)
    np.testing.assert_allclose(analytic / scale, numeric / scale, atol=3e-3)


@pytest.mark.parametrize("share_of_outliers", [0.0, 0.1])
def test_exact_observations_lead_back_to_the_truth(share_of_outliers: float) -> None:
    true = truth()
    seen = observations(true)
    rng = np.random.default_rng(4)
    wrong = rng.random(len(seen.pixels)) < share_of_outliers
    pixels = seen.pixels + np.where(wrong[:, None], rng.uniform(-30, 30, seen.pixels.shape), 0.0)
    start = shaken(true, 0.03)
    seen = replace(seen, pixels=pixels, inverse_depth=start.inverse_depth)
    none = Links(
        *np.zeros((2, 0), int), *np.zeros((1, 0, 3, 3)), *np.zeros((1, 0, 3)), *[np.zeros(0)] * 2
    )
    problem = Bundle(seen, none, lengths(true), FOCAL, PRINCIPAL)
    adjusted = adjust(problem, start, np.arange(KEYFRAMES) > 0)
    assert adjusted.cost_after < adjusted.cost_before
    np.testing.assert_array_equal(adjusted.state.centres[0], start.centres[0])
    atol = 1e-3 if share_of_outliers == 0.0 else 1e-2
    np.testing.assert_allclose(adjusted.state.centres, true.centres, atol=atol)
    np.testing.assert_allclose(adjusted.state.rotations, true.rotations, atol=atol)
    np.testing.assert_allclose(
        np.log(adjusted.state.inverse_depth / true.inverse_depth), 0.0, atol=10 * atol
    )


def test_what_the_calibration_left_over_is_found() -> None:
    """A lens within what is allowed for, and a path that is right in spite of it."""
    true = replace(truth(turned=0.3), lens=Lens(0.006, -0.012))
    seen = observations(true, reach=0.8)
    start = replace(shaken(true, 0.01), lens=Lens())
    seen = replace(seen, inverse_depth=start.inverse_depth)
    problem = Bundle(seen, links(true), lengths(true), FOCAL, PRINCIPAL)
    adjusted = adjust(problem, start, np.arange(KEYFRAMES) > 0).state
    assert adjusted.lens.log_focal == pytest.approx(0.006, abs=2e-3)
    assert adjusted.lens.distortion == pytest.approx(-0.012, abs=4e-3)
    np.testing.assert_allclose(adjusted.centres, true.centres, atol=2e-3)


def test_without_observations_the_calibration_holds() -> None:
    true = truth()
    seen = observations(true)
    nobody = np.zeros(0, int)
    seen = replace(seen, point=nobody, target=nobody, pixels=np.zeros((0, 2)))
    problem = Bundle(seen, links(true), lengths(true), FOCAL, PRINCIPAL)
    start = replace(true, lens=Lens(0.01, 0.01))
    assert problem.errors(start).cost == pytest.approx(np.sum(start.lens.errors() ** 2))
    adjusted = adjust(problem, start, np.arange(KEYFRAMES) > 0).state
    np.testing.assert_allclose(adjusted.lens.errors(), 0.0, atol=1e-2)


def test_without_observations_links_hold_the_path() -> None:
    true = truth()
    nothing = Observations(
        KEYFRAMES, np.zeros(0, int), np.zeros((0, 3)), np.zeros(0), *np.zeros((2, 0), int),
        np.zeros((0, 2)),
    )  # fmt: skip
    problem = Bundle(nothing, links(true), lengths(true), FOCAL, PRINCIPAL)
    start = replace(shaken(true, 0.02), inverse_depth=np.zeros(0))
    adjusted = adjust(problem, start, np.arange(KEYFRAMES) > 0).state
    np.testing.assert_allclose(adjusted.centres, true.centres, atol=1e-4)
    np.testing.assert_allclose(adjusted.rotations, true.rotations, atol=1e-4)


def test_a_point_behind_the_camera_is_an_error_and_no_number() -> None:
    true = truth()
    problem = bundle(true)
    state = replace(true, centres=true.centres + np.array([0.0, 0.0, 10.0]) * np.eye(5)[:, 4:])
    errors = problem.errors(state)
    assert np.isfinite(errors.cost)
    assert np.isfinite(problem.derivatives(state, errors).poses.data).all()
    assert errors.cost > problem.errors(true).cost


def test_another_unit_changes_lengths_and_no_observation() -> None:
    true = truth()
    other = replace(true, centres=1.3 * true.centres, inverse_depth=true.inverse_depth / 1.3)
    problem = bundle(true)
    before, after = problem.errors(true), problem.errors(other)
    np.testing.assert_allclose(after.pixels, before.pixels, atol=1e-8)
    np.testing.assert_allclose(after.lengths, np.log(1.3) / 0.05, rtol=1e-6)
    parts = [np.sum(part**2) for part in (after.links, after.lengths, after.depths)]
    assert after.cost == pytest.approx(before.cost + sum(parts))


def test_a_point_that_nobody_sees_keeps_its_depth() -> None:
    true = truth()
    seen = observations(true)
    is_kept = seen.point != 3
    seen = replace(
        seen, point=seen.point[is_kept], target=seen.target[is_kept], pixels=seen.pixels[is_kept]
    )
    problem = Bundle(seen, links(true), lengths(true), FOCAL, PRINCIPAL)
    start = replace(shaken(true, 0.01), inverse_depth=1.1 * true.inverse_depth)
    adjusted = adjust(problem, start, np.arange(KEYFRAMES) > 0).state
    assert adjusted.inverse_depth[3] == pytest.approx(true.inverse_depth[3], rel=1e-3)
