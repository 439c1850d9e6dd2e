from typing import Any

import numpy as np
import torch

from denseba_ros.training.common.photometric_losses import warp
from denseba_ros.training.depth.depth_augmentation import augmented, draw_batch, whole_view
from denseba_ros.training.depth.depth_batch import stack_batch
from denseba_ros.training.depth.depth_samples import SampleSet

SEEDS = range(12)


def test_a_step_draws_the_same_whatever_came_before(room_sets: list[SampleSet]) -> None:
    first = draw_batch(room_sets, 3, seed=5, step=7)
    draw_batch(room_sets, 3, seed=5, step=8)
    again = draw_batch(room_sets, 3, seed=5, step=7)
    assert torch.equal(first.network_image, again.network_image)
    assert torch.equal(first.depth, again.depth)
    assert not torch.equal(
        first.network_image, draw_batch(room_sets, 3, seed=6, step=7).network_image
    )


def test_every_sample_comes_once_an_epoch(small_room: Any, room_sets: list[SampleSet]) -> None:
    # Mark each sample by its depth: five constants.
    measured = room_sets[0]
    marked = [
        type(s)(s.image, s.camera, np.full_like(s.depth, k + 1.0), True)
        for k, s in enumerate(measured.samples)
    ]
    one = [SampleSet("marked", measured.size, marked)]
    seen = [float(draw_batch(one, 1, 0, step).depth.max()) for step in range(10)]
    assert sorted(seen[:5]) == sorted(seen[5:]) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_whole_view_has_the_camera_resized(room_sets: list[SampleSet]) -> None:
    batch = whole_view(room_sets[0].samples[0], (64, 64))
    camera = room_sets[0].samples[0].camera.resized(64, 64)
    expected = torch.tensor([[camera.fx, camera.fy, camera.cx, camera.cy]])
    torch.testing.assert_close(batch.intrinsics, expected)
    assert batch.image.shape == batch.depth.shape == (1, 1, 64, 64)


def test_random_views_keep_geometry(room_sets: list[SampleSet]) -> None:
    """Whatever was zoomed, cropped, rolled and mirrored: the true depth still warps the view."""
    sample = room_sets[1].samples[0]
    for seed in SEEDS:
        b = augmented(sample, (64, 64), np.random.default_rng(seed))
        known = b.depth > 0
        args = (b.intrinsics, b.view_intrinsics[:, 0], b.T_view_image[:, 0])
        warped, seen, _ = warp(b.views[:, 0], b.depth.clamp(min=0.1), *args)
        use = seen & known
        assert float(use.float().mean()) > 0.5
        right = float((warped - b.image)[use].abs().median())
        wrong = warp(b.views[:, 0], 0.5 * b.depth.clamp(min=0.1), *args)[0]
        assert right < 3.0
        assert right < 0.8 * float((wrong - b.image)[use].abs().median())


def test_only_the_network_image_changes_its_brightness(room_sets: list[SampleSet]) -> None:
    b = augmented(room_sets[0].samples[0], (64, 64), np.random.default_rng(1))
    assert not torch.equal(b.network_image, b.image)
    assert float(b.network_image.min()) >= 0.0
    assert float(b.network_image.max()) <= 255.0


def test_stacked_batches(room_sets: list[SampleSet]) -> None:
    parts = [whole_view(s, (64, 64)) for s in room_sets[1].samples[:2]]
    batch = stack_batch(parts)
    assert batch.image.shape == (2, 1, 64, 64)
    assert batch.views.shape == (2, 1, 1, 80, 80)
    assert batch.T_view_image.shape == (2, 1, 4, 4)
    assert not batch.measured
