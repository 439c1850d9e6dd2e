from pathlib import Path

import numpy as np
import pytest
import torch

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.synthetic_room import RoomSequence
from denseba_ros.training.depth_batch import whole_view
from denseba_ros.training.depth_loading import Loading, load_source
from denseba_ros.training.depth_sources import DepthSource
from denseba_ros.training.photometric_losses import warp
from denseba_ros.training.stereo_hints import HintCache


def loading(root: Path, tmp_path: Path, pixels: int = 4096) -> Loading:
    return Loading(root, pixels, HintCache(tmp_path / "hints", draws=3))


def test_rgbd_finds_depth_by_number_and_registers_it(
    rgbd_folder: Path, small_room: RoomSequence, tmp_path: Path
) -> None:
    source = DepthSource(kind="rgbd", path=Path(), depth="depth")
    found = load_source(source, loading(rgbd_folder, tmp_path))
    assert found.size == (64, 64)
    assert len(found.samples) == 3
    sample = found.samples[1]
    assert sample.measured
    assert sample.image.shape == sample.depth.shape == (80, 80)
    error = np.abs(sample.depth - small_room.depth(2))[sample.depth > 0]
    assert float(np.median(error)) < 0.02


def test_rgbd_with_neighbours_warps(rgbd_folder: Path, tmp_path: Path) -> None:
    source = DepthSource(kind="rgbd", depth="depth", neighbours=1)
    sample = load_source(source, loading(rgbd_folder, tmp_path)).samples[1]
    batch = whole_view(sample, (64, 64))
    for k in range(2):
        args = (batch.intrinsics, batch.view_intrinsics[:, k], batch.T_view_image[:, k])
        warped, seen, _ = warp(batch.views[:, k], batch.depth.clamp(min=0.1), *args)
        use = seen & (batch.depth > 0)
        assert float((warped - batch.image)[use].abs().median()) < 4.0


def test_stereo_pairs_of_different_sizes(stereo_folder: Path, tmp_path: Path) -> None:
    source = DepthSource(
        kind="stereo", intrinsics=(200.0, 200.0, 199.5, 79.5), baseline=0.5, stride=2
    )
    cache = loading(stereo_folder, tmp_path)
    found = load_source(source, cache)
    assert len(found.samples) == 1
    sample = found.samples[0]
    assert not sample.measured
    hint = sample.depth[:, 30:]
    # 16 pixels at a focal length of 200: 200 * 0.5 / 16.
    assert float(np.median(hint[hint > 0])) == pytest.approx(6.25, rel=0.03)
    batch = whole_view(sample, found.size)
    args = (batch.intrinsics, batch.view_intrinsics[:, 0], batch.T_view_image[:, 0])
    warped, seen, _ = warp(batch.views[:, 0], torch.full_like(batch.depth, 6.25), *args)
    off = warp(batch.views[:, 0], torch.full_like(batch.depth, 5.0), *args)[0]
    near, far = ((w - batch.image)[seen].abs().mean() for w in (warped, off))
    assert float(near) < 0.5 * float(far)


def test_video_knows_motion_alone(rgbd_folder: Path, tmp_path: Path) -> None:
    source = DepthSource(kind="video", neighbours=1, start=1, stop=5)
    samples = load_source(source, loading(rgbd_folder, tmp_path)).samples
    # Frames 1 to 4 have both neighbours.
    assert len(samples) == 4
    assert all(len(s.views) == 2 and not s.depth.any() for s in samples)


def test_rooms_are_rendered(tmp_path: Path) -> None:
    source = DepthSource(kind="room", trajectory="handheld", seeds=(3, 4), stop=4, stride=2)
    found = load_source(source, loading(tmp_path, tmp_path))
    assert len(found.samples) == 4
    assert all(s.measured and (s.depth > 0).all() for s in found.samples)


def test_nothing_to_learn_from(rgbd_folder: Path, tmp_path: Path) -> None:
    source = DepthSource(kind="rgbd", depth="nowhere")
    with pytest.raises(SequenceError, match="no image to learn from"):
        load_source(source, loading(rgbd_folder, tmp_path))
