"""Samples of a depth training, decoded from stereo pairs, RGB-D, video with poses, or rendered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from denseba_ros.errors import SequenceError
from denseba_ros.evaluation.depth_truth import read_depth
from denseba_ros.frontend.depth_network_size import network_size
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.image_io import file_number, image_files, read_image
from denseba_ros.sequences.image_sequence import ImageSequence
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.synthetic_room import RoomSequence
from denseba_ros.sequences.trajectory import associate
from denseba_ros.training.depth_samples import (
    DepthSample,
    Grey,
    Matrix,
    SampleSet,
    View,
    kept_size,
    reduced,
    registered,
)
from denseba_ros.training.depth_sources import DepthSource, Intrinsics
from denseba_ros.training.stereo_hints import HintCache, StereoPair

Item = TypeVar("Item")

_STAMP_TOLERANCE_NS = 5_000_000
_ROOM_SIZE = (320, 240)


@dataclass(frozen=True)
class Loading:
    """``root`` of the sources' folders, ``pixels`` of the network's input, and the hints' cache."""

    root: Path
    pixels: int
    hints: HintCache


def load_source(source: DepthSource, loading: Loading) -> SampleSet:
    """All samples of one source.

    Raises:
        SequenceError: when there is nothing to learn from.
    """
    readers: dict[str, Callable[[DepthSource, Loading], Iterator[DepthSample]]] = {
        "stereo": _stereo,
        "rgbd": _rgbd,
        "video": _video,
        "room": _room,
    }
    name = source.path.name or source.kind
    found = readers[source.kind](source, loading)
    samples = list(tqdm(found, desc=name, unit="image", leave=False, disable=None))
    if not samples:
        raise SequenceError(f"{loading.root / source.path}: no image to learn from")
    camera = samples[0].camera
    size = network_size(camera.width, camera.height, loading.pixels)
    return SampleSet(name, size, samples, source.weight)


def _stereo(source: DepthSource, loading: Loading) -> Iterator[DepthSample]:
    """Left images with hints; the right image and neighbours in time are the views."""
    folder = loading.root / source.path
    assert source.baseline is not None
    lefts = [p for p in image_files(folder / "image_0") if _partner(folder, p).is_file()]
    if not lefts:
        raise SequenceError(f"{folder}: no pairs of images in image_0 and image_1")
    neighbours = _neighbours(source, loading) if source.neighbours else {}
    known = source.intrinsics
    for path in _cut(lefts, source):
        left, right = _grey(read_image(path)), _grey(read_image(_partner(folder, path)))
        if known is None:
            known = _intrinsics(open_sequence(folder).calibration)
        camera = Calibration(left.shape[1], left.shape[0], *known)
        # Cameras of a pair may have been stored at different sizes; the smaller one rules.
        size = (min(left.shape[1], right.shape[1]), min(left.shape[0], right.shape[0]))
        left, camera = reduced(left, camera, size)
        right = np.asarray(cv2.resize(right, size, interpolation=cv2.INTER_AREA), np.uint8)
        hint = loading.hints.hint(StereoPair(left, right, _intrinsics(camera), source.baseline))
        T = np.eye(4)
        T[0, 3] = -source.baseline
        number = file_number(path)
        views = (View(right, camera, T), *neighbours.get(-1 if number is None else number, ()))
        yield _kept(DepthSample(left, camera, hint, False, views), loading.pixels)


def _intrinsics(camera: Calibration) -> Intrinsics:
    return camera.fx, camera.fy, camera.cx, camera.cy


def _partner(folder: Path, left: Path) -> Path:
    return folder / "image_1" / left.name


def _rgbd(source: DepthSource, loading: Loading) -> Iterator[DepthSample]:
    """Images that have a depth image of the same number."""
    folder = loading.root / source.path
    sequence = _opened(folder)
    files = {file_number(p): p for p in image_files(folder / source.depth) if p.suffix == ".png"}
    neighbours = _neighbours(source, loading) if source.neighbours else {}
    for file in _cut(sequence.files, source):
        number = file_number(file.path)
        if number is None or number not in files or files[number] == file.path:
            continue
        depth = np.nan_to_num(read_depth(files[number], source.depth_units)).astype(np.float32)
        size = depth.shape[1], depth.shape[0]
        camera = sequence.calibration
        if source.depth_intrinsics is None:
            depth_camera = camera.resized(*size)
        else:
            depth_camera = Calibration(*size, *source.depth_intrinsics)
        image = _grey(read_image(file.path))
        kept = kept_size(camera.width, camera.height, loading.pixels)
        small, camera = reduced(image, camera, kept)
        depth = registered(depth, depth_camera, camera)
        views = tuple(_small(v, kept) for v in neighbours.get(number, ()))
        yield DepthSample(small, camera, depth, True, views)


