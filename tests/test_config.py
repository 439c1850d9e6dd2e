"""Parameters: defaults, ranges, unknown names, and the files they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError

_SHIPPED = Path(__file__).parents[1] / "config" / "denseba.yaml"


def test_an_empty_dictionary_is_the_defaults() -> None:
    assert Config.from_dict({}) == Config()


def test_the_shipped_file_holds_the_defaults() -> None:
    assert Config.from_yaml(_SHIPPED) == Config()


def test_values_are_taken_and_the_rest_stays() -> None:
    config = Config.from_dict({"backend": {"window": 5, "iterations": ["fine"]}, "seed": 3})
    assert config.backend.window == 5
    assert config.backend.iterations == ("fine",)
    assert config.seed == 3
    assert config.tracker == Config().tracker


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"backend": {"windows": 5}}, "backend.windows"),
        ({"backend": {"window": 2}}, "backend.window"),
        ({"backend": {"window": "many"}}, "backend.window"),
        ({"backend": {"solver": "adam"}}, "backend.solver"),
        ({"backend": {"iterations": ["middling"]}}, "backend.iterations"),
        ({"backend": {"iterations": []}}, "backend.iterations"),
        ({"keyframes": {"max_flow": 0.0}}, "keyframes.max_flow"),
        ({"keyframes": {"max_flow": float("nan")}}, "keyframes.max_flow"),
        ({"frontend": {"constant_depth": -1.0}}, "frontend.constant_depth"),
        ({"device": "tpu"}, "device"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_wrong_value_is_named(values: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        Config.from_dict(values)


def test_a_configuration_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Config().seed = 1


def test_plain_yaml(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("backend:\n  points: 400\n")
    assert Config.from_yaml(path).backend.points == 400


def test_a_parameter_file_of_ros(tmp_path: Path) -> None:
    path = tmp_path / "ros.yaml"
    path.write_text("/**:\n  ros__parameters:\n    seed: 4\n    node:\n      queue: 2\n")
    assert Config.from_yaml(path).seed == 4


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("# nothing set\n")
    assert Config.from_yaml(path) == Config()


@pytest.mark.parametrize(
    "text",
    [
        "- a list\n",
        "just text\n",
        "backend: [unclosed\n",
        "backend:\n  window: 99\n",
        "/**:\n  other: 1\n",
        "/**: 3\n",
        "/**:\n  ros__parameters: 3\n",
    ],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError):
        Config.from_yaml(path)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ConfigurationError, match=r"binary\.yaml"):
        Config.from_yaml(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.yaml"):
        Config.from_yaml(tmp_path / "absent.yaml")
