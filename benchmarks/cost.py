"""Time of the two iterations over the points and the ordered pairs of a window.

OMP_NUM_THREADS=1 python benchmarks/cost.py [--device cuda]
"""

from __future__ import annotations

import argparse
from functools import partial

import torch

from denseba_ros.backend.kernels.selection import choose_kernel
from denseba_ros.backend.solver.bundle_adjustment import adjust
from denseba_ros.benchmark.backend.room_window import WindowSize, make_room_window
from denseba_ros.benchmark.timing import measure
from denseba_ros.slam.mapping.local_mapper import DAMPING

_KEYFRAMES = (3, 5, 7)
_REPEAT = 7
# Every cell of these grids is a point.
_GRIDS = ((40, 30), (80, 60), (160, 120))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    device = torch.device(parser.parse_args().device)
    kernel = choose_kernel("auto", device)
    print("| points of a keyframe | keyframes | pairs | ms | ns for a point in a pair |")
    print("|---|---|---|---|---|")
    for grid in _GRIDS:
        for keyframes in _KEYFRAMES:
            window = make_room_window(WindowSize(keyframes, grid), device)
            solve = partial(adjust, window.problem, window.start, window.levels, DAMPING, kernel)
            timing = measure(solve, device, _REPEAT)
            points, pairs = grid[0] * grid[1], keyframes * (keyframes - 1)
            each = 1e9 * timing.median / (points * pairs)
            print(f"| {points} | {keyframes} | {pairs} | {1e3 * timing.median:.1f} | {each:.0f} |")


if __name__ == "__main__":
    main()
