"""A real browser shows a recorded run."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rerun", reason="rerun-sdk is not installed: denseba_ros[view]")
pytest.importorskip("playwright", reason="playwright is not installed: denseba_ros[dev]")

from denseba_ros.slam.state.estimate import Keyframe
from denseba_ros.viewer.opening import open_view
from tests.viewer.conftest import CALIBRATION

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "generators" / "viewer_picture.py"
# Orange, in BGR, which nothing of the viewer has.
COLOUR = (20, 120, 250)


def picture_script() -> Any:
    spec = importlib.util.spec_from_file_location("viewer_picture", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_web_viewer_shows_image_and_map(
    tmp_path: Path, make_estimate: Callable[..., Any], make_keyframe: Callable[[int], Keyframe]
) -> None:
    script = picture_script()
    if script.browser() is None:
        pytest.skip("no Chromium is installed: no browser to open the recording in")
    image = np.full((48, 64, 3), COLOUR, np.uint8)
    with open_view(False, tmp_path / "run.rrd") as view:
        for k in range(6):
            view.add_keyframes([make_keyframe(k)])
            estimate = make_estimate(k, is_map_updated=True, covariance=1e-4 * np.eye(6))
            view.show(estimate, image, CALIBRATION, 0.01)
    page = script.photograph(tmp_path / "run.rrd", tmp_path / "page.png", seconds=300.0)
    assert (tmp_path / "page.png").stat().st_size > 10_000
    is_image = (np.abs(page.astype(int) - COLOUR) < 25).all(axis=-1)
    height, width = page.shape[:2]
    right = is_image[: height // 3, 3 * width // 4 :]
    assert right.mean() > 0.2, "the camera's image is not shown"
    edges = cv2.Canny(script.map_of(page), 50, 150)
    assert (edges > 0).mean() > 0.01, "the map is empty"
