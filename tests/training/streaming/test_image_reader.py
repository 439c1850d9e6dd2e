from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from denseba_ros.errors import ImageError
from denseba_ros.training.streaming.image_reader import ImageReader, ReaderSettings

IMAGE = np.arange(48 * 64, dtype=np.uint32).reshape(48, 64).astype(np.uint8)
QUICK = ReaderSettings(deadline=1.0, attempts=3, pause=0.01, longest_pause=0.02)


@pytest.fixture(autouse=True)
def image_on_the_server(server: Any) -> None:
    server.files["/a.png"] = cv2.imencode(".png", IMAGE)[1].tobytes()


def test_from_a_file_and_from_a_server(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), IMAGE)
    for location in (str(path), path.as_uri(), f"{server.url}/a.png"):
        np.testing.assert_array_equal(ImageReader(QUICK).read(location), IMAGE)


def test_colour_becomes_grey(tmp_path: Path) -> None:
    path = tmp_path / "colour.png"
    cv2.imwrite(str(path), np.dstack([IMAGE] * 3))
    assert ImageReader(QUICK).read(str(path)).shape == (48, 64)


def test_one_fault_costs_a_request_and_no_image(server: Any, fault: str) -> None:
    server.faults["/a.png"] = [fault]
    reader = ImageReader(QUICK)
    np.testing.assert_array_equal(reader.read(f"{server.url}/a.png"), IMAGE)
    # The driver itself may try again where a connection was closed.
    assert reader.requests <= server.asked["/a.png"] == 2


def test_faults_that_last_end_in_an_error(server: Any, fault: str) -> None:
    server.faults["/a.png"] = [fault] * 10
    reader = ImageReader(QUICK)
    with pytest.raises(ImageError, match=r"/a\.png"):
        reader.read(f"{server.url}/a.png")
    assert reader.requests == QUICK.attempts


def test_nobody_there() -> None:
    with pytest.raises(ImageError, match=r"127\.0\.0\.1"):
        ImageReader(QUICK).read("http://127.0.0.1:9/a.png")
