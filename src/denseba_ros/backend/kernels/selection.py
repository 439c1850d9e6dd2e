"""Which implementation sums over the pairs, by configuration and device."""

from __future__ import annotations

from importlib.util import find_spec

import torch

from denseba_ros.backend.kernels.interface import PairKernel
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.errors import ConfigurationError


def choose_kernel(name: str, device: torch.device) -> PairKernel:
    """The kernel ``torch`` or ``fused``; ``auto`` takes the fused one where the device has one.

    Raises:
        ConfigurationError: when ``fused`` is asked for on a device that has none.
    """
    fused = None if name == "torch" else _fused(device)
    if name == "fused" and fused is None:
        raise ConfigurationError(f"backend.kernel: there is no fused kernel for '{device.type}'")
    return fused or TORCH_KERNEL


def _fused(device: torch.device) -> PairKernel | None:
    """The kernel made for this kind of device, ready to run."""
    if device.type == "cpu":
        # Imported where it is wanted: numba takes half a second.
        from denseba_ros.backend.kernels.cpu_kernel import FusedCpuKernel

        return FusedCpuKernel()
    if device.type == "cuda" and find_spec("triton") is not None:
        from denseba_ros.backend.kernels.triton_kernel import TRITON_KERNEL

        return TRITON_KERNEL
    return None
