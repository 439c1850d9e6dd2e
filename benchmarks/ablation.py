"""One parameter at a time: absolute trajectory error of every variant on every sequence.

python benchmarks/ablation.py DATA --out RUNS >> docs/ablation.md
where DATA holds the sequences' folders. Runs that are there already are not repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
from pathlib import Path

from tqdm import tqdm

from denseba_ros.cli.main import main as denseba

# Folder, first image, images; short parts tell the drift from the luck of one run.
SEQUENCES = {
    "KITTI 00": ("kitti_odometry_00", 0, 160),
    "KITTI 00 from 4": ("kitti_odometry_00", 4, 156),
    "KITTI raw": ("kitti_raw_0926", 0, 400),
    "redkitchen, 500": ("7scenes_redkitchen_seq01", 0, 500),
}
VARIANTS = {
    "default": [],
    "photometric deviation 8": ["backend.intensity_noise=8"],
    "photometric deviation 40": ["backend.intensity_noise=40"],
    "window 5": ["backend.window=5"],
    "window 7": ["backend.window=7"],
    "keyframes dropped, not marginalised": ["backend.marginalisation=drop"],
    "keyframes at 0.08 of the width": ["keyframes.max_flow=0.08"],
    "corners to 1.0 pixel": ["backend.pixel_noise=1.0"],
    "two fine iterations": ["backend.iterations=[fine,fine]"],
    "six iterations": ["backend.iterations=[coarse,fine,fine,fine,fine,fine]"],
    "a quarter of the pixels": ["frontend.working_pixels=76800"],
}


def error(data: Path, out: Path, sequence: str, variant: str) -> tuple[float, int]:
    """ATE in metres and tracked images of one run."""
    folder, start, count = SEQUENCES[sequence]
    run = out / f"{sequence}, {variant}".replace(" ", "_").replace(",", "")
    if not (run / "evaluation.json").exists():
        sets = [part for value in VARIANTS[variant] for part in ("--set", value)]
        source = ["--start", str(start), "--count", str(count), "--out", str(run)]
        for arguments in (
            ["run", str(data / folder), *source, *sets],
            ["evaluate", str(run), "--groundtruth", str(data / folder)],
        ):
            with contextlib.redirect_stdout(io.StringIO()):
                status = denseba(arguments)
            if status:
                raise SystemExit(f"denseba {' '.join(arguments)} ended with status {status}")
    report = json.loads((run / "evaluation.json").read_text())
    rmse = float(report["trajectory"]["ate_m"]["rmse"])
    return rmse, int(json.loads((run / "summary.json").read_text())["tracked"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    names = list(SEQUENCES)
    print("| variant | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for variant in tqdm(VARIANTS, unit="variant", file=sys.stderr):
        results = [error(arguments.data, arguments.out, name, variant) for name in names]
        cells = [
            f"{ate:.3f}" + ("" if tracked == SEQUENCES[name][2] else f" ({tracked})")
            for name, (ate, tracked) in zip(names, results, strict=True)
        ]
        print(f"| {variant} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
