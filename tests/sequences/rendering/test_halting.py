"""A motion that halts is smooth, stands for as long as it should, and goes on."""

from __future__ import annotations

import numpy as np

from denseba_ros.sequences.rendering.halting import HALT_SECONDS, halting


def _straight(seconds: np.ndarray) -> np.ndarray:
    T = np.tile(np.eye(4), (len(seconds), 1, 1))
    T[:, 0, 3] = seconds
    return T


def test_it_halts_stands_and_goes_on_without_a_step_of_the_velocity() -> None:
    t = np.linspace(0.0, 12.0, 12001)
    x = halting(_straight, 3.0, 4.0)(t)[:, 0, 3]
    speed = np.gradient(x, t)
    assert np.allclose(speed[t < 2.9], 1.0)
    standing = (t > 3.01 + HALT_SECONDS) & (t < 2.99 + HALT_SECONDS + 4.0)
    assert np.abs(speed[standing]).max() < 1e-6
    assert np.allclose(speed[t > 9.1], 1.0)
    assert np.abs(np.diff(speed)).max() < 3e-3
