"""The system's benchmark as text and as a picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from denseba_ros.benchmark.system.system_benchmark import SystemResult


def system_table(name: str, result: SystemResult) -> str:
    """Rows of stages; milliseconds on the frames on which each ran."""
    numbers = result.as_json()
    gpu = "" if result.gpu_mib is None else f", {result.gpu_mib:.0f} MiB of GPU memory"
    lines = [
        f"{name}: {numbers['frames_per_second']:.1f} frames/s, {result.cpu_ms:.1f} ms of CPU time "
        f"a frame; {numbers['tracked']} of {numbers['frames']} frames tracked, "
        f"{numbers['keyframes']} keyframes; "
        f"{result.host_mib:.0f} MiB of host memory beyond libraries and images{gpu}",
        f"{'stage':<10}{'frames':>8}{'median ms':>12}{'p95 ms':>10}{'share':>8}",
    ]
    for stage, row in numbers["stages"].items():
        lines.append(
            f"{stage:<10}{row['frames']:>8}{row['median_ms']:>12.1f}{row['p95_ms']:>10.1f}"
            f"{row['share']:>8.0%}"
        )
    if len(result.blocks) > 1:
        lines.append(
            f"{'block':<18}{'mean ms':>8}{'median ms':>12}{'p95 ms':>10}{'CPU ms':>8}{'MiB':>8}"
        )
        for b in result.blocks:
            lines.append(
                f"{f'{b.first}-{b.first + b.frames - 1}':<18}{b.mean_ms:>8.1f}"
                f"{b.median_ms:>12.1f}{b.p95_ms:>10.1f}{b.cpu_ms:>8.1f}{b.memory_mib:>8.0f}"
            )
    return "\n".join(lines)


def plot_blocks(path: Path, name: str, result: SystemResult) -> None:
    """Time per frame and memory over the run, block by block."""
    x = [b.first + 0.5 * b.frames for b in result.blocks]
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 5), sharex=True, layout="constrained")
    for label, values in (
        ("mean", [b.mean_ms for b in result.blocks]),
        ("median", [b.median_ms for b in result.blocks]),
        ("95th percentile", [b.p95_ms for b in result.blocks]),
        ("mean CPU time", [b.cpu_ms for b in result.blocks]),
    ):
        top.plot(x, values, marker="o", label=label)
    top.set(ylabel="time per frame [ms]", ylim=(0, None))
    top.legend()
    bottom.plot(x, [b.memory_mib for b in result.blocks], marker="o", color="tab:green")
    bottom.set(ylabel="host memory [MiB]", xlabel="frame", ylim=(0, None))
    for axis in (top, bottom):
        axis.grid(alpha=0.3)
    figure.suptitle(f"{name}, {result.times.frames} frames forth and back")
    figure.savefig(path, dpi=110)
    plt.close(figure)
