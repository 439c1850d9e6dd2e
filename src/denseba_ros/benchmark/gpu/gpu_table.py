"""The report of all parts as plain text."""

from __future__ import annotations

from typing import Any

from denseba_ros.benchmark.backend.backend_table import aligned

_WORDS = {True: "met", False: "MISSED", None: ""}


def gpu_table(report: dict[str, Any]) -> str:
    """What gpu.json holds: one line a figure, why a part failed, and the verdict."""
    gpu = report["gpu"]
    device = gpu["name"] or "no GPU, a trial on the CPU: its figures say nothing of speed"
    lines = [
        f"{device}; driver {gpu['driver']}, torch {report['versions']['torch']}, "
        f"triton {gpu['triton']}; commit {report['commit']}, {report['date']}"
    ]
    for part in report["parts"]:
        lines += ["", f"{part['title']}: {part['status']} after {part['seconds']:.0f} s"]
        rows = [
            (figure["name"], value_text(figure), bar_text(figure), _WORDS[figure["is_met"]])
            for figure in part["figures"]
        ]
        lines += [f"    {line}" for line in aligned(rows)] if rows else []
        lines += [f"    {line}" for note in part["notes"] for line in note.splitlines()]
        lines += [f"    {line}" for line in part["reason"].splitlines()]
    return "\n".join([*lines, "", verdict(report)])


def verdict(report: dict[str, Any]) -> str:
    """One line: everything done and met, or what was not."""
    wrong = failures(report)
    return f"wrong: {'; '.join(wrong)}" if wrong else "all parts done, every bar met"


def failures(report: dict[str, Any]) -> list[str]:
    """Parts that did not come to their end, and figures that missed their bar."""
    wrong = []
    for part in report["parts"]:
        if part["status"] != "done":
            wrong.append(f"{part['title']} {part['status']}")
        missed = [figure["name"] for figure in part["figures"] if figure["is_met"] is False]
        wrong += [f"{part['title']}: {name}" for name in missed]
    return wrong


def value_text(figure: dict[str, Any]) -> str:
    """The value with its unit."""
    value = figure["value"]
    number = "not a number" if value is None else f"{value:.3g}" if value < 1e3 else f"{value:.0f}"
    return f"{number} {figure['unit']}".rstrip()


def bar_text(figure: dict[str, Any]) -> str:
    """The bar in words, and the aim where there is one."""
    if figure["bar"] is None:
        return ""
    words = f"{'at least' if figure['is_least'] else 'at most'} {figure['bar']:.3g}"
    return words + ("" if figure["aim"] is None else f", aim {figure['aim']:.3g}")
