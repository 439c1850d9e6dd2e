"""EfficientNet-Lite0 as an encoder of grey images: features at five strides.

Tan, Le, "EfficientNet", ICML 2019 (arXiv:1905.11946), in the "lite" form without squeeze-and-excite
and with ReLU6. Left out: the last block and the classifier, which a depth decoder does not need.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from denseba_ros.errors import ConfigurationError

# Each stage: kernel, stride, expansion, output channels, repeats.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
)
_STEM = 32
# Channels of the features at strides 2, 4, 8, 16, 32, and the stage that each comes from.
CHANNELS = (16, 24, 40, 112, 192)
_TAPS = (0, 1, 2, 4, 5)
# The published network was trained on (image - 127) / 128 with this epsilon.
_MEAN, _RANGE, _EPSILON = 127.0, 128.0, 1e-3


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's "same" padding, which for stride 2 pads the far side more."""

    def forward(self, input: Tensor) -> Tensor:
        """``input`` (B, C, H, W) to (B, outputs, ceil(H / stride), ceil(W / stride))."""
        vertical = _padding(input.shape[-2], self.kernel_size[0], self.stride[0])
        horizontal = _padding(input.shape[-1], self.kernel_size[1], self.stride[1])
        if vertical[0] == vertical[1] and horizontal[0] == horizontal[1]:
            padding = (vertical[0], horizontal[0])
            return F.conv2d(input, self.weight, self.bias, self.stride, padding, 1, self.groups)
        padded = F.pad(input, (*horizontal, *vertical))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, 1, self.groups)


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _unit(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    conv = SameConv(inputs, outputs, kernel, stride, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs, eps=_EPSILON, momentum=0.01))


class Block(nn.Module):
    """Inverted residual: expand, depthwise, project (Sandler et al., MobileNetV2, CVPR 2018)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = inputs * expansion
        self.expand = _unit(inputs, middle, 1) if expansion > 1 else None
        self.depthwise = _unit(middle, middle, kernel, stride, groups=middle)
        self.project = _unit(middle, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        y: Tensor = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        return x + y if self.residual else y


class Encoder(nn.Module):
    """Grey images (B, 1, H, W), 0-255, to features at strides 2, 4, 8, 16 and 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _unit(1, _STEM, 3, 2)
        self.stages = nn.ModuleList()
        inputs = _STEM
        for kernel, stride, expansion, outputs, repeats in _STAGES:
            blocks = []
            for k in range(repeats):
                step = stride if k == 0 else 1
                blocks.append(Block(inputs, outputs, kernel, step, expansion))
                inputs = outputs
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features (B, C, h, w) of ``image`` (B, 1, H, W), 0-255, channels as in ``CHANNELS``."""
        x = F.relu6(self.stem((image - _MEAN) / _RANGE), inplace=True)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return [features[k] for k in _TAPS]

    def load_classifier(self, weights: Mapping[str, Tensor]) -> None:
        """Load published weights of the colour classifier ``efficientnet-lite0``, by name.

        The three colour filters of the first layer are added, which is exact for a grey image.

        Raises:
            ConfigurationError: when the weights are of another network.
        """
        own = self.state_dict()
        try:
            own.update({name: weights[source] for name, source in published_names(self).items()})
            own["stem.0.weight"] = weights["_conv_stem.weight"].sum(1, keepdim=True)
            self.load_state_dict(own)
        except (KeyError, RuntimeError) as error:
            raise ConfigurationError(f"no weights of EfficientNet-Lite0: {error}") from error


def published_names(encoder: Encoder) -> dict[str, str]:
    """Names of the parameters here to those in the published file, without the stem's filters."""
    parts = {"stem.1": "_bn0"}
    number = 0
    for s, stage in enumerate(encoder.stages):
        assert isinstance(stage, nn.Sequential)
        for b in range(len(stage)):
            here, there = f"stages.{s}.{b}", f"_blocks.{number}"
            for unit, conv, norm in (
                ("expand", "_expand_conv", "_bn0"),
                ("depthwise", "_depthwise_conv", "_bn1"),
                ("project", "_project_conv", "_bn2"),
            ):
                parts[f"{here}.{unit}.0"] = f"{there}.{conv}"
                parts[f"{here}.{unit}.1"] = f"{there}.{norm}"
            number += 1
    names = {}
    for name in encoder.state_dict():
        part, _, leaf = name.rpartition(".")
        if part in parts:
            names[name] = f"{parts[part]}.{leaf}"
    return names


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Fold every batch normalisation into the convolution before it, in place; for inference."""
    for module in network.modules():
        if isinstance(module, nn.Sequential) and len(module) == 2:
            conv, norm = module[0], module[1]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                _fold(conv, norm)
                module[1] = nn.Identity()
    return network


@torch.no_grad()
def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    bias = torch.zeros_like(norm.bias) if conv.bias is None else conv.bias
    conv.weight.mul_(scale[:, None, None, None])
    conv.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
