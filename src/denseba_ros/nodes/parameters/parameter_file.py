"""The parameter file, written from the models.

``python -m denseba_ros.nodes.parameters.parameter_file`` prints what belongs into
config/denseba.yaml; a test compares the two.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

from denseba_ros.nodes.parameters.parameter_fields import constraints, parameter_fields

_HEAD = """\
# Every parameter of denseba with its default. The ROS nodes (--params-file, params_file:=) and the
# denseba commands (--config) read the same file; the nodes also read what is under `node`.
# Written by `python -m denseba_ros.nodes.parameters.parameter_file`.
/**:
  ros__parameters:
"""
_WIDTH = 100


def parameter_file() -> str:
    """The whole file: comments from the descriptions, values from the defaults."""
    return _HEAD + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    section = ""
    for name, field in parameter_fields().items():
        *sections, key = name.split(".")
        if ".".join(sections) != section:
            section = ".".join(sections)
            yield f"    {section}:"
        indent = " " * (4 + 2 * len(sections))
        limits = constraints(field)
        comment = f"{field.description or key}" + (f" ({limits})" if limits else "")
        yield from textwrap.wrap(
            comment, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        yield f"{indent}{key}: {_inline(field.default)}"


def _inline(value: Any) -> str:
    """A value on one line of YAML; floats keep their point, as ROS types parameters by it."""
    plain = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump(plain, default_flow_style=True, width=_WIDTH)
    return text.removesuffix("\n").removesuffix("\n...")


if __name__ == "__main__":
    sys.stdout.write(parameter_file())
