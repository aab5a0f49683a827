"""The residual network of the region detector: stem, stages, and their building blocks.

torchvision's ResNet has other parameter names, puts the stride in the 3x3 convolution and floors
the size of the max pooling; the detectors' published weights need all three the older way.
"""

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn


class NormalizedConv2d(nn.Conv2d):
    """A convolution without bias, then batch norm, whose parameters are named `norm.*`."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, **settings):
        super().__init__(in_channels, out_channels, kernel_size, bias=False, **settings)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(super().forward(x))


class Bottleneck(nn.Module):
    """A residual block 1x1, 3x3, 1x1, with the stride in the first 1x1 and in the shortcut.

    (B, in_channels, H, W) becomes (B, out_channels, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(
        self, in_channels: int, width: int, out_channels: int, stride: int = 1, dilation: int = 1
    ):
        super().__init__()
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = NormalizedConv2d(in_channels, out_channels, 1, stride=stride)
        self.conv1 = NormalizedConv2d(in_channels, width, 1, stride=stride)
        self.conv2 = NormalizedConv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.conv3 = NormalizedConv2d(width, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.conv1(x))
        y = F.relu(self.conv2(y))
        return F.relu(self.conv3(y) + self.shortcut(x))


def make_stage(
    n_blocks: int, in_channels: int, width: int, out_channels: int, stride: int, dilation: int = 1
) -> nn.Sequential:
    """Make a stage of `n_blocks` bottlenecks; the first changes channels and size."""
    blocks = [Bottleneck(in_channels, width, out_channels, stride, dilation)]
    blocks += [
        Bottleneck(out_channels, width, out_channels, 1, dilation) for _ in range(n_blocks - 1)
    ]
    return nn.Sequential(*blocks)


class Stem(nn.Module):
    """A 7x7 convolution and a max pooling, both of stride 2: (B, 3, H, W) to (B, C, H/4, W/4)."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = NormalizedConv2d(3, channels, 7, stride=2, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        # Caffe's pooling: no padding, and a last window that may hang over the border.
        return F.max_pool2d(F.relu(self.conv1(x)), 3, stride=2, padding=0, ceil_mode=True)


class Backbone(nn.Sequential):
    """Stem, res2, res3, res4: (B, 3, H, W) to (B, channels of res4, about H/16, about W/16).

    Args:
        n_blocks, widths, channels: of res2, res3 and res4; a width is that of the 3x3 convolution.
    """

    stride = 16

    def __init__(
        self,
        stem_channels: int,
        n_blocks: tuple[int, ...],
        widths: tuple[int, ...],
        channels: tuple[int, ...],
    ):
        layers: OrderedDict[str, nn.Module] = OrderedDict(stem=Stem(stem_channels))
        in_channels = stem_channels
        for index, (n, width, out_channels) in enumerate(
            zip(n_blocks, widths, channels, strict=True)
        ):
            stride = 1 if index == 0 else 2
            layers[f"res{index + 2}"] = make_stage(n, in_channels, width, out_channels, stride)
            in_channels = out_channels
        super().__init__(layers)
