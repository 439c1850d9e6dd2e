"""What is computed for one pose is what the batched version gives."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.geometry import pose_step, se3

steps = st.lists(st.floats(-1.7, 1.7), min_size=6, max_size=6)
sizes = st.sampled_from([1.0, 1e-2, 1e-3, 1e-6, 0.0])


@given(steps, sizes)
def test_it_agrees_with_the_tensor_version(step: list[float], size: float) -> None:
    xi = size * np.array(step)
    batch = se3.exp(torch.from_numpy(xi)[None])
    T = pose_step.exp(xi)
    np.testing.assert_allclose(T, batch[0], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(pose_step.log(T), se3.log(batch)[0], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(pose_step.log(T), xi, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(pose_step.inverse(T), se3.inverse(batch)[0], atol=1e-15)
    rough = T + 1e-3 * np.sin(np.arange(16)).reshape(4, 4) * [[1], [1], [1], [0]]
    nearest = se3.orthonormalised(torch.from_numpy(rough)[None])[0]
    np.testing.assert_allclose(pose_step.orthonormalised(rough), nearest, atol=1e-12)


def test_one_pose_takes_the_short_way_unless_it_is_differentiated() -> None:
    xi = torch.tensor([0.1, -0.2, 0.3, 0.2, 0.1, -0.4], dtype=torch.float64)
    T = se3.exp(xi)
    np.testing.assert_array_equal(T, pose_step.exp(xi.numpy()))
    np.testing.assert_array_equal(se3.log(T), pose_step.log(T.numpy()))
    np.testing.assert_array_equal(se3.inverse(T), pose_step.inverse(T.numpy()))
    xi.requires_grad_()
    assert se3.exp(xi).requires_grad
    with torch.no_grad():
        assert not se3.exp(xi).requires_grad
