"""What the live view costs the thread that tracks, on the rendered room.

    python benchmarks/live_view.py [--frames 60] [--runs 3]

Two figures: how long the calls of the view take on that thread for each image, and how much longer
an image takes in runs with a view that records, beside runs without one (in turn, lockstep).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from denseba_ros.config import Config
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.slam.system import System
from denseba_ros.viewer.live_view import LiveView
from denseba_ros.viewer.opening import open_view


def run(
    room: RoomSequence, images: list[StampedImage], view: LiveView | None
) -> tuple[list[float], list[float]]:
    """Milliseconds of each image: of all of it, and of the calls of the view."""
    system = System(Config.from_dict({}), room.calibration)
    total, calls = [], []
    for image in images:
        started = time.perf_counter()
        estimate = system.process(image.stamp_ns, image.image)
        keyframes = system.finished_keyframes()
        poses = system.keyframe_poses() if estimate.is_map_updated else {}
        processed = time.perf_counter()
        if view is not None:
            view.add_keyframes(keyframes)
            view.update_keyframe_poses(poses)
            view.show(estimate, image.image, room.calibration, processed - started)
        ended = time.perf_counter()
        total.append(1e3 * (ended - started))
        calls.append(1e3 * (ended - processed))
    return total, calls


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    room = RoomSequence("loop", arguments.frames)
    images = list(room)
    run(room, images[:10], None)
    without: list[float] = []
    shown: list[float] = []
    calls: list[float] = []
    left_out = 0
    for _ in range(arguments.runs):
        without += run(room, images, None)[0]
        with (
            tempfile.TemporaryDirectory() as folder,
            open_view(False, Path(folder) / "run.rrd", room.groundtruth()) as view,
        ):
            total, of_view = run(room, images, view)
            left_out += view.images_left_out
        shown += total
        calls += of_view
    median, p99, most = np.percentile(calls, [50, 99, 100])
    print(f"calls of the view: median {median:.3f} ms, 99 % {p99:.3f} ms, most {most:.3f} ms")
    print(
        f"an image: median {np.median(without):.1f} ms without, {np.median(shown):.1f} ms with; "
        f"mean {np.mean(without):.1f} and {np.mean(shown):.1f} ms"
    )
    print(f"images left out by the view: {left_out} of {len(shown)}")


if __name__ == "__main__":
    main()
