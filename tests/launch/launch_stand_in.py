"""As much of ROS' launch as the launch files use: it records what would be started.

ROS' launch has no wheel. Semantics as in Jazzy: launch configurations are one dictionary that every
included file sees; a declared argument takes its default only where nobody set it; an include sets
its arguments; a scoped group restores the dictionary and the environment after it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


class Entity:
    """An action with its positional and keyword arguments."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.arguments, self.options = arguments, options

    def execute(self, run: Launch) -> None:
        """What the action does to a launch; nothing here."""


class LaunchDescription(Entity):
    def execute(self, run: Launch) -> None:
        run.visit(self.arguments[0])


class LaunchConfiguration(Entity):
    def perform(self, run: Launch) -> str:
        return run.configurations[self.arguments[0]]


class ParameterValue(Entity):
    pass


class IfCondition(Entity):
    wanted = True

    def holds(self, run: Launch) -> bool:
        return (run.text(self.arguments[0]).lower() in ("true", "1")) is self.wanted


class UnlessCondition(IfCondition):
    wanted = False


class DeclareLaunchArgument(Entity):
    def execute(self, run: Launch) -> None:
        (name,) = self.arguments
        if name not in run.configurations:
            assert "default_value" in self.options, f"{name}:= is required"
            run.configurations[name] = run.text(self.options["default_value"])


class SetEnvironmentVariable(Entity):
    def execute(self, run: Launch) -> None:
        name, value = self.arguments
        run.environment[name] = run.text(value)


class PythonLaunchDescriptionSource(Entity):
    pass


class IncludeLaunchDescription(Entity):
    def execute(self, run: Launch) -> None:
        for name, value in self.options.get("launch_arguments", ()):
            run.configurations[name] = run.text(value)
        (path,) = self.arguments[0].arguments
        run.visit([load(Path(path)).generate_launch_description()])


class GroupAction(Entity):
    def execute(self, run: Launch) -> None:
        assert self.options.get("forwarding", True), "not needed so far"
        kept = dict(run.configurations), dict(run.environment)
        run.visit(self.arguments[0])
        if self.options.get("scoped", True):
            run.configurations, run.environment = kept


class OpaqueFunction(Entity):
    def execute(self, run: Launch) -> None:
        run.visit(self.options["function"](run) or [])


class RegisterEventHandler(Entity):
    def execute(self, run: Launch) -> None:
        run.handlers.append(self.arguments[0])


class OnProcessExit(Entity):
    pass


class LogInfo(Entity):
    def execute(self, run: Launch) -> None:
        run.said.append(self.options["msg"])


class Shutdown(Entity):
    def execute(self, run: Launch) -> None:
        run.shutdown_reason = self.options["reason"]


class Node(Entity):
    def execute(self, run: Launch) -> None:
        remappings = self.options.get("remappings", [])
        run.started[self.options["executable"]] = Started(
            self,
            run.text(self.options.get("namespace", "")),
            {run.text(a): run.text(b) for a, b in remappings},
            [run.text(word) for word in self.options.get("arguments", [])],
        )


@dataclass(frozen=True)
class Started:
    """A process that would run."""

    action: Node
    namespace: str
    remappings: dict[str, str]
    arguments: list[str]


@dataclass(frozen=True)
class ProcessExited:
    returncode: int


@dataclass
class Launch:
    """``ros2 launch FILE name:=value ...``; also the context that functions and actions get."""

    configurations: dict[str, str]
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    started: dict[str, Started] = field(default_factory=dict)
    handlers: list[OnProcessExit] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    shutdown_reason: str = ""

    def visit(self, entities: Iterable[Entity]) -> None:
        for entity in entities:
            condition = entity.options.get("condition")
            if condition is None or condition.holds(self):
                entity.execute(self)

    def text(self, value: Any) -> str:
        return value.perform(self) if isinstance(value, LaunchConfiguration) else str(value)

    def end(self, executable: str, status: int) -> None:
        """The process of ``executable`` ended by itself; scopes are long gone by then."""
        self.configurations = {}
        action = self.started[executable].action
        for handler in self.handlers:
            if handler.options["target_action"] is action:
                self.visit(handler.options["on_exit"](ProcessExited(status), self))


def load(path: Path) -> ModuleType:
    """A launch file as a module."""
    spec = importlib.util.spec_from_file_location(path.name.replace(".", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class PackageNotFoundError(Exception):
    """As in ament_index_python."""


def install(
    monkeypatch: pytest.MonkeyPatch, prefixes: dict[str, str], warn: Callable[[str], None]
) -> None:
    """Let ``import launch`` and its kin find these classes, also where ROS is installed.

    ``prefixes`` are the installed packages with their folders, ``warn`` gets warnings.
    """

    def get_package_prefix(name: str) -> str:
        if name not in prefixes:
            raise PackageNotFoundError(name)
        return prefixes[name]

    class Logger:
        warning = staticmethod(warn)

    contents: dict[str, list[Any]] = {
        "launch": [LaunchDescription],
        "launch.actions": [
            DeclareLaunchArgument,
            GroupAction,
            IncludeLaunchDescription,
            LogInfo,
            OpaqueFunction,
            RegisterEventHandler,
            SetEnvironmentVariable,
            Shutdown,
        ],
        "launch.conditions": [IfCondition, UnlessCondition],
        "launch.event_handlers": [OnProcessExit],
        "launch.events": [],
        "launch.events.process": [ProcessExited],
        "launch.launch_description_sources": [PythonLaunchDescriptionSource],
        "launch.logging": [],
        "launch.substitutions": [LaunchConfiguration],
        "launch_ros": [],
        "launch_ros.actions": [Node],
        "launch_ros.parameter_descriptions": [ParameterValue],
        "ament_index_python": [],
        "ament_index_python.packages": [PackageNotFoundError, get_package_prefix],
    }
    for name, members in contents.items():
        module = ModuleType(name)
        for member in members:
            setattr(module, member.__name__, member)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys.modules["launch"], "LaunchContext", Launch, raising=False)
    monkeypatch.setattr(
        sys.modules["launch.logging"], "get_logger", lambda _: Logger, raising=False
    )
