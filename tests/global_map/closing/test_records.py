"""What is kept of a keyframe is enough for an image to be aligned with it as with the keyframe."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.global_map.closing.records import record, restored


def test_a_kept_keyframe_comes_back(exact_keyframe: Callable[[int], WindowKeyframe]) -> None:
    keyframe = exact_keyframe(0)
    kept = record(keyframe, number=7, session=2)
    assert (kept.id, kept.session, kept.stamp_ns) == (7, 2, keyframe.stamp_ns)
    again = restored(kept, torch.device("cpu"))
    valid = keyframe.points.valid
    assert again.points.corners == int(valid[: keyframe.points.corners].sum())
    for field in ("pixels", "inverse_depth", "relative_sigma"):
        expected = getattr(keyframe.points, field)[valid]
        torch.testing.assert_close(getattr(again.points, field), expected)
    for one, other in zip(again.pyramid, keyframe.pyramid, strict=True):
        assert one.shape == other.shape
        assert float((one - other)[:, :1].abs().max()) <= 0.5 + 1e-3  # grey levels are rounded
    torch.testing.assert_close(again.inverse_depth_map, keyframe.inverse_depth_map)
    np.testing.assert_array_equal(again.T, np.eye(4))


def test_points_that_say_nothing_are_left_out(
    exact_keyframe: Callable[[int], WindowKeyframe],
) -> None:
    points = (keyframe := exact_keyframe(0)).points
    points.inverse_depth[:3] = torch.tensor([float("nan"), -1.0, 0.0])
    points.relative_sigma[3] = float("inf")
    kept = record(keyframe, 0, 0)
    assert len(kept.pixels) == int(points.valid.sum()) - 3
    assert np.isfinite(kept.inverse_depth).all()
    assert kept.relative_sigma.max() == 10.0
