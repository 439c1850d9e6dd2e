"""The interface of every recorded or rendered sequence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.trajectory import Trajectory


@dataclass(frozen=True)
class StampedImage:
    """One image of a sequence.

    ``image`` is uint8, (H, W) grey or (H, W, 3) BGR; ``stamp_ns`` is the input's stamp.
    ``index`` counts the frames of the whole sequence, also when only a section of it is read.
    ``depth`` is (h, w) float32 in metres, 0 where unknown, of the same pixels; None where the
    sequence has none at that time, or none was asked for.
    """

    index: int
    stamp_ns: int
    image: np.ndarray
    depth: np.ndarray | None = None


class Sequence(Protocol):
    """Frames in time order with one calibration; images are decoded during iteration."""

    @property
    def name(self) -> str:
        """Name of the folder or file, for messages."""
        ...

    @property
    def calibration(self) -> Calibration:
        """Camera of the images, with distortion."""
        ...

    @property
    def drops(self) -> Mapping[str, int]:
        """Number of frames that the last iteration left out, by reason."""
        ...

    @property
    def dropped(self) -> int:
        """Number of frames that the last iteration left out, for any reason."""
        ...

    def __len__(self) -> int:
        """Number of frames of an iteration if none is dropped."""
        ...

    def __iter__(self) -> Iterator[StampedImage]: ...

    def groundtruth(self) -> Trajectory | None:
        """T_world_camera of the sequence's ground truth, None without one."""
        ...


@runtime_checkable
class HasImu(Protocol):
    """A sequence beside whose camera an IMU may have been recorded."""

    def imu(self) -> ImuSamples | None:
        """All samples, also with a section of the frames; None without an IMU. Read at the call."""
        ...


def imu_of(sequence: Sequence) -> ImuSamples | None:
    """The samples of the IMU beside the camera, None without one.

    Raises:
        SequenceError: when there is one, but its samples cannot be read.
    """
    return sequence.imu() if isinstance(sequence, HasImu) else None


@runtime_checkable
class HasImuExtrinsics(Protocol):
    """A sequence whose files may say where the camera sits on the IMU."""

    def imu_extrinsics(self) -> np.ndarray | None:
        """T_imu_camera (4, 4) in metres, None where they do not. Read at the call."""
        ...


def imu_extrinsics_of(sequence: Sequence) -> np.ndarray | None:
    """T_imu_camera (4, 4) in metres by the files of a sequence, None where they do not tell it.

    Raises:
        CalibrationError: when there is a file that cannot be understood.
    """
    return sequence.imu_extrinsics() if isinstance(sequence, HasImuExtrinsics) else None
