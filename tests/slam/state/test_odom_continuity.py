"""The odometry frame goes on where the map's frame jumps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from denseba_ros.geometry import pose_step
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.state.odom_continuity import OdomContinuity
from denseba_ros.slam.state.rigid_motion import displaced

FRAME_NS = 33_000_000
SPEED = 0.6


def estimate(
    k: int, position: np.ndarray, tracking: Tracking = Tracking.TRACKING, turn: float = 0.0
) -> Estimate:
    """Image ``k``; the camera looks along z and moves forward."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec([0.0, turn, 0.0]).as_matrix()
    T[:3, 3] = position
    return Estimate(
        stamp_ns=k * FRAME_NS,
        tracking=tracking,
        T_world_camera=T,
        covariance=1e-4 * np.eye(6),
        twist=np.array([0.0, 0.0, SPEED, 0.0, 0.0, 0.0]),
        twist_covariance=1e-2 * np.eye(6),
        depth=None,
        is_keyframe=False,
        reason="" if tracking is Tracking.TRACKING else "the test says so",
        seconds={},
    )


def repaid(seconds: float, speed: float = SPEED) -> float:
    """The most that may flow back in this time, metres."""
    return (0.2 + 0.5 * speed) * seconds


def ahead(k: int) -> np.ndarray:
    return np.array([0.0, 0.0, SPEED * k * FRAME_NS * 1e-9])


def test_what_is_measured_all_along_passes_unchanged() -> None:
    link = OdomContinuity()
    for k in range(5):
        wanted = estimate(k, ahead(k))
        assert link.update(wanted) is wanted
    np.testing.assert_array_equal(link.T_odom_world, np.eye(4))


def test_a_quick_but_measured_motion_is_no_jump() -> None:
    link = OdomContinuity()
    link.update(estimate(0, np.zeros(3)))
    link.update(estimate(1, np.array([0.0, 0.0, 0.05])))
    link.update(estimate(20, np.array([0.0, 1.0, 0.4])))
    np.testing.assert_array_equal(link.T_odom_world, np.eye(4))


def test_after_a_gap_odom_continues_from_the_last_pose_with_larger_covariance() -> None:
    link = OdomContinuity()
    link.update(estimate(0, np.zeros(3)))
    gap = 60 * FRAME_NS * 1e-9
    back = link.update(estimate(60, np.array([5.0, 0.0, 0.0])))
    expected = [0.0, 0.0, 0.5 * SPEED]
    step = np.linalg.norm(back.T_world_camera[:3, 3] - expected)
    assert step <= repaid(gap) + 1e-9
    assert back.covariance[0, 0] == pytest.approx((5.0 - back.T_world_camera[0, 3]) ** 2, rel=0.01)
    np.testing.assert_array_equal(link.T_odom_world, np.eye(4))


def test_an_adjusted_map_is_no_motion_and_its_correction_flows_in() -> None:
    link = OdomContinuity()
    for k in range(4):
        link.update(estimate(k, ahead(k)))
    moved = np.eye(4)
    moved[0, 3] = 0.04
    offset = moved[:3, 3]
    first = link.update(replace(estimate(4, ahead(4) + offset), map_motion=moved))
    period = FRAME_NS * 1e-9
    assert first.T_world_camera[0, 3] == pytest.approx(repaid(period))
    assert first.covariance[0, 0] > 1e-4
    for k in range(5, 12):
        last = link.update(estimate(k, ahead(k) + offset))
    np.testing.assert_allclose(last.T_world_camera[:3, 3], ahead(11) + offset, atol=1e-12)
    np.testing.assert_array_equal(link.T_odom_world, np.eye(4))


