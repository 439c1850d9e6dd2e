"""Which map is meant, and what is refused before the first image."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from denseba_ros.cli.options.map import add_map_options, with_map_options
from denseba_ros.config import Config, MapConfig
from denseba_ros.errors import ConfigurationError


def _with(*words: str | Path, config: MapConfig | None = None) -> MapConfig:
    parser = argparse.ArgumentParser()
    add_map_options(parser)
    whole = Config(map=config or MapConfig())
    return with_map_options(whole, parser.parse_args([str(word) for word in words])).map


def test_without_options_loops_are_closed_in_memory() -> None:
    assert _with() == MapConfig(mode="mapping")


def test_a_mode_that_is_set_holds() -> None:
    assert _with(config=MapConfig(mode="off")) == MapConfig(mode="off")


def test_each_option_is_a_mode_and_a_file(tmp_path: Path) -> None:
    there, new = tmp_path / "there.denseba", tmp_path / "new.denseba"
    there.touch()
    assert _with("--save-map", new) == MapConfig(mode="mapping", file=str(new))
    assert _with("--map", there) == MapConfig(mode="mapping", file=str(there))
    assert _with("--map", there, "--localise") == MapConfig(mode="localisation", file=str(there))
    assert _with("--refine", config=MapConfig(mode="off")) == MapConfig(mode="mapping")
    assert _with("--refine", "--map", there).file == str(there)


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    there = tmp_path / "there.denseba"
    there.touch()
    with pytest.raises(ConfigurationError, match="needs --map"):
        _with("--localise")
    with pytest.raises(ConfigurationError, match="there already"):
        _with("--save-map", there)
    with pytest.raises(ConfigurationError, match="no such map"):
        _with("--map", tmp_path / "missing.denseba")
