"""ROS processes without ``ros2 launch``: started together, ended together. Needs no ROS itself."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from denseba_ros import transport
from denseba_ros.errors import DensebaError

if TYPE_CHECKING:
    from typing_extensions import Self

_STOP_SECONDS = 10.0
_TAIL_LINES = 20


def ros_is_here() -> str:
    """Empty when the nodes can run, else what is missing."""
    from importlib.util import find_spec

    missing = [name for name in ("rclpy", "tf2_msgs", "nav_msgs") if find_spec(name) is None]
    return f"ROS 2 is not here ({', '.join(missing)} missing)" if missing else ""


def private_environment(log_folder: Path) -> dict[str, str]:
    """An environment in which processes meet nobody but each other, with the image transport."""
    environment = {
        **os.environ,
        # Linux leaves domains 1 to 101 free of the ports that it gives away itself.
        "ROS_DOMAIN_ID": str(1 + secrets.randbelow(101)),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_LOG_DIR": str(log_folder),
        "PYTHONUNBUFFERED": "1",
    }
    transport.activate(environment)
    return environment


# What YAML takes for a truth value, and our parameters never mean by it.
_WORDS = ("on", "off", "yes", "no")


def python_module(module: str, *arguments: str) -> list[str]:
    """The command line that runs ``module`` with the interpreter of this process."""
    return [sys.executable, "-m", module, *arguments]


def node_command(
    node: str, params_file: Path | None = None, parameters: Mapping[str, str] | None = None
) -> list[str]:
    """The command line of one of our nodes, ``denseba_node`` for example; values are YAML, but for
    words such as ``off``, which stay words."""
    arguments = ["--ros-args"]
    if params_file is not None:
        arguments += ["--params-file", str(params_file)]
    for name, value in (parameters or {}).items():
        is_word = value.lower() in _WORDS
        arguments += ["-p", f"{name}:='{value}'" if is_word else f"{name}:={value}"]
    return python_module("denseba_ros.nodes.main", node, *arguments)


def denseba_command(*arguments: str) -> list[str]:
    """The command line of ``denseba ARGUMENTS``."""
    return python_module("denseba_ros.cli.main", *arguments)


@dataclass
class Processes:
    """A context manager: whatever was started is gone after it, however it ends.

    ``logs`` receives one file per process, ``NAME.log``.
    """

    environment: Mapping[str, str]
    logs: Path
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)

    def start(self, name: str, command: list[str], *, on_terminal: bool = False) -> None:
        """Start ``command``; its output goes into its log, or onto our terminal."""
        with (self.logs / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                command,
                env=dict(self.environment),
                stdout=None if on_terminal else log,
                stderr=None if on_terminal else subprocess.STDOUT,
                # Ctrl-C reaches only us, and we stop the others in order.
                start_new_session=True,
            )

    def wait(self, name: str, seconds: float) -> int:
        """Wait for ``name`` to end by itself, watching the others; its exit status.

        Raises:
            DensebaError: when it takes too long or another process ended before it.
        """
        self.wait_until(lambda: self._running[name].poll() is not None, name, seconds, but=name)
        return self._running.pop(name).returncode

    def wait_for_line(self, name: str, text: str, seconds: float) -> None:
        """Wait until the log of ``name`` holds ``text``. Raises DensebaError as ``wait``."""
        self.wait_until(lambda: text in self.log(name), f"{text!r} of {name}", seconds)

    def wait_until(
        self, condition: Callable[[], bool], what: str, seconds: float, but: str = ""
    ) -> None:
        """Wait for a condition while everything started goes on running (except ``but``).

        Raises:
            DensebaError: when it takes too long or a process ended meanwhile.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            for name, process in self._running.items():
                if name != but and process.poll() not in (None, 0):
                    raise DensebaError(
                        f"{name} ended with status {process.returncode}:\n{self.tail(name)}"
                    )
            if time.monotonic() > deadline:
                tails = "\n".join(f"-- {n}:\n{self.tail(n)}" for n in self._running)
                raise DensebaError(f"waited {seconds:g} s for {what}\n{tails}")
            time.sleep(0.05)

    def stop(self, name: str, seconds: float = _STOP_SECONDS) -> int:
        """SIGINT, after a while SIGKILL; the exit status, -9 when it had to be killed."""
        process = self._running.pop(name)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill(self, name: str) -> None:
        """SIGKILL: what was being done is lost."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def status(self, name: str) -> int | None:
        """Exit status of what was started as ``name``, None while it runs."""
        return self._running[name].poll()

    def pid(self, name: str) -> int:
        """Process id of what was started as ``name``."""
        return self._running[name].pid

    def log(self, name: str) -> str:
        """What ``name`` has written so far."""
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def tail(self, name: str) -> str:
        """The last lines that ``name`` has written."""
        return "\n".join(self.log(name).splitlines()[-_TAIL_LINES:])
