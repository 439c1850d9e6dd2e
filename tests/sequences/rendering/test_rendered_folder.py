"""Depth of a rendered sequence in 16 bits."""

from pathlib import Path

import cv2
import numpy as np

from denseba_ros.sequences.building.synthetic_building import BuildingSequence
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.rendering.rendered_folder import DEPTH_UNITS_PER_METRE, write_rendered


def test_depth_beyond_16_bits_is_unknown_and_the_rest_is_exact(tmp_path: Path) -> None:
    """Down the corridor, where the far room is 14 m away."""
    building = BuildingSequence(width=64, height=48)
    down = next(k for k in range(0, 400, 5) if building.depth(k).max() > 13.5)
    write_rendered(tmp_path, building.section(down, down + 1))
    written = cv2.imread(str(next((tmp_path / "depth").iterdir())), cv2.IMREAD_UNCHANGED)
    exact = building.depth(down)
    far = exact > 65535 / DEPTH_UNITS_PER_METRE
    assert np.all(written[far] == 0)
    assert np.all(np.abs(written[~far] / DEPTH_UNITS_PER_METRE - exact[~far]) <= 1.1e-4)
    assert np.array_equal(next(iter(open_sequence(tmp_path))).image, building.image(down))
