#!/usr/bin/env python3
"""What PyTorch computes for the layers of Sources/Learning/Network: writes network.safetensors.

Usage: network.py     (pip install torch==2.6.0 safetensors numpy; not needed to run the tests)

Pictures are [height][width][channel], weights [ky][kx][input][output], as Freshet lays them out.
"""
import pathlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file

TARGET = pathlib.Path(__file__).with_name("network.safetensors")
tensors = {}


def put(name, value, dtype=np.float32):
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    tensors[name] = np.ascontiguousarray(np.asarray(value, dtype=dtype))


def pixels_last(picture):
    """[..., channel, height, width] to [..., height, width, channel]."""
    return picture.movedim(-3, -1)


def kernel_last(weights):
    """[output, input, ky, kx] to [ky, kx, input, output]."""
    return weights.permute(2, 3, 1, 0)


def convolutions():
    # ky, kx, stride, dilation, padding of the height, input, output, height, width
    geometries = [
        (3, 3, 1, 1, 1, 8, 16, 4, 12), (3, 3, 1, 1, 1, 24, 48, 3, 20),
        (3, 3, 2, 1, 1, 1, 24, 8, 16), (2, 3, 1, 1, 0, 16, 40, 2, 9),
        (1, 5, 1, 1, 0, 16, 16, 1, 12), (1, 5, 1, 2, 0, 16, 16, 1, 12),
        (1, 5, 1, 4, 0, 64, 40, 1, 11), (1, 1, 1, 1, 0, 32, 43, 1, 7),
    ]
    for index, geometry in enumerate(geometries):
        ky, kx, stride, dilation, padding, inputs, outputs, height, width = geometry
        x = torch.randn(1, inputs, height, width, requires_grad=True)
        w = torch.randn(outputs, inputs, ky, kx, requires_grad=True)
        y = F.conv2d(x, w, stride=stride, padding=(padding, dilation * (kx // 2)),
                     dilation=(1, dilation))
        errors = torch.randn_like(y)
        y.backward(errors)
        name = f"convolution{index}."
        put(name + "geometry", geometry, np.int32)
        put(name + "input", pixels_last(x[0]))
        put(name + "weights", kernel_last(w))
        put(name + "output", pixels_last(y[0]))
        put(name + "errors", pixels_last(errors[0]))
        put(name + "input_gradient", pixels_last(x.grad[0]))
        put(name + "weight_gradient", kernel_last(w.grad))


def normalizations():
    cases = [(h, w, residual, batch) for h, w, residual in
             [(1, 1, False), (2, 1, False), (2, 2, False), (1, 1, True)]
             for batch in (False, True)]
    for index, (pool_height, pool_width, residual, batch) in enumerate(cases):
        lines, channels, height, width = 2, 16, 2 if pool_height == 2 else 1, 8
        z = (2 * torch.randn(lines, channels, height, width) + 0.5).requires_grad_()
        layer = nn.BatchNorm2d(channels).train(batch)
        with torch.no_grad():
            layer.weight.uniform_(0.5, 2)
            layer.bias.normal_()
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 3)
        name = f"normalization{index}."
        put(name + "geometry", (pool_height, pool_width, residual, batch), np.int32)
        put(name + "mean", layer.running_mean.clone())
        put(name + "variance", layer.running_var.clone())
        y = F.max_pool2d(F.relu(layer(z)), (pool_height, pool_width))
        x = torch.randn_like(y)
        if residual:
            y = x + y
        errors = torch.randn_like(y)
        y.backward(errors)
        for key, value in [("z", z), ("residual", x), ("output", y), ("errors", errors),
                           ("z_gradient", z.grad)]:
            put(name + key, pixels_last(value))
        for key, value in [("gamma", layer.weight), ("beta", layer.bias),
                           ("gamma_gradient", layer.weight.grad),
                           ("beta_gradient", layer.bias.grad),
                           ("new_mean", layer.running_mean), ("new_variance", layer.running_var)]:
            put(name + key, value)


def losses():
    texts = [([3, 1, 4], 9), ([2, 2, 2], 8), ([5], 3), ([1, 2, 1, 1], 5), ([], 4),
             ([7, 7, 7], 4), (list(range(1, 13)) + [12], 56)]
    for index, (labels, steps) in enumerate(texts):
        logits = (3 * torch.randn(steps, 13, dtype=torch.double)).requires_grad_()
        logs = logits.log_softmax(1)
        loss = F.ctc_loss(logs[:, None], torch.tensor([labels], dtype=torch.long),
                          torch.tensor([steps]), torch.tensor([len(labels)]),
                          reduction="sum", zero_infinity=True)
        loss.backward()
        name = f"ctc{index}."
        put(name + "labels", labels, np.int32)
        put(name + "logits", logits)
        put(name + "log_probabilities", logs)
        put(name + "loss", [loss.item()])
        put(name + "gradient", logits.grad)


def optimizer():
    weights = torch.randn(5, 11, requires_grad=True)
    shifts = torch.randn(11, requires_grad=True)
    adamw = torch.optim.AdamW(
        [{"params": [weights], "weight_decay": 0.1},
         {"params": [shifts], "lr": 5e-2, "weight_decay": 0}], 1e-2)
    put("adamw.weights0", weights.clone())
    put("adamw.shifts0", shifts.clone())
    for step in range(1, 7):
        weights.grad = torch.randn_like(weights) * (2 if step % 2 else 0.1)
        shifts.grad = torch.randn_like(shifts)
        put(f"adamw.weight_gradient{step}", weights.grad.clone())
        put(f"adamw.shift_gradient{step}", shifts.grad.clone())
        put(f"adamw.norm{step}", [nn.utils.clip_grad_norm_([weights, shifts], 5.0).item()])
        adamw.step()
        put(f"adamw.weights{step}", weights.clone())
        put(f"adamw.shifts{step}", shifts.clone())


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    convolutions()
    normalizations()
    losses()
    optimizer()
    save_file(tensors, TARGET)
    print(f"{TARGET}: {len(tensors)} tensors, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
