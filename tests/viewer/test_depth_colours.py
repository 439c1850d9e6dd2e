from __future__ import annotations

import numpy as np

from denseba_ros.viewer.depth_colours import colour_depth


def colours(*metres: float) -> np.ndarray:
    return colour_depth(np.array([metres], np.float32))[0].astype(int)


def test_near_is_red_far_is_blue_and_a_distance_keeps_its_colour() -> None:
    near, middle, far = colours(0.6, 5.0, 45.0)
    assert near.argmax() == 2
    assert middle.argmax() == 1
    assert far.argmax() == 0
    np.testing.assert_array_equal(colours(5.0, 111.0)[0], middle)


def test_what_is_out_of_range_is_clipped() -> None:
    values = colours(0.01, 0.5, 50.0, 1e6)
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_array_equal(values[2], values[3])


def test_the_unknown_is_black_and_nothing_else_is() -> None:
    assert not colours(np.nan, np.inf, 0.0, -1.0).any()
    assert colour_depth(np.geomspace(0.1, 200.0, 500, dtype=np.float32)[None]).any(axis=-1).all()
