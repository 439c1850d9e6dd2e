"""Opens any recorded sequence: recognises its layout and chooses the reader."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from denseba_ros.errors import CalibrationError, SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.brightness.image_range import AUTO
from denseba_ros.sequences.calibration_files.calibration_source import CalibrationSource
from denseba_ros.sequences.camera_info_message import check_principal_point, doubts_about
from denseba_ros.sequences.readers import (
    euroc,
    icl_nuim,
    image_folder,
    kitti,
    kitti_raw,
    seven_scenes,
    tum_mono,
    tum_rgbd,
)
from denseba_ros.sequences.readers.bags import bag
from denseba_ros.sequences.readers.image_sequence import ImageSequence
from denseba_ros.sequences.readers.measured_depth import DepthRequest, SequenceWithDepth
from denseba_ros.sequences.readers.video_files import video
from denseba_ros.sequences.rendered_names import is_rendered_name, rendered_sequence
from denseba_ros.sequences.sequence import Sequence

_log = logging.getLogger(__name__)


class SectionedSequence(Sequence, Protocol):
    """A sequence of which a section can be read without decoding the rest."""

    def section(self, start: int, stop: int | None) -> SectionedSequence:
        """Frames ``start`` to ``stop`` - 1, or to the end if None."""
        ...


@dataclass(frozen=True)
class Request:
    """The caller's options: calibration, frame rate, topic of a bag or names of images."""

    calibration: CalibrationSource = None
    fps: float | None = None
    topic: str | None = None


@dataclass(frozen=True)
class _Format:
    """A reader: what its layout is in words, how to recognise it, how to open it."""

    layout: str
    recognise: Callable[[Path], bool]
    open: Callable[[Path, Request], SectionedSequence]


_FORMATS: dict[str, _Format] = {
    "kitti": _Format(
        kitti.LAYOUT,
        kitti.looks_like_kitti,
        lambda path, request: kitti.open_kitti(path, request.calibration),
    ),
    "kitti_raw": _Format(
        kitti_raw.LAYOUT,
        kitti_raw.looks_like_kitti_raw,
        lambda path, request: kitti_raw.open_kitti_raw(path, request.calibration),
    ),
    "tum": _Format(
        tum_rgbd.LAYOUT,
        tum_rgbd.looks_like_tum,
        lambda path, request: tum_rgbd.open_tum(path, request.calibration),
    ),
    "euroc": _Format(
        euroc.LAYOUT,
        euroc.looks_like_euroc,
        lambda path, request: euroc.open_euroc(path, request.calibration),
    ),
    "7scenes": _Format(
        seven_scenes.LAYOUT,
        seven_scenes.looks_like_seven_scenes,
        lambda path, request: seven_scenes.open_seven_scenes(path, request.calibration),
    ),
    "tum_mono": _Format(
        tum_mono.LAYOUT,
        tum_mono.looks_like_tum_mono,
        lambda path, request: tum_mono.open_tum_mono(path, request.calibration),
    ),
    "icl_nuim": _Format(
        icl_nuim.LAYOUT,
        icl_nuim.looks_like_icl_nuim,
        lambda path, request: icl_nuim.open_icl_nuim(path, request.calibration),
    ),
    "video": _Format(
        video.LAYOUT,
        video.looks_like_video,
        lambda path, request: video.open_video(path, request.calibration, request.fps),
    ),
    "bag": _Format(
        bag.LAYOUT,
        bag.looks_like_bag,
        lambda path, request: bag.open_bag(path, request.calibration, request.topic),
    ),
    "images": _Format(
        image_folder.LAYOUT,
        image_folder.looks_like_images,
        lambda path, request: image_folder.open_images(
            path, request.calibration, request.fps, request.topic
        ),
    ),
}
FORMATS = ("auto", *_FORMATS)


