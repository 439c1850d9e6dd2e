"""``denseba benchmark gpu``: everything that needs a GPU, part by part, in under eight minutes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from denseba_ros.benchmark.gpu.gpu_job import GpuJob
from denseba_ros.benchmark.gpu.gpu_machine import gpu_machine, why_no_gpu
from denseba_ros.benchmark.gpu.gpu_table import failures, gpu_table
from denseba_ros.benchmark.gpu.part_process import run_in_process
from denseba_ros.benchmark.gpu.parts import PARTS, run_part
from denseba_ros.benchmark.provenance import provenance
from denseba_ros.cli.exit_status import DONE, FAILED
from denseba_ros.cli.options.output import add_out_option
from denseba_ros.cli.options.sequence import (
    add_sequence_options,
    open_from_options,
    sequence_words,
)
from denseba_ros.device import pick_device
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.tools.processes import denseba_command

GPU = "gpu.json"
# Of a trial on a CPU: Triton interprets (it reads this as it is imported), and no thread waits for
# another by spinning, which takes minutes where others use the cores.
_TRIAL = {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba benchmark gpu``."""
    parser.description = (
        "Runs on one GPU what needs one: the Triton kernels against plain torch in float64, the "
        "bundle adjustment as a CUDA graph, both networks, the whole system on SEQUENCE (without "
        "it a rendered room) in lockstep and with its mapping thread, and the tests marked gpu. "
        "Each part is a process with a time limit, all together at most eight minutes; one that "
        "fails says why. Writes DIR/gpu.json and DIR/log. Ends with 1 when a part failed or a bar "
        "was missed. Needs no network."
    )
    add_sequence_options(parser, optional=True)
    add_out_option(parser, Path("gpu"))
    parser.add_argument(
        "--device",
        choices=("cuda", "cpu"),
        default="cuda",
        help="cpu tries the parts themselves, on small sizes, kernels interpreted, without bars",
    )
    parser.add_argument(
        "--part",
        choices=tuple(PARTS),
        help="only this part, in this process and without a time limit; writes DIR/NAME.json",
    )


def run(args: argparse.Namespace) -> int:
    """0 when every part came to its end and met its bars.

    Raises:
        ConfigurationError: without a GPU, unless --device cpu.
        DensebaError: with --part, for a sequence that cannot be read.
    """
    if args.device == "cuda" and (missing := why_no_gpu()):
        raise ConfigurationError(
            f"{missing}. This measures a GPU; --device cpu tries the parts without one"
        )
    args.out.mkdir(parents=True, exist_ok=True)
    return _run_one(args) if args.part else _run_all(args)


def _run_one(args: argparse.Namespace) -> int:
    """What the process of a part does."""
    is_given = args.sequence is not None
    job = GpuJob(pick_device(args.device), partial(open_from_options, args) if is_given else None)
    numbers = run_part(args.part, job).as_json()
    _part_file(args.out, args.part).write_text(json.dumps(numbers, indent=2) + "\n")
    return DONE


def _run_all(args: argparse.Namespace) -> int:
    report = {
        **provenance(os.getloadavg()[0]),
        "gpu": gpu_machine(pick_device(args.device)),
        "parts": [_in_process(args, name) for name in PARTS],
    }
    (args.out / GPU).write_text(json.dumps(report, indent=2) + "\n")
    print(gpu_table(report))
    return FAILED if failures(report) else DONE


def _in_process(args: argparse.Namespace, name: str) -> dict[str, Any]:
    """One part as the report has it."""
    part, result, logs = PARTS[name], _part_file(args.out, name), args.out / "log"
    logs.mkdir(exist_ok=True)
    print(f"{part} (at most {part.seconds:g} s) ...", file=sys.stderr)
    sequence = [] if args.sequence is None else sequence_words(args)
    options = ["--device", args.device, "--out", str(args.out), "--part", name]
    command = denseba_command("benchmark", "gpu", *sequence, *options)
    environment = {**os.environ, **(_TRIAL if args.device == "cpu" else {})}
    done = run_in_process(command, environment, result, logs / f"{name}.log", part.seconds)
    result.unlink(missing_ok=True)
    return {"name": name, "title": part.title, "limit_seconds": part.seconds, **done}


def _part_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"
