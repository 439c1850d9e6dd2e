"""Information by direction: products, lengths, and what a roll of the camera makes of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from denseba_ros.backend.corner_information import mahalanobis, rolled, weighted

# Nothing is known along (1, 1), everything across.
_EDGE = torch.tensor([0.5, -0.5, 0.5], dtype=torch.float64)


def test_products_and_lengths_are_those_of_the_matrix() -> None:
    across, along = torch.tensor([[1.0, -1.0], [3.0, 3.0]], dtype=torch.float64)
    torch.testing.assert_close(weighted(_EDGE, across), across)
    torch.testing.assert_close(weighted(_EDGE, along), 0 * along)
    lengths = mahalanobis(_EDGE, torch.stack([across, along]))
    torch.testing.assert_close(lengths, torch.tensor([2.0**0.5, 1e-6]).double())


def test_a_length_of_zero_has_a_derivative() -> None:
    """L-BFGS starts at exact observations; NaN would become a pixel."""
    vector = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    mahalanobis(_EDGE[None], vector).sum().backward()  # type: ignore[no-untyped-call]
    assert vector.grad is not None
    torch.testing.assert_close(vector.grad, torch.zeros(1, 2).double())


@pytest.mark.parametrize("degrees", [0.0, 30.0, -45.0, 90.0, 170.0])
def test_the_unknown_direction_turns_with_the_image(degrees: float) -> None:
    """A target that is rolled by an angle sees the line under another one; its translation and
    pan do not matter."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("z", degrees, degrees=True).as_matrix()
    T[:3, 3] = [0.3, -0.2, 0.5]
    seen = rolled(_EDGE[None], torch.from_numpy(T)[None])[0, 0]
    along = torch.from_numpy(T[:2, :2] @ [1.0, 1.0])
    across = torch.stack([-along[1], along[0]])
    torch.testing.assert_close(weighted(seen, along), 0 * along, atol=1e-9, rtol=0)
    torch.testing.assert_close(weighted(seen, across), across)
    pan = np.eye(4)
    pan[:3, :3] = Rotation.from_euler("y", 20, degrees=True).as_matrix()
    panned = rolled(_EDGE[None], torch.from_numpy(pan)[None])[0, 0]
    torch.testing.assert_close(panned, _EDGE)


def test_cameras_that_face_each_other_have_no_roll() -> None:
    """Turned by half a turn about a lateral axis, the images are mirrored: nothing is turned."""
    T = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64))
    seen = rolled(_EDGE[None], T[None])
    torch.testing.assert_close(seen[0, 0], _EDGE)
