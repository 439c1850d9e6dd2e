"""Recordings with one fault each, and the sentence that it gives."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from denseba_ros.calibration.coarse_flow import Flow
from denseba_ros.doctor.check import Check
from denseba_ros.doctor.recording.calibration_check import check_calibration
from denseba_ros.doctor.recording.examination import examine
from denseba_ros.doctor.recording.motion_checks import check_motion, check_parallax
from denseba_ros.doctor.recording.picture_checks import check_blur, check_exposure
from denseba_ros.doctor.recording.stamp_checks import check_gaps, check_images, check_stamps
from denseba_ros.doctor.recording.survey import Survey, astray, blur_of, survey
from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.sequence import Sequence

N = 200


def good() -> Survey:
    """A recording without a fault: 30 Hz, well exposed, sharp, moving."""
    rng = np.random.default_rng(0)
    return Survey(
        "clip",
        N,
        {},
        1_000_000_000 + (np.arange(N) * 1e9 / 30.0).astype(np.int64),
        120.0 + rng.normal(0.0, 1.0, N),
        np.full(N, 0.01),
        np.full(N, 0.01),
        0.3 + rng.normal(0.0, 0.01, N),
        np.full(N - 1, 0.01),
        np.full(30, 0.5),
        np.full(30, 0.05),
    )


def test_a_good_recording_is_good() -> None:
    checks = (
        *(check_images, check_stamps, check_gaps, check_exposure, check_blur),
        *(check_motion, check_parallax),
    )
    assert [check(good()).status for check in checks] == ["OK"] * 7


def test_images_that_cannot_be_read_are_counted() -> None:
    few, many = (check_images(replace(good(), drops={"unreadable": n})) for n in (3, 60))
    assert few.status == "WARN"
    assert few.found == "197 of 200 images used, 3 dropped: unreadable"
    assert many.status == "FAIL"


def test_stamps_that_go_back_and_double_ones_are_counted() -> None:
    check = check_stamps(replace(good(), drops={"stamps go back": 120}))
    assert (check.status, check.found) == (
        "FAIL",
        "80 of 200 images used, 120 dropped: stamps go back",
    )
    check = check_stamps(replace(good(), drops={"duplicate stamp": 4}))
    assert check.status == "WARN"
    assert "4 dropped: duplicate stamp" in check.found


def test_jitter_of_arrival_is_told_from_a_camera() -> None:
    late = np.random.default_rng(0).uniform(0, 15e6, N).astype(np.int64)
    check = check_stamps(replace(good(), stamps_ns=good().stamps_ns + late))
    assert check.status == "WARN"
    assert "stamp images where they are taken" in check.remedy


def test_gaps_say_how_many_images_are_missing_and_where() -> None:
    stamps = good().stamps_ns.copy()
    stamps[100:] += 1_000_000_000
    check = check_gaps(replace(good(), stamps_ns=stamps))
    assert check.status == "FAIL"
    assert check.found.startswith("1 gap, the longest 1.03 s after 3.3 s; about 30 images")


@pytest.mark.parametrize(
    ("mean", "dark", "words"),
    [(12.0, 0.8, "100% of the images too dark"), (240.0, 0.0, "100% too bright")],
)
def test_exposure(mean: float, dark: float, words: str) -> None:
    check = check_exposure(replace(good(), brightness=np.full(N, mean), dark=np.full(N, dark)))
    assert check.status == "FAIL"
    assert words in check.found


def test_flicker_is_a_change_of_exposure() -> None:
    check = check_exposure(replace(good(), brightness=100.0 + 30.0 * (np.arange(N) % 2)))
    assert check.status == "WARN"
    assert "jumps" in check.found


def test_blur_tells_the_lens_from_the_motion() -> None:
    soft = check_blur(replace(good(), blur=np.full(N, 0.8)))
    smeared = good().blur.copy()
    smeared[::6] += 0.3
    moved = check_blur(replace(good(), blur=smeared))
    assert (soft.status, moved.status) == ("WARN", "WARN")
    assert "focus" in soft.remedy
    assert "17% of the images smeared" in moved.found


@pytest.mark.parametrize(
    ("flow", "status", "words"),
    [(0.0, "FAIL", "stands in 100%"), (0.2, "WARN", "fast in 100%"), (np.nan, "FAIL", "nothing")],
)
def test_motion(flow: float, status: str, words: str) -> None:
    check = check_motion(replace(good(), flow=np.full(N - 1, flow)))
    assert check.status == status
    assert words in check.found


def test_a_camera_that_only_turns_has_no_parallax() -> None:
    assert check_parallax(replace(good(), off_plane=np.full(30, 0.02))).status == "FAIL"
    assert check_parallax(replace(good(), off_plane=np.empty(0))).status == "FAIL"


def test_random_pixels_are_no_parallax() -> None:
    check = check_parallax(replace(good(), astray=np.full(30, 0.5)))
    assert check.status == "FAIL"
    assert "50% of the corners follow no motion" in check.found

    rng = np.random.default_rng(0)
    start = rng.uniform(0.0, 300.0, (200, 2)).astype(np.float32)
    end = start + rng.normal(0.0, 20.0, start.shape).astype(np.float32)
    assert astray(Flow(start, end)) > 0.6
    assert astray(Flow(start, start + np.float32([20.0, 0.0]))) == 0.0


def test_calibration_is_referred_to_calibrate() -> None:
    missing = check_calibration(None, "no camera_info.yaml", "clip")
    assert missing.status == "FAIL"
    assert "denseba calibrate clip" in missing.remedy
    off = check_calibration(Calibration(640, 480, 500.0, 500.0, 80.0, 240.0), "", "clip")
    assert off.status == "WARN"
    fine = check_calibration(Calibration(640, 480, 500.0, 500.0, 320.0, 240.0), "", "clip")
    assert fine.status == "OK"


def test_blur_is_measured_as_blur() -> None:
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 255, (240, 320)).astype(np.uint8)
    values = [blur_of(sharp), *(blur_of(cv2.GaussianBlur(sharp, (0, 0), s)) for s in (1.0, 3.0))]
    assert values == sorted(values)
    assert values[-1] - values[0] > 0.3
    assert blur_of(np.full((240, 320), 7, np.uint8)) == 1.0


def test_a_walk_through_the_room_is_told_from_a_turn_on_the_spot() -> None:
    walk = RoomSequence("handheld", frames=40, width=320, height=240, rate=6.0)
    assert check_parallax(survey(walk)).status == "OK"
    turn = RoomSequence("handheld", frames=40, width=320, height=240, rate=6.0)
    turn._poses[:, :3, 3] = turn._poses[0, :3, 3]
    assert check_parallax(survey(turn)).status in ("WARN", "FAIL")


def test_a_recording_without_calibration_is_still_looked_at() -> None:
    def open_with(calibration: object) -> Sequence:
        if calibration is None:
            raise CalibrationError("clip: no calibration")
        return RoomSequence("sweep", frames=6, width=160, height=120)

    checks: dict[str, Check] = {check.name: check for check in examine(open_with, "clip")}
    assert checks["calibration"].found == "clip: no calibration"
    assert checks["images"].found == "all 6 images can be read"
    assert len(checks) == 8