def open_sequence(
    path: Path | str,
    format: str = "auto",
    calibration: CalibrationSource = None,
    fps: float | None = None,
    start: int = 0,
    count: int | None = None,
    topic: str | None = None,
    image_range: str = AUTO,
    depth: DepthRequest | None = None,
) -> Sequence:
    """The sequence at ``path``, a folder, a video file or a bag, or a rendered one.

    Args:
        path: what to read, or the name of a rendered sequence, see ``rendered_names``.
        format: one of FORMATS; "auto" recognises the layout.
        calibration: overrides the sequence's own: a Calibration, a file, or the text
            ``fx,fy,cx,cy[,k1,k2,p1,p2[,k3]]``.
        fps: frame rate of images or a video without stamps.
        start: frames to leave out at the beginning.
        count: frames at most after that; None for all.
        topic: image topic of a bag that has more than one; of a folder with the images of several
            cameras, a part of the names of one.
        image_range: which values of 16-bit images become black and white, see ``ImageRange``.
        depth: also read the depth images beside the camera's, this way.

    Raises:
        SequenceError: when no reader recognises the path (the message lists the layouts), or it has
            no ``depth``.
        CalibrationError: when the calibration is missing or does not fit the images.
    """
    path = Path(path)
    _check_arguments(path, format, fps, start, count)
    if is_rendered_name(path):
        if any(option is not None for option in (calibration, fps, topic, depth)):
            raise SequenceError(
                f"{path}: is rendered: it has its own calibration and rate, no topics and no depth"
            )
        return _cut(rendered_sequence(str(path)), path, start, count)
    name = _recognise(path) if format == "auto" else format
    if topic is not None and name not in ("bag", "images"):
        raise SequenceError(f"{path}: is read as {name}, which has no topic {topic!r}")
    whole = _FORMATS[name].open(path, Request(calibration, fps, topic))
    _check_calibration(whole.calibration, path)
    if isinstance(whole, bag.BagSequence | ImageSequence):
        whole.image_range = image_range
    images = _cut(whole, path, start, count)
    return images if depth is None else _with_depth(path, name, images, depth)


def _cut(whole: SectionedSequence, path: Path, start: int, count: int | None) -> Sequence:
    if start >= len(whole):
        raise SequenceError(f"{path}: has {len(whole)} frames, none from {start} on")
    if start == 0 and count is None:
        return whole
    return whole.section(start, None if count is None else start + count)


def _with_depth(path: Path, name: str, images: Sequence, depth: DepthRequest) -> Sequence:
    if name == "tum":
        tum_rgbd.open_tum_depth(path, depth.units)  # a missing listing is said at once
        source = partial(tum_rgbd.open_tum_depth, path, depth.units)
    elif name == "bag":
        bag.open_bag_depth(path, depth)
        source = partial(bag.open_bag_depth, path, depth)
    else:
        raise SequenceError(
            f"{path}: is read as {name}, whose depth is not read: TUM RGB-D folders (depth.txt) "
            "and bags have depth for frontend.depth_model 'topic'"
        )
    return SequenceWithDepth(images, source, depth.tolerance_ns)


def _check_arguments(
    path: Path, format: str, fps: float | None, start: int, count: int | None
) -> None:
    if format not in FORMATS:
        raise SequenceError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    if not path.exists() and not is_rendered_name(path):
        raise SequenceError(f"{path}: does not exist")
    if fps is not None and not 0.0 < fps < float("inf"):
        raise SequenceError(f"a frame rate of {fps} Hz is not positive and finite")
    if start < 0 or (count is not None and count < 1):
        raise SequenceError(f"cannot read {count} frames from {start} on")


def _check_calibration(calibration: Calibration, path: Path) -> None:
    """Refuse or doubt a principal point that is not near the centre, wherever it comes from."""
    try:
        check_principal_point(calibration)
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error
    if doubts := doubts_about(calibration):
        _log.warning("%s: %s", path, doubts)


def _recognise(path: Path) -> str:
    for name, candidate in _FORMATS.items():
        if candidate.recognise(path):
            return name
    layouts = "".join(f"\n  {name}: {f.layout}" for name, f in _FORMATS.items())
    raise SequenceError(f"{path}: not a known sequence; known layouts:{layouts}")
