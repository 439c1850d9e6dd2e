"""Does a map stay bounded? The same images forth and back again and again, with a map in memory.

    python benchmarks/maps/forth_and_back.py SEQUENCE --count 200 --images 10000

In lockstep. Views that were seen before are to be dropped, so that after the first rounds the map
has no more keyframes, and the process no more memory but for 120 bytes an image.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from denseba_ros.config import Config
from denseba_ros.global_map.map_session import begin_map_session
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.slam.system import System

_DROPPED = "keyframes dropped that show the same as an older one"


def forth_and_back(images: list[np.ndarray]) -> Iterator[np.ndarray]:
    """The images, then from the last but one back to the second, for ever."""
    return itertools.cycle([*images, *images[-2:0:-1]])


def resident() -> float:
    """Memory of this process, MiB."""
    (row,) = [r for r in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in r]
    return int(row.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sequence", help="folder, or the name of a rendered sequence")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=200, help="images of one way")
    parser.add_argument("--images", type=int, default=10000, help="of all rounds")
    parser.add_argument("--every", type=int, default=500, help="images between two lines")
    arguments = parser.parse_args()
    sequence = open_sequence(arguments.sequence, start=arguments.start, count=arguments.count)
    frames = list(sequence)
    period = int(np.median(np.diff([frame.stamp_ns for frame in frames])))
    system = System(Config.from_dict({"map": {"mode": "mapping"}}), sequence.calibration)
    session = begin_map_session(system.config, system, is_live=False)
    if session is None:
        raise SystemExit("a map needs denseba_ros[matching]")
    print("| images | tracked | keyframes in the map | dropped | loops | MiB of the process |")
    print("|---|---|---|---|---|---|")
    tracked = 0
    with session:
        images = itertools.islice(forth_and_back([f.image for f in frames]), arguments.images)
        for k, image in enumerate(images, 1):
            estimate, _ = session.follow(system.process(k * period, image))
            system.finished_keyframes()  # nobody else takes them
            tracked += estimate.is_measured
            if k % arguments.every == 0:
                kept = session.global_map
                numbers = len(kept.graph.poses), kept.counts[_DROPPED], len(kept.closures)
                row = (k, tracked, *numbers, round(resident()))
                print("|", " | ".join(map(str, row)), "|", flush=True)


if __name__ == "__main__":
    main()
