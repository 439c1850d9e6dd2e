"""Checkpoint files: written whole, read into the same training alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from denseba_ros.errors import ConfigurationError
from denseba_ros.training.common.checkpoint import opened_checkpoint, save_checkpoint

_SETTINGS = {"steps": 3}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "new" / "training.pt"
    save_checkpoint(path, _SETTINGS, {"step": 2, "weight": torch.arange(4.0)})
    return path


def test_what_was_saved_comes_back(path: Path) -> None:
    with opened_checkpoint(path, _SETTINGS) as state:
        assert state["step"] == 2
        assert torch.equal(state["weight"], torch.arange(4.0))
    assert list(path.parent.iterdir()) == [path]


def test_another_training_is_refused(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="other settings"), opened_checkpoint(path, {}):
        pass


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut off"])
def test_a_broken_file_is_named(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    expected = pytest.raises(ConfigurationError, match=r"training\.pt")
    with expected, opened_checkpoint(path, _SETTINGS):
        pass


def test_a_missing_part_is_named(path: Path) -> None:
    expected = pytest.raises(ConfigurationError, match="momentum")
    with expected, opened_checkpoint(path, _SETTINGS) as state:
        state["momentum"]
