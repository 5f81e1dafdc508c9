#!/usr/bin/env python3
"""What PyTorch computes for the whole recognizer of lines: writes recognizer.safetensors.

Usage: recognizer.py     (pip install torch==2.6.0 safetensors numpy; not needed to run the tests)
"""
import pathlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file

TARGET = pathlib.Path(__file__).with_name("recognizer.safetensors")
WIDTHS = (8, 16, 24, 16, 24)
DILATIONS = (1, 2)
CLASSES = 43


class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        geometry = [(3, 2, 1), (3, 1, 1), (3, 1, 1), (3, 1, 1), ((2, 3), 1, (0, 1))]
        channels = (1,) + WIDTHS
        self.stages = nn.ModuleList(
            nn.ModuleList([nn.Conv2d(channels[i], channels[i + 1], kernel, stride, padding,
                                     bias=False), nn.BatchNorm2d(channels[i + 1])])
            for i, (kernel, stride, padding) in enumerate(geometry))
        self.pools = [None, (2, 2), (2, 1), (2, 1), None]
        last = WIDTHS[-1]
        self.contexts = nn.ModuleList(
            nn.ModuleList([nn.Conv2d(last, last, (1, 5), padding=(0, 2 * dilation),
                                     dilation=(1, dilation), bias=False), nn.BatchNorm2d(last)])
            for dilation in DILATIONS)
        self.head = nn.Linear(last, CLASSES)

    def forward(self, x):
        for (convolution, normalization), pool in zip(self.stages, self.pools):
            x = F.relu(normalization(convolution(x)))
            x = F.max_pool2d(x, pool) if pool else x
        for convolution, normalization in self.contexts:
            x = x + F.relu(normalization(convolution(x)))
        return self.head(x.squeeze(2).permute(2, 0, 1)).log_softmax(2)

    def named(self, gradients=False):
        """Parameters (or their gradients) and statistics as Freshet names and lays them out."""
        def pick(parameter):
            return parameter.grad if gradients else parameter
        layers = [(f"stage{i + 1}", *layer) for i, layer in enumerate(self.stages)]
        layers += [(f"context{i + 1}", *layer) for i, layer in enumerate(self.contexts)]
        for name, convolution, normalization in layers:
            yield f"{name}.convolution.weights", pick(convolution.weight).permute(2, 3, 1, 0)
            yield f"{name}.normalization.scale", pick(normalization.weight)
            yield f"{name}.normalization.shift", pick(normalization.bias)
            if not gradients:
                yield f"{name}.normalization.mean", normalization.running_mean
                yield f"{name}.normalization.variance", normalization.running_var
        yield "head.weights", pick(self.head.weight).T
        yield "head.bias", pick(self.head.bias)


def main():
    torch.manual_seed(2)
    torch.set_num_threads(1)
    tensors = {}

    def put(name, value):
        tensors[name] = np.ascontiguousarray(value.detach().numpy().copy())

    model = Recognizer()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.3)
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 1.5)
    for name, value in model.named():
        put(name, value)
    lines = torch.randn(2, 1, 32, 48)
    labels = [torch.tensor([3, 1, 4, 1, 5], dtype=torch.int32), torch.tensor([42, 42, 7],
                                                                             dtype=torch.int32)]
    for index in range(2):
        put(f"line{index}", lines[index, 0])
        put(f"labels{index}", labels[index])
    model.eval()
    for index in range(2):
        put(f"scores{index}", model(lines[index:index + 1])[:, 0])
    for mode in ("frozen", "batch"):
        model.train(mode == "batch")
        model.zero_grad()
        loss = F.ctc_loss(model(lines), torch.cat(labels).long(), torch.tensor([12, 12]),
                          torch.tensor([len(text) for text in labels]), zero_infinity=True)
        loss.backward()
        put(f"{mode}.loss", loss.reshape(1))
        for name, value in model.named(gradients=True):
            put(f"{mode}.gradient.{name}", value)
    for name, value in model.named():
        if name.endswith((".mean", ".variance")):
            put(f"batch.{name}", value)
    save_file(tensors, TARGET)
    print(f"{TARGET}: {len(tensors)} tensors, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