def test_an_adjusted_map_is_no_motion_where_the_frames_differ() -> None:
    """After a loss odom is turned and shifted against the map."""
    link = OdomContinuity()
    for k in range(3):
        link.update(estimate(k, ahead(k)))
    for k in range(3, 30):
        link.update(estimate(k, ahead(k), Tracking.LOST))
    elsewhere = np.array([3.0, -1.0, 2.0])
    before = link.update(estimate(30, elsewhere, turn=0.8))
    assert np.linalg.norm(link.T_odom_world - np.eye(4)) > 0.5
    moved = displaced(np.eye(4), np.array([0.01, 0.005, 0.0, 0.0, 0.01, 0.0]))
    now = estimate(31, elsewhere, turn=0.8)
    now = replace(now, T_world_camera=moved @ now.T_world_camera, map_motion=moved)
    # The camera rests: odom goes to where it is now at the bounded speed, and no faster.
    after = link.update(replace(now, twist=np.zeros(6)))
    step = np.linalg.norm(after.T_world_camera[:3, 3] - before.T_world_camera[:3, 3])
    assert step <= repaid(FRAME_NS * 1e-9, 0.0) + 1e-9
    in_odom = link.T_odom_world @ now.T_world_camera
    lent = displaced(in_odom, link.loan)
    np.testing.assert_allclose(after.T_world_camera, lent, atol=1e-12)


def test_a_map_that_is_adjusted_while_lost_does_not_move_odom() -> None:
    link = OdomContinuity()
    for k in range(4):
        before = link.update(estimate(k, ahead(k)))
    moved = np.eye(4)
    moved[0, 3] = 0.04
    lost = estimate(4, ahead(4) + moved[:3, 3], Tracking.LOST)
    after = link.update(replace(lost, map_motion=moved))
    step = after.T_world_camera[:3, 3] - before.T_world_camera[:3, 3]
    np.testing.assert_allclose(step, ahead(1), atol=1e-12)


coordinate = st.floats(-20.0, 20.0)


@settings(deadline=None, max_examples=50)
@given(st.tuples(coordinate, coordinate, coordinate), st.floats(-3.0, 3.0), st.integers(1, 30))
def test_odom_is_continuous_wherever_tracking_recovers(
    away: tuple[float, float, float], turn: float, lost: int
) -> None:
    link = OdomContinuity()
    for k in range(3):
        link.update(estimate(k, ahead(k)))
    for k in range(3, 3 + lost):
        link.update(estimate(k, ahead(k), Tracking.LOST))
    back = link.update(estimate(3 + lost, np.array(away), turn=turn))
    step = np.linalg.norm(back.T_world_camera[:3, 3] - ahead(2 + lost))
    plausible = 0.05 + (SPEED + 10.0 * (lost + 1) * FRAME_NS * 1e-9) * FRAME_NS * 1e-9
    assert step < plausible + repaid(FRAME_NS * 1e-9)
    np.testing.assert_allclose(
        displaced(
            link.T_odom_world @ estimate(0, np.array(away), turn=turn).T_world_camera, link.loan
        ),
        back.T_world_camera,
        atol=1e-9,
    )
    assert np.linalg.eigvalsh(back.covariance).min() > 0


def test_a_few_lost_images_lose_no_measured_motion() -> None:
    """Three blurred images of a turning robot: the map is the same before and after."""
    link = OdomContinuity()
    for k in range(3):
        link.update(estimate(k, ahead(k)))
    for k in range(3, 6):
        link.update(estimate(k, ahead(2), Tracking.LOST))
    for k in range(6, 30):
        back = link.update(estimate(k, ahead(k)))
    np.testing.assert_array_equal(link.T_odom_world, np.eye(4))
    np.testing.assert_allclose(back.T_world_camera[:3, 3], ahead(29), atol=1e-9)


def test_a_map_that_begins_elsewhere_after_a_long_loss_moves_the_map_frame() -> None:
    link = OdomContinuity()
    for k in range(3):
        link.update(estimate(k, ahead(k)))
    for k in range(3, 23):
        link.update(estimate(k, ahead(2), Tracking.LOST))
    back = link.update(estimate(23, ahead(2) + np.array([0.5, 0.0, 0.0])))
    assert abs(back.T_world_camera[0, 3]) < 1e-9
    np.testing.assert_allclose(link.T_odom_world[:3, 3], [-0.5, 0.0, 0.5 * SPEED - 0.02], atol=0.3)
    assert not link.loan.any()


