"""The kernel that the configuration and the device ask for."""

from __future__ import annotations

import pytest
import torch

from denseba_ros.backend.kernels.cpu_kernel import FusedCpuKernel
from denseba_ros.backend.kernels.selection import choose_kernel
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.errors import ConfigurationError


def test_plain_torch_is_there_for_every_device() -> None:
    for name in ("cpu", "cuda", "meta"):
        assert choose_kernel("torch", torch.device(name)) is TORCH_KERNEL


def test_auto_falls_back_where_there_is_no_fused_kernel() -> None:
    assert choose_kernel("auto", torch.device("meta")) is TORCH_KERNEL


def test_asking_for_a_fused_kernel_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="no fused kernel for 'meta'"):
        choose_kernel("fused", torch.device("meta"))


def test_the_cpu_has_a_fused_kernel() -> None:
    for name in ("auto", "fused"):
        assert isinstance(choose_kernel(name, torch.device("cpu")), FusedCpuKernel)
