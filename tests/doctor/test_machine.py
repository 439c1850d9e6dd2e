"""Checks of the machine on this machine, and on one that lacks things."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from denseba_ros.doctor import machine
from denseba_ros.errors import ConfigurationError


def test_this_machine_can_run_the_core() -> None:
    for look in (machine.check_python, machine.check_torch, machine.check_opencv):
        assert look().status != "FAIL", look()


def test_an_old_python_is_refused() -> None:
    check = machine.check_python((3, 9, 12))
    assert check.status == "FAIL"
    assert "3.9.12" in check.found
    assert "3.10" in check.remedy


@pytest.mark.parametrize(("module", "look"), [("torch", "check_torch"), ("cv2", "check_opencv")])
def test_a_missing_library_fails_with_its_install_line(
    monkeypatch: pytest.MonkeyPatch, module: str, look: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    check = getattr(machine, look)()
    assert check.status == "FAIL"
    assert check.remedy.startswith("pip install")


def test_a_gpu_that_torch_cannot_use_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    device = tmp_path / "nvidia0"
    device.touch()
    monkeypatch.setattr(machine, "GPU_DEVICES", (str(device),))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert machine.check_torch().status == "WARN"


def test_models_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "share_file", lambda name: tmp_path)
    assert "constant prior" in machine.check_models().found
    (tmp_path / "depth.safetensors").touch()
    assert machine.check_models().found == "depth.safetensors"


def test_an_installation_without_models_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Path:
        raise ConfigurationError(f"{name} is missing")

    monkeypatch.setattr(machine, "share_file", missing)
    assert machine.check_models().status == "FAIL"


def test_learned_matches_are_only_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert machine.check_matching().status == "OK"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    check = machine.check_matching()
    assert check.status == "WARN"
    assert "denseba_ros[matching]" in check.remedy


def test_evo_is_only_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_command_path", lambda: str(tmp_path))
    assert machine.check_evo().status == "WARN"
    command = tmp_path / "evo_ape"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    assert machine.check_evo().status == "OK"


def test_the_disk_is_really_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.check_disk(tmp_path).status in ("OK", "WARN")
    assert list(tmp_path.iterdir()) == []
    assert machine.check_disk(tmp_path / "absent").status == "FAIL"
    monkeypatch.setattr(machine, "MIN_FREE_BYTES", 1 << 62)
    assert machine.check_disk(tmp_path).status == "WARN"