def test_the_motion_since_the_first_image_is_in_odom() -> None:
    """A drive: four images wait for parallax, then the map says where the camera is."""
    step = 0.86
    link = OdomContinuity()
    published = []
    for k in range(40):
        position = np.array([0.0, 0.0, step * k if k >= 4 else 0.01 * k])
        one = estimate(3 * k, position)
        one.twist[2] = step / (3 * FRAME_NS * 1e-9) if k > 4 else 0.0
        if k < 4:
            one = replace(one, reason="waiting for parallax")
        published.append(link.update(one).T_world_camera[2, 3])
    np.testing.assert_array_equal(link.T_odom_world, np.eye(4))
    assert published[-1] == pytest.approx(step * 39, abs=1e-9)
    steps = np.diff(published)
    assert steps.min() >= 0.0
    assert steps.max() <= step + repaid(3 * FRAME_NS * 1e-9, step / (3 * FRAME_NS * 1e-9)) + 1e-9
    # Twelve images later all of it has flown in.
    np.testing.assert_allclose(published[16:], step * np.arange(16, 40), atol=1e-9)


def test_the_covariance_of_a_jump_is_transported_with_the_position() -> None:
    link = OdomContinuity()
    link.update(estimate(0, np.zeros(3)))
    link.update(estimate(1, ahead(1), Tracking.LOST))
    back = link.update(estimate(2, np.array([3.0, 0.0, 0.0]), turn=0.1))
    assert back.covariance[0, 0] == pytest.approx(9.0, rel=0.01)
    for k in range(1, 101):
        later = link.update(estimate(2 + 5 * k, np.array([3.0, 0.0, 0.1 * k]), turn=0.1))
    assert later.covariance[0, 0] == pytest.approx((3.0 + 0.1 * 10.0) ** 2, rel=0.05)


def test_what_is_missed_in_several_losses_adds_up() -> None:
    """Three metres to the side, then four ahead: the second does not hide the first."""
    link = OdomContinuity()
    link.update(estimate(0, np.zeros(3)))
    link.update(estimate(1, ahead(1), Tracking.LOST))
    link.update(estimate(2, np.array([3.0, 0.0, 0.0])))
    link.update(estimate(3, np.array([3.0, 0.0, 0.0]), Tracking.LOST))
    back = link.update(estimate(4, np.array([3.0, 0.0, 4.0])))
    np.testing.assert_allclose(back.covariance[[0, 2], [0, 2]], [9.0, 16.0], rtol=0.05)


def test_the_velocity_of_images_without_a_pose_fades() -> None:
    link = OdomContinuity()
    link.update(estimate(0, np.zeros(3)))
    places = [np.zeros(3)]
    for k in range(1, 5):
        missed = link.coast(k * FRAME_NS)
        assert missed is not None
        places.append(missed.T_world_camera[:3, 3])
    steps = np.diff(np.array(places)[:, 2])
    np.testing.assert_allclose(steps, SPEED * FRAME_NS * 1e-9 * 0.7 ** np.arange(4))


def test_the_covariance_of_a_prediction_grows_with_time() -> None:
    link = OdomContinuity()
    assert link.predict(0) is None
    link.update(estimate(1, ahead(1)))
    soon, late = (link.predict(FRAME_NS + ms * 1_000_000) for ms in (10, 100))
    assert soon is not None
    assert late is not None
    assert soon.T_world_camera[2, 3] == pytest.approx(ahead(1)[2] + 0.01 * SPEED)
    assert 1e-4 < soon.covariance[0, 0] < late.covariance[0, 0]


