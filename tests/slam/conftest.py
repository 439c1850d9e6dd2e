"""Rendered frames of the room and one run of the whole system over them, shared by the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from denseba_ros.config import Config
from denseba_ros.geometry import se3
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.state.estimate import Estimate, Keyframe
from denseba_ros.slam.system import System

_FRAMES = 45


@dataclass(frozen=True)
class Room:
    """Frames of a 480x360 room with changing brightness; boxes hide what is behind them."""

    sequence: RoomSequence
    images: list[np.ndarray]
    stamps_ns: list[int]

    def index(self, stamp_ns: int) -> int:
        return self.stamps_ns.index(stamp_ns)


@pytest.fixture(scope="session")
def room() -> Room:
    sequence = RoomSequence("sweep", _FRAMES, 480, 360)
    frames = list(sequence)
    return Room(sequence, [f.image for f in frames], [f.stamp_ns for f in frames])


@dataclass
class Adjustment:
    """Relative depth error (median over the window's points, at their own scale) before and
    after one adjustment of the window, and the same of the newest keyframe's position over the
    distance that the window spans."""

    depth: tuple[float, float]
    position: tuple[float, float]


@dataclass
class Run:
    """What the system said about the room."""

    estimates: list[Estimate] = field(default_factory=list)
    keyframes: list[Keyframe] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)


def config() -> Config:
    """More keyframes than the default on so short a path, so that some are marginalised; without
    the network: tested are the start from two views and the map alone."""
    return Config.from_dict(
        {
            "device": "cpu",
            "frontend": {"depth_model": "constant"},
            "keyframes": {"max_flow": 0.025},
            "backend": {"window": 4},
        }
    )


def _errors(mapper: LocalMapper, room: Room) -> tuple[float, float]:
    ratios, centres, truth = [], [], []
    for keyframe in mapper.keyframes:
        i = room.index(keyframe.stamp_ns)
        points = keyframe.points
        known = points.valid & (points.relative_sigma < 0.3)
        x, y = points.pixels[known].round().long().unbind(-1)
        depth = torch.from_numpy(room.sequence.depth(i))[y, x]
        ratios.append(points.inverse_depth[known] * depth)
        centres.append(se3.inverse(keyframe.T)[:3, 3])
        truth.append(torch.from_numpy(room.sequence.pose(i)[:3, 3]))
    ratio = torch.cat(ratios)
    scale = float(ratio.median())
    moved = [(c[-1] - c[0]).norm() for c in (torch.stack(centres), torch.stack(truth))]
    position = abs(float(moved[0]) * scale / float(moved[1]) - 1.0)
    return float((ratio / scale - 1).abs().median()), position


def _watched(run: Run, room: Room) -> Callable[..., object]:
    original = LocalMapper.adjust

    def adjust(mapper: LocalMapper, levels: tuple[str, ...]) -> object:
        before = _errors(mapper, room)
        result = original(mapper, levels)
        after = _errors(mapper, room)
        pairs = zip(before, after, strict=True)
        run.adjustments.append(Adjustment(*pairs))
        return result

    return adjust


@pytest.fixture(scope="session")
def run(room: Room) -> Run:
    """The whole system over the room, every adjustment compared with the truth."""
    result = Run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalMapper, "adjust", _watched(result, room))
        system = System(config(), room.sequence.calibration)
        for stamp, image in zip(room.stamps_ns, room.images, strict=True):
            result.estimates.append(system.process(stamp, image))
            result.keyframes += system.finished_keyframes()
    result.keyframes += system.keyframes()
    return result


@pytest.fixture
def system(room: Room) -> System:
    return System(config(), room.sequence.calibration)
