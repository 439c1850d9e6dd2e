"""The result of one check, and a list of them as text and JSON."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["OK", "WARN", "FAIL"]


@dataclass(frozen=True)
class Check:
    """Result of one check: its ``name``, ``status`` and what it ``found``."""

    name: str
    status: Status
    found: str
    remedy: str = ""
    """What the user can do about it; empty when nothing is wrong."""


def as_table(checks: list[Check], width: int | None = None) -> str:
    """Plain text, one check per row, its remedy below it; ``width`` in characters."""
    width = width or max(60, shutil.get_terminal_size((100, 24)).columns)
    name_width = max(len(check.name) for check in checks)
    margin = " " * (name_width + 8)
    lines = []
    for check in checks:
        head = f"{check.status:<4}  {check.name:<{name_width}}  "
        lines.append(_wrapped(check.found, width, head, margin))
        if check.remedy:
            lines.append(_wrapped(check.remedy, width, f"{margin}-> ", f"{margin}   "))
    return "\n".join(lines)


def as_json(checks: list[Check]) -> dict[str, Any]:
    """``{"ok": bool, "checks": [{"name", "status", "found", "remedy"}]}``."""
    return {"ok": not has_failure(checks), "checks": [asdict(check) for check in checks]}


def has_failure(checks: list[Check]) -> bool:
    """Whether any check is a FAIL."""
    return any(check.status == "FAIL" for check in checks)


def _wrapped(text: str, width: int, first: str, rest: str) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
