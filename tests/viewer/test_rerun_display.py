"""What is logged: clouds once, transforms when they change, everything that was estimated."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rerun", reason="rerun-sdk is not installed: denseba_ros[view]")

import rerun as rr

from denseba_ros.sequences.trajectory import Trajectory
from denseba_ros.slam.state.estimate import Keyframe, Tracking
from denseba_ros.viewer.live_view import LiveView
from denseba_ros.viewer.mailbox import Mail, SeenImage
from denseba_ros.viewer.opening import open_view
from denseba_ros.viewer.rerun_display import RerunDisplay
from denseba_ros.viewer.true_path import TruePath
from tests.viewer.conftest import CALIBRATION, SECOND, at_x

IMAGE = np.full((48, 64, 3), 100, np.uint8)


class Recording:
    """Keeps what is logged, in the place of rerun's stream."""

    def __init__(self) -> None:
        self.logged: list[tuple[str, Any]] = []
        self.times: list[tuple[str, Any]] = []
        self.is_closed = False

    def log(self, path: str, what: Any, static: bool = False) -> None:
        self.logged.append((path, what))

    def set_time(self, timeline: str, **value: Any) -> None:
        self.times.append((timeline, *value.values()))

    def flush(self) -> None:
        pass

    def disconnect(self) -> None:
        self.is_closed = True

    def of(self, path: str, kind: type | None = None) -> list[Any]:
        """What was logged at ``path``, of one kind."""
        return [w for p, w in self.logged if p == path and (kind is None or isinstance(w, kind))]


@pytest.fixture
def recording() -> Recording:
    return Recording()


def seen(estimate: Any) -> SeenImage:
    return SeenImage(estimate, IMAGE, CALIBRATION, 0.01)


def translation(transform: rr.Transform3D) -> list[float]:
    return transform.translation.as_arrow_array().to_pylist()[0]


def test_an_image_shows_all_that_was_estimated(
    recording: Recording, make_estimate: Callable[..., Any]
) -> None:
    display = RerunDisplay(recording)
    for k in range(3):
        display.show(Mail(image=seen(make_estimate(k, is_map_updated=k == 1))))
    lost = make_estimate(3, tracking=Tracking.LOST, reason="nothing fits", depth=None)
    display.show(Mail(image=seen(lost)))
    display.close()
    assert recording.is_closed
    assert len(recording.of("world/camera/image", rr.EncodedImage)) == 4
    assert len(recording.of("world/camera/image", rr.Pinhole)) == 1
    assert len(recording.of("depth")) == len(recording.of("deviation")) == 3
    assert len(recording.of("world/newest_points", rr.Points3D)) == 1
    assert [translation(t)[0] for t in recording.of("world/camera")] == [0.0, 1.0, 2.0, 3.0]
    assert len(recording.of("world/path/0")) == 3
    assert len(recording.of("world/covariance", rr.Ellipsoids3D)) == 4
    assert len(recording.of("timing/tracking")) == len(recording.of("timing/total")) == 4
    states = [s.state.as_arrow_array()[0].as_py() for s in recording.of("state", rr.StateChange)]
    assert states == ["tracking", "lost"]  # each change of it
    assert len(recording.of("reason", rr.TextLog)) == 1
    assert ("image", 3) in recording.times
    assert ("time", 3.0) in recording.times


def test_a_cloud_is_logged_once_and_moves_with_its_keyframe(
    recording: Recording, make_keyframe: Callable[[int], Keyframe]
) -> None:
    """The points are in the keyframe's frame, so a closed loop costs a transform a keyframe."""
    display = RerunDisplay(recording)
    entity = f"world/keyframes/{3 * SECOND}"
    display.show(Mail(keyframes=[make_keyframe(3)], poses={3 * SECOND: at_x(3.0)}))
    corrected = at_x(-1.0)
    corrected[:3, :3] *= 1.1  # a similarity
    for T in (at_x(3.0), corrected, corrected):
        display.show(Mail(poses={3 * SECOND: T}))
    (points,) = recording.of(f"{entity}/points")
    positions = np.array(points.positions.as_arrow_array().to_pylist())
    assert len(positions) == 12 * 16 - 1
    np.testing.assert_allclose(positions[:, 2], 2.0)
    assert abs(positions[:, 0].mean()) < 0.1
    transforms = recording.of(entity, rr.Transform3D)
    assert [translation(t)[0] for t in transforms] == [3.0, -1.0]
    matrix = transforms[1].mat3x3.as_arrow_array().to_pylist()[0]
    np.testing.assert_allclose(np.reshape(matrix, (3, 3)), 1.1 * np.eye(3), rtol=1e-6)


def test_a_long_path_is_logged_in_pieces(
    recording: Recording, make_estimate: Callable[..., Any]
) -> None:
    display = RerunDisplay(recording)
    for k in range(250):
        display.show(Mail(image=seen(make_estimate(k))))
    longest = [
        max(len(s.strips.as_arrow_array().to_pylist()[0]) for s in recording.of(f"world/path/{i}"))
        for i in range(3)
    ]
    assert longest == [100, 100, 52]  # each goes on from the last of the one before


def test_the_truth_is_drawn_in_the_end_at_the_latest(
    recording: Recording, make_estimate: Callable[..., Any]
) -> None:
    stamps = SECOND * np.arange(1, 6, dtype=np.int64)
    poses = np.stack([at_x(10.0 * k) for k in range(5)])
    display = RerunDisplay(recording, TruePath(Trajectory(stamps, poses)))
    for k in range(5):
        display.show(Mail(image=seen(make_estimate(k))))
    assert recording.of("world/truth") == []
    display.close()
    (truth,) = recording.of("world/truth")
    x = [point[0] for point in truth.strips.as_arrow_array().to_pylist()[0]]
    np.testing.assert_allclose(x, range(5), atol=1e-6)


def test_another_world_clears_the_one_before(
    recording: Recording,
    make_estimate: Callable[..., Any],
    make_keyframe: Callable[[int], Keyframe],
) -> None:
    display = RerunDisplay(recording)
    display.show(Mail(keyframes=[make_keyframe(1)], poses={SECOND: at_x(1.0)}))
    display.show(Mail(is_new_world=True, image=seen(make_estimate(0))))
    paths = [path for path, _ in recording.logged]
    (cleared,) = recording.of("world", rr.Clear)
    cleared_at = [what for _, what in recording.logged].index(cleared)
    assert paths.index(f"world/keyframes/{SECOND}") < cleared_at < paths.index("world/path/0")


def test_a_recording_holds_what_was_shown(
    tmp_path: Path, make_estimate: Callable[..., Any], make_keyframe: Callable[[int], Keyframe]
) -> None:
    file = tmp_path / "new" / "run.rrd"
    view = open_view(False, file)
    assert isinstance(view, LiveView)
    with view:
        for k in range(4):
            view.add_keyframes([make_keyframe(k)])
            view.show(make_estimate(k), IMAGE, CALIBRATION, 0.01)
    printed = subprocess.run(
        [sys.executable, "-m", "rerun", "rrd", "print", "-v", str(file)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for entity in (*(f"keyframes/{k * SECOND}/points" for k in range(4)), "path/0", "covariance"):
        assert f"/world/{entity}" in printed
