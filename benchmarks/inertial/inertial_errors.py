"""What an IMU gives on rendered worlds: metres, gravity, and the pose through turns and darkness.

    PYTHONPATH=. python benchmarks/inertial/inertial_errors.py walk --seeds 20
    PYTHONPATH=. python benchmarks/inertial/inertial_errors.py building --seeds 5
    PYTHONPATH=. python benchmarks/inertial/inertial_errors.py turn --mode off

``building``: forty seconds of its loop, where the map's unit drifts at corners; ``walk``: the room,
handheld, with two seconds of black images after nine of thirteen; ``turn``: 300 degrees/s and back,
with the blur of 10 ms. One line a run, then a summary.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from benchmarks.inertial.inertial_run import run
from benchmarks.inertial.motion_nees import in_metres, motion_nees, stretch_scales, tilts
from benchmarks.inertial.rendered_motions import in_the_room, turning
from denseba_ros.sequences.building.synthetic_building import BuildingSequence
from denseba_ros.sequences.rendering.rendered_sequence import Camera
from denseba_ros.sequences.room.synthetic_room import RoomSequence

_WIDTH, _HEIGHT, _RATE = 320, 240, 20.0
_SECONDS, _BLACK, _LIGHT = 13.0, 9.0, 11.0
# Images of the building, their rate, and the seconds of a stretch.
_BUILDING, _BUILDING_RATE, _STRETCH = 500, 12.5, 3.0


def walk(mode: str, seed: int) -> list[float]:
    """Log error of the scale, its deviation, error of gravity (degrees), that of the position at
    the last black image (m), what is allowed there, and the mean NEES over a second of positions
    and of rotations."""
    room = RoomSequence("handheld", int(_SECONDS * _RATE), _WIDTH, _HEIGHT, seed=seed, rate=_RATE)
    dark, light = int(_BLACK * _RATE), int(_LIGHT * _RATE)
    done = run(room, mode, seed, range(dark, light))
    errors, _, scale = done.aligned(dark)
    said = done.estimates[dark - 1].metric_scale
    way = np.linalg.norm(np.diff(done.true[dark : light + 1, :3, 3], axis=0), axis=1).sum()
    error = math.log(said.factor / scale)
    before = float(np.sqrt(np.mean(errors[60:dark] ** 2)))
    gravity, allowed = done.gravity_error(), 0.03 * way + 0.05
    true = {e.stamp_ns: T for e, T in zip(done.estimates, done.true, strict=True)}
    published = in_metres(done.estimates)
    of_positions, of_rotations = motion_nees(published, true, int(_RATE))
    print(
        f"seed {seed}: scale {100 * error:+.2f} % (stated {100 * said.sigma:.2f}), gravity "
        f"{gravity:.2f} deg, after {_LIGHT - _BLACK:.0f} s of black {errors[light - 1]:.3f} m "
        f"(allowed {allowed:.3f}), first good image {errors[light]:.3f} m, measured "
        f"{int(done.is_measured.sum())} of {len(errors)}, before that {before:.4f} m; in metres "
        f"since image {len(errors) - len(published)}, tilted by at most "
        f"{tilts(published, true).max(initial=0.0):.2f} deg, NEES over a second of "
        f"{len(of_positions)}: position {of_positions.mean():.2f}, rotation "
        f"{of_rotations.mean():.2f}",
        flush=True,
    )
    after = [float(errors[light - 1]), allowed]
    return [error, said.sigma, gravity, *after, of_positions.mean(), of_rotations.mean()]


def building(mode: str, seed: int) -> list[float]:
    """Median, 90 % quantile and largest log error of the scale of the path as published, over
    stretches of three seconds, and the mean square of error over deviation there."""
    walked = BuildingSequence("loop", _BUILDING, seed=seed)
    done = run(walked, mode, seed)
    true = {e.stamp_ns: T for e, T in zip(done.estimates, done.true, strict=True)}
    published = in_metres(done.estimates)
    step = int(_STRETCH * _BUILDING_RATE)
    errors, sigmas = stretch_scales(published, true, step)
    size, square = np.abs(errors), np.mean((errors / sigmas) ** 2)
    print(
        f"seed {seed}: in metres since image {len(done.estimates) - len(published)}, scale of "
        f"{len(errors)} stretches off by {100 * np.median(size):.2f} % (median), "
        f"{100 * np.quantile(size, 0.9):.2f} % (90 %), {100 * size.max():.2f} % (worst), stated "
        f"{100 * np.median(sigmas):.2f} %, mean square over deviation {square:.2f}; tilted by at "
        f"most {tilts(published, true).max():.2f} deg, measured {int(done.is_measured.sum())} of "
        f"{len(done.estimates)}",
        flush=True,
    )
    return [float(np.median(size)), float(np.quantile(size, 0.9)), float(size.max()), float(square)]


def turn(mode: str, seed: int) -> list[float]:
    """Largest and last error of the rotation since the first image, degrees."""
    camera = Camera(_WIDTH, _HEIGHT, exposure=0.01)
    room = in_the_room("turn", turning(math.radians(300.0)), 7.0, camera, seed=seed)
    done = run(room, mode, seed)
    errors = done.turns()
    print(
        f"seed {seed}: rotation off by at most {errors.max():.2f} deg, at the end {errors[-1]:.2f},"
        f" measured {int(done.is_measured.sum())} of {len(errors)}",
        flush=True,
    )
    return [float(errors.max()), float(errors[-1])]


def main() -> None:
    """One of them over some seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["walk", "building", "turn"])
    parser.add_argument("--mode", default="inertial", choices=["off", "gyroscope", "inertial"])
    parser.add_argument("--seeds", type=int, default=20)
    arguments = parser.parse_args()
    each = {"walk": walk, "building": building, "turn": turn}[arguments.what]
    rows = np.array([each(arguments.mode, seed) for seed in range(arguments.seeds)])
    print("median", np.round(np.nanmedian(np.abs(rows), axis=0), 4))
    print("worst", np.round(np.nanmax(np.abs(rows), axis=0), 4))
    if arguments.what == "walk":
        print("mean square of scale error over deviation", np.mean((rows[:, 0] / rows[:, 1]) ** 2))
        print("mean NEES of positions, of rotations", np.nanmean(rows[:, 5:], axis=0))


if __name__ == "__main__":
    main()
