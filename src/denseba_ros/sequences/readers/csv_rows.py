"""Tables in text as EuRoC's data.csv, with the headers and separators that tools write."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.stamps.stamp_units import parse_number, to_nanoseconds
from denseba_ros.sequences.text_file import read_text

_log = logging.getLogger(__name__)
Value = TypeVar("Value")

# The blank of "timestamp [ns]".
_BEFORE_UNIT = re.compile(r"\s+([\[(])")


@dataclass(frozen=True)
class CsvRows:
    """Names of the columns in lower case, empty without a header, and (line number, fields)."""

    header: list[str]
    rows: list[tuple[int, list[str]]]

    def column(self, words: tuple[str, ...]) -> int | None:
        """The first column whose name holds one of the words."""
        found = (i for i, name in enumerate(self.header) if any(word in name for word in words))
        return next(found, None)


def read_csv_rows(path: Path) -> CsvRows:
    """Rows of fields between commas, semicolons or blanks; the header may begin with ``#`` or not.

    Raises:
        TextFileError: when it cannot be read.
    """
    header: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        text = line.strip()
        if not text:
            continue
        fields = _fields(text.lstrip("# "))
        if text.startswith("#") or (not rows and not header and not _is_number(fields[0])):
            if not rows and len(fields) > 1:
                header = [field.lower() for field in fields]
            continue
        rows.append((number, fields))
    return CsvRows(header, rows)


def unit_in_ns(column: str) -> int | None:
    """Nanoseconds of the unit that a column's name has in brackets, None without one."""
    unit = column.replace("(", "[").partition("[")[2].strip(" )]")
    return {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 10**9, "sec": 10**9}.get(unit)


def stamp_in_ns(text: str, unit_ns: int | None, where: str) -> int:
    """Nanoseconds; a number with a fraction is seconds where no unit is stated.

    Raises:
        SequenceError: naming ``where``, when it is no number.
    """
    try:
        value = parse_number(text)
        fraction = value != value.to_integral_value()
        unit = (10**9 if fraction else 1) if unit_ns is None else unit_ns
        return to_nanoseconds(value * unit, "ns")
    except (ArithmeticError, ValueError) as error:
        raise SequenceError(f"{where}: stamp {text[:40]!r} is no number of nanoseconds") from error


def read_rows(table: CsvRows, read: Callable[[int, list[str]], Value], path: Path) -> list[Value]:
    """``read`` (line number, fields) of each row. Rows of which it raises SequenceError are left
    out, which is said.

    Raises:
        SequenceError: that of the first such row, when there are more of them than others.
    """
    kept: list[Value] = []
    errors: list[SequenceError] = []
    for number, fields in table.rows:
        try:
            kept.append(read(number, fields))
        except SequenceError as error:
            errors.append(error)
    if len(errors) > len(kept):
        raise errors[0]
    if errors:
        _log.warning("%s: left out %d rows, the first: %s", path, len(errors), errors[0])
    return kept


def _fields(line: str) -> list[str]:
    separator = next((s for s in (",", ";", "\t") if s in line), None)
    if separator is None:
        line = _BEFORE_UNIT.sub(r"\1", line)
    return [field.strip().strip("\"'") for field in line.split(separator)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
