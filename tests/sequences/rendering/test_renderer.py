"""The renderer against worlds of one wall, whose picture is known."""

import cv2
import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.rendering.renderer import Renderer
from denseba_ros.sequences.rendering.shapes import Face
from denseba_ros.sequences.rendering.texture import CLUTTERED, Look
from denseba_ros.sequences.rendering.texture_pyramid import Surface, paint_pyramids
from denseba_ros.sequences.rendering.view import look, look_at

CAMERA = Calibration(64, 48, 60.0, 60.0, 31.5, 23.5)
X, Y, Z = np.eye(3)


def wall(key: int = 0, paint: Look = CLUTTERED) -> Surface:
    """4 m x 3 m at y = 2, seen from smaller y."""
    return Surface(Face(np.array([-2.0, 2.0, 0.0]), X, Z, (4.0, 3.0), 1.0), (key,), paint)


def test_depth_of_a_slanted_view_is_that_of_the_plane() -> None:
    T = look(np.array([0.2, 0.3, 1.4]), 0.3, -0.1, 0.05)
    depth = Renderer([wall()], 0, 0.01, 1).depth(CAMERA, T)
    y, x = np.mgrid[:48, :64]
    rays = np.linalg.inv(CAMERA.matrix) @ np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    points = (T[:3, :3] @ (rays * depth.ravel())) + T[:3, 3:]
    hit = depth.ravel() < 1e3
    assert hit.mean() > 0.5
    assert np.abs(points[1, hit] - 2.0).max() < 1e-5


def test_a_wall_is_not_seen_from_behind_and_nothing_is_black() -> None:
    renderer = Renderer([wall()], 0, 0.01, 1)
    behind = look(np.array([0.0, 4.0, 1.5]), np.pi, 0.0)
    assert renderer.brightness(CAMERA, behind).max() == 0.0
    assert renderer.depth(CAMERA, behind).min() > 1e5


def test_a_pixel_is_the_mean_of_what_it_covers() -> None:
    """Against the mean of 16 x 16 times as many pixels, from far and at a flat angle, where several
    samples along the footprint must be nearer to it than one.
    """
    surface, error = wall(paint=Look(shapes=60.0, largest=0.2)), {}
    many = CAMERA.resized(16 * CAMERA.width, 16 * CAMERA.height)
    views = {
        "far": look_at(np.array([0.0, -20.0, 1.5]), np.array([0.0, 2.0, 1.5])),
        "flat": look(np.array([-1.9, 1.8, 1.5]), -1.4, 0.0),
    }
    for samples in (1, 8):
        renderer = Renderer([surface], 0, 0.005, samples)
        for view, T in views.items():
            hit = (renderer.depth(CAMERA, T) < 30.0).astype(np.uint8)
            inside = cv2.erode(hit, np.ones((3, 3))) > 0
            mean = cv2.resize(renderer.brightness(many, T), (64, 48), interpolation=cv2.INTER_AREA)
            assert inside.sum() > 30
            error[view, samples] = np.abs(renderer.brightness(CAMERA, T) - mean)[inside].mean()
            contrast = np.std(mean[inside])
            assert error[view, samples] < 0.2 * contrast
    assert error["flat", 8] < 0.4 * error["flat", 1]


def test_the_nearer_of_two_walls_is_seen_in_either_order() -> None:
    near = Surface(Face(np.array([-0.5, 1.0, 1.0]), X, Z, (1.0, 1.0), 1.0), (1,))
    T = look(np.array([0.0, 0.0, 1.5]), 0.0, 0.0)
    one, other = (
        Renderer(s, 0, 0.01, 1).depth(CAMERA, T) for s in ([wall(), near], [near, wall()])
    )
    assert np.array_equal(one, other)
    assert one[24, 32] == pytest.approx(1.0, abs=1e-5)
    assert one[24, 0] == pytest.approx(2.0, abs=1e-5)


def test_the_same_key_is_painted_once_and_another_is_not() -> None:
    same, other = (paint_pyramids([wall(0), wall(key)], 0, 0.02) for key in (0, 1))
    assert np.array_equal(same.levels[0], same.levels[1])
    assert len(other.texels) == 2 * len(same.texels)
    half = len(same.texels)
    assert not np.array_equal(other.texels[:half], other.texels[half:])
