from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.frontend.depth.depth_network_size import network_size


def test_usual_cameras() -> None:
    assert network_size(640, 480, 49_152) == (256, 192)
    assert network_size(1242, 375, 49_152) == (416, 128)


@given(st.integers(16, 4000), st.integers(16, 4000), st.integers(4096, 300_000))
def test_sides_are_multiples_of_32(width: int, height: int, pixels: int) -> None:
    w, h = network_size(width, height, pixels)
    assert w % 32 == 0
    assert h % 32 == 0
    assert min(w, h) >= 32
