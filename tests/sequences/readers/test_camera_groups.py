"""Folders in which the names of the images tell several cameras, and other files."""

import logging
from pathlib import Path

import pytest

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.readers.camera_groups import of_one_camera

HERE = Path("folder")


def names(*patterns: str, count: int = 12) -> list[Path]:
    return [HERE / pattern.format(i) for pattern in patterns for i in range(count)]


@pytest.mark.parametrize(
    "pair",
    [
        ("left_{:04}.png", "right_{:04}.png"),
        ("left{}.jpg", "right{}.jpg"),
        ("{:06}_left.png", "{:06}_right.png"),
        ("{:06}_L.png", "{:06}_R.png"),
        ("cam0_{:04}.png", "cam1_{:04}.png"),
        ("{:04}_cam0.png", "{:04}_cam1.png"),
        ("IMG_{:04}.jpg", "IMG_{:04}.png"),
    ],
)
def test_pairs_are_asked_for_and_can_be_chosen(pair: tuple[str, str]) -> None:
    paths = names(*pair)
    with pytest.raises(SequenceError, match=r"images of 2 cameras: .*\(12\).*--topic"):
        of_one_camera(paths, None, HERE)
    word = Path(pair[1].replace("{:04}", "").replace("{:06}", "").replace("{}", ""))
    wanted = word.suffix if word.stem == "IMG_" else word.stem
    assert of_one_camera(paths, wanted, HERE) == names(pair[1])


@pytest.mark.parametrize(
    "patterns",
    [
        ("{:06}.png",),
        ("frame-{:06}.color.png",),
        ("2023-01-02_10-00-{:02}.png",),
        ("cam0_{}.png",),
        ("14036365{:02}.763555584.png",),
    ],
)
def test_one_camera_is_one_camera(patterns: tuple[str, ...]) -> None:
    paths = names(*patterns)
    assert of_one_camera(paths, None, HERE) == paths


def test_depth_images_and_others_are_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    colour = names("rgb_{:03}.png")
    others = [*names("depth_{:03}.png"), HERE / "preview.png"]
    with caplog.at_level(logging.WARNING):
        assert of_one_camera(colour + others, None, HERE) == colour
    assert "13 other images are passed over" in caplog.text


def test_names_without_numbers_and_unknown_names() -> None:
    few = [HERE / "a.png", HERE / "b.png"]
    assert of_one_camera(few, None, HERE) == few
    with pytest.raises(SequenceError, match="no image has 'left' in its name"):
        of_one_camera(few, "left", HERE)
