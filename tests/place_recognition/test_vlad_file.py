"""Weights of place recognition as a file, and what is said of other files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from denseba_ros.errors import ConfigurationError
from denseba_ros.place_recognition.place_describer import WEIGHTS
from denseba_ros.place_recognition.vlad import Vlad
from denseba_ros.place_recognition.vlad_file import load_vlad, save_vlad
from denseba_ros.resources import share_file


def _vlad(rng: np.random.Generator) -> Vlad:
    centres, mean = rng.normal(size=(3, 4)), rng.normal(size=12)
    # Transposed, as it comes from a singular value decomposition.
    projection = rng.normal(size=(5, 12)).astype(np.float16).astype(np.float32).T
    return Vlad(centres.astype(np.float32), mean.astype(np.float32), projection, 0.45)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    vlad = _vlad(np.random.default_rng(0))
    save_vlad(vlad, tmp_path / "new" / "place.safetensors")
    read = load_vlad(tmp_path / "new" / "place.safetensors")
    for name in ("centres", "mean", "projection"):
        np.testing.assert_array_equal(getattr(read, name), getattr(vlad, name))
        assert getattr(read, name).dtype == np.float32
    assert read.threshold == vlad.threshold


def test_equal_weights_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_vlad(_vlad(np.random.default_rng(0)), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_shipped_weights_are_small_and_fit() -> None:
    path = share_file(WEIGHTS)
    assert path.stat().st_size < 5_000_000
    vlad = load_vlad(path)
    assert vlad.centres.shape[1] == 64
    assert 0.2 < vlad.threshold < 0.9


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(ConfigurationError, match=r"x\.safetensors: no weights of place"):
        load_vlad(path)
    path.write_bytes(b"no weights")
    with pytest.raises(ConfigurationError, match="no weights of place"):
        load_vlad(path)
    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(ConfigurationError, match="not in the format denseba-places-1"):
        load_vlad(path)


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    vlad = _vlad(np.random.default_rng(0))
    save_vlad(Vlad(vlad.centres, vlad.mean[1:], vlad.projection, 0.4), tmp_path / "x")
    with pytest.raises(ConfigurationError, match="do not fit each other"):
        load_vlad(tmp_path / "x")
