"""``denseba run``: a recorded sequence in, trajectory, depth and a summary out."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing, nullcontext
from dataclasses import asdict
from typing import Any

from tqdm import tqdm

from denseba_ros.cli.exit_status import DONE, FAILED, INTERRUPTED, NO_MAP
from denseba_ros.cli.options.configuration import add_config_options, config_from_options
from denseba_ros.cli.options.output import add_out_option, add_view_options, view_from_options
from denseba_ros.cli.options.sequence import add_sequence_options, open_from_options
from denseba_ros.config import TOPIC, Config
from denseba_ros.device import pick_device
from denseba_ros.evaluation.results.run_statistics import (
    RunStatistics,
    machine_summary,
    no_map_in_words,
)
from denseba_ros.evaluation.results.run_writer import RunWriter
from denseba_ros.imu.calibration import limits_from_config
from denseba_ros.imu.recorded import look_through
from denseba_ros.sequences.brightness.image_problems import ImageProblems
from denseba_ros.sequences.prefetch import prefetch
from denseba_ros.sequences.sequence import Sequence, imu_of
from denseba_ros.sequences.stamps.frame_drops import drops_in_words, is_much
from denseba_ros.slam.state.estimate import Keyframe
from denseba_ros.slam.system import System
from denseba_ros.viewer.live_view import LiveView


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba run``."""
    add_sequence_options(parser)
    add_out_option(parser)
    add_view_options(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """0 when the whole sequence was processed, 1 when more than a tenth of its images could not be
    used, 3 when none was tracked, 130 when interrupted; results are kept in each case.

    Raises:
        DensebaError: on a wrong sequence, configuration or calibration.
    """
    config = config_from_options(args)
    sequence = open_from_options(args, config.frontend)
    system = System(config, sequence.calibration)
    statistics, problems = RunStatistics(), ImageProblems()
    imu = _imu_summary(config, sequence)
    started = time.perf_counter()
    finished = False
    view = view_from_options(args, sequence)
    with RunWriter(args.out) as writer, view or nullcontext():
        try:
            _process(sequence, system, writer, statistics, problems, view)
            finished = True
        except KeyboardInterrupt:
            print("interrupted; what was estimated is kept", file=sys.stderr)
        finally:
            elapsed = time.perf_counter() - started
            try:
                _keep([*system.finished_keyframes(), *system.keyframes()], writer, view)
            finally:
                _write_summary(
                    writer, statistics, problems, sequence, config, elapsed, finished, imu
                )
    print(f"{args.out}: {_headline(sequence, statistics, writer.keyframes, elapsed)}")
    for what, count in _depth_summary(config, statistics).items():
        print(f"{args.out}: {count} {what.replace('_', ' ')}")
    if problems.counts:
        print(f"{args.out}: {problems.text()}")
    if not finished:
        return INTERRUPTED
    if not statistics.tracked:
        return NO_MAP
    return FAILED if is_much(sequence.drops, len(sequence)) else DONE


def _depth_summary(config: Config, statistics: RunStatistics) -> dict[str, int]:
    """How many images came without depth, where depth was asked for."""
    if config.frontend.depth_model != TOPIC:
        return {}
    return {"images_without_depth": statistics.without_depth}


def _imu_summary(config: Config, sequence: Sequence) -> dict[str, Any]:
    """How many samples the IMU has and what is wrong with them, where ``imu.mode`` is not off."""
    if config.imu.mode == "off":
        return {}
    samples = imu_of(sequence)
    if samples is None:
        print(f"{sequence.name}: has no IMU: going on without", file=sys.stderr)
        return {"imu_samples": 0}
    problems = look_through(samples, limits_from_config(config.imu))
    counts = {kind.value: count for kind, count in problems.counts.items()}
    return {"imu_samples": len(samples), "imu_problems": counts}


def _headline(sequence: Sequence, statistics: RunStatistics, keyframes: int, elapsed: float) -> str:
    """What became of the images, in one line: first those that were not used, if any."""
    counts = statistics.summary()
    dropped = drops_in_words(sequence.drops, len(sequence))
    tracked = f"{counts['tracked']} of {counts['frames']} frames tracked"
    what = f"{dropped}; {tracked}" if dropped else tracked
    if no_map := no_map_in_words(counts):
        return f"{what}, {elapsed:.1f} s; {no_map}"
    return f"{what}, {keyframes} keyframes, {elapsed:.1f} s"


def _process(
    sequence: Sequence,
    system: System,
    writer: RunWriter,
    statistics: RunStatistics,
    problems: ImageProblems,
    view: LiveView | None,
) -> None:
    with closing(prefetch(sequence)) as frames:
        # disable=None: a bar on a terminal, nothing in a log file
        for frame in tqdm(frames, total=len(sequence), unit="frame", disable=None):
            before = time.perf_counter()
            problems.look(frame)
            estimate = system.process(frame.stamp_ns, frame.image, frame.depth)
            statistics.without_depth += frame.depth is None
            seconds = time.perf_counter() - before
            statistics.add(estimate, seconds)
            writer.add_estimate(estimate)
            _keep(system.finished_keyframes(), writer, view)
            if view is not None:
                if estimate.is_map_updated:
                    view.update_keyframe_poses(system.keyframe_poses())
                view.show(estimate, frame.image, sequence.calibration, seconds)


def _keep(keyframes: list[Keyframe], writer: RunWriter, view: LiveView | None) -> None:
    """Write keyframes that will not change, and show them."""
    for keyframe in keyframes:
        writer.add_keyframe(keyframe)
    if view is not None:
        view.add_keyframes(keyframes)


def _write_summary(
    writer: RunWriter,
    statistics: RunStatistics,
    problems: ImageProblems,
    sequence: Sequence,
    config: Config,
    elapsed: float,
    finished: bool,
    imu: dict[str, Any],
) -> None:
    writer.write_summary(
        {
            "sequence": sequence.name,
            "pose": "map",
            "timing": "lockstep",
            "finished": finished,
            "frames_expected": len(sequence),
            "frames_left_out": dict(sequence.drops),
            "image_problems": dict(problems.counts),
            **_depth_summary(config, statistics),
            **imu,
            **statistics.summary(),
            "keyframes": writer.keyframes,
            "depth_pixels_beyond_65_m": writer.depth_pixels_clipped,
            "elapsed_seconds": elapsed,
            **machine_summary(pick_device(config.device)),
            "calibration": asdict(sequence.calibration),
            "configuration": config.model_dump(),
        }
    )
