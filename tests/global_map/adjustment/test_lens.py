"""What is seen through a lens is where it was, and the derivatives are those of that."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.global_map.adjustment.lens import PARAMETERS, Lens

PLACES = np.random.default_rng(0).uniform(-1.0, 1.0, (20, 2))
BENT = Lens(0.02, -0.03)


def test_as_calibrated_nothing_moves() -> None:
    np.testing.assert_array_equal(Lens().seen(PLACES), PLACES)
    np.testing.assert_array_equal(Lens().places(PLACES), PLACES)
    np.testing.assert_array_equal(Lens().errors(), 0.0)


@pytest.mark.parametrize("lens", [BENT, Lens(-0.02, 0.05)])
def test_back_and_forth(lens: Lens) -> None:
    np.testing.assert_allclose(lens.places(lens.seen(PLACES)), PLACES, atol=1e-9)


def test_a_longer_focal_length_magnifies_and_distortion_moves_the_edge_outwards() -> None:
    np.testing.assert_allclose(Lens(np.log(1.1)).seen(PLACES), 1.1 * PLACES)
    edge = np.array([[1.0, 0.0], [0.1, 0.0]])
    np.testing.assert_allclose(Lens(0.0, 0.05).seen(edge), [[1.05, 0.0], [0.10005, 0.0]])


def test_derivatives_are_differences() -> None:
    for axis in range(2):
        step = 1e-6 * np.eye(2)[axis]
        by_place = (BENT.seen(PLACES + step) - BENT.seen(PLACES - step)) / 2e-6
        np.testing.assert_allclose(BENT.seen_by_place(PLACES)[:, :, axis], by_place, atol=1e-8)
    seen = BENT.seen(PLACES)
    for axis in range(PARAMETERS):
        step = 1e-6 * np.eye(PARAMETERS)[axis]
        more, less = BENT.moved(step), BENT.moved(-step)
        by_lens = (more.seen(PLACES) - less.seen(PLACES)) / 2e-6
        np.testing.assert_allclose(BENT.seen_by_lens(PLACES)[:, :, axis], by_lens, atol=1e-8)
        places = (more.places(seen) - less.places(seen)) / 2e-6
        np.testing.assert_allclose(BENT.places_by_lens(PLACES)[:, :, axis], places, atol=1e-8)
