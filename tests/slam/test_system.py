"""The whole system on the rendered room: path, depth, loss and return, wrong images."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from denseba_ros.errors import ConfigurationError, ImageError
from denseba_ros.evaluation.trajectory.alignment import umeyama
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.slam.initialisation.map_initialisation import INITIAL_ROUNDS
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.system import System
from tests.slam.conftest import config

pytestmark = pytest.mark.slow

# Grey levels per pixel on the depth grid, above which a cell counts as textured.
_TEXTURED = 8.0


def _mapped(run: Any) -> list[int]:
    """Images that were tracked against the map; those before waited for parallax."""
    return [i for i, e in enumerate(run.estimates) if not e.reason]


def _depth_errors(run: Any, room: Any) -> list[tuple[float, float]]:
    """Median relative depth error on textured cells and the share of them that is known, of each
    keyframe at its own scale."""
    rows = []
    for keyframe in run.keyframes:
        index = room.index(keyframe.stamp_ns)
        depth = keyframe.depth.depth
        size = depth.shape[::-1]
        true = 1 / cv2.resize(1 / room.sequence.depth(index), size, interpolation=cv2.INTER_AREA)
        image = keyframe.image.astype(np.float32)
        gradient = np.hypot(*(0.125 * cv2.Sobel(image, -1, *d) for d in ((1, 0), (0, 1))))
        ratio = depth / true
        known = np.isfinite(ratio)
        textured = gradient > _TEXTURED
        error = np.abs(ratio / np.median(ratio[known]) - 1)
        rows.append((float(np.median(error[known & textured])), float(known[textured].mean())))
    return rows


def test_it_initialises_soon_and_then_tracks_every_frame(run: Any) -> None:
    mapped = _mapped(run)
    assert mapped[0] < 15
    assert mapped == list(range(mapped[0], len(run.estimates)))
    for i, estimate in enumerate(run.estimates):
        waits = i < mapped[0]
        assert estimate.tracking is (Tracking.INITIALISING if waits else Tracking.TRACKING)
        words = ("parallax", "sideways") if i else ("first image",)
        assert any(word in estimate.reason for word in words) is waits


def test_before_initialisation_the_rotation_is_tracked(run: Any, room: Any) -> None:
    """Both within what the covariance says; metres of the truth, so at the map's scale. A rotation
    takes up most of a motion to the side, which it cannot be told from."""
    mapped = _mapped(run)
    estimated = np.stack([run.estimates[i].T_world_camera[:3, 3] for i in mapped])
    true = np.stack([room.sequence.pose(i)[:3, 3] for i in mapped])
    scale = umeyama(true, estimated).scale
    for i in range(1, mapped[0]):
        estimate = run.estimates[i]
        moved = np.linalg.inv(room.sequence.pose(0)) @ room.sequence.pose(i)
        turn = moved[:3, :3].T @ estimate.T_world_camera[:3, :3]
        error = np.degrees(np.arccos((np.trace(turn) - 1) / 2))
        assert error < 1.0
        assert error < 3 * np.degrees(np.trace(estimate.covariance[3:, 3:]) ** 0.5)
        assert scale * np.linalg.norm(moved[:3, 3]) < 3 * estimate.covariance[0, 0] ** 0.5


def test_the_error_of_the_path_is_below_one_per_cent(run: Any, room: Any) -> None:
    tracked = _mapped(run)
    estimated = np.stack([run.estimates[i].T_world_camera[:3, 3] for i in tracked])
    true = np.stack([room.sequence.pose(i)[:3, 3] for i in tracked])
    moved = umeyama(estimated, true).points(estimated)
    error = np.sqrt(((moved - true) ** 2).sum(1).mean())
    path = np.linalg.norm(np.diff(true, axis=0), axis=1).sum()
    assert path > 0.4
    assert error < 0.01 * path


def test_depth_of_keyframes_is_within_three_per_cent(run: Any, room: Any) -> None:
    """Median relative error on textured cells, most of which are known."""
    rows = np.array(_depth_errors(run, room))
    assert len(rows) >= 5
    assert rows[:, 0].max() < 0.03
    assert rows[:, 0].mean() < 0.02
    assert rows[:, 1].min() > 0.7


def test_the_adjustment_improves_depth_and_positions(run: Any) -> None:
    """Of every new keyframe, against where it began; the rounds on the first two, which two views
    alone may know as well, are left out."""
    depth = np.array([a.depth for a in run.adjustments[INITIAL_ROUNDS:]])
    position = np.array([a.position for a in run.adjustments[INITIAL_ROUNDS:]])
    assert len(depth) >= 4
    assert depth[:, 1].mean() < 0.8 * depth[:, 0].mean()
    assert position[:, 1].mean() < position[:, 0].mean()


def test_every_keyframe_is_given_once(run: Any) -> None:
    ids = [k.id for k in run.keyframes]
    assert sorted(ids) == list(range(len(ids)))
    stamps = {e.stamp_ns for e in run.estimates if e.is_keyframe}
    # The first keyframe was seen before it was known to be one.
    assert stamps <= {k.stamp_ns for k in run.keyframes}
    assert len(run.keyframes) == len(stamps) + 1


def test_estimates_have_all_fields(run: Any, room: Any) -> None:
    for estimate, stamp in zip(run.estimates, room.stamps_ns, strict=True):
        assert estimate.stamp_ns == stamp
        R = estimate.T_world_camera[:3, :3]
        np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-9)
        for covariance in (estimate.covariance, estimate.twist_covariance):
            assert np.isfinite(covariance).all()
            np.testing.assert_allclose(covariance, covariance.T, atol=1e-12)
            assert np.linalg.eigvalsh(covariance)[0] > -1e-12
        assert "frontend" in estimate.seconds
        assert "tracking" in estimate.seconds
        assert (estimate.depth is None) is bool(estimate.reason)


def test_the_first_camera_is_the_origin(run: Any) -> None:
    first = next(k for k in run.keyframes if k.id == 0)
    np.testing.assert_allclose(first.T_world_camera, np.eye(4), atol=1e-3)
    assert run.estimates[0].T_world_camera.tolist() == np.eye(4).tolist()


def test_twist_is_the_motion_of_the_camera(run: Any, room: Any) -> None:
    """The sweep goes to the camera's right: positive x, at the map's own scale."""
    last = run.estimates[-1]
    true = np.linalg.inv(room.sequence.pose(43)) @ room.sequence.pose(44)
    velocity = true[:3, 3] / ((room.stamps_ns[44] - room.stamps_ns[43]) * 1e-9)
    assert velocity[0] > 0.1
    estimated = last.twist[:3]
    cosine = estimated @ velocity / np.linalg.norm(estimated) / np.linalg.norm(velocity)
    assert cosine > 0.98


@pytest.mark.parametrize(("kind", "count"), [("black", 4), ("almost black with noise", 12)])
def test_dark_frames_are_lost_and_tracking_goes_on_afterwards(
    system: System, room: Any, kind: str, count: int
) -> None:
    """Against the same map, however many they are."""
    rng = np.random.default_rng(0)

    def dark(image: np.ndarray) -> np.ndarray:
        if kind == "black":
            return np.zeros_like(image)
        noise = rng.normal(0.0, 3.0, image.shape)
        return np.clip(np.rint(0.02 * image + noise), 0, 255).astype(np.uint8)

    images = [*room.images[:24], *[dark(room.images[24])] * count, *room.images[24:32]]
    said = [system.process(room.stamps_ns[0] + 33_333_333 * i, im) for i, im in enumerate(images)]
    sure = [float(np.trace(_up_to_scale(e))) for e in said]
    assert said[23].tracking is Tracking.TRACKING
    for i in range(24, 24 + count):
        assert said[i].tracking is Tracking.LOST
        assert "shows nearly nothing" in said[i].reason
        assert np.isfinite(said[i].T_world_camera).all()
        assert sure[i] > sure[i - 1]
    for estimate in said[24 + count :]:
        assert estimate.tracking is Tracking.TRACKING
        assert not estimate.reason
    assert sure[24 + count] < sure[23 + count]
    keyframes = [*system.finished_keyframes(), *system.keyframes()]
    assert sorted(k.id for k in keyframes) == list(range(len(keyframes)))


@pytest.mark.parametrize("kind", ["grey", "noise", "mirrored"])
def test_another_scene_is_lost(system: System, room: Any, kind: str) -> None:
    for i in range(24):
        system.process(room.stamps_ns[i], room.images[i])
    image = room.images[24]
    wrong = {
        "grey": np.full_like(image, 120),
        "noise": np.random.default_rng(0).integers(0, 256, image.shape, dtype=np.uint8),
        "mirrored": np.ascontiguousarray(image[:, ::-1]),
    }[kind]
    estimate = system.process(room.stamps_ns[24], wrong)
    assert estimate.tracking is Tracking.LOST
    assert not estimate.is_keyframe


def test_lost_images_make_the_pose_less_certain(system: System, room: Any) -> None:
    for i in range(24):
        sure = system.process(room.stamps_ns[i], room.images[i])
    black = np.zeros_like(room.images[0])
    lost = [system.process(room.stamps_ns[i], black) for i in (24, 25, 26)]
    # Without a model the unknown metric scale is more than all else.
    spread = [float(np.trace(_up_to_scale(e))) for e in (sure, *lost)]
    assert spread == sorted(spread)
    assert spread[1] > 10 * spread[0]
    assert lost[0].depth is None


def _up_to_scale(estimate: Estimate) -> np.ndarray:
    """Covariance (6, 6) of the pose without that of the metric scale."""
    length = estimate.T_world_camera[:3, 3]
    return estimate.covariance - estimate.metric_scale.covariance(length)


def test_after_lost_for_long_a_new_map_is_initialised(system: System, room: Any) -> None:
    """Another scene for longer than it waits, then another part of the room."""
    other = np.ascontiguousarray(room.images[0][:, ::-1])
    images = room.images[:20] + [other] * 10 + room.images[24:]
    last = None
    kept = 0
    for i, image in enumerate(images):
        last = system.process(room.stamps_ns[0] + i * 33_000_000, image)
        kept += len(system.finished_keyframes())
    assert last is not None
    assert last.tracking is Tracking.TRACKING
    # The map before the loss was given out.
    assert kept >= 2


def test_reset_forgets_everything(system: System, room: Any) -> None:
    first = [system.process(room.stamps_ns[i], room.images[i]) for i in range(12)]
    assert first[-1].tracking is Tracking.TRACKING
    window, newest = system.keyframes(), system.newest_keyframe()
    assert newest is not None
    assert newest.id == window[-1].id
    np.testing.assert_array_equal(newest.depth.depth, window[-1].depth.depth)
    np.testing.assert_array_equal(
        list(system.keyframe_poses().values()), [k.T_world_camera for k in window]
    )
    system.reset()
    assert not system.keyframes()
    assert not system.keyframe_poses()
    assert system.newest_keyframe() is None
    assert system.finished_keyframes() == []
    again = [system.process(room.stamps_ns[i], room.images[i]) for i in range(12)]
    for a, b in zip(first, again, strict=True):
        assert a.tracking is b.tracking
        np.testing.assert_array_equal(a.T_world_camera, b.T_world_camera)
        np.testing.assert_array_equal(a.covariance, b.covariance)


def test_two_systems_are_equal_bit_by_bit(run: Any, room: Any, system: System) -> None:
    for i in range(25):
        estimate = system.process(room.stamps_ns[i], room.images[i])
        np.testing.assert_array_equal(estimate.T_world_camera, run.estimates[i].T_world_camera)
    assert estimate.depth is not None
    np.testing.assert_array_equal(estimate.depth.depth, run.estimates[24].depth.depth)


def test_an_image_of_the_wrong_size_is_refused_and_changes_nothing(
    system: System, room: Any
) -> None:
    system.process(room.stamps_ns[0], room.images[0])
    for wrong in (room.images[0][:-1], np.zeros((10, 10), np.uint8)):
        with pytest.raises(ImageError, match="shape"):
            system.process(room.stamps_ns[1], wrong)
    after = [system.process(room.stamps_ns[i], room.images[i]) for i in range(1, 12)]
    assert after[-1].tracking is Tracking.TRACKING


@pytest.mark.parametrize("kind", ["still", "black"])
def test_the_reason_for_no_initialisation_is_reported(system: System, room: Any, kind: str) -> None:
    image = room.images[0] if kind == "still" else np.zeros_like(room.images[0])
    for i in range(8):
        estimate = system.process(room.stamps_ns[i], image)
        assert estimate.tracking is Tracking.INITIALISING
        assert estimate.reason == estimate.reason.strip() != ""
        assert estimate.depth is None
        assert not estimate.is_keyframe
    word = "sideways" if kind == "still" else "shows nearly nothing"
    assert word in estimate.reason
    np.testing.assert_array_equal(estimate.T_world_camera, np.eye(4))


def test_frames_of_a_frontend_elsewhere_give_the_same(system: System, room: Any) -> None:
    """A backend in a process of its own has no frontend, and says so where it is asked for one."""
    backend = System(system.config)
    frontend = Frontend(system.config, room.sequence.calibration)
    for stamp, image in zip(room.stamps_ns[:20], room.images[:20], strict=True):
        expected = system.process(stamp, image)
        estimate = backend.process_frame(frontend.process(stamp, image))
        assert np.array_equal(estimate.T_world_camera, expected.T_world_camera)
        assert estimate.tracking is expected.tracking
    with pytest.raises(ConfigurationError, match="takes frames, not images"):
        backend.process(0, room.images[0])
    backend.change_camera(room.sequence.calibration.resized(160, 120))
    assert backend.keyframes() == []


def test_with_depth_of_every_frame_each_tracked_image_has_its_own_and_the_same_pose(
    room: Any,
) -> None:
    """The model knows a flat wall at 5 m; without a certain map the depth would not be complete."""
    poses, depths = [], []
    for every in ("keyframe", "frame"):
        settings = config()
        system = System(
            settings.model_copy(
                update={
                    "frontend": settings.frontend.model_copy(
                        update={"depth_every": every, "constant_sigma": 0.3, "constant_depth": 5.0}
                    )
                }
            ),
            room.sequence.calibration,
        )
        estimates = [system.process(room.stamps_ns[i], room.images[i]) for i in range(14)]
        tracked = [e for e in estimates if e.depth is not None]
        assert len(tracked) > 5
        poses.append([e.T_world_camera for e in tracked])
        depths.append(np.array([np.isfinite(e.depth.depth).mean() for e in tracked[2:]]))
    np.testing.assert_array_equal(poses[0], poses[1])
    assert depths[1].mean() > depths[0].mean()


def test_without_a_listener_only_new_keyframes_have_depth(room: Any) -> None:
    system = System(config(), room.sequence.calibration)
    system.wants_depth = False
    for i in range(20):
        estimate = system.process(room.stamps_ns[i], room.images[i])
        assert (estimate.depth is not None) is estimate.is_map_updated
