"""Files that are for installing agree with each other and with the package."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from denseba_ros.config import Config
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.parameter_yaml import parameters_from_yaml

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
# Distribution on PyPI and what rosdep calls it; "" has no key.
ROSDEP = {
    "torch": "python3-pytorch-pip",
    "opencv-python-headless": "python3-opencv",
    "pyyaml": "python3-yaml",
    "rosbags": "",
    "backports.zstd": "",
    "safetensors": "",
    "simplejpeg": "",
}


@pytest.fixture
def check_version() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check", ROOT / "scripts/check_version.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_version_is_named_everywhere(
    check_version: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    version = check_version.versions()["package.xml"]
    assert check_version.main([]) == 0
    assert check_version.main([version]) == 0
    assert check_version.main(["99.0.0"]) == 1
    assert f"setup.py: {version} instead of 99.0.0" in capsys.readouterr().err


def required() -> list[str]:
    """Names of the distributions in install_requires."""
    text = (ROOT / "setup.py").read_text()
    block = text[text.index("install_requires=[") : text.index("extras_require=")]
    return re.findall(r'^\s+"([A-Za-z0-9_.-]+?)[<>=\[]', block, re.MULTILINE)


def test_rosdep_keys_are_those_of_the_libraries() -> None:
    keys = {
        element.text
        for element in ElementTree.parse(ROOT / "package.xml").iter("exec_depend")
        if str(element.text).startswith("python3-")
    }
    names = required()
    assert "torch" in names
    expected = {ROSDEP.get(name, f"python3-{name}") for name in names}
    assert keys == expected - {""}
    text = (ROOT / "docs/installation.md").read_text()
    assert all(name in text for name, key in ROSDEP.items() if not key)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_parameters_of_the_node_and_its_launch_line(path: Path) -> None:
    parameters = parameters_from_yaml(path)
    NodeConfig.from_dict(parameters.pop("node"))
    Config.model_validate(parameters)
    text = path.read_text()
    assert f"/config/examples/{path.name}" in text
    assert "ros2 launch denseba_ros denseba.launch.py" in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_yaml_and_says_that_it_was_not_run(path: Path) -> None:
    assert "jobs" in yaml.safe_load(path.read_text())
    assert "NOT RUN" in path.read_text().splitlines()[0]


def test_what_docker_copies_is_there() -> None:
    text = (ROOT / "docker/Dockerfile").read_text()
    assert "NOT RUN" in text.splitlines()[0]
    assert all((ROOT / name).exists() for name in ("setup.py", "package.xml", "config", "models"))
