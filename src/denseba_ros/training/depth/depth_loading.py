"""Loads the samples of a depth training: stereo pairs, RGB-D, video with poses, rendered room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from denseba_ros.errors import SequenceError
from denseba_ros.evaluation.depth.depth_truth import read_depth
from denseba_ros.frontend.depth.depth_network_size import network_size
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.image_io import image_files
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.training.depth.depth_image_files import depth_camera, depth_files, open_images
from denseba_ros.training.depth.depth_propagation import propagate_depth
from denseba_ros.training.depth.depth_samples import (
    DepthSample,
    Matrix,
    SampleSet,
    View,
    kept_size,
    reduced,
    registered,
)
from denseba_ros.training.depth.depth_sources import DepthSource, Intrinsics
from denseba_ros.training.depth.neighbour_views import known_poses, neighbours, read_grey
from denseba_ros.training.depth.stereo_hints import HintCache, StereoPair

Item = TypeVar("Item")

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
        SequenceError: when there is no sample.
    """
    readers: dict[str, Callable[[DepthSource, Loading], Iterator[DepthSample]]] = {
        "stereo": _stereo,
        "rgbd": _rgbd,
        "video": _video,
        "room": _room,
    }
    name = source.path.name or source.kind
    loaded = readers[source.kind](source, loading)
    samples = list(tqdm(loaded, desc=name, unit="image", leave=False, disable=None))
    if not samples:
        raise SequenceError(f"{loading.root / source.path}: no image to train on")
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
    around = {}
    if source.neighbours:
        around = neighbours(source, open_images(folder), loading.pixels)
    known = source.intrinsics
    for path in _cut(lefts, source):
        left, right = read_grey(path), read_grey(_partner(folder, path))
        if known is None:
            known = _intrinsics(open_sequence(folder).calibration)
        camera = Calibration(left.shape[1], left.shape[0], *known)
        # The images of a pair may have different sizes; the smaller one is used.
        size = (min(left.shape[1], right.shape[1]), min(left.shape[0], right.shape[0]))
        left, camera = reduced(left, camera, size)
        right = np.asarray(cv2.resize(right, size, interpolation=cv2.INTER_AREA), np.uint8)
        hint = loading.hints.hint(StereoPair(left, right, _intrinsics(camera), source.baseline))
        T = np.eye(4)
        T[0, 3] = -source.baseline
        partner = View(right, camera, T)
        # Without neighbours the partner replaces them: a batch needs equal numbers of views.
        replacement = (partner, partner) if source.neighbours else ()
        views = (partner, *around.get(path.name, replacement))
        yield _kept(DepthSample(left, camera, hint, False, views), loading.pixels)


def _intrinsics(camera: Calibration) -> Intrinsics:
    return camera.fx, camera.fy, camera.cx, camera.cy


def _partner(folder: Path, left: Path) -> Path:
    return folder / "image_1" / left.name


def _rgbd(source: DepthSource, loading: Loading) -> Iterator[DepthSample]:
    """Images that have a depth image of the same number, or a propagated one of a near image."""
    folder = loading.root / source.path
    sequence = open_images(folder)
    files = depth_files(source, folder, sequence)
    poses = known_poses(sequence) if source.carried else {}
    for k in _cut(list(range(len(sequence.files))), source):
        at = _nearest(k, files, poses, source)
        if at is None:
            continue
        depth = np.nan_to_num(read_depth(files[at], source.depth_units)).astype(np.float32)
        camera = sequence.calibration
        measuring = depth_camera(source, camera, depth.shape[1], depth.shape[0])
        if at != k:
            depth = propagate_depth(depth, measuring, np.linalg.inv(poses[k]) @ poses[at])
        image = read_grey(sequence.files[k].path)
        kept = kept_size(camera.width, camera.height, loading.pixels)
        small, camera = reduced(image, camera, kept)
        depth = registered(depth, measuring, camera)
        yield DepthSample(small, camera, depth, measured=True)


def _nearest(
    k: int, files: dict[int, Path], poses: dict[int, Matrix], source: DepthSource
) -> int | None:
    """The image nearest to ``k`` with a depth image, ``k`` itself if it has one; else None."""
    if k in files:
        return k
    near = [n for n in files if abs(n - k) <= source.carried and n in poses and k in poses]
    return min(near, key=lambda n: abs(n - k), default=None)


def _video(source: DepthSource, loading: Loading) -> Iterator[DepthSample]:
    """Images without depth, with neighbours of known relative pose."""
    folder = loading.root / source.path
    sequence = open_images(folder)
    around = neighbours(source, sequence, loading.pixels)
    for file in _cut(sequence.files, source):
        views = around.get(file.path.name)
        if views is None:
            continue
        image, camera = read_grey(file.path), sequence.calibration
        unknown = np.zeros(image.shape, np.float32)
        yield _kept(DepthSample(image, camera, unknown, False, views), loading.pixels)


def _room(source: DepthSource, loading: Loading) -> Iterator[DepthSample]:
    """Rendered images with exact depth."""
    stop = 60 if source.stop is None else source.stop
    for seed in source.seeds:
        room = RoomSequence(source.trajectory, stop, *_ROOM_SIZE, seed=seed)
        for index in range(source.start, stop, source.stride):
            depth = np.nan_to_num(room.depth(index), posinf=0.0).astype(np.float32)
            sample = DepthSample(room.image(index), room.calibration, depth, True)
            yield _kept(sample, loading.pixels)


def _cut(items: list[Item], source: DepthSource) -> list[Item]:
    return items[source.start : source.stop : source.stride]


def _kept(sample: DepthSample, pixels: int) -> DepthSample:
    """The sample resized to the size that is kept in memory."""
    camera = sample.camera
    size = kept_size(camera.width, camera.height, pixels)
    image, small = reduced(sample.image, camera, size)
    depth = registered(sample.depth, camera, small)
    views = tuple(_small(view, size) for view in sample.views)
    return replace(sample, image=image, camera=small, depth=depth, views=views)


def _small(view: View, size: tuple[int, int]) -> View:
    image, camera = reduced(view.image, view.camera, size)
    return replace(view, image=image, camera=camera)
