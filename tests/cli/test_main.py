"""The dispatcher: which module runs, and what a user sees when it fails."""

from __future__ import annotations

import argparse
import subprocess
import sys
from types import ModuleType

import pytest

from denseba_ros.cli import main as dispatcher
from denseba_ros.cli.commands import COMMANDS
from denseba_ros.errors import SequenceError


def command(monkeypatch: pytest.MonkeyPatch, raised: BaseException | None) -> list[str]:
    """Put a module in place of ``denseba run``; returns what it is called with."""
    seen: list[str] = []

    def run(args: argparse.Namespace) -> int:
        seen.append(args.word)
        if raised is not None:
            raise raised
        return 7

    module = ModuleType("denseba_ros.cli.run")
    module.add_arguments = lambda parser: parser.add_argument("word")  # type: ignore[attr-defined]
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "denseba_ros.cli.run", module)
    return seen


def test_the_status_of_the_command_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = command(monkeypatch, None)
    assert dispatcher.main(["run", "word"]) == 7
    assert seen == ["word"]


def test_ros_arguments_are_left_to_rclpy(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = command(monkeypatch, None)
    arguments = ["run", "--ros-args", "-r", "__node:=a", "-p", "b:=1", "--", "word"]
    assert dispatcher.main(arguments) == 7
    assert dispatcher.main(["run", "other", "--ros-args", "-r", "image:=c"]) == 7
    assert seen == ["word", "other"]


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (SequenceError("no images in x"), 2, "denseba run: no images in x\n"),
        (ModuleNotFoundError("No module named 'rclpy'", name="rclpy"), 2, "source its setup.bash"),
        (ModuleNotFoundError("...", name="tf2_msgs.msg"), 2, "ROS 2 is not here"),
        (
            PermissionError(13, "Permission denied", "/out"),
            2,
            "denseba run: /out: Permission denied",
        ),
        (OSError(28, "No space left on device"), 2, "denseba run: No space left on device"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_of_the_user_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    status: int,
    line: str,
) -> None:
    command(monkeypatch, raised)
    assert dispatcher.main(["run", "word"]) == status
    complaint = capsys.readouterr().err
    assert line in complaint
    assert len(complaint.splitlines()) == min(1, len(line))


@pytest.mark.parametrize(
    "raised",
    [ValueError("bug"), ModuleNotFoundError("x", name="scipy"), BrokenPipeError(32, "Broken pipe")],
)
def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, raised: BaseException) -> None:
    command(monkeypatch, raised)
    with pytest.raises(type(raised)):
        dispatcher.main(["run", "word"])


@pytest.mark.parametrize("words", [[], ["train"], ["benchmark"]])
def test_help_lists_the_commands_without_loading_them(words: list[str]) -> None:
    script = (
        "import sys; from denseba_ros.cli.main import main\n"
        f"try: main([*{words}, '--help'])\n"
        "finally: assert not {'torch', 'rclpy', 'cv2', 'numpy', 'pydantic'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    listed = [name.split()[-1] for name in COMMANDS if name.split()[:-1] == words]
    assert len(listed) >= 3
    for name in listed:
        assert name in done.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["fly"], "fly"),
        (["train", "fly"], "fly"),
        (["evaluate", "x", "--groundtruth", "y", "--wings", "2"], "--wings 2"),
        (["evaluate"], "--groundtruth"),
        (["run", "x", "--out", "y", "--start", "soon"], "soon"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_named(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        dispatcher.main(arguments)
    assert stopped.value.code == 2
    assert named in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "listed"), [([], "evaluate"), (["train"], "matching")])
def test_without_a_command_the_list_is_shown(
    arguments: list[str], listed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dispatcher.main(arguments) == 2
    assert listed in capsys.readouterr().err
