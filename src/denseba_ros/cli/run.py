"""``denseba run``: a recorded sequence in, trajectory, depth and a summary out."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from denseba_ros.cli.exit_status import DONE, FAILED, INTERRUPTED, NO_MAP
from denseba_ros.cli.options.configuration import add_config_options, config_from_options
from denseba_ros.cli.options.map import add_map_options, with_map_options
from denseba_ros.cli.options.output import add_out_option, add_view_options, view_from_options
from denseba_ros.cli.options.sequence import add_sequence_options, open_from_options
from denseba_ros.cli.recorded_run import RecordedRun
from denseba_ros.config import Config
from denseba_ros.device import give_cores_to_loops
from denseba_ros.evaluation.results.run_statistics import (
    RunStatistics,
    no_map_in_words,
)
from denseba_ros.evaluation.results.run_writer import RunWriter
from denseba_ros.global_map.map_session import begin_map_session
from denseba_ros.imu.calibration import has_extrinsics, limits_from_config
from denseba_ros.imu.recorded import look_through
from denseba_ros.imu.source import RecordedImu
from denseba_ros.sequences.sequence import Sequence, imu_extrinsics_of, imu_of
from denseba_ros.sequences.stamps.frame_drops import drops_in_words, is_much
from denseba_ros.slam.system import System


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba run``."""
    add_sequence_options(parser)
    add_out_option(parser)
    add_map_options(parser)
    add_view_options(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """0 when the whole sequence was processed, 1 when more than a tenth of its images could not be
    used, 3 when none was tracked, 130 when interrupted; results are kept in each case.

    Raises:
        DensebaError: on a wrong sequence, configuration or calibration.
    """
    config = with_map_options(config_from_options(args), args)
    sequence = open_from_options(args, config.frontend)
    give_cores_to_loops()
    system = System(config, sequence.calibration)
    imu = _imu_summary(config, sequence, system)
    view = view_from_options(args, sequence)
    session = begin_map_session(config, system, is_live=False)
    started, finished = time.perf_counter(), False
    with view or nullcontext(), session or nullcontext(), RunWriter(args.out) as writer:
        run = RecordedRun(config, sequence, system, session, writer, view, args.refine is not False)
        try:
            run.process()
            finished = True
        except KeyboardInterrupt:
            print("interrupted; what was estimated is kept", file=sys.stderr)
        finally:
            elapsed = time.perf_counter() - started
            try:
                run.finish(finished)
            finally:
                run.write_summary(elapsed, finished, imu | _imu_result(config, run))
    _report(args.out, run, elapsed)
    return _status(run, finished)


def _report(out: Path, run: RecordedRun, elapsed: float) -> None:
    """Say what became of the images, and what a user should know of it."""
    print(f"{out}: {_headline(run.sequence, run.statistics, run.writer.keyframes, elapsed)}")
    for what, count in run.depth_summary().items():
        print(f"{out}: {count} {what.replace('_', ' ')}")
    if run.problems.counts:
        print(f"{out}: {run.problems.text()}")
    if run.session is not None:
        print(f"{out}: {run.session.headline()}")


def _status(run: RecordedRun, finished: bool) -> int:
    if not finished:
        return INTERRUPTED
    if not run.statistics.tracked:
        return NO_MAP
    if run.session is not None and run.session.is_unlocalised:
        return NO_MAP
    return FAILED if is_much(run.sequence.drops, len(run.sequence)) else DONE


def _imu_summary(config: Config, sequence: Sequence, system: System) -> dict[str, Any]:
    """Give the system the IMU where ``imu.mode`` is not off: how many samples it has, and what is
    wrong with them."""
    if config.imu.mode == "off":
        return {}
    samples = imu_of(sequence)
    if samples is None:
        print(f"{sequence.name}: has no IMU: going on without", file=sys.stderr)
        return {"imu_samples": 0}
    T_imu_camera = None if has_extrinsics(config.imu) else imu_extrinsics_of(sequence)
    if T_imu_camera is not None:
        print("IMU: T_imu_camera is that of the recording", file=sys.stderr)
    system.use_imu(RecordedImu(samples), T_imu_camera)
    problems = look_through(samples, limits_from_config(config.imu))
    counts = {kind.value: count for kind, count in problems.counts.items()}
    return {"imu_samples": len(samples), "imu_problems": counts}


def _imu_result(config: Config, run: RecordedRun) -> dict[str, Any]:
    """What the IMU knew at the end; of its accelerometer where that is used, said, too."""
    clocks = {} if run.imu is None else {"imu": asdict(run.imu)}
    if config.imu.mode not in ("inertial", "auto"):
        return clocks
    local_map = run.system.local_map
    motion = None if local_map is None else local_map.motion
    if motion is None:
        print("IMU: not enough acceleration yet for metres", file=sys.stderr)
        return clocks | {"imu_metres_per_unit": None}
    scale = motion.scale
    print(
        f"IMU: one unit of the map is {scale.factor:.3f} m (stated to {100 * scale.sigma:.1f} %)",
        file=sys.stderr,
    )
    return clocks | {"imu_metres_per_unit": scale.factor, "imu_scale_sigma": scale.sigma}


def _headline(sequence: Sequence, statistics: RunStatistics, keyframes: int, elapsed: float) -> str:
    """What became of the images, in one line: first those that were not used, if any."""
    counts = statistics.summary()
    dropped = drops_in_words(sequence.drops, len(sequence))
    tracked = f"{counts['tracked']} of {counts['frames']} frames tracked"
    what = f"{dropped}; {tracked}" if dropped else tracked
    if no_map := no_map_in_words(counts):
        return f"{what}, {elapsed:.1f} s; {no_map}"
    return f"{what}, {keyframes} keyframes, {elapsed:.1f} s"
