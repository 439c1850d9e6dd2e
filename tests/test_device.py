"""Where the tensors live."""

from __future__ import annotations

import pytest
import torch

from denseba_ros import parallel
from denseba_ros.device import give_cores_to_loops, pick_device, share_cores
from denseba_ros.errors import ConfigurationError
from denseba_ros.parallel import set_loop_threads


def test_cpu_is_the_cpu() -> None:
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("available", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_uses_a_gpu_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch, available: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert pick_device("auto") == torch.device(expected)


def test_a_missing_gpu_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigurationError, match="no CUDA GPU"):
        pick_device("cuda")


def test_loops_get_the_cores_of_torch() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        give_cores_to_loops()
        assert (torch.get_num_threads(), parallel._Threads.count) == (1, 3)
        give_cores_to_loops()
        assert (torch.get_num_threads(), parallel._Threads.count) == (1, 3)
        share_cores()
        assert parallel._Threads.count is None
    finally:
        set_loop_threads(None)
        torch.set_num_threads(before)
