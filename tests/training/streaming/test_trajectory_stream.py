import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from denseba_ros.errors import SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.training.streaming.image_reader import ImageReader, ReaderSettings
from denseba_ros.training.streaming.trajectory_stream import (
    ImageTrajectory,
    StreamSettings,
    StreamStep,
    TrajectoryStream,
)

LENGTHS = (7, 5, 9)
CAMERA = Calibration(8, 4, 8.0, 8.0, 3.5, 1.5)
SETTINGS = StreamSettings(batch_size=2, trajectory_length=4, size=(8, 4), workers=3, seed=5)
QUICK = ReaderSettings(deadline=1.0, attempts=3, pause=0.01, longest_pause=0.02)


def level(trajectory: int, frame: int) -> int:
    """Brightness of an image, by which the tests know it."""
    return 20 * trajectory + frame + 1


def files() -> dict[str, bytes]:
    return {
        f"/{t}/{k}.png": cv2.imencode(".png", np.full((4, 8), level(t, k), np.uint8))[1].tobytes()
        for t, n in enumerate(LENGTHS)
        for k in range(n)
    }


def trajectories(root: str) -> list[ImageTrajectory]:
    """Frame k lies at x = k^2 / 10 of its trajectory."""
    result = []
    for t, n in enumerate(LENGTHS):
        poses = np.tile(np.eye(4), (n, 1, 1))
        poses[:, 0, 3] = np.arange(n) ** 2 / 10.0
        result.append(ImageTrajectory([f"{root}/{t}/{k}.png" for k in range(n)], poses, CAMERA))
    return result


@pytest.fixture
def image_server(server: Any) -> Any:
    server.files = files()
    return server


def stream(root: str, step: int = 0) -> TrajectoryStream:
    return TrajectoryStream(trajectories(root), ImageReader(QUICK), SETTINGS, step)


def check(step: StreamStep) -> int:
    """Every pair that is shown is of neighbours, with the motion between them; how many."""
    for lane in step.known.nonzero()[:, 0].tolist():
        a, b = (int(image[lane, 0, 0, 0]) - 1 for image in (step.previous, step.current))
        assert b == a + 1
        frame = a % 20
        expected = ((frame + 1) ** 2 - frame**2) / 10.0
        assert float(step.T_previous_current[lane, 0, 3]) == pytest.approx(expected)
    return int(step.known.sum())


def test_each_image_is_fetched_once_per_pass_and_few_are_in_memory(image_server: Any) -> None:
    # 21 images in two lanes: a little less than one pass, with what is fetched ahead.
    with stream(image_server.url) as running:
        pairs = sum(check(next(running)) for _ in range(7))
        bound = SETTINGS.batch_size * (SETTINGS.trajectory_length + 1)
        assert 0 < running.most_held <= bound
    assert pairs > 7
    assert max(image_server.asked.values()) == 1
    assert sum(image_server.asked.values()) <= 2 * 7 + SETTINGS.batch_size * (
        SETTINGS.trajectory_length - 2
    )


def test_passes_fetch_everything_equally_often(image_server: Any) -> None:
    single = StreamSettings(batch_size=1, trajectory_length=2, size=(8, 4), workers=1, seed=1)
    reader = ImageReader(QUICK)
    with TrajectoryStream(trajectories(image_server.url), reader, single) as running:
        for step in itertools.islice(running, 2 * sum(LENGTHS)):
            check(step)
    assert len(image_server.sent) == sum(LENGTHS)
    assert set(image_server.sent.values()) == {2}


def test_faults_of_a_server_cost_time_only(image_server: Any) -> None:
    for k, path in enumerate(image_server.files):
        image_server.faults[path] = [image_server.kinds[k % len(image_server.kinds)]]
    with stream(image_server.url) as troubled:
        steps = list(itertools.islice(troubled, 8))
    with stream(image_server.url) as calm:
        expected = list(itertools.islice(calm, 8))
    for a, b in zip(steps, expected, strict=True):
        assert torch.equal(a.current, b.current)
        assert torch.equal(a.known, b.known)


def test_an_image_that_cannot_be_had_breaks_its_pairs_alone(image_server: Any) -> None:
    image_server.faults["/1/2.png"] = ["dead"] * 1000
    missing = level(1, 2)
    with stream(image_server.url) as running:
        shown = set()
        for step in itertools.islice(running, 30):
            check(step)
            shown |= {int(v) for v in step.current[step.known][:, 0, 0, 0]}
    everything = {level(t, k) for t, n in enumerate(LENGTHS) for k in range(n)}
    assert missing not in shown
    assert level(1, 3) not in shown
    assert len(shown) > 0.6 * len(everything)


def test_a_stream_goes_on_where_another_stopped(tmp_path: Path) -> None:
    for path, data in files().items():
        target = tmp_path / path[1:]
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(data)
    with stream(str(tmp_path)) as unbroken:
        whole = list(itertools.islice(unbroken, 12))
    with stream(str(tmp_path), step=5) as resumed:
        rest = list(itertools.islice(resumed, 7))
        assert resumed.step == 12
    for a, b in zip(whole[5:], rest, strict=True):
        for name in ("previous", "current", "T_previous_current", "known", "first"):
            assert torch.equal(getattr(a, name), getattr(b, name)), name


def test_trajectories_need_pairs_and_poses() -> None:
    with pytest.raises(SequenceError, match="2 images and 3 poses"):
        ImageTrajectory(["a", "b"], np.zeros((3, 4, 4)), CAMERA)
    with pytest.raises(SequenceError, match="no trajectory"):
        TrajectoryStream([], ImageReader(QUICK), SETTINGS)
