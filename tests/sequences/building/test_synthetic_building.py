"""The building must be a world with ways through it: no walls are walked through, rounds close."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.building.building_renderer import (
    TWINS,
    building_renderer,
    building_surfaces,
)
from denseba_ros.sequences.building.floor_plan import ROOM_EDGE, ROOMS, T_building_room
from denseba_ros.sequences.building.routes import ROUTES
from denseba_ros.sequences.building.synthetic_building import BuildingSequence
from denseba_ros.sequences.rendering.shapes import Face
from tests.sequences.rendering.two_views import seen_in_both

SMALL = {"width": 240, "height": 180}
CLEAN = {"noise": 0.0, "brightness": False, **SMALL}


@pytest.fixture(scope="module")
def loop() -> BuildingSequence:
    return BuildingSequence("loop", **CLEAN)


def room_of(T: np.ndarray) -> int | None:
    """The room that a camera stands in, None in a corridor."""
    for number in range(ROOMS):
        if np.all(np.abs(T[:2, 3] - T_building_room(number)[:2, 3]) < 0.5 * ROOM_EDGE):
            return number
    return None


def ahead(T: np.ndarray) -> np.ndarray:
    """Direction of view on the floor plan (2,)."""
    forward = T[:2, 2]
    return forward / np.linalg.norm(forward)


def nearest(face: Face, points: np.ndarray) -> float:
    """Distance of the nearest of ``points`` (N, 3) from a rectangle."""
    offset = points - face.origin
    u, v = offset @ face.u, offset @ face.v
    beyond_u, beyond_v = (
        np.maximum(np.maximum(-x, x - edge), 0.0) for x, edge in zip((u, v), face.size, strict=True)
    )
    return float(np.sqrt(beyond_u**2 + beyond_v**2 + (offset @ face.normal) ** 2).min())


@pytest.mark.parametrize("first", [60, 200, 330, 560, 800])
def test_a_point_has_the_same_brightness_in_two_frames(loop: BuildingSequence, first: int) -> None:
    """In rooms, at doors and in corridors."""
    here, there, mask = seen_in_both(loop, first, first + 4)
    assert mask.mean() > 0.3
    assert np.median(np.abs(here - there)) < 2.0
    assert abs(np.mean(here - there)) < 0.5
    assert np.median(np.abs(here - np.roll(there, 3))) > 1.5 * np.median(np.abs(here - there))


@pytest.mark.parametrize("trajectory", ROUTES)
def test_every_ray_hits_something(trajectory: str) -> None:
    building = BuildingSequence(trajectory, **SMALL)
    for index in range(0, len(building), 25):
        assert building.depth(index).max() < 40.0


@given(st.sampled_from(ROUTES), st.integers(0, 3), st.sampled_from([0.5, 0.9]))
@settings(max_examples=10, deadline=None)
def test_the_camera_keeps_off_walls_and_furniture(trajectory: str, seed: int, speed: float) -> None:
    building = BuildingSequence(trajectory, seed=seed, speed=speed, **SMALL)
    places = building.groundtruth().T_world_camera[:, :3, 3]
    surfaces = building_surfaces(seed, trajectory == "twins")
    assert min(nearest(surface.face, places) for surface in surfaces) > 0.3


@given(st.sampled_from(ROUTES), st.integers(0, 100))
@settings(max_examples=10, deadline=None)
def test_the_motion_is_smooth_and_natural(trajectory: str, seed: int) -> None:
    building = BuildingSequence(trajectory, seed=seed, rate=100.0, **SMALL)
    T = building.groundtruth().T_world_camera
    velocity = 100.0 * np.diff(T[:, :3, 3], axis=0)
    acceleration = 100.0 * np.diff(velocity, axis=0)
    turned = np.einsum("nij,nik->njk", T[:-1, :3, :3], T[1:, :3, :3])
    cosine = 0.5 * (np.trace(turned, axis1=1, axis2=2) - 1.0)
    rate = 100.0 * np.arccos(np.clip(cosine, -1.0, 1.0))
    assert np.linalg.norm(velocity, axis=1).max() < 1.3
    assert np.linalg.norm(acceleration, axis=1).max() < 6.0
    assert np.abs(np.diff(acceleration, axis=0)).max() < 0.5  # no step in 10 ms
    assert np.degrees(rate.max()) < 90.0


def test_one_round_is_60_m_and_more_through_all_rooms_and_ends_where_it_began() -> None:
    building = BuildingSequence("loop", **SMALL)
    T = building.groundtruth().T_world_camera
    rooms = [room_of(pose) for pose in T]
    in_order = [r for k, r in enumerate(rooms) if r is not None and r != rooms[k - 1]]
    assert [0, *in_order] == [0, 0, 1, 2, 3, 0] or in_order == [0, 1, 2, 3, 0]
    again = max(k for k, r in enumerate(rooms) if r == 3)
    step = np.linalg.norm(np.diff(T[:again, :3, 3], axis=0), axis=1)
    assert step.sum() > 60.0
    assert 900 <= len(building) <= 1500
    # Each of the first images has one at the end from nearly the same place and direction.
    for first in T[20:120:20]:
        near = np.linalg.norm(T[again:, :3, 3] - first[:3, 3], axis=1) < 0.3
        assert max(ahead(pose) @ ahead(first) for pose in T[again:][near]) > 0.8


def test_the_start_is_seen_again_at_the_end(loop: BuildingSequence) -> None:
    T = loop.groundtruth().T_world_camera
    last = [k for k in range(900, len(T)) if room_of(T[k]) == 0]
    nearest_again = min(last, key=lambda k: np.linalg.norm(T[k, :3, 3] - T[60, :3, 3]))
    here, there, mask = seen_in_both(loop, 60, nearest_again)
    assert mask.mean() > 0.3
    assert np.median(np.abs(here - there)) < 4.0


def test_the_way_back_sees_the_opposite_direction() -> None:
    T = BuildingSequence("there_and_back", **SMALL).groundtruth().T_world_camera
    there, back = T[: len(T) // 2], T[len(T) // 2 :]
    rooms = [room_of(pose) for pose in T]
    in_order = [r for k, r in enumerate(rooms) if r is not None and (k == 0 or r != rooms[k - 1])]
    assert in_order == [0, 1, 2, 1, 0]
    corridor = [pose for pose in there if room_of(pose) is None]
    agreements = []
    for pose in corridor:
        distance = np.linalg.norm(back[:, :3, 3] - pose[:3, 3], axis=1)
        assert distance.min() < 0.4
        agreements.append(ahead(pose) @ ahead(back[distance.argmin()]))
    assert max(agreements) < 0.0
    assert np.median(agreements) < -0.8


def test_sessions_share_one_room_in_the_same_direction() -> None:
    a, b = (BuildingSequence(f"session_{name}", **SMALL) for name in "ab")
    poses = [s.groundtruth().T_world_camera for s in (a, b)]
    rooms = [{room_of(pose) for pose in T} - {None} for T in poses]
    assert rooms == [{0, 1, 2}, {2, 3}]
    in_a, in_b = ([pose for pose in T if room_of(pose) == 2] for T in poses)
    for pose in in_b[30:-30:10]:
        near = [q for q in in_a if np.linalg.norm(q[:3, 3] - pose[:3, 3]) < 0.4]
        assert max(ahead(q) @ ahead(pose) for q in near) > 0.8
    assert a._renderer() is b._renderer()
    assert not np.array_equal(poses[0][:50], poses[1][:50])


def test_twins_look_the_same_and_only_in_their_own_sequence() -> None:
    """A camera in one room, and one at the same place and direction in the other."""
    differences = {}
    other = T_building_room(TWINS[1]) @ np.linalg.inv(T_building_room(TWINS[0]))
    for trajectory in ("twins", "loop"):
        building = BuildingSequence(trajectory, **CLEAN)
        T = building.groundtruth().T_world_camera
        inside = [k for k in range(len(T)) if room_of(T[k]) == TWINS[0]]
        pose = T[inside[len(inside) // 3]]
        render = building._renderer()
        images = [render.brightness(building.calibration, p) for p in (pose, other @ pose)]
        depths = [render.depth(building.calibration, p) for p in (pose, other @ pose)]
        same_shape = np.isclose(*depths, atol=1e-3)
        change = np.abs(images[1] - images[0])
        differences[trajectory] = (same_shape.mean(), np.percentile(change[same_shape], 90))
    assert differences["twins"][0] > 0.9
    assert differences["twins"][1] < 0.01
    assert differences["loop"][1] > 20.0


def test_the_same_seed_gives_the_same_pixels_and_another_does_not(loop: BuildingSequence) -> None:
    """Of one painted anew."""
    again = building_renderer.__wrapped__(0, twins=False)
    image = again.brightness(loop.calibration, loop.pose(40))
    assert np.array_equal(np.clip(np.rint(image), 0, 255), loop.image(40))
    assert np.array_equal(BuildingSequence(frames=9, **CLEAN).image(8), loop.image(8))
    other = BuildingSequence(frames=5, seed=2, **SMALL)
    assert not np.allclose(other.pose(4), loop.pose(4), atol=1e-3)
    furniture = [{tuple(s.face.origin) for s in building_surfaces(k, twins=False)} for k in (0, 2)]
    assert len(furniture[0] & furniture[1]) < 0.3 * len(furniture[0])


def test_rate_and_speed_decide_the_number_of_frames() -> None:
    usual = BuildingSequence(**SMALL)
    assert len(BuildingSequence(rate=25.0, **SMALL)) == pytest.approx(2 * len(usual), abs=2)
    assert len(BuildingSequence(speed=0.45, **SMALL)) > 1.9 * len(usual)
    assert len(BuildingSequence(frames=10, **SMALL)) == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"trajectory": "fly"},
        {"frames": 0},
        {"noise": -1.0},
        {"rate": 0.0},
        {"width": 2},
        {"speed": 0.0},
        {"seed": -1},
    ],
)
def test_wrong_arguments_are_named(wrong: dict) -> None:
    with pytest.raises(SequenceError):
        BuildingSequence(**wrong)
