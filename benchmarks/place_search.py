"""Cost of place recognition for one keyframe: features, descriptor, search, in milliseconds.

OMP_NUM_THREADS=1 python benchmarks/place_search.py [--keyframes N] [--repeat N]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from denseba_ros.errors import ConfigurationError
from denseba_ros.place_recognition.place_describer import make_place_describer
from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.place_recognition.vlad import unit
from denseba_ros.sequences.room.synthetic_room import RoomSequence


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keyframes", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=21)
    args = parser.parse_args()
    torch.set_num_threads(1)
    describer = make_place_describer()
    if describer is None:
        raise ConfigurationError("nothing to measure without the features")
    image = RoomSequence("loop", 1, 640, 480).image(0)
    local = describer.features(image).descriptors.numpy()
    query = describer.describe(local)
    index = filled_index(args.keyframes, describer.vlad.size)
    last = args.keyframes - 1
    steps: dict[str, Callable[[], object]] = {
        "features of a 640x480 image": lambda: describer.features(image),
        "descriptor of 1000 features": lambda: describer.describe(local),
        f"search in {args.keyframes}, 100 excluded": lambda: index.search(
            query, range(last - 6, last), range(last - 100, last)
        ),
        f"search in {args.keyframes}, excluded by a function": lambda: index.search(
            query, range(last - 6, last), lambda id: id > last - 100
        ),
        "add": lambda: index.add(last, query),
    }
    print("| step | median ms | fastest |")
    print("|---|---|---|")
    for name, step in steps.items():
        times = [milliseconds(step) for _ in range(args.repeat)]
        print(f"| {name} | {np.median(times):.2f} | {min(times):.2f} |")


def filled_index(count: int, size: int) -> PlaceIndex:
    """Random descriptors."""
    index = PlaceIndex(size)
    for id, row in enumerate(unit(np.random.default_rng(0).normal(size=(count, size)))):
        index.add(id, row)
    return index


def milliseconds(step: Callable[[], object]) -> float:
    """Of this process on the cores it had: other processes do not count."""
    began = time.process_time()
    step()
    return 1e3 * (time.process_time() - began)


if __name__ == "__main__":
    main()
