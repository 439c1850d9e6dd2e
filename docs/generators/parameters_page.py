"""The page of all parameters, written from the models of the configuration.

python docs/generators/parameters_page.py > docs/parameters.md
"""

from __future__ import annotations

import sys
from typing import Any

from pydantic.fields import FieldInfo

from denseba_ros.nodes.parameters.parameter_fields import constraints, is_fixed, parameter_fields

_HEAD = """\
# Parameters

<!-- Written by `python docs/generators/parameters_page.py > docs/parameters.md`. -->

Every parameter with its default. One file holds them all: `config/denseba.yaml`.

- The nodes read it with `--params-file`, or `params_file:=` of the launch file.
- The commands read it with `--config`. What is under `node` only concerns the nodes.
- One parameter alone: `denseba run ... --set backend.window=5`.
- While a node runs: `ros2 param set /denseba keyframes.max_flow 0.08`. Only parameters that say
  "may change while it runs" do so. All others are refused with the reason, unless the node is
  unconfigured.
- A wrong name or value is an error that names it.
"""
_SECTIONS = {
    "": "The whole system",
    "frontend": "frontend: depth and motion before any tracking",
    "tracker": "tracker: the pose of each image",
    "keyframes": "keyframes: which images become keyframes",
    "backend": "backend: the bundle adjustment of the window",
    "imu": "imu: the inertial measurement unit beside the camera",
    "node": "node: what the ROS nodes do with it",
}


def parameters_page() -> str:
    """The page as Markdown, one table a section."""
    tables: dict[str, list[str]] = {}
    for name, field in parameter_fields().items():
        section = name.rpartition(".")[0]
        tables.setdefault(section, []).append(_row(name, field))
    return _HEAD + "".join(
        f"\n## {_SECTIONS.get(section, section)}\n\n"
        "| name | default | range | what it does |\n|---|---|---|---|\n" + "".join(rows)
        for section, rows in tables.items()
    )


def _row(name: str, field: FieldInfo) -> str:
    notes = [constraints(field), "only at the start" if is_fixed(field) else ""]
    limits = "; ".join(note for note in notes if note)
    text = " ".join((field.description or "").split())
    cells = (f"`{name}`", f"`{_plain(field.default)}`", limits, text)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    sys.stdout.write(parameters_page())
