"""Times of the depth and the pose model for one image, called as by the node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from denseba_ros.benchmark.timing import Timing, measure
from denseba_ros.config import FrontendConfig
from denseba_ros.frontend.depth.constant_depth import DepthModel
from denseba_ros.frontend.depth.depth_models import make_depth_model
from denseba_ros.frontend.pose.pose_model import PoseModel, make_pose_model
from denseba_ros.geometry.calibration import Calibration

# Cameras of 4:3, as most robots have, and of KITTI: what the frontend's working size makes of it.
CAMERAS = {
    "640x480": Calibration(640, 480, 525.0, 525.0, 319.5, 239.5),
    "1008x304": Calibration(1008, 304, 583.0, 583.0, 492.0, 140.0),
}


@dataclass(frozen=True)
class NetworkTiming:
    """Of the ``model`` ("depth" or "pose") on images of ``camera``, copy to the device included."""

    model: str
    camera: str
    timing: Timing

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"model": self.model, "camera": self.camera, **self.timing.as_json()}


def run_networks(config: FrontendConfig, device: torch.device, repeat: int) -> list[NetworkTiming]:
    """Time both models on random images; times include the transfer of results to the host.

    Raises:
        ConfigurationError: for a model that is not there.
    """
    depth = make_depth_model(config, device)
    pose = make_pose_model(config.pose_model, device)
    results = []
    for name, camera in CAMERAS.items():
        generator = torch.Generator().manual_seed(0)
        image = 255.0 * torch.rand(1, 1, camera.height, camera.width, generator=generator)
        calls: dict[str, Callable[[], object]] = {
            "depth": partial(_depth, depth, image, camera, device),
            "pose": partial(_pose, pose, image, camera, device),
        }
        # The first image has no predecessor: only pairs are timed.
        pose.reset()
        calls["pose"]()
        results += [
            NetworkTiming(model, name, measure(call, device, repeat, f"{model} {name}"))
            for model, call in calls.items()
        ]
    return results


def network_table(results: list[NetworkTiming], machine: str) -> str:
    """Markdown, milliseconds."""
    lines = [machine, "", "| model | camera | median | fastest |", "|---|---|---|---|"]
    lines += [
        f"| {r.model} | {r.camera} | {1e3 * r.timing.median:.1f} ms | "
        f"{1e3 * r.timing.fastest:.1f} ms |"
        for r in results
    ]
    return "\n".join(lines)


def _depth(model: DepthModel, image: Tensor, camera: Calibration, device: torch.device) -> Tensor:
    return model.predict(image.to(device), camera)[0].cpu()


def _pose(model: PoseModel, image: Tensor, camera: Calibration, device: torch.device) -> object:
    return model.step(image.to(device), camera)
