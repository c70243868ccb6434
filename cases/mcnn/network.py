"""MCNN in MindSpore: three columns of convolutions and a 1x1 fusion.

Zhang, Zhou, Chen, Gao, Ma: "Single-Image Crowd Counting via Multi-Column Convolutional Neural Network", CVPR 2016.
Layer sizes and parameter names are those of the published MindSpore model (127,953 parameters in 26 tensors), so that its checkpoints load.

This file travels to the ckpt worker, whose interpreter may be Python 3.7: keep to that syntax, and to MindSpore alone.
"""

import mindspore.nn as nn
import mindspore.ops as ops


class ConvReLU(nn.Cell):
    """A convolution of stride 1 with zero padding that keeps the size, a bias, and a ReLU."""

    def __init__(self, in_channels, out_channels, kernel):
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            stride=1,
            pad_mode="pad",
            padding=(kernel - 1) // 2,
            has_bias=True,
        )
        self.relu = nn.ReLU()

    def construct(self, x):
        return self.relu(self.conv(x))


def _column(channels, kernels):
    first, second, third, fourth = channels
    return nn.SequentialCell(
        [
            ConvReLU(1, first, kernels[0]),
            nn.MaxPool2d(kernel_size=2, stride=2),
            ConvReLU(first, second, kernels[1]),
            nn.MaxPool2d(kernel_size=2, stride=2),
            ConvReLU(second, third, kernels[2]),
            ConvReLU(third, fourth, kernels[3]),
        ]
    )


class Mcnn(nn.Cell):
    """Density map (N, 1, H//4, W//4) float32, >= 0, of grey images (N, 1, H, W) float32 with levels 0..255.

    The sum of a map is the count: no factor, no division.
    """

    def __init__(self):
        super().__init__()
        self.branch1 = _column((16, 32, 16, 8), (9, 7, 7, 7))
        self.branch2 = _column((20, 40, 20, 10), (7, 5, 5, 5))
        self.branch3 = _column((24, 48, 24, 12), (5, 3, 3, 3))
        self.fuse = nn.SequentialCell([ConvReLU(30, 1, 1)])

    def construct(self, x):
        return self.fuse(ops.concat((self.branch1(x), self.branch2(x), self.branch3(x)), axis=1))
