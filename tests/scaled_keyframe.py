"""A keyframe with a known depth and no image, and a window of some, for tests of the scale."""

from __future__ import annotations

import torch

from denseba_ros.backend.problem import Noise
from denseba_ros.backend.window import Points, Window, WindowKeyframe
from denseba_ros.geometry import se3
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole

CAMERA = Pinhole(50.0, 50.0, 31.5, 23.5, 64, 48)
GENERATOR = torch.Generator().manual_seed(0)
PIXELS = torch.rand(200, 2, generator=GENERATOR) * torch.tensor([63.0, 47.0])
CELLS = ((PIXELS + 0.5) / 4).floor().long()
# Log-depth of the cells.
TRUTH = torch.rand(12, 16, generator=GENERATOR) + 0.5


def keyframe(number: int, scale: float) -> WindowKeyframe:
    """Its map is ``scale`` times the true depth; a third of the points is wrong and says so."""
    depth = scale * torch.exp(TRUTH[CELLS[:, 1], CELLS[:, 0]])
    sigma = torch.full_like(depth, 0.05)
    depth[::3] *= 9.0
    sigma[::3] = 0.4
    one = torch.ones_like(depth)
    points = Points(PIXELS, 1.0 / depth, sigma, one > 0, one.clone(), one.clone(), 50)
    twist = torch.tensor([0.3, 0.1, -0.2, 0.01, 0.02, 0.03], dtype=torch.float64)
    return WindowKeyframe(
        id=number,
        stamp_ns=number,
        grey=Grey(()),
        pyramid=[],
        T=se3.exp(twist * number),
        affine=torch.zeros(2, dtype=torch.float64),
        points=points,
        inverse_depth_map=torch.stack([1.0 / (scale * torch.exp(TRUTH)), torch.ones(12, 16)]),
        network_depth=torch.ones(2, 12, 16),
        edges=torch.ones(2, 12, 16),
    )


def window_of(*keyframes: WindowKeyframe) -> Window:
    window = Window(CAMERA, 2, Noise())
    for one in keyframes:
        window.append(one)
    return window
