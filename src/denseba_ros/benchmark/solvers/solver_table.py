"""The solvers' benchmark as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from denseba_ros.benchmark.backend.backend_table import aligned
from denseba_ros.benchmark.solvers.solver_accuracy import AccuracyResult
from denseba_ros.benchmark.solvers.solver_gradients import GradientResult


def solver_table(
    accuracy: Sequence[AccuracyResult], gradients: Sequence[GradientResult], machine: str
) -> str:
    """Forward accuracy and the three gradients, one table each."""
    header = ("problem", "solver", "us / sample", "missed", "median error", "p99 error")
    rows = [
        (
            r.problem,
            r.solver,
            f"{r.microseconds:.1f}",
            f"{r.missed:.2%}",
            f"{r.median:.1e}",
            f"{r.p99:.1e}",
        )
        for r in accuracy
    ]
    lines = [machine, "", "Exact samples: is the true solution among those found?"]
    lines += aligned([header, *rows])
    first = gradients[0]
    names = (
        "gradient",
        "forward ms",
        "backward ms",
        "solver's ms",
        "ratio",
        "finite",
        "agrees",
    )
    table = [
        (
            r.name,
            f"{1e3 * r.forward.median:.1f}",
            f"{1e3 * r.backward.median:.1f}",
            f"{1e3 * r.solver_backward.median:.1f}",
            f"{r.solver_backward.median / first.solver_backward.median:.1f}",
            f"{r.finite:.2%}",
            f"{r.agrees:.2%}",
        )
        for r in gradients
    ]
    lines += ["", "One training step of the essential matrix, the same samples for all"]
    lines += aligned([names, *table])
    lines.append(
        f"ratio: the solver's backward time over that of {first.name}; finite: samples whose "
        f"gradient is finite; agrees: within 0.1 % of {first.name}"
    )
    return "\n".join(lines)
