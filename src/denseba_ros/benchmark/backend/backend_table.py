"""The backend's benchmark as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from denseba_ros.benchmark.backend.backend_benchmark import BackendResult, SchurResult
from denseba_ros.benchmark.backend.floors import Rates
from denseba_ros.benchmark.backend.general_solvers import GeneralResult
from denseba_ros.benchmark.backend.to_same_cost import SameCost


def backend_table(
    results: Sequence[BackendResult],
    general: Sequence[GeneralResult],
    rates: Rates,
    machine: str,
) -> str:
    """All windows with their floors and baselines, and the source of each number."""
    lines = [
        machine,
        f"measured rates: copy {rates.bytes_per_second / 1e9:.1f} GB/s (read and written), "
        f"float32 matrix product {rates.operations_per_second / 1e9:.0f} GFLOP/s",
        "floors: bytes, every input read once an iteration, over the copy's rate; operations, "
        "counted by hand, over the product's rate",
        "",
        "Two Gauss-Newton iterations (coarse, fine) with the Schur complement",
    ]
    header = (
        "window",
        "kernel",
        "fastest ms",
        "median ms",
        "p95 ms",
        "peak MiB",
        "energy",
        "x bytes",
        "x FLOP",
    )
    rows = [_schur_row(result, one, rates) for result in results for one in result.schur]
    lines += aligned([header, *rows])
    races = [
        (result.name, *_race_cells(race)) for result in results for race in result.to_same_cost
    ]
    if races:
        lines += ["", "L-BFGS to the same energy of the same patches, from the same start"]
        races = [("window", "level", "seconds", "evaluations", "energy / target"), *races]
        lines += aligned(races)
        lines += [
            f"{result.name}: {_sentence('L-BFGS', result.lbfgs_ratio()[0], result.to_same_cost)}"
            for result in results
            if result.to_same_cost
        ]
    return "\n".join([*lines, *_general_lines(general)])


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of equal length as lines with columns of equal width, the first to the left."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _schur_row(result: BackendResult, one: SchurResult, rates: Rates) -> tuple[str, ...]:
    timing = one.timing
    floors = result.work.floors(rates)
    peak = "unknown" if timing.peak_mib is None else f"{timing.peak_mib:.0f}"
    energies = [f"{before:.4g}>{after:.4g}" for before, after in one.energies]
    return (
        f"{result.name}: {result.size}",
        one.kernel + (", graph" if one.graph else ""),
        f"{1e3 * timing.fastest:.2f}",
        f"{1e3 * timing.median:.2f}",
        f"{1e3 * timing.p95:.2f}",
        peak,
        " ".join(energies),
        f"{timing.median / floors['bytes']:.0f}",
        f"{timing.median / floors['operations']:.0f}",
    )


def _general_lines(general: Sequence[GeneralResult]) -> list[str]:
    """General solvers on their small window, and which are missing."""
    if not general:
        return []
    rows = [("solver", "window", "Schur ms", "level", "seconds", "steps", "energy / target")]
    for one in general:
        window = f"{one.size.keyframes} keyframes, {one.points} points each"
        milliseconds = f"{1e3 * one.schur_seconds:.2f}"
        rows += [(one.solver, window, milliseconds, *_race_cells(race)) for race in one.races]
    lines = ["", "General solvers to the same energy on the CPU, on a window they can take"]
    lines += aligned(rows) if len(rows) > 1 else []
    lines += [one.missing for one in general if one.missing]
    lines += [
        _sentence(one.solver, one.seconds / one.schur_seconds, one.races)
        for one in general
        if one.races
    ]
    return lines


def _race_cells(race: SameCost) -> tuple[str, str, str, str]:
    late = "" if race.reached else " (not reached)"
    ratio = f"{race.energy / race.target:.4f}"
    return str(race.level), f"{race.seconds:.2f}{late}", str(race.evaluations), ratio


def _sentence(solver: str, ratio: float, races: Sequence[SameCost]) -> str:
    more = "" if all(race.reached for race in races) else "more than "
    return f"{solver} takes {more}{ratio:.0f} times the Schur solver's median"
