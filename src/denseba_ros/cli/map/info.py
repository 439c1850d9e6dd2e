"""``denseba map info``: what is in a map file."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from denseba_ros.cli.exit_status import DONE
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.map_file.map_summary import MapSummary, SessionSummary, summarise
from denseba_ros.map_file.session import in_words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``denseba map info``."""
    parser.add_argument("file", type=Path, metavar="FILE", help="map file; it may be in use")


def run(args: argparse.Namespace) -> int:
    """Print sessions, counts, extent and sizes.

    Raises:
        DensebaError: when the map cannot be read.
    """
    with MapReader(args.file) as map:
        print("\n".join(_lines(args.file, summarise(map))))
    return DONE


def _lines(path: Path, map: MapSummary) -> Iterator[str]:
    yield f"{path}: {_size(map.file_bytes)}"
    yield f"camera     {'none yet' if map.calibration is None else in_words(map.calibration)}"
    for session in map.sessions:
        yield _session(session)
    yield f"keyframes  {map.keyframes}"
    yield f"edges      {map.edges}, of them {map.closures} closures"
    if map.outcomes:
        tried = ", ".join(f"{count} {outcome}" for outcome, count in sorted(map.outcomes.items()))
        yield f"places     {tried}"
    extent = " x ".join(f"{side:.2f}" for side in map.extent)
    yield f"extent     {extent} units of the map; scale {map.scales[0]:.3f} to {map.scales[1]:.3f}"
    for part, size in map.part_bytes.items():
        yield f"{part:10} {_size(size)}, {size / max(map.keyframes, 1) / 1e3:.1f} kB a keyframe"


def _session(summary: SessionSummary) -> str:
    session = summary.session
    begun = datetime.fromtimestamp(1e-9 * session.begun_ns).isoformat(" ", "seconds")
    return (
        f"session {session.number}  {begun}, denseba {session.version}, "
        f"{summary.keyframes} keyframes in {summary.seconds:.1f} s"
    )


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
