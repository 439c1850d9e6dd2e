"""Names of images that are stamps, and names that only look so."""

from pathlib import Path

import pytest

from denseba_ros.sequences.readers.name_stamps import name_stamps

FIRST, SECOND = 1_403_636_579_763_555_584, 1_403_636_579_813_555_456


def stamps(*names: str) -> list[int] | None:
    found = name_stamps([Path(name) for name in names])
    return None if found is None else list(found.values())


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([f"{SECOND}.png", f"{FIRST}.png"], [FIRST, SECOND]),
        ([f"left_{FIRST}.png", f"left_{SECOND}.png"], [FIRST, SECOND]),
        (["1403636579763555.jpg", "1403636579813555.jpg"], [FIRST // 1000 * 1000 + 0, 0]),
        (["1403636579763.jpg", "1403636579813.jpg"], [0, 0]),
        (["1403636579.763555584.png", "1403636579.813555456.png"], [FIRST, SECOND]),
        (["1403636579_763555584.png", "1403636579-813555456.png"], [FIRST, SECOND]),
        (["rgb_1.5.png", "rgb_1.25.png"], [1_250_000_000, 1_500_000_000]),
        (["0.033333.png", "-0.066667.png"], [-66_667_000, 33_333_000]),
    ],
)
def test_units_are_told_by_the_digits(names: list[str], expected: list[int]) -> None:
    if expected[1] == 0:  # cut to the unit of the name
        unit = 1_000 if len(names[0]) == 20 else 1_000_000
        expected = [FIRST // unit * unit, SECOND // unit * unit]
    assert stamps(*names) == expected


@pytest.mark.parametrize(
    "names",
    [
        ["000001.png", "000002.png"],
        ["0000000000001.png", "0000000000002.png"],
        ["IMG_20230102_101112.jpg", "IMG_20230102_101113.jpg"],
        ["20230102101112.jpg", "20230102101113.jpg"],
        ["frame.0001.png", "frame.0002.png"],
        ["shot_1.0001.png", "shot_1.0002.png"],
        ["v1.01.png", "v1.02.png"],
        ["1.5.png", "a.png", "b.png"],
        ["1.5.png"],
        [],
    ],
)
def test_numbers_that_are_no_stamps(names: list[str]) -> None:
    assert stamps(*names) is None
