import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.training.depth.depth_samples import kept_size, reduced, registered, total_bytes


def test_kept_images_leave_room_to_zoom_but_never_grow() -> None:
    assert kept_size(1242, 375, 49_152) == (520, 160)
    assert kept_size(200, 150, 49_152) == (200, 150)


def test_reduced_image_and_camera_agree(camera: Calibration) -> None:
    x = np.arange(80, dtype=np.uint8)[None, :].repeat(60, 0)
    small, half = reduced(x, camera, (40, 30))
    assert (half.width, half.height) == (40, 30)
    # The same ray meets the same brightness.
    u = 41.0 + 70.0 * 0.2
    u_half = half.cx + half.fx * 0.2
    assert abs(np.interp(u_half, np.arange(40), small[10].astype(float)) - u) <= 0.5


def test_registered_depth_lies_on_the_same_rays(camera: Calibration) -> None:
    depth_camera = Calibration(60, 50, 60.0, 61.0, 28.0, 24.0)
    # Depth that is a function of the ray alone.
    slope = (np.arange(60) - depth_camera.cx) / depth_camera.fx
    depth = np.broadcast_to((5.0 + slope).astype(np.float32), (50, 60)).copy()
    result = registered(depth, depth_camera, camera)
    assert result.shape == (60, 80)
    expected = 5.0 + (np.arange(80) - camera.cx) / camera.fx
    row = result[30]
    known = row > 0
    assert known.sum() > 50
    np.testing.assert_allclose(row[known], expected[known], atol=0.51 / 60.0)
    # The camera's view is wider than that of the depth image: unknown there.
    assert not known.all()


def test_memory_is_counted(room_sets: list) -> None:
    # 80x80 pixels: 1 byte of image and 4 of depth, one view in the second source.
    assert total_bytes(room_sets) == 5 * 6400 * (5 + 6)
