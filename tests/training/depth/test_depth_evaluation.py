from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.config import FrontendConfig
from denseba_ros.errors import SequenceError
from denseba_ros.frontend.depth.depth_models import make_depth_model
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.training.depth.depth_evaluation import evaluate
from denseba_ros.training.depth.depth_sources import DepthSource

SOURCE = DepthSource(kind="rgbd", depth="depth")


class Oracle:
    """The rendered depth of frames 0, 2, 4, times ``factor``, with errors that its sigma knows."""

    name = "oracle"

    def __init__(self, factor: float, error: float) -> None:
        self._factor, self._error, self._next = factor, error, 0

    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        room = RoomSequence("handheld", 6, 20, 20, 0.0, False, 2)
        depth = torch.from_numpy(room.depth(self._next)).float()[None, None]
        self._next += 2
        rng = np.random.default_rng(self._next)
        sigma = torch.from_numpy(rng.uniform(0.0, self._error, (1, 1, 20, 20))).float()
        sign = torch.from_numpy(rng.choice([-1.0, 1.0], (1, 1, 20, 20))).float()
        return torch.log(self._factor * depth) + sign * sigma, sigma


def test_scale_is_removed_and_reported(rgbd_folder: Path) -> None:
    report = evaluate(Oracle(2.0, 0.0), SOURCE, rgbd_folder)
    assert report["median_scaled"]["frames"] == 3
    assert report["median_scaled"]["abs_rel"] < 0.05
    assert report["metric"]["abs_rel"] == pytest.approx(1.0, abs=0.08)
    assert report["log_scale_mean"] == pytest.approx(-np.log(2.0), abs=0.02)
    assert report["log_scale_spread"] < 0.02
    assert report["constant"]["abs_rel"] > 0.1


def test_a_consistent_uncertainty_ranks_the_errors(rgbd_folder: Path) -> None:
    uncertainty = evaluate(Oracle(1.0, 0.6), SOURCE, rgbd_folder)["sparsification"]
    assert uncertainty["area"] < uncertainty["area_of_gradient"]
    assert uncertainty["abs_rel"][-1] < 0.5 * uncertainty["abs_rel"][0]


def test_a_crop_is_evaluated_by_itself(rgbd_folder: Path) -> None:
    class WrongAbove(Oracle):
        """Twice the depth in the upper half of the image."""

        def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
            log_depth, sigma = super().predict(image, calibration)
            log_depth[..., :10, :] += np.log(2.0)
            return log_depth, sigma

    source = SOURCE.model_copy(update={"crop": (0.55, 1.0, 0.1, 0.9)})
    report = evaluate(WrongAbove(1.0, 0.0), source, rgbd_folder)
    assert report["cropped"]["abs_rel"] < 0.06 < 0.2 < report["median_scaled"]["abs_rel"]
    share = report["cropped"]["pixels"] / report["median_scaled"]["pixels"]
    assert share == pytest.approx(0.45 * 0.8, abs=0.03)
    assert "cropped" not in evaluate(Oracle(1.0, 0.0), SOURCE, rgbd_folder)


def test_nothing_to_evaluate_with(rgbd_folder: Path) -> None:
    with pytest.raises(SequenceError, match="no image with depth"):
        evaluate(Oracle(1.0, 0.1), DepthSource(kind="rgbd", depth="nowhere"), rgbd_folder)


def test_shipped_weights_on_images_left_out(sequence_dir: Callable[[str], Path]) -> None:
    """Their model card says 0.107 for all of these images, and 0.345 for a constant depth."""
    kitchen = sequence_dir("7scenes_redkitchen_seq01")
    source = DepthSource(
        kind="rgbd", start=600, stride=80, depth_intrinsics=(292.5, 292.5, 159.5, 119.5)
    )
    model = make_depth_model(FrontendConfig(depth_model="network"), torch.device("cpu"))
    report = evaluate(model, source, kitchen)
    assert report["median_scaled"]["frames"] == 5
    assert report["median_scaled"]["abs_rel"] < 0.2
    assert report["metric"]["abs_rel"] < 0.2
