"""A map against which nothing could be tracked: it is replaced, and shown to nobody."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from denseba_ros.config import Config
from denseba_ros.frontend.depth.constant_depth import DEPTH_STRIDE
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.estimate import Tracking
from denseba_ros.slam.system import System


class _Wall:
    """A depth model that is sure of a wall two metres away."""

    name = "wall"

    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        h, w = (size // DEPTH_STRIDE for size in image.shape[-2:])
        return torch.full((1, 1, h, w), float(np.log(2.0))), torch.full((1, 1, h, w), 0.1)


def test_images_of_noise_say_why_they_were_not_tracked() -> None:
    camera = Calibration(160, 120, 120.0, 120.0, 79.5, 59.5)
    system = System(Config.from_dict({"device": "cpu"}), camera)
    system.frontend.depth_model = _Wall()
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 255, (4, 120, 160), dtype=np.uint8)
    estimates = [system.process(i * 33_000_000, image) for i, image in enumerate(noise)]
    assert {estimate.counts_as for estimate in estimates} == {Tracking.INITIALISING}
    first, *others = (estimate.reason for estimate in estimates)
    assert first == "the first image"
    for reason in others:
        assert reason.startswith("not tracked against the first image, replaces it: ")
        assert len(reason.split(": ", 1)[1]) > 10
    assert system.keyframes() == system.finished_keyframes() == []
