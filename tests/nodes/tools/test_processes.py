"""Child processes are watched while they run and gone afterwards."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from denseba_ros.errors import DensebaError
from denseba_ros.nodes.tools.processes import Processes, node_command, private_environment
from denseba_ros.resources import share_file
from denseba_ros.transport import LOOPBACK_PROFILE, PROFILE_VARIABLES

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); " + SLEEP


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(dict(os.environ), tmp_path / "logs")


def test_a_process_that_ends_gives_its_status(processes: Processes) -> None:
    with processes:
        processes.start("short", python("raise SystemExit(3)"))
        assert processes.wait("short", 30) == 3


def test_what_still_runs_at_the_end_is_ended(processes: Processes) -> None:
    with processes:
        processes.start("long", python(SLEEP))
        processes.wait_for_line("long", "up", 30)
        process = processes._running["long"]
    assert process.poll() is not None


def test_what_ignores_sigint_is_killed(processes: Processes) -> None:
    with processes:
        processes.start("stubborn", python(STUBBORN))
        processes.wait_for_line("stubborn", "up", 30)
        assert processes.stop("stubborn", seconds=0.5) == -9


def test_the_death_of_another_process_ends_the_waiting(processes: Processes) -> None:
    with processes:
        processes.start("broken", python("raise ValueError('the reason')"))
        processes.start("long", python(SLEEP))
        with pytest.raises(DensebaError, match=r"broken ended with status 1(.|\n)*the reason"):
            processes.wait("long", 60)


def test_waiting_has_a_limit(processes: Processes) -> None:
    with processes:
        processes.start("long", python(SLEEP))
        with pytest.raises(DensebaError, match=r"waited 0\.2 s for 'never'"):
            processes.wait_for_line("long", "never", 0.2)


def test_the_environment_keeps_to_itself_and_names_a_transport(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in PROFILE_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    environment = private_environment(tmp_path)
    assert 1 <= int(environment["ROS_DOMAIN_ID"]) <= 101
    profiles = {environment[variable] for variable in PROFILE_VARIABLES}
    assert profiles == {str(share_file(LOOPBACK_PROFILE))}


def test_a_mode_that_is_called_off_is_no_truth_value() -> None:
    command = node_command("denseba_node", parameters={"map.mode": "off", "node.px4": "false"})
    assert command[-4:] == ["-p", "map.mode:='off'", "-p", "node.px4:=false"]


def test_node_commands_carry_parameters() -> None:
    command = node_command("denseba_node", Path("p.yaml"), {"node.queue_size": "0"})
    assert command[1:] == [
        *("-m", "denseba_ros.nodes.main", "denseba_node", "--ros-args"),
        *("--params-file", "p.yaml", "-p", "node.queue_size:=0"),
    ]
