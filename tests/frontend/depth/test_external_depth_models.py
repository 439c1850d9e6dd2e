"""Tiny random models stand for the large ones."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from denseba_ros.config import FrontendConfig
from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.depth.depth_models import make_depth_model
from denseba_ros.frontend.depth.external_depth_models import (
    ExternalDepth,
    ExternalNetwork,
    load_onnx,
)
from denseba_ros.geometry.calibration import Calibration

CALIBRATION = Calibration(64, 48, 50.0, 50.0, 31.5, 23.5)
IMAGE = 255.0 * torch.rand(1, 1, 48, 64, generator=torch.Generator().manual_seed(0))
CPU = torch.device("cpu")


def test_inverse_depth_without_scale_gets_the_constant_one() -> None:
    near = torch.tensor([[[4.0, 2.0], [2.0, 1.0]]])
    network = ExternalNetwork("fake", lambda _: near, "relative")
    small = Calibration(8, 8, 5.0, 5.0, 3.5, 3.5)
    log_depth, sigma = ExternalDepth(network, 3.0).predict(torch.zeros(1, 1, 8, 8), small)
    expected = torch.tensor([[1.5, 3.0], [3.0, 6.0]])
    torch.testing.assert_close(torch.exp(log_depth[0, 0]), expected)
    assert float(sigma.min()) > 0.3


def test_metres_stay_metres() -> None:
    network = ExternalNetwork("fake", lambda _: torch.full((1, 5, 7), 2.5), "metric")
    log_depth, _ = ExternalDepth(network, 3.0).predict(IMAGE, CALIBRATION)
    torch.testing.assert_close(log_depth, torch.full((1, 1, 12, 16), math.log(2.5)))


def test_the_network_gets_its_normalised_input() -> None:
    shapes = []

    def run(x: torch.Tensor) -> torch.Tensor:
        shapes.append((tuple(x.shape), float(x.max()) > 100.0))
        return torch.ones(1, 4, 4)

    for network in (
        ExternalNetwork("colour", run, "metric"),
        ExternalNetwork("grey", run, "metric", 1, 32, 64),
    ):
        ExternalDepth(network, 1.0).predict(IMAGE, CALIBRATION)
    assert shapes == [((1, 3, 336, 448), False), ((1, 1, 32, 64), True)]


def onnx_file(path: Path, kind: str | None) -> None:
    """Depth = mean over the colours, plus one."""
    onnx = pytest.importorskip("onnx")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    mean = helper.make_node("ReduceMean", ["x", "axes"], ["m"], keepdims=0)
    plus = helper.make_node("Add", ["m", "one"], ["depth"])
    graph = helper.make_graph(
        [mean, plus],
        "tiny",
        [helper.make_tensor_value_info("x", number, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("depth", number, [1, "h", "w"])],
        [
            helper.make_tensor("axes", onnx.TensorProto.INT64, [1], [1]),
            helper.make_tensor("one", number, [1], [1.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if kind is not None:
        helper.set_model_props(model, {"depth_estimation_type": kind})
    onnx.save(model, str(path))


def test_onnx_file(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "tiny.onnx"
    onnx_file(path, "metric")
    model = make_depth_model(FrontendConfig(depth_model=str(path)), CPU)
    white = torch.full((1, 1, 48, 64), 255.0)
    log_depth, _ = model.predict(white, CALIBRATION)
    expected = sum(
        (1 - m) / d for m, d in zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)
    )
    assert float(torch.exp(log_depth).mean()) == pytest.approx(1.0 + expected / 3, rel=1e-4)


def test_the_metadata_of_onnx_files_is_read(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    onnx_file(tmp_path / "plain.onnx", None)
    assert load_onnx(tmp_path / "plain.onnx").kind == "relative"
    onnx_file(tmp_path / "odd.onnx", "furlongs")
    with pytest.raises(ConfigurationError, match="furlongs"):
        load_onnx(tmp_path / "odd.onnx")


def test_broken_onnx_file(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match=r"broken\.onnx"):
        load_onnx(tmp_path / "broken.onnx")


@pytest.mark.slow
def test_transformers_model(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    backbone = transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14,
        out_features=["stage1", "stage2"], reshape_hidden_states=False, apply_layernorm=True,
    )  # fmt: skip
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=32,
        reassemble_factors=[2, 1], neck_hidden_sizes=[8, 16], fusion_hidden_size=8,
        head_hidden_size=8, depth_estimation_type="metric", max_depth=20,
    )  # fmt: skip
    transformers.DepthAnythingForDepthEstimation(config).save_pretrained(tmp_path / "tiny")
    name = f"hf:{tmp_path / 'tiny'}"
    model = make_depth_model(FrontendConfig(depth_model=name), CPU)
    log_depth, sigma = model.predict(IMAGE, CALIBRATION)
    assert log_depth.shape == sigma.shape == (1, 1, 12, 16)
    assert float(torch.exp(log_depth).max()) <= 20.0
    assert torch.equal(model.predict(IMAGE, CALIBRATION)[0], log_depth)


def test_missing_transformers_model_is_named(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    name = f"hf:{tmp_path / 'gone'}"
    with pytest.raises(ConfigurationError, match="gone"):
        make_depth_model(FrontendConfig(depth_model=name), CPU)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ConfigurationError, match=r"denseba_ros\[depth-models\]"):
        load_onnx(tmp_path / "a.onnx")
