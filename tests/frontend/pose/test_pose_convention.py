import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from denseba_ros.frontend.pose.pose_convention import (
    motion_matrix,
    ned_from_optical,
    optical_from_ned,
)
from denseba_ros.geometry import se3

TWIST = st.lists(st.floats(-1.0, 1.0), min_size=6, max_size=6)


def test_forward_right_and_down() -> None:
    T = torch.eye(4, dtype=torch.float64)
    T[:3, 3] = torch.tensor([1.0, 2.0, 3.0])  # right, down, forward
    assert ned_from_optical(T)[:3, 3].tolist() == [3.0, 1.0, 2.0]


def test_turning_right() -> None:
    """About the down axis: y of the optical frame, z of NED."""
    turn = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.3, 0.0], dtype=torch.float64)
    expected = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 0.3], dtype=torch.float64)
    torch.testing.assert_close(ned_from_optical(se3.exp(turn)), se3.exp(expected))


@given(TWIST)
def test_there_and_back(twist: list[float]) -> None:
    T = se3.exp(torch.tensor(twist, dtype=torch.float64))
    torch.testing.assert_close(optical_from_ned(ned_from_optical(T)), T)


@given(TWIST, TWIST)
def test_motions_follow_each_other_in_either_convention(a: list[float], b: list[float]) -> None:
    A, B = (se3.exp(torch.tensor(x, dtype=torch.float64)) for x in (a, b))
    torch.testing.assert_close(ned_from_optical(A @ B), ned_from_optical(A) @ ned_from_optical(B))


@given(st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3))
def test_matrix_of_a_quaternion(vector: list[float]) -> None:
    rotation = Rotation.from_rotvec(vector)
    T = motion_matrix(torch.from_numpy(rotation.as_quat()), torch.tensor([1.0, 2.0, 3.0]).double())
    torch.testing.assert_close(T[:3, :3], torch.from_numpy(rotation.as_matrix()))
    assert T[:3, 3].tolist() == [1.0, 2.0, 3.0]
    assert T[3].tolist() == [0.0, 0.0, 0.0, 1.0]
