"""What two frames of a rendered sequence see of the same points."""

import cv2
import numpy as np

from denseba_ros.sequences.rendering.rendered_sequence import RenderedSequence


def reproject(world: RenderedSequence, i: int, j: int) -> tuple[np.ndarray, ...]:
    """Where frame i's pixels land in frame j, and their depth there: x, y, z, each (H, W)."""
    K = world.calibration.matrix
    depth = world.depth(i)
    y, x = np.mgrid[: depth.shape[0], : depth.shape[1]]
    points = np.linalg.inv(K) @ np.stack([x, y, np.ones_like(x)]).reshape(3, -1) * depth.ravel()
    T = np.linalg.inv(world.pose(j)) @ world.pose(i)
    moved = T[:3, :3] @ points + T[:3, 3:]
    pixels = K @ moved
    shape = depth.shape
    return (
        (pixels[0] / pixels[2]).reshape(shape),
        (pixels[1] / pixels[2]).reshape(shape),
        moved[2].reshape(shape),
    )


def seen_in_both(world: RenderedSequence, i: int, j: int) -> tuple[np.ndarray, ...]:
    """Brightness of frame i and of frame j at the reprojection, where visible, and the mask."""
    x, y, z = (a.astype(np.float32) for a in reproject(world, i, j))
    depth = cv2.remap(world.depth(j), x, y, cv2.INTER_NEAREST, borderValue=0.0)
    # A pixel that spans a depth edge mixes two surfaces: keep the inside of surfaces.
    spread = cv2.dilate(depth, np.ones((5, 5))) - cv2.erode(depth, np.ones((5, 5)))
    visible = (np.abs(depth - z) < 0.01 * z) & (spread < 0.2)
    inside = (x > 2) & (x < depth.shape[1] - 3) & (y > 2) & (y < depth.shape[0] - 3)
    there = cv2.remap(world.image(j).astype(np.float32), x, y, cv2.INTER_LINEAR)
    mask = visible & inside
    return world.image(i).astype(np.float32)[mask], there[mask], mask
