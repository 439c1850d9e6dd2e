"""The IMU of EuRoC folders: imu0/data.csv."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.errors import SequenceError
from denseba_ros.imu.recorded import sorted_samples
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.sequences.readers.csv_rows import (
    CsvRows,
    read_csv_rows,
    read_rows,
    stamp_in_ns,
    unit_in_ns,
)
from denseba_ros.sequences.text_file import TextFileError

# Beginnings of the columns' names: angular velocity, then specific force.
_RATE, _FORCE = ("w_", "gyr", "omega", "angular"), ("a_", "acc", "linear", "alpha")


def read_euroc_imu(mav: Path) -> ImuSamples | None:
    """Samples of imu0 beside cam0, None where there is no such file.

    Columns are found by their header: time, three of the angular velocity (rad/s), three of the
    specific force (m/s2); without a header in this order.

    Raises:
        SequenceError: when the file cannot be read or most rows are malformed; others are left out.
    """
    path = mav / "imu0" / "data.csv"
    if not path.is_file():
        return None
    try:
        table = read_csv_rows(path)
    except TextFileError as error:
        raise SequenceError(f"{path}: {error}") from error
    columns = _columns(table)
    unit_ns = unit_in_ns(table.header[0]) if table.header else None

    def sample(number: int, fields: list[str]) -> tuple[int, list[float]]:
        where = f"{path}:{number}"
        if len(fields) <= max(columns):
            raise SequenceError(f"{where}: expected {max(columns) + 1} columns, got {len(fields)}")
        try:
            values = [float(fields[column]) for column in columns]
        except ValueError as error:
            raise SequenceError(f"{where}: {error}") from error
        return stamp_in_ns(fields[0], unit_ns, where), values

    samples = read_rows(table, sample, path)
    return sorted_samples([s for s, _ in samples], [v for _, v in samples], str(path))


def _columns(table: CsvRows) -> list[int]:
    """Six of them: angular velocity x, y, z, then specific force x, y, z."""
    rate, force = _named(table.header, _RATE), _named(table.header, _FORCE)
    return [*rate, *force] if rate and force else list(range(1, 7))


def _named(header: list[str], names: tuple[str, ...]) -> list[int]:
    """The three columns in a row of which the first has one of the names, else none."""
    first = next((k for k, name in enumerate(header) if name.startswith(names)), None)
    return [] if first is None or first + 3 > len(header) else [first, first + 1, first + 2]
