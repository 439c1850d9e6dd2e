"""Distortion models in any spelling, with any count of coefficients that drivers write."""

import pytest

from denseba_ros.errors import CalibrationError
from denseba_ros.sequences.calibration_files.distortion_names import distortion


@pytest.mark.parametrize(
    "name",
    [
        "plumb_bob",
        "Plumb Bob",
        "Brown-Conrady",
        "distortion.brown_conrady",
        "OPENCV",
        "radtan",
        "RadialTangential",
        "rational_polynomial",
    ],
)
@pytest.mark.parametrize(
    ("d", "count"),
    [
        ([0.1] * 4, 4),
        ([0.1] * 5, 5),
        ([0.1] * 8, 8),
        ([0.1] * 12, 12),
        ([0.1] * 14, 14),
        ([0.1] * 5 + [0.0] * 3, 5),
        ([0.1] * 8 + [0.0] * 6, 8),
        ([0.1] * 9 + [0.0] * 5, 12),
        ([0.1] * 6, 8),
        ([0.1] * 12 + [0.0] * 8, 12),
    ],
)
def test_the_count_says_which_of_opencvs_models_it_is(
    name: str, d: list[float], count: int
) -> None:
    model, coefficients = distortion(name, d)
    assert model == ("plumb_bob" if count <= 5 else "rational_polynomial")
    assert coefficients == (*d, *[0.0] * 14)[:count]


@pytest.mark.parametrize(
    "name",
    ["kannala_brandt", "KannalaBrandt8", "kb4", "Fisheye", "EquiDistant", "OPENCV_FISHEYE"],
)
def test_a_kannala_brandt_lens_in_any_spelling(name: str) -> None:
    assert distortion(name, [0.1, 0.2, 0.3, 0.4]) == ("equidistant", (0.1, 0.2, 0.3, 0.4))
    # rtabmap leaves room for p1 and p2; others fill up with zeros.
    assert distortion(name, [0.1, 0.2, 0, 0, 0.3, 0.4])[1] == (0.1, 0.2, 0.3, 0.4)
    assert distortion(name, [0.1, 0.2, 0.3, 0.4, 0, 0, 0, 0])[1] == (0.1, 0.2, 0.3, 0.4)


def test_a_fisheye_whose_coefficients_are_zero_is_no_pinhole() -> None:
    assert distortion("equidistant", [0.0] * 4) == ("equidistant", (0.0,) * 4)
    assert distortion("equidistant", []) == ("none", ())
    assert distortion("plumb_bob", [0.0] * 14) == ("none", ())
    assert distortion("inverse_brown_conrady", [0.0] * 5) == ("none", ())


@pytest.mark.parametrize(
    ("name", "d", "message"),
    [
        ("inverse_brown_conrady", [0.1] * 5, "this is an inverse Brown-Conrady calibration of 5"),
        ("double_sphere", [0.1], r"this is a double-sphere calibration of 1 parameter;"),
        ("magic", [0.1] * 4, "unknown distortion model 'magic'"),
        ("", [0.1] * 4, "distortion without a model"),
        ("plumb_bob", [0.1] * 2, "2 coefficients"),
        ("plumb_bob", [0.1] * 16, "16 coefficients"),
        ("equidistant", [0.1] * 5, "takes 4 coefficients, got 5"),
        ("equidistant", [0.1] * 2, "takes 4 coefficients, got 2"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, d: list[float], message: str) -> None:
    with pytest.raises(CalibrationError, match=message):
        distortion(name, d)