@pytest.mark.parametrize("error", [0.01, 0.3])
def test_the_error_of_a_published_prediction_flows_back(error: float) -> None:
    """Nothing of it stays in odom, no step exceeds what may flow back, the map does not move."""
    link = OdomContinuity()
    link.update(estimate(0, ahead(0)))
    predicted = link.predict_published(3 * FRAME_NS)
    assert predicted is not None
    side = np.array([error, 0.0, 0.0])
    positions = [predicted.T_world_camera[:3, 3]]
    for k in range(3, 40):
        out = link.update(estimate(k, ahead(k) + side))
        assert out.covariance[0, 0] >= (error - out.T_world_camera[0, 3]) ** 2
        positions.append(out.T_world_camera[:3, 3])
    steps = np.linalg.norm(np.diff(np.array(positions), axis=0), axis=1)
    assert steps[0] < 1e-9
    assert steps.max() <= SPEED * FRAME_NS * 1e-9 + repaid(FRAME_NS * 1e-9) + 1e-9
    np.testing.assert_array_equal(link.T_odom_world, np.eye(4))
    assert not link.loan.any()
    np.testing.assert_allclose(positions[-1], ahead(39) + side, atol=1e-12)


def test_an_image_older_than_a_published_prediction_counts_for_what_follows() -> None:
    """The estimate of image 1 comes after the prediction for image 2 was published."""
    link = OdomContinuity()
    link.update(estimate(0, ahead(0)))
    predicted = link.predict_published(2 * FRAME_NS)
    assert predicted is not None
    side = np.array([0.05, 0.0, 0.0])
    link.update(estimate(1, ahead(1) + side))
    later = link.predict(2 * FRAME_NS)
    assert later is not None
    np.testing.assert_allclose(later.T_world_camera, predicted.T_world_camera, atol=1e-12)
    for k in range(3, 40):
        out = link.update(estimate(k, ahead(k) + side))
    np.testing.assert_allclose(out.T_world_camera[:3, 3], ahead(39) + side, atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["measured", "predicted", "unusable", "lost"]), max_size=40))
def test_whatever_comes_odom_is_continuous_and_nothing_measured_is_lost(events: list[str]) -> None:
    """A circle at constant speed; images are late, unusable or lost now and then."""
    link = OdomContinuity()

    def measured(k: int) -> Estimate:
        angle = 0.3 * k * FRAME_NS * 1e-9
        radius = SPEED / 0.3
        one = estimate(
            k, np.array([radius * (1 - np.cos(angle)), 0, radius * np.sin(angle)]), turn=angle
        )
        one.twist[4] = 0.3
        return one

    link.update(measured(0))
    published = [(0, np.zeros(3))]
    k = 0
    for event in ["measured", *events, *["measured"] * 60]:
        k += 1
        if event == "predicted":
            out = link.predict_published(k * FRAME_NS)
        elif event == "unusable":
            out = link.coast(k * FRAME_NS)
        elif event == "lost":
            last = link.predict(k * FRAME_NS)
            assert last is not None
            T = pose_step.inverse(link.T_odom_world) @ displaced(last.T_world_camera, -link.loan)
            out = link.update(
                replace(measured(k), T_world_camera=T, tracking=Tracking.LOST, reason="lost")
            )
        else:
            out = link.update(measured(k))
        assert out is not None
        published.append((k, out.T_world_camera[:3, 3]))
    steps = np.linalg.norm(np.diff([p for _, p in published], axis=0), axis=1)
    assert steps.max() < 2.0 * SPEED * FRAME_NS * 1e-9 + repaid(FRAME_NS * 1e-9) + 0.01
    assert not link.loan.any()
    in_odom = link.T_odom_world @ measured(k).T_world_camera
    np.testing.assert_allclose(published[-1][1], in_odom[:3, 3], atol=1e-9)


