"""Uncertainty of the path: how it grows, what it is carried by, and whether it is honest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.evaluation.trajectory.nees import StatedScale, nees, nees_report
from denseba_ros.evaluation.trajectory.trajectory_metrics import match
from denseba_ros.geometry import se3
from denseba_ros.geometry.cross_product import hat
from denseba_ros.geometry.pinhole import Pinhole, project_by
from denseba_ros.sequences.trajectory import Trajectory
from denseba_ros.slam.state.estimate import Tracking
from denseba_ros.slam.state.pose_covariance import HORIZON, MotionUncertainty, PoseCovariance

CAMERA = Pinhole(300.0, 300.0, 199.5, 149.5, 400, 300)
_TICK = 250_000_000
_STEP = 0.1
_NOTHING_MISSED = torch.zeros(6, 6, dtype=torch.float64)


@dataclass
class _Points:
    pixels: Tensor
    inverse_depth: Tensor
    relative_sigma: Tensor
    valid: Tensor
    corners: int = 0


@dataclass
class _Keyframe:
    id: int
    stamp_ns: int
    T: Tensor
    points: _Points
    observed: dict[int, Any] = field(default_factory=dict)


def _pose(x: float) -> Tensor:
    """T_camera_world of a camera x metres to the right."""
    return se3.exp(torch.tensor([-x, 0, 0, 0, 0, 0], dtype=torch.float64))


def _keyframe(i: int) -> Any:
    generator = torch.Generator().manual_seed(i)
    uniform = torch.rand(1200, 3, generator=generator)
    pixels = uniform[:, :2] * torch.tensor([380.0, 280.0]) + 10.0
    one = torch.ones(1200)
    points = _Points(pixels, 1.0 / (3 + 3 * uniform[:, 2]), 0.05 * one, one.bool())
    return _Keyframe(i, i * _TICK, _pose(_STEP * i), points)


def _window(newest: int) -> list[Any]:
    return [_keyframe(i) for i in range(max(0, newest - 6), newest + 1)]


def _flow(path: PoseCovariance) -> float:
    """Mean flow of one step, of the four that make up the motion over the horizon."""
    assert path._motion is not None
    return path._motion.flow * _TICK * 1e-9 / path._motion.seconds


@pytest.fixture
def path() -> PoseCovariance:
    result = PoseCovariance()
    result.initialise(torch.eye(4, dtype=torch.float64), _NOTHING_MISSED)
    result.adjusted(CAMERA, _window(8))
    return result


def test_motion_over_the_horizon_has_the_covariance_of_that_motion(path: PoseCovariance) -> None:
    motion = path._motion
    assert motion is not None
    assert motion.seconds == pytest.approx(HORIZON)
    before = path.covariance
    for i in range(1, 5):
        path.propagate(se3.inverse(_pose(_STEP * i)), _flow(path), is_keyframe=True)
        path.reference_changed()
    grown = (path.covariance - before)[3:, 3:]
    expected = (motion.systematic + motion.random)[3:, 3:]
    np.testing.assert_allclose(grown, expected, rtol=1e-9)


@pytest.mark.parametrize("seconds", [0.25, 0.5, 1.0, 2.0])
def test_errors_that_last_are_those_of_one_piece_over_the_horizon(seconds: float) -> None:
    """A motion measured over any time: what displaces the image steadily adds up in proportion to
    the way over a second, what does not adds its variances."""
    systematic, random = 3.0 * torch.eye(6).double(), 5.0 * torch.eye(6).double()
    motion = MotionUncertainty(systematic, random, 12.0, seconds)
    motions = HORIZON / seconds
    whole = motion.growth(12.0 * motions)
    torch.testing.assert_close(whole, motions**2 * systematic + motions * random)
    # In pieces as in one.
    torch.testing.assert_close(sum(motion.growth(0.1 * 12.0 * motions) for _ in range(10)), whole)


def test_a_part_of_a_motion_by_itself_has_its_share_of_the_errors() -> None:
    """Deviations of what lasts in proportion to the way, variances of what does not."""
    systematic, random = 3.0 * torch.eye(6).double(), 5.0 * torch.eye(6).double()
    motion = MotionUncertainty(systematic, random, 12.0, 0.5)
    torch.testing.assert_close(motion.of_step(12.0), systematic + random)
    torch.testing.assert_close(motion.of_step(3.0), systematic / 16 + random / 4)


def test_a_guess_is_that_of_the_whole_motion_and_replaces_the_one_before() -> None:
    path = PoseCovariance()
    here, guess = torch.eye(4).double(), torch.diag(torch.arange(1.0, 7.0).double())
    path.initialise(here, _NOTHING_MISSED)
    before = path.covariance
    for share in (0.5, 2.0, 1.0):
        path.set_guess(here, share * guess)
    torch.testing.assert_close(path.covariance - before, guess)
    torch.testing.assert_close(path.step, guess)
    # Nobody measures it afterwards: it stays when a map begins, and the next guess adds to it.
    path.initialise(here, _NOTHING_MISSED)
    torch.testing.assert_close(path.covariance - before, guess)
    path.set_guess(here, guess)
    torch.testing.assert_close(path.covariance - before, 2.0 * guess)


def test_a_guess_is_along_the_cameras_axes_and_carries_the_covariance_before_along() -> None:
    """Turned by a right angle about y, the camera's x is the world's -z."""
    turned = se3.exp(torch.tensor([0, 0, 0, 0, np.pi / 2, 0], dtype=torch.float64))
    turned[0, 3] = 10.0
    path = PoseCovariance()
    path.initialise(torch.eye(4, dtype=torch.float64), 0.01 * torch.eye(6).double())
    # As often as it is said: the last covariance that was none is carried each time.
    for _ in range(3):
        path.set_guess(turned, torch.diag(torch.arange(1.0, 7.0).double()))
    heading, own = 0.01 * 10.0**2, torch.tensor([3.0, 2.0, 1.0, 6.0, 5.0, 4.0]).double()
    own[1:3] += heading
    torch.testing.assert_close(path.covariance.diagonal(), own + 0.01, atol=1e-4, rtol=1e-4)


def test_every_step_makes_the_pose_less_certain(path: PoseCovariance) -> None:
    for i in range(1, 6):
        before = path.covariance
        T = se3.inverse(_pose(_STEP * i))
        path.propagate(T, 7.0, is_keyframe=True)
        path.reference_changed()
        carry = torch.eye(6, dtype=torch.float64)
        carry[:3, 3:] = -hat(torch.tensor([_STEP, 0, 0]).double() * (i > 0))
        grown = path.covariance - carry @ before @ carry.T
        size = grown.diagonal().sqrt()
        assert torch.linalg.eigvalsh(grown / size[:, None] / size[None])[0] > 1e-9


def test_shaking_on_the_spot_adds_no_covariance(path: PoseCovariance) -> None:
    here = torch.eye(4, dtype=torch.float64)
    path.propagate(here, 5.0, is_keyframe=False)
    there = path.covariance
    for flow in (1.0, 4.0, 2.0, 5.0):
        path.propagate(here, flow, is_keyframe=False)
    torch.testing.assert_close(path.covariance, there)
    path.propagate(here, 6.0, is_keyframe=False)
    assert path.covariance.diagonal().min() > there.diagonal().min()


def test_an_uncertain_heading_makes_the_way_ahead_uncertain(path: PoseCovariance) -> None:
    heading = float(path.covariance[4, 4])
    side = float(path.covariance[2, 2])
    path.propagate(se3.inverse(_pose(100.0)), 0.0, is_keyframe=False)
    assert float(path.covariance[2, 2]) == pytest.approx(side + 100.0**2 * heading)


def test_growth_is_along_the_cameras_axes(path: PoseCovariance) -> None:
    """Turned by a right angle about y, what was x for the camera is z for the odometry."""
    turned = se3.exp(torch.tensor([0, 0, 0, 0, np.pi / 2, 0], dtype=torch.float64))
    straight, other = PoseCovariance(), PoseCovariance()
    for p, T in ((straight, torch.eye(4, dtype=torch.float64)), (other, turned)):
        p.initialise(T, _NOTHING_MISSED)
        p.adjusted(CAMERA, _window(8))
        p.propagate(T, 10.0, is_keyframe=False)
    a, b = straight.covariance.diagonal(), other.covariance.diagonal()
    np.testing.assert_allclose(a[[0, 1, 2]], b[[2, 1, 0]], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "relative_sigma"), [(50, 0.05), (1200, 0.4)])
def test_few_or_rough_points_do_not_make_a_pose_certain(count: int, relative_sigma: float) -> None:
    keyframe = _keyframe(0)
    keyframe.points.valid[count:] = False
    keyframe.points.relative_sigma[:] = relative_sigma
    path = PoseCovariance()
    before = path.covariance
    path.tracked(CAMERA, keyframe, _pose(_STEP), _TICK)
    path.propagate(se3.inverse(_pose(_STEP)), 5.0, is_keyframe=False)
    assert (path.covariance.diagonal() > 2 * before.diagonal()).all()


def test_correlated_residuals_make_it_less_certain() -> None:
    """Corners displaced by a smooth field, twice as much in the other one."""
    spread = []
    for pixels in (1.0, 2.0):
        path = PoseCovariance()
        for newest in range(1, 12):
            window = _window(newest)
            _observe(window[-1], window[-2], pixels)
            path.adjusted(CAMERA, window)
        spread.append(path.displacement)
    assert spread[1] == pytest.approx(2 * spread[0], rel=0.2)


def test_a_pose_that_corners_confirm_in_few_places_is_doubted() -> None:
    """The same displacement with corners in all, in three quarters and in a tenth of the image."""
    deviations = []
    for width in (400.0, 310.0, 90.0):
        path = PoseCovariance()
        for newest in range(1, 12):
            window = _window(newest)
            for other in (window[-2], *window[-3:-2]):
                _observe(window[-1], other, 1.0, width, 140.0 if width < 100.0 else 300.0)
            path.adjusted(CAMERA, window)
        assert path._motion is not None
        deviations.append(path._motion.random.diagonal().sqrt() / path.displacement)
    torch.testing.assert_close(deviations[1] / deviations[0], torch.ones(6).double())
    assert float((deviations[2] / deviations[0]).min()) > 3.0


def test_what_tiles_displace_alone_errs_in_no_known_combination(path: PoseCovariance) -> None:
    assert path._motion is not None
    random = path._motion.random
    torch.testing.assert_close(random, torch.diag(random.diagonal()))


def _observe(
    host: Any, target: Any, amplitude: float, width: float = 400.0, height: float = 300.0
) -> None:
    p = host.points
    host.points.corners = len(p.pixels)
    T = target.T @ se3.inverse(host.T)
    places = project_by(CAMERA, CAMERA.rays(p.pixels), p.inverse_depth, T).pixels
    x = (p.pixels - 200.0) / 200.0
    places[:, 1] += amplitude * (x[:, 0] ** 2 - x[:, 0] * x[:, 1])
    is_tracked = p.valid & (p.pixels[:, 0] < width) & (p.pixels[:, 1] < height)
    host.observed[target.id] = (places, is_tracked)


def test_with_one_keyframe_the_tracked_image_gives_the_covariance() -> None:
    path = PoseCovariance()
    path.initialise(torch.eye(4, dtype=torch.float64), _NOTHING_MISSED)
    before = path.covariance
    path.tracked(CAMERA, _keyframe(0), _pose(_STEP), _TICK)
    path.propagate(se3.inverse(_pose(_STEP)), 5.0, is_keyframe=False)
    assert (path.covariance.diagonal() > 2 * before.diagonal()).all()


def test_a_new_map_adds_the_missed_motion(path: PoseCovariance) -> None:
    missed = torch.eye(6, dtype=torch.float64) * 0.04
    path.initialise(torch.eye(4, dtype=torch.float64), missed)
    assert (path.covariance.diagonal() >= 0.04).all()


def test_the_doubt_of_the_scale_is_in_the_motion_as_long_as_it_lasts(path: PoseCovariance) -> None:
    def systematic(sigma: float) -> torch.Tensor:
        path.scale_sigma = sigma
        path.adjusted(CAMERA, _window(8))
        assert path._motion is not None
        return path._motion.systematic

    known, doubted, known_again = systematic(0.0), systematic(0.3), systematic(0.0)
    extra = (doubted - known)[0, 0] ** 0.5
    assert float(extra) == pytest.approx(0.3 * _STEP * 4, rel=0.05)
    assert known_again[0, 0] < 0.5 * doubted[0, 0]


def test_the_covariance_of_a_path_is_that_of_its_errors() -> None:
    """Monte Carlo on a path that turns: in each horizon an error that lasts and grows like the
    motion, and noise in each step. Errors of the last pose, whitened, are a unit
    Gaussian."""
    samples, generator = 2000, torch.Generator().manual_seed(0)
    units = torch.tensor([0.01] * 3 + [0.003] * 3, dtype=torch.float64)
    roots = torch.randn(2, 6, 6, generator=generator, dtype=torch.float64) * units[:, None]
    lasting_root, noise_root = roots
    motion = MotionUncertainty(*(roots @ roots.mT), 12.0, HORIZON)

    def normal() -> Tensor:
        return torch.randn(samples, 6, generator=generator, dtype=torch.float64)

    step = se3.exp(torch.tensor([-0.1, 0.02, -0.05, 0.05, -0.12, 0.03], dtype=torch.float64))
    path = PoseCovariance()
    path.initialise(torch.eye(4, dtype=torch.float64), _NOTHING_MISSED)
    path._motion = motion
    true = torch.eye(4, dtype=torch.float64)
    erring = se3.exp(1e-4 * normal())
    for k in range(20):
        if k % 4 == 0:
            lasting = normal() @ lasting_root.T
        error = lasting / 4 + normal() @ noise_root.T / 2
        true = step @ true
        erring = se3.exp(error) @ step @ erring
        path.propagate(se3.inverse(true), motion.flow / 4, is_keyframe=True)
        path.reference_changed()
    pose, poses = se3.inverse(true), se3.inverse(erring)
    turn = se3.rotation_log(poses[:, :3, :3] @ pose[:3, :3].T)
    errors = torch.cat([poses[:, :3, 3] - pose[:3, 3], turn], 1)
    covariances = path.covariance.expand(samples, 6, 6)
    assert nees(errors.numpy(), covariances.numpy()).mean() == pytest.approx(6.0, rel=0.08)
    white = torch.linalg.solve_triangular(
        torch.linalg.cholesky(path.covariance), errors.T, upper=False
    )
    np.testing.assert_allclose(white @ white.T / samples, np.eye(6), atol=0.12)


@pytest.mark.slow
def test_the_run_over_the_room_is_careful_by_a_known_factor(run: Any, room: Any) -> None:
    """The room's camera model is exact, while the covariance expects that of any camera to be off:
    errors are less than half of what the deviations say (a mean of 1, not 6). No bound of honesty,
    then, but neither confidence nor doubt may change by more than half unnoticed."""
    tracked = [e for e in run.estimates if e.tracking is Tracking.TRACKING]
    stamps = np.array([e.stamp_ns for e in tracked], np.int64)
    poses = np.stack([e.T_world_camera for e in tracked])
    matched = match(Trajectory(stamps, poses), room.sequence.groundtruth(), 1_000_000)
    covariances = np.stack([e.covariance for e in tracked])
    deviations = np.array([e.metric_scale.deviation for e in tracked])
    stated = StatedScale(deviations[:, None] * poses[:, :3, 3], deviations)
    report: dict[str, Any] = nees_report(matched, covariances, 200_000_000, stated)
    assert report["motions"] >= 6
    assert report["motions_left_out_covariance_did_not_grow"] == 0
    assert report["pose"]["share_inside_95_percent"] == 1.0
    assert 0.6 < report["pose"]["mean"] < 1.6


def test_flow_before_the_reference_changes_counts_once() -> None:
    """Images go on being tracked against the old reference while a keyframe is being adjusted."""
    path, here = PoseCovariance(), torch.eye(4, dtype=torch.float64)
    path.initialise(here, _NOTHING_MISSED)
    root = torch.eye(6, dtype=torch.float64)
    path._motion = MotionUncertainty(root, root, 12.0, HORIZON)
    path.propagate(here, 10.0, is_keyframe=True)
    path.propagate(here, 15.0, is_keyframe=False)
    path.reference_changed()
    counted = path.covariance
    # Of the new reference the camera has moved by 5 pixels already.
    path.propagate(here, 5.0, is_keyframe=False)
    torch.testing.assert_close(path.covariance, counted)
    path.propagate(here, 6.0, is_keyframe=False)
    assert (path.covariance - counted).diagonal().min() > 0


def test_a_gyroscope_makes_the_motion_more_certain_and_no_more_than_it_measured() -> None:
    sigma = 1e-3
    with_turn = PoseCovariance(lambda *_: MeasuredTurn(np.eye(3), sigma))
    without, nothing = PoseCovariance(), PoseCovariance(lambda *_: None)
    for path in (with_turn, without, nothing):
        path.initialise(torch.eye(4, dtype=torch.float64), _NOTHING_MISSED)
        path.adjusted(CAMERA, _window(8))
    a, b, c = (path._motion for path in (with_turn, without, nothing))
    assert a is not None
    assert b is not None
    assert c is not None
    assert torch.equal(b.systematic, c.systematic)
    total, before = a.systematic + a.random, b.systematic + b.random
    information = torch.linalg.inv(before)
    information[3:, 3:] += sigma**-2.0 * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(total, torch.linalg.inv(information), rtol=1e-6, atol=1e-12)
    assert float(total[:3, :3].trace()) < float(before[:3, :3].trace())
