"""The tests start where other packages bring plugins for another pytest, as ROS 2 does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The hook as launch_testing has it; pytest 9 no longer knows `path`.
OLD_PLUGIN = "def pytest_pycollect_makemodule(path, parent):\n    return None\n"


def install_old_plugin(folder: Path) -> None:
    """A distribution with the entry point of ROS' launch_testing."""
    (folder / "old_plugin.py").write_text(OLD_PLUGIN)
    information = folder / "launch_testing-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: launch_testing\nVersion: 1.0\n"
    )
    (information / "entry_points.txt").write_text("[pytest11]\nlaunch_testing = old_plugin\n")


def collect(configuration: Path, plugins: Path, *options: str) -> subprocess.CompletedProcess[str]:
    paths = [str(plugins), os.environ.get("PYTHONPATH", "")]
    command = [sys.executable, "-m", "pytest", "-c", str(configuration), "--collect-only", "-q"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return subprocess.run(
        [*command, *options, str(ROOT / "tests" / "test_security.py")],
        env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_a_plugin_for_an_older_pytest_is_left_out(tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    install_old_plugin(plugins)
    done = collect(ROOT / "pyproject.toml", plugins)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_security.py" in done.stdout


def test_the_stand_in_would_stop_pytest(tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    install_old_plugin(plugins)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = collect(tmp_path / "pytest.ini", plugins)
    assert done.returncode != 0
    assert "pytest_pycollect_makemodule" in done.stdout + done.stderr


@pytest.mark.parametrize("module", ["xdist.plugin", "pytest_timeout", "_hypothesis_pytestplugin"])
def test_our_own_plugins_are_loaded(module: str, pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.has_plugin(module)
