"""How far the pose drifts while the camera stands still, with images and without.

    PYTHONPATH=. python benchmarks/inertial/standing.py --mode inertial --seeds 3

Ten seconds handheld in the rendered room, a minute at rest, of which the second half is black, and
three seconds on. Bars: 1 cm and 0.1 degrees.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np

from benchmarks.inertial.inertial_run import run
from benchmarks.inertial.rendered_motions import in_the_room
from denseba_ros.evaluation.trajectory.alignment import umeyama
from denseba_ros.sequences.rendering.halting import HALT_SECONDS, halting
from denseba_ros.sequences.rendering.rendered_sequence import Camera
from denseba_ros.sequences.room.room_trajectory import room_poses

_RATE = 15.0
_MOVING, _REST, _ON = 10.0, 60.0, 4.0


def stand(mode: str, seed: int) -> list[float]:
    """Largest drift while standing with images (m, degrees), in the dark, and the error of the
    position after moving on."""
    poses = halting(partial(room_poses, "handheld", seed=seed), _MOVING, _REST)
    seconds = _MOVING + 2.0 * HALT_SECONDS + _REST + _ON
    room = in_the_room("stand", poses, seconds, Camera(320, 240), _RATE, seed)
    begin = _MOVING + HALT_SECONDS
    still, dark, light = (int(_RATE * (begin + s)) for s in (0.0, _REST / 2, _REST))
    done = run(room, mode, seed, range(dark, light))
    estimated, chosen = done.estimated, done.is_measured
    chosen[still:] = False
    scale = umeyama(estimated[chosen, :3, 3], done.true[chosen, :3, 3]).scale
    first = estimated[still + 1]
    moved = scale * np.linalg.norm(estimated[:, :3, 3] - first[:3, 3], axis=1)
    cosine = 0.5 * (np.einsum("ij,nij->n", first[:3, :3], estimated[:, :3, :3]) - 1.0)
    turned = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    errors, _, _ = done.aligned(still)
    sigmas = [
        scale * float(np.sqrt(np.trace(own[:3, :3])))
        for own in (
            e.covariance - e.metric_scale.covariance(e.T_world_camera[:3, 3])
            for e in done.estimates
        )
    ]
    print(
        f"seed {seed}: with images {moved[still:dark].max():.4f} m {turned[still:dark].max():.3f} "
        f"deg, black {moved[dark:light].max():.4f} m {turned[dark:light].max():.3f} deg, stated "
        f"{sigmas[dark - 1]:.4f} m, {sigmas[light - 1]:.4f} m; at the end off by {errors[-1]:.4f} "
        f"m, before {np.median(errors[60:still]):.4f} m, measured {int(done.is_measured.sum())} "
        f"of {len(errors)}, scale {done.estimates[-1].metric_scale.factor / scale - 1:+.4f} stated "
        f"{done.estimates[-1].metric_scale.sigma:.4f}, keyframes while standing "
        f"{sum(e.is_keyframe for e in done.estimates[still:light])}",
        flush=True,
    )
    return [
        float(moved[still:dark].max()),
        float(turned[still:dark].max()),
        float(moved[dark:light].max()),
        float(turned[dark:light].max()),
        float(errors[-1]),
    ]


def main() -> None:
    """Some seeds in one mode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", default="inertial", choices=["off", "gyroscope", "inertial"])
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    rows = np.array([stand(arguments.mode, seed) for seed in range(arguments.seeds)])
    print("worst", np.round(rows.max(axis=0), 4))


if __name__ == "__main__":
    main()
