"""`denseba run`: every file of the run folder, and what an interruption leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from denseba_ros.cli.exit_status import NO_MAP
from denseba_ros.cli.main import main
from denseba_ros.sequences.poses.pose_table import read_poses


def _run(recording: Any, out: Path, *options: str) -> int:
    return main(["run", str(recording.sequence), "--out", str(out), "--fps", "10", *options])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_one_row_per_tracked_frame_with_the_inputs_stamps(
    recording: Any, knowing_system: Any, out: Path
) -> None:
    assert _run(recording, out) == 0
    expected = [i * 100_000_000 for i in range(2, 30) if i != 10]
    assert read_poses(out / "trajectory.txt").stamps_ns.tolist() == expected
    with np.load(out / "covariance.npz") as stored:
        assert stored["stamps_ns"].tolist() == expected
        assert stored["covariance"][0] == pytest.approx(np.eye(6) * 3e-6)


def test_depth_of_every_keyframe_is_in_millimetres_with_its_camera(
    recording: Any, knowing_system: Any, out: Path
) -> None:
    assert _run(recording, out) == 0
    names = sorted(int(p.stem) for p in (out / "depth").glob("*.png"))
    assert names == [i * 100_000_000 for i in range(0, 30, 5)]
    assert read_poses(out / "keyframes.txt").stamps_ns.tolist() == names
    depth = cv2.imread(str(out / "depth" / "0.png"), cv2.IMREAD_UNCHANGED)
    assert depth.dtype == np.uint16
    assert depth[0, 0] == 0, "unknown depth"
    assert depth[0, 1] == 0, "depth beyond the range of the file"
    assert depth[1, 0] == 500
    camera = json.loads((out / "depth" / "camera.json").read_text())
    assert (camera["width"], camera["fx"], camera["metres_per_unit"]) == (64, 60.0, 0.001)
    first = cv2.imread(str(out / "first_depth" / "0.png"), cv2.IMREAD_UNCHANGED)
    assert first[1, :2] == pytest.approx(depth[1, :2] * [1.8, 1.2], abs=2)


def test_summary_counts_and_times(recording: Any, knowing_system: Any, out: Path) -> None:
    assert _run(recording, out, "--set", "backend.window=5", "--device", "cpu") == 0
    summary = json.loads((out / "summary.json").read_text())
    counts = {k: summary[k] for k in ("frames", "tracked", "initialising", "lost", "keyframes")}
    assert counts == {"frames": 30, "tracked": 27, "initialising": 2, "lost": 1, "keyframes": 6}
    assert summary["finished"] is True
    assert summary["depth_pixels_beyond_65_m"] == 6
    assert summary["reasons_not_tracking"] == {"asked not to track": 3}
    assert summary["configuration"]["backend"]["window"] == 5
    assert summary["seconds_per_frame"]["tracking"]["median"] == pytest.approx(0.002)
    assert "backend" not in summary["seconds_per_frame"], "a stage that never ran has no time"
    assert summary["peak_memory_mib"]["host"] > 10


def test_start_and_count_choose_frames(recording: Any, knowing_system: Any, out: Path) -> None:
    assert _run(recording, out, "--start", "4", "--count", "6") == 0
    expected = [i * 100_000_000 for i in range(6, 10)]
    assert read_poses(out / "trajectory.txt").stamps_ns.tolist() == expected


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_interruption_keeps_what_was_estimated(
    recording: Any, knowing_system: Any, out: Path, failure: type[BaseException]
) -> None:
    knowing_system.fails_at, knowing_system.failure = 8, failure
    if failure is KeyboardInterrupt:
        assert _run(recording, out) == 130
    else:
        with pytest.raises(failure, match="asked to fail"):
            _run(recording, out)
    assert len(read_poses(out / "trajectory.txt")) == 6
    assert len(list((out / "depth").glob("*.png"))) == 2
    assert json.loads((out / "summary.json").read_text())["finished"] is False
    assert (out / "covariance.npz").exists()


def test_much_that_is_left_out_is_said_first_and_in_the_status(
    recording: Any, knowing_system: Any, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = sorted((recording.sequence / "images").iterdir())
    images[20].write_bytes(b"no image")
    assert _run(recording, out) == 0
    assert "29 of 30 images used, 1 dropped: unreadable; 26 of 29" in capsys.readouterr().out
    for path in images[20:25]:
        path.write_bytes(b"no image")
    assert _run(recording, out) == 1
    assert "25 of 30 images used, 5 dropped: unreadable" in capsys.readouterr().out
    assert json.loads((out / "summary.json").read_text())["frames_left_out"] == {"unreadable": 5}


def test_a_second_run_leaves_nothing_of_the_first(
    recording: Any, knowing_system: Any, out: Path
) -> None:
    assert _run(recording, out) == 0
    assert _run(recording, out, "--count", "4") == 0
    assert [p.name for p in (out / "depth").glob("*.png")] == ["0.png"]


def test_a_foreign_depth_folder_is_not_touched(
    recording: Any, knowing_system: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = recording.depth.parent / "mine"
    (folder / "depth").mkdir(parents=True)
    (folder / "depth" / "7.png").write_bytes(b"precious")
    assert _run(recording, folder) == 2
    assert (folder / "depth" / "7.png").read_bytes() == b"precious"
    assert "choose another --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("assignment", "reason"),
    [
        ("backend.windw=5", "windw"),
        ("backend.window=99", "window"),
        ("bckend.window=5", "bckend"),
        ("backend.window", "NAME=VALUE"),
    ],
)
def test_wrong_parameters_are_named(
    recording: Any,
    knowing_system: Any,
    out: Path,
    assignment: str,
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run(recording, out, "--set", assignment) == 2
    assert reason in capsys.readouterr().err
    assert not out.exists()


def test_points_are_in_the_world_frame(recording: Any, knowing_system: Any, out: Path) -> None:
    assert _run(recording, out) == 0
    header, _, body = (out / "points.ply").read_bytes().partition(b"end_header\n")
    count = int(header.split(b"element vertex ")[1].split()[0])
    points = np.frombuffer(body, np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)]))
    assert len(points) == count > 1000
    # the first keyframe sits at the origin, so its points project back onto pixels of the wall
    x, y, z = points["xyz"][:3000].T
    column, row = x / z * 60 + 31.5, y / z * 60 + 23.5
    assert np.abs(column - np.round(column)).max() < 1e-3
    assert np.abs(row - np.round(row)).max() < 1e-3
    wall = 0.5 * np.linspace(1.0, 4.0, 64)[np.round(column).astype(int)]
    assert np.mean(np.abs(z - wall) < 1e-5) > 0.999


def test_16_bits_that_are_not_used_and_images_that_show_nothing_are_said(
    recording: Any,
    knowing_system: Any,
    out: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = sorted((recording.sequence / "images").iterdir())
    generator = np.random.default_rng(1)
    for path in paths:
        image = generator.integers(7246, 7650, (48, 64, 3)).astype(np.uint16)
        cv2.imwrite(str(path), image)
    for path in paths[4:6]:
        cv2.imwrite(str(path), np.zeros((48, 64, 3), np.uint8))
    assert _run(recording, out) == 0
    assert caplog.text.count("16-bit images: values") == 1
    assert caplog.text.count("image 4 is black") == 1
    assert "images that show nothing: 2 black" in capsys.readouterr().out
    assert json.loads((out / "summary.json").read_text())["image_problems"] == {"black": 2}
    keyframe = cv2.imread(str(out / "image" / "0.png"), cv2.IMREAD_GRAYSCALE)
    assert len(np.unique(keyframe)) > 70


def test_without_a_tracked_image_it_says_that_no_map_was_started(
    recording: Any, knowing_system: Any, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    knowing_system.never_tracks = True
    assert _run(recording, out) == NO_MAP == 3
    printed = capsys.readouterr().out
    assert "0 of 30 frames tracked" in printed
    assert printed.rstrip().endswith("no map was started: asked not to track")
    assert "keyframes" not in printed
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["map_started"], summary["tracked"], summary["keyframes"]) == (False, 0, 0)
    truth = str(recording.sequence / "poses_tum.txt")
    assert main(["evaluate", str(out), "--groundtruth", truth]) == NO_MAP
    assert "no map was started: asked not to track" in capsys.readouterr().err


def test_a_keyframe_that_comes_again_is_one_keyframe(
    recording: Any, knowing_system: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the window begins anew with one that had left it."""
    given: list[Any] = []
    finished = knowing_system.finished_keyframes

    def twice(system: Any) -> list[Any]:
        given[:] = [*given, *finished(system)]
        return given

    monkeypatch.setattr(knowing_system, "finished_keyframes", twice)
    assert _run(recording, out) == 0
    stamps = read_poses(out / "keyframes.txt").stamps_ns.tolist()
    assert stamps == [i * 100_000_000 for i in range(0, 30, 5)]
    assert json.loads((out / "summary.json").read_text())["keyframes"] == len(stamps)


def test_an_imu_is_counted_where_it_is_asked_for(
    recording: Any, knowing_system: Any, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(recording, out, "--set", "imu.mode=gyroscope") == 0
    assert "has no IMU: going on without" in capsys.readouterr().err
    assert json.loads((out / "summary.json").read_text())["imu_samples"] == 0
