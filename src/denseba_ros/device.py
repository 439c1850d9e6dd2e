"""Choice of the device that the tensors live on."""

from __future__ import annotations

import os
import sys

import torch

from denseba_ros.errors import ConfigurationError
from denseba_ros.parallel import set_loop_threads

# Python lets the other thread wait 5 ms by itself, each time: some images took ten times as long.
_TURN_SECONDS = 1e-4


def pick_device(name: str) -> torch.device:
    """The device ``name``: "cpu", "cuda", or "auto", which is CUDA if there is a GPU.

    Raises:
        ConfigurationError: when ``name`` is "cuda" and torch finds no GPU.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError("device 'cuda' was asked for, but torch sees no CUDA GPU")
    return torch.device(name)


def share_cores() -> None:
    """Give each of torch's operations half of the cores: two threads of ours work side by side.

    More threads than cores would wait for each other, and so would two at long turns.
    """
    set_loop_threads(None)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    sys.setswitchinterval(_TURN_SECONDS)


def give_cores_to_loops() -> None:
    """Give torch's cores to our compiled loops, where one thread of ours works at a time.

    Torch's operations here are too short for more than one thread, and its other threads spin
    between them on the cores that our loops would use.
    """
    if torch.get_num_threads() > 1:
        set_loop_threads(torch.get_num_threads())
        torch.set_num_threads(1)
