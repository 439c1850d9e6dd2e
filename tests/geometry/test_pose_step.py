"""The exponential for one pose is that of the batched one."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.geometry import pose_step, se3


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6), st.sampled_from([1.0, 1e-3, 1e-6, 0.0]))
def test_it_agrees_with_the_tensor_version(step: list[float], size: float) -> None:
    xi = size * np.array(step)
    expected = se3.exp(torch.from_numpy(xi)).numpy()
    np.testing.assert_allclose(pose_step.exp(xi), expected, rtol=1e-9, atol=1e-10)
