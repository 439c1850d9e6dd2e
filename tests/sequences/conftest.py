"""Small pictures to make sequences of, and a small room."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from denseba_ros.sequences.room.synthetic_room import RoomSequence


@pytest.fixture(scope="session")
def room() -> RoomSequence:
    return RoomSequence(frames=5, width=96, height=72)


@pytest.fixture(scope="session")
def picture() -> Callable[[int, int, int], np.ndarray]:
    """A smooth (height, width) grey image that is another one for every number."""

    def make(width: int, height: int, number: int) -> np.ndarray:
        y, x = np.mgrid[:height, :width]
        return (100 + 60 * np.sin(x / 9 + number) * np.cos(y / 7)).astype(np.uint8)

    return make


@pytest.fixture
def write_pictures(picture: Callable) -> Callable[..., list[Path]]:
    """Writes one picture per file name into a folder."""

    def write(folder: Path, names: list[str], size: tuple[int, int] = (64, 48)) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / name for name in names]
        for number, path in enumerate(paths):
            assert cv2.imwrite(str(path), picture(*size, number))
        return paths

    return write
