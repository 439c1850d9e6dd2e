"""Wrong parameters are refused in one sentence, without the words of a library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError
from denseba_ros.nodes.parameters.node_config import NodeConfig


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"backend": {"windw": 5}},
            "there is no parameter backend.windw; did you mean backend.window?",
        ),
        (
            {"backend": {"window": 99}},
            "backend.window is 99, but must be less than or equal to 12",
        ),
        ({"backend": {"solver": "x"}}, "backend.solver is 'x', but must be 'schur' or 'lbfgs'"),
        ({"backend": {"window": "a"}}, "backend.window is 'a', but must be a valid integer"),
        ({"backend": 5}, "backend must be a section of parameters, not 5"),
        ({"zzz": 5}, "there is no parameter zzz"),
        ({"frontend": {"image_range": "9,3"}}, "frontend.image_range: image range '9,3': write"),
        ({"seed": -1, "backend": {"points": 1}}, "seed is -1, but must be"),
    ],
)
def test_the_core(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Config.from_dict(values)
    assert str(caught.value).startswith(sentence)
    assert not any(word in str(caught.value) for word in ("pydantic", "\n", "type=", "http"))


def test_the_node_and_its_values_in_a_list() -> None:
    with pytest.raises(ConfigurationError) as caught:
        NodeConfig.from_dict({"extrinsics": [0, 0, "a", 0, 0, 0], "queue_size": -1})
    first, second = str(caught.value).split("; ")
    assert first.startswith("node.extrinsics is 'a', but must be a valid number")
    assert second == "node.queue_size is -1, but must be greater than or equal to 0"


@pytest.mark.parametrize("model", [Config, NodeConfig])
@pytest.mark.parametrize(
    "content",
    [b"/**: 5\n", b"/**:\n  other: 1\n", b"- 1\n", b"a: [\n", b"\xff\xfe", b"/**:\n  - 1\n"],
)
def test_a_file_that_holds_no_parameters_is_named(
    tmp_path: Path, content: bytes, model: type[Config] | type[NodeConfig]
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        model.from_yaml(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_wrong_value_of_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("backend:\n  window: 99\nnode:\n  queue_size: x\n")
    with pytest.raises(ConfigurationError, match=r"wrong.yaml: backend.window is 99"):
        Config.from_yaml(path)
    with pytest.raises(ConfigurationError, match=r"wrong.yaml: node.queue_size is 'x'"):
        NodeConfig.from_yaml(path)
