"""Which files a parameter may make the node write a map to."""

from __future__ import annotations

from pathlib import Path

import pytest

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.parameters.map_path import with_confined_map
from denseba_ros.nodes.parameters.node_config import NodeConfig


def of(file: str, mode: str = "mapping") -> Config:
    return Config.from_dict({"map": {"mode": mode, "file": file}})


def test_a_name_is_below_the_folder_which_is_made_for_writing(tmp_path: Path) -> None:
    settings = NodeConfig(map_folder=str(tmp_path / "maps"))
    path = tmp_path / "maps" / "house.denseba"
    assert with_confined_map(of("house.denseba", "localisation"), settings).map.file == str(path)
    assert not path.parent.exists()
    confined = with_confined_map(of("house.denseba"), settings)
    assert confined.map.file == str(path)
    assert path.parent.is_dir()
    assert with_confined_map(confined, settings) == confined


def test_the_folder_is_that_of_ros_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_HOME", str(tmp_path))
    confined = with_confined_map(of("a.denseba"), NodeConfig())
    assert confined.map.file == str(tmp_path / "denseba_maps" / "a.denseba")


@pytest.mark.parametrize(
    "file", ["/etc/passwd", "../elsewhere.denseba", "/tmp/x.denseba", "link.denseba", "house.db"]
)
def test_other_files_are_refused(tmp_path: Path, file: str) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "secret.denseba").write_bytes(b"")
    (tmp_path / "maps" / "link.denseba").symlink_to(tmp_path / "secret.denseba")
    with pytest.raises(ConfigurationError, match="below"):
        with_confined_map(of(file), NodeConfig(map_folder=str(tmp_path / "maps")))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="file"):
        with_confined_map(of("a.denseba"), NodeConfig(map_folder=str(tmp_path / "file")))


def test_without_a_map_nothing_is_looked_at(tmp_path: Path) -> None:
    off = of("/etc/passwd", "off")
    assert with_confined_map(off, NodeConfig(map_folder=str(tmp_path / "none"))) == off


def test_by_default_a_file_is_mapped_and_nothing_else(tmp_path: Path) -> None:
    settings = NodeConfig(map_folder=str(tmp_path))
    assert with_confined_map(Config(), settings).map.mode == "off"
    assert with_confined_map(of("a.denseba", "auto"), settings).map.mode == "mapping"
