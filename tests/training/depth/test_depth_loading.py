import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from denseba_ros.errors import SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.training.common.photometric_losses import warp
from denseba_ros.training.depth.depth_augmentation import draw_batch, whole_view
from denseba_ros.training.depth.depth_loading import Loading, load_source
from denseba_ros.training.depth.depth_sources import DepthSource
from denseba_ros.training.depth.stereo_hints import HintCache


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


def test_rgbd_between_depth_images_propagates_the_nearest(
    rgbd_folder: Path, small_room: RoomSequence, tmp_path: Path
) -> None:
    source = DepthSource(kind="rgbd", depth="depth", carried=1, start=1, stop=5)
    samples = load_source(source, loading(rgbd_folder, tmp_path)).samples
    # Depth is there of frames 2 and 4; that of frame 0 is left out, and 1 takes that of 2.
    assert len(samples) == 4
    for index, sample in enumerate(samples, 1):
        known = sample.depth > 0
        assert float(known.mean()) > 0.5
        error = np.abs(sample.depth / small_room.depth(index) - 1)[known]
        assert float(np.quantile(error, 0.9)) < 0.05


def test_depth_is_propagated_only_to_near_images(rgbd_folder: Path, tmp_path: Path) -> None:
    # Of the images from 3 on, frame 4 alone has a depth image; 5 is one away.
    near = DepthSource(kind="rgbd", depth="depth", carried=1, start=3, stop=6)
    assert len(load_source(near, loading(rgbd_folder, tmp_path)).samples) == 3
    own = near.model_copy(update={"carried": 0})
    assert len(load_source(own, loading(rgbd_folder, tmp_path)).samples) == 1


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


def test_stereo_at_the_ends_has_as_many_views(stereo_folder: Path, tmp_path: Path) -> None:
    camera = Calibration(400, 160, 200.0, 200.0, 199.5, 79.5)
    folder = tmp_path / "posed"
    shutil.copytree(stereo_folder, folder)
    for name in ("image_0", "image_1"):
        shutil.copy(folder / name / "000000.png", folder / name / "000002.png")
    rows = np.hstack([camera.matrix, np.zeros((3, 1))]).reshape(-1)
    text = " ".join(f"{v:.6f}" for v in rows)
    (folder / "calib.txt").write_text(f"P0: {text}\nP1: {text}\n")
    (folder / "times.txt").write_text("0.0\n0.1\n0.2\n")
    poses = [f"{0.1 * k} 0 0 {0.01 * k} 0 0 0 1" for k in range(3)]
    (folder / "poses_tum.txt").write_text("\n".join(poses) + "\n")
    source = DepthSource(kind="stereo", path=Path("posed"), baseline=0.5, neighbours=1)
    found = load_source(source, loading(tmp_path, tmp_path))
    assert [len(s.views) for s in found.samples] == [3, 3, 3]
    assert draw_batch([found], 3, seed=0, step=0).views.shape[:2] == (3, 3)
    # The middle one has the images before and after, the others their partner instead.
    first, middle, _ = found.samples
    assert np.array_equal(first.views[1].T_view_image, first.views[0].T_view_image)
    assert middle.views[1].T_view_image[2, 3] == pytest.approx(0.01)
    assert middle.views[2].T_view_image[2, 3] == pytest.approx(-0.01)


def test_video_samples_have_views_but_no_depth(
    rgbd_folder: Path, small_room: RoomSequence, tmp_path: Path
) -> None:
    source = DepthSource(kind="video", neighbours=1, start=1, stop=5)
    samples = load_source(source, loading(rgbd_folder, tmp_path)).samples
    # Of frames 1 to 4 the first and the last miss a neighbour among what is learnt from.
    assert len(samples) == 2
    assert all(len(s.views) == 2 and not s.depth.any() for s in samples)
    depth = small_room.depth(2).astype(np.float32)
    batch = whole_view(replace(samples[0], depth=depth), (64, 64))
    for k in range(2):
        args = (batch.intrinsics, batch.view_intrinsics[:, k], batch.T_view_image[:, k])
        warped, seen, _ = warp(batch.views[:, k], batch.depth.clamp(min=0.1), *args)
        use = seen & (batch.depth > 0)
        assert float((warped - batch.image)[use].abs().median()) < 4.0


def test_rooms_are_rendered(tmp_path: Path) -> None:
    source = DepthSource(kind="room", trajectory="handheld", seeds=(3, 4), stop=4, stride=2)
    found = load_source(source, loading(tmp_path, tmp_path))
    assert len(found.samples) == 4
    assert all(s.measured and (s.depth > 0).all() for s in found.samples)


def test_nothing_to_learn_from(rgbd_folder: Path, tmp_path: Path) -> None:
    source = DepthSource(kind="rgbd", depth="nowhere")
    with pytest.raises(SequenceError, match="no image to train on"):
        load_source(source, loading(rgbd_folder, tmp_path))