def _video(source: DepthSource, loading: Loading) -> Iterator[DepthSample]:
    """Images of which only the neighbours and their motion are known."""
    sequence = _opened(loading.root / source.path)
    neighbours = _neighbours(source, loading)
    for file in _cut(sequence.files, source):
        views = neighbours.get(file_number(file.path) or 0)
        if views is None:
            continue
        image, camera = _grey(read_image(file.path)), sequence.calibration
        nothing = np.zeros(image.shape, np.float32)
        yield _kept(DepthSample(image, camera, nothing, False, views), loading.pixels)


def _room(source: DepthSource, loading: Loading) -> Iterator[DepthSample]:
    """Rendered images with exact depth."""
    stop = 60 if source.stop is None else source.stop
    for seed in source.seeds:
        room = RoomSequence(source.trajectory, stop, *_ROOM_SIZE, seed=seed)
        for index in range(source.start, stop, source.stride):
            depth = np.nan_to_num(room.depth(index), posinf=0.0).astype(np.float32)
            sample = DepthSample(_grey(room.image(index)), room.calibration, depth, True)
            yield _kept(sample, loading.pixels)


def _neighbours(source: DepthSource, loading: Loading) -> dict[int, tuple[View, ...]]:
    """By file number: the frames before and after, where all three poses are known."""
    sequence = _opened(loading.root / source.path)
    truth = sequence.groundtruth()
    if truth is None:
        raise SequenceError(f"{loading.root / source.path}: no poses for the neighbours")
    stamps = np.array([f.stamp_ns for f in sequence.files])
    found, at = associate(stamps, truth.stamps_ns, _STAMP_TOLERANCE_NS)
    poses = {int(k): truth.T_world_camera[j] for k, j in zip(found, at, strict=True)}
    result = {}
    stop = len(sequence.files) if source.stop is None else source.stop
    for k in range(source.start, min(stop, len(sequence.files)), source.stride):
        around = (k - source.neighbours, k + source.neighbours)
        number = file_number(sequence.files[k].path)
        if number is not None and all(n in poses for n in (k, *around)):
            result[number] = tuple(_view(sequence, poses, k, n, loading.pixels) for n in around)
    return result


def _view(sequence: ImageSequence, poses: dict[int, Matrix], k: int, n: int, pixels: int) -> View:
    image, camera = _grey(read_image(sequence.files[n].path)), sequence.calibration
    kept = kept_size(camera.width, camera.height, pixels)
    small, camera = reduced(image, camera, kept)
    return View(small, camera, np.linalg.inv(poses[n]) @ poses[k])


def _opened(folder: Path) -> ImageSequence:
    # Folders of plain images need a rate, of which the training makes no use.
    sequence = open_sequence(folder, fps=1.0)
    if not isinstance(sequence, ImageSequence):
        raise SequenceError(f"{folder}: not a sequence of image files")
    return sequence


def _cut(items: list[Item], source: DepthSource) -> list[Item]:
    return items[source.start : source.stop : source.stride]


def _kept(sample: DepthSample, pixels: int) -> DepthSample:
    """The sample at the size at which it is kept."""
    camera = sample.camera
    size = kept_size(camera.width, camera.height, pixels)
    image, small = reduced(sample.image, camera, size)
    depth = registered(sample.depth, camera, small)
    views = tuple(_small(view, size) for view in sample.views)
    return replace(sample, image=image, camera=small, depth=depth, views=views)


def _small(view: View, size: tuple[int, int]) -> View:
    image, camera = reduced(view.image, view.camera, size)
    return replace(view, image=image, camera=camera)


def _grey(image: np.ndarray) -> Grey:
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.asarray(grey, np.uint8)
