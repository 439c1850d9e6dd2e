"""The launch files, checked without ROS' launch system.

What they name must exist: executables, arguments, files.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCH_FILES = sorted((ROOT / "launch").glob("*.launch.py"))
ARGUMENTS = {
    "denseba.launch.py": {
        *("namespace", "params_file", "use_sim_time", "rviz"),
        *("image", "camera_info", "depth_in", "imu", "distributed"),
        *("camera", "log_level", "respawn", "map_file", "map_mode"),
    },
    "replay.launch.py": {
        *("bag", "rate", "lockstep", "topic", "intrinsics"),
        *("namespace", "params_file", "use_sim_time", "rviz", "distributed"),
    },
}


def calls(tree: ast.AST, function: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == function
    ]


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def constants(nodes: list[ast.expr]) -> list[Any]:
    return [node.value for node in nodes if isinstance(node, ast.Constant)]


@pytest.fixture(params=LAUNCH_FILES, ids=lambda path: path.name)
def launch_file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def tree(launch_file: Path) -> ast.Module:
    return ast.parse(launch_file.read_text())


def test_both_launch_files_are_there() -> None:
    assert {path.name for path in LAUNCH_FILES} == set(ARGUMENTS)


def test_every_argument_is_described_and_every_used_one_declared(
    launch_file: Path, tree: ast.Module
) -> None:
    declared = calls(tree, "DeclareLaunchArgument")
    for call in declared:
        for text in constants([keywords(call)["description"]]):
            assert text.endswith(".")
    names = {call.args[0].value for call in declared if isinstance(call.args[0], ast.Constant)}
    assert names == ARGUMENTS[launch_file.name]
    used = {
        call.args[0].value
        for call in calls(tree, "LaunchConfiguration")
        if isinstance(call.args[0], ast.Constant)
    }
    assert used <= names


def test_it_makes_a_launch_description(tree: ast.Module) -> None:
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert "generate_launch_description" in functions


def test_executables_are_installed_by_the_package(tree: ast.Module) -> None:
    installed = set(re.findall(r'"(\w+) = denseba_ros', (ROOT / "setup.py").read_text()))
    ours = [c for c in calls(tree, "Node") if "denseba_ros" in constants([keywords(c)["package"]])]
    named = constants([keywords(call)["executable"] for call in ours])
    named += constants([call.args[1] for call in calls(tree, "denseba")])
    assert named
    assert set(named) <= installed


def test_files_that_are_named_exist(tree: ast.Module) -> None:
    files = constants([call.args[0] for call in calls(tree, "share_file")])
    assert files
    assert [name for name in files if not (ROOT / name).is_file()] == []
