"""What keeps a view from opening is said in one sentence."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from denseba_ros.errors import ConfigurationError
from denseba_ros.viewer.opening import open_view


def test_without_rerun_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def without(name: str, *rest: Any) -> Any:
        return None if name == "rerun" else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(ConfigurationError, match=r"pip install 'denseba_ros\[view\]'"):
        open_view(False, tmp_path / "a.rrd")


def test_without_a_screen_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk is not installed: denseba_ros[view]")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(ConfigurationError, match="no screen"):
        open_view(True)


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk is not installed: denseba_ros[view]")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"ends in \.rrd"):
        open_view(False, tmp_path / "a.mp4")
    with pytest.raises(ConfigurationError, match=r"b\.rrd: "):
        open_view(False, tmp_path / "file" / "b.rrd")
    (tmp_path / "c.rrd").mkdir()
    with pytest.raises(ConfigurationError, match=r"c\.rrd: Is a directory"):
        open_view(False, tmp_path / "c.rrd")
