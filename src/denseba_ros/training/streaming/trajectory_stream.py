"""Batches of pairs of consecutive images from many trajectories at once, prefetched.

At most ``batch_size * (trajectory_length + 1)`` images are in memory, and each step fetches
``batch_size`` new ones: none twice in a pass.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

import cv2
import numpy as np
import torch
from torch import Tensor

from denseba_ros.errors import ImageError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.training.streaming.image_reader import Grey, ImageReader
from denseba_ros.training.streaming.stream_plan import Place, plan

_log = logging.getLogger(__name__)
# From a camera's frame to the one that it has in a mirror.
_MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])


@dataclass(frozen=True)
class ImageTrajectory:
    """``locations`` of N images of one camera and their poses ``T_world_camera`` (N, 4, 4)."""

    locations: Sequence[str]
    T_world_camera: np.ndarray
    camera: Calibration

    def __post_init__(self) -> None:
        if len(self.locations) < 2 or len(self.locations) != len(self.T_world_camera):
            raise SequenceError(
                f"a trajectory of {len(self.locations)} images and {len(self.T_world_camera)} poses"
            )

    def every(self, stride: int) -> ImageTrajectory | None:
        """Every ``stride``-th image, in reverse if negative; None if fewer than two are left.

        Raises:
            SequenceError: when ``stride`` is 0.
        """
        if stride == 0:
            raise SequenceError("a stride of 0 repeats one image for ever")
        locations, poses = self.locations[::stride], self.T_world_camera[::stride]
        return ImageTrajectory(locations, poses, self.camera) if len(locations) > 1 else None


@dataclass(frozen=True)
class StreamStep:
    """One step of B lanes: ``previous`` and ``current`` (B, 1, H, W), grey 0-255; ``intrinsics``
    (B, 4); ``T_previous_current`` (B, 4, 4) float64; ``known`` (B,) bool: the lane has a valid
    pair; ``first`` (B,) bool: the lane begins a run, so its recurrent state must be reset."""

    previous: Tensor
    current: Tensor
    intrinsics: Tensor
    T_previous_current: Tensor
    known: Tensor
    first: Tensor


@dataclass(frozen=True)
class StreamSettings:
    """Images are resized to ``size`` (width, height); ``workers`` threads prefetch; ``mirror``:
    half of the runs are mirrored."""

    batch_size: int = 8
    trajectory_length: int = 8
    size: tuple[int, int] = (256, 128)
    workers: int = 8
    seed: int = 0
    mirror: bool = False


class TrajectoryStream:
    """An endless iterator of steps; ``step`` is the number of steps so far, and a stream can begin
    at any step. ``most_held`` is the largest number of images in memory."""

    def __init__(
        self,
        trajectories: Sequence[ImageTrajectory],
        reader: ImageReader,
        settings: StreamSettings,
        step: int = 0,
    ) -> None:
        """``step``: continue as a stream after so many steps would.

        Raises:
            SequenceError: without a trajectory.
        """
        if not trajectories:
            raise SequenceError("no trajectory to stream")
        self._trajectories, self._reader, self._settings = trajectories, reader, settings
        lengths = [len(t.locations) for t in trajectories]
        places = plan(lengths, settings.batch_size, settings.seed, settings.mirror)
        before = list(itertools.islice(places, max(step - 1, 0), step))
        self._plan = places
        self.step = step
        self._pool = ThreadPoolExecutor(settings.workers, "stream")
        self._prefetched: deque[list[tuple[Place, Future[Grey | None]]]] = deque()
        blank: list[Grey | None] = [None] * settings.batch_size

        self._images = [self._fetch(p) for p in before[0]] if before else blank
        self.most_held = 0

    def __iter__(self) -> TrajectoryStream:
        return self

    def __next__(self) -> StreamStep:
        # Two of the images of a lane are in use, the others are being fetched.
        while len(self._prefetched) < max(self._settings.trajectory_length - 1, 1):
            places = next(self._plan)
            self._prefetched.append([(p, self._pool.submit(self._fetch, p)) for p in places])
        requested = self._prefetched.popleft()
        places = [place for place, _ in requested]
        images = [future.result() for _, future in requested]
        held = (2 + len(self._prefetched)) * self._settings.batch_size
        self.most_held = max(self.most_held, held)
        result = self._made(places, images)
        self._images = images
        self.step += 1
        return result

    def __enter__(self) -> TrajectoryStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop fetching; waits for running requests."""
        self._pool.shutdown(cancel_futures=True)
        self._prefetched.clear()

    def _fetch(self, place: Place) -> Grey | None:
        """The image at the stream's size, None when it cannot be read."""
        location = self._trajectories[place.trajectory].locations[place.frame]
        try:
            image = self._reader.read(location)
        except ImageError as error:
            _log.warning("left out: %s", error)
            return None
        small = cv2.resize(image, self._settings.size, interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)

    def _made(self, places: list[Place], images: list[Grey | None]) -> StreamStep:
        pairs, motions, intrinsics, known = [], [], [], []
        width, height = self._settings.size
        black = np.zeros((height, width), np.uint8)
        for lane, (place, image) in enumerate(zip(places, images, strict=True)):
            trajectory = self._trajectories[place.trajectory]
            before = None if place.first else self._images[lane]
            T = np.eye(4)
            if not place.first:
                poses = trajectory.T_world_camera
                T = np.linalg.inv(poses[place.frame - 1]) @ poses[place.frame]
            c = trajectory.camera.resized(width, height)
            cx = c.cx
            pair = [black if i is None else i for i in (before, image)]
            if place.mirrored:
                pair, cx = [i[:, ::-1] for i in pair], width - 1 - cx
                T = _MIRROR @ T @ _MIRROR
            known.append(before is not None and image is not None)
            pairs.append(pair)
            motions.append(T)
            intrinsics.append([c.fx, c.fy, cx, c.cy])
        stacked = torch.from_numpy(np.array(pairs)).float()[:, :, None]
        return StreamStep(
            previous=stacked[:, 0],
            current=stacked[:, 1],
            intrinsics=torch.tensor(intrinsics),
            T_previous_current=torch.from_numpy(np.array(motions)),
            known=torch.tensor(known),
            first=torch.tensor([place.first for place in places]),
        )
