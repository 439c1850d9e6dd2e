import numpy as np
import torch

from denseba_ros.geometry.cross_product import hat, hat_array


def test_it_is_the_cross_product() -> None:
    v, w = np.random.default_rng(0).normal(size=(2, 5, 3))
    product = (hat(torch.from_numpy(v)) @ torch.from_numpy(w)[..., None])[..., 0]
    np.testing.assert_allclose(product.numpy(), np.cross(v, w), atol=1e-15)


def test_the_matrix_of_an_array_is_that_of_the_tensor() -> None:
    v = np.array([0.3, -2.0, 1.1])
    assert np.array_equal(hat_array(v), hat(torch.from_numpy(v)).numpy())
