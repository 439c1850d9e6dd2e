"""``denseba compile``: compiles the loops for this CPU at set-up, so that no first start has to."""

from __future__ import annotations

import argparse
import time

from tqdm import tqdm

from denseba_ros.cli.exit_status import DONE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe ``denseba compile``, which has no options."""
    parser.description = (
        "Compiles the loops over points and pixels for this CPU and keeps them on disk, beside the "
        "sources or in NUMBA_CACHE_DIR. Takes about a minute, and seconds where nothing changed. "
        "Without it the first start of a node does this."
    )


def run(args: argparse.Namespace) -> int:
    """Compile what a run would compile, and say how long it took."""
    # Numba and torch take seconds to import, which --help need not wait for.
    from denseba_ros.numba_jit import each_compilation

    started_at, count = time.monotonic(), 0
    with tqdm(desc="compiling", unit=" functions", leave=False, disable=None) as bar:

        def count_one() -> None:
            nonlocal count
            count += 1
            bar.update()

        with each_compilation(count_one):
            from denseba_ros.config import Config
            from denseba_ros.slam.warm_up import warmed_up

            warmed_up(Config())
    seconds = time.monotonic() - started_at
    what = f"compiled {count} functions" if count else "nothing had to be compiled"
    print(f"{what} ({seconds:.0f} s)")
    return DONE
