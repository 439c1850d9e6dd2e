"""The log of a training as JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def append_row(path: Path | None, row: dict[str, Any]) -> None:
    """Append ``row`` to the file, which is created if missing; does nothing without a path."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