def test_a_missed_image_does_not_drop_a_later_published_prediction() -> None:
    link = OdomContinuity()
    link.update(estimate(0, np.zeros(3)))
    promised = link.predict_published(5 * FRAME_NS)
    assert promised is not None
    link.coast(2 * FRAME_NS)
    link.coast(4 * FRAME_NS)
    missed = link.coast(6 * FRAME_NS)
    assert missed is not None
    step = missed.T_world_camera[:3, 3] - promised.T_world_camera[:3, 3]
    assert np.linalg.norm(step) < 2 * SPEED * FRAME_NS * 1e-9
    back = link.update(estimate(7, np.array([2.0, 0.0, 0.0])))
    step = back.T_world_camera[:3, 3] - missed.T_world_camera[:3, 3]
    assert np.linalg.norm(step) < 2 * SPEED * FRAME_NS * 1e-9


def test_a_velocity_over_a_tiny_interval_is_not_extrapolated() -> None:
    link = OdomContinuity()
    link.update(estimate(0, np.zeros(3)))
    link.update(estimate(1, ahead(1)))
    noisy = estimate(1, ahead(1))
    noisy.twist[2] = 30.0
    link.update(replace(noisy, stamp_ns=FRAME_NS + 1_000_000))
    predicted = link.predict(FRAME_NS + 301_000_000)
    assert predicted is not None
    assert predicted.T_world_camera[2, 3] < 0.6


def velocity(before: Estimate, now: Estimate) -> np.ndarray:
    """Twist of a camera that does not turn."""
    step = now.T_world_camera[:3, 3] - before.T_world_camera[:3, 3]
    return np.concatenate([step, np.zeros(3)]) / ((now.stamp_ns - before.stamp_ns) * 1e-9)


def test_an_image_that_was_aligned_wrongly_is_no_speed() -> None:
    """One pose is 14 cm off, the next right again, then none comes for half a second."""
    link, before = OdomContinuity(), estimate(0, ahead(0))
    link.update(before)
    for k in (*range(1, 9), 22):
        error = np.array([0.14, 0.0, 0.0]) if k == 6 else np.zeros(3)
        now = estimate(k, ahead(k) + error)
        now = replace(now, twist=velocity(before, now))
        if k == 22:
            link.predict_published((k - 3) * FRAME_NS)
        said = link.update(now)
        before = now
        # Its own error, and what flows back of it.
        assert np.linalg.norm(said.T_world_camera[:3, 3] - ahead(k)) < 0.15
        assert np.linalg.norm(said.twist[:3]) == pytest.approx(SPEED, rel=0.01)
    np.testing.assert_array_equal(link.T_odom_world, np.eye(4))


def test_the_velocity_that_is_not_believed_is_in_the_covariance() -> None:
    link = OdomContinuity()
    for k in range(3):
        link.update(estimate(k, ahead(k)))
    wrong = estimate(3, ahead(3) + np.array([0.5, 0.0, 0.0]))
    said = link.update(replace(wrong, twist=np.array([15.0, 0.0, SPEED, 0.0, 0.0, 0.0])))
    assert said.twist[0] == 0.0
    assert said.twist_covariance[0, 0] == pytest.approx(15.0**2, rel=0.01)


def test_a_speed_that_stays_is_believed_at_the_second_image() -> None:
    link, before = OdomContinuity(), estimate(0, np.zeros(3))
    link.update(before)
    twists = []
    for k in range(1, 9):
        position = ahead(min(k, 4)) + np.array([0.2 * max(k - 4, 0), 0.0, 0.0])
        now = estimate(k, position)
        now = replace(now, twist=velocity(before, now))
        twists.append(link.update(now).twist[0])
        before = now
    assert twists[:5] == [0.0] * 5
    assert twists[5:] == pytest.approx([0.2 / (FRAME_NS * 1e-9)] * 3)


def test_a_reset_makes_both_frames_one() -> None:
    link = OdomContinuity()
    link.update(estimate(0, np.zeros(3), Tracking.LOST))
    link.update(estimate(1, np.ones(3)))
    assert not np.array_equal(link.T_odom_world, np.eye(4))
    link.reset()
    anywhere = estimate(0, np.full(3, 7.0))
    assert link.update(anywhere) is anywhere
