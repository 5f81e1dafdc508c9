#!/usr/bin/env python3
"""Times the recognizer of lines in PyTorch, one thread: one JSON object of milliseconds.

Usage: recognizer.py [--batch 16] [--width 224] [--runs 30]

CPU time, the median of the runs. "train": a step with batch statistics; "tune": with frozen ones;
"read": the scores of a batch; "read_one": of one line. In PyTorch's usual memory layout and in
channels-last, which its convolutions on a CPU prefer.
"""
import argparse
import json
import os
import time

os.environ["OMP_NUM_THREADS"] = "1"
import torch  # noqa: E402  (after the number of threads)
import torch.nn as nn  # noqa: E402
import torch.nn.functional as F  # noqa: E402


def stage(inputs, outputs, kernel=3, stride=1, padding=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
                         nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Context(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, (1, 5), padding=(0, 2 * dilation),
                                     dilation=(1, dilation), bias=False)
        self.normalization = nn.BatchNorm2d(channels)

    def forward(self, x):
        return x + F.relu(self.normalization(self.convolution(x)))


class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.Sequential(
            stage(1, 24, 3, 2), stage(24, 48), nn.MaxPool2d(2), stage(48, 80),
            nn.MaxPool2d((2, 1)), stage(80, 112), nn.MaxPool2d((2, 1)),
            stage(112, 128, (2, 3), 1, (0, 1)), *[Context(128, d) for d in (1, 2, 4)])
        self.head = nn.Linear(128, 43)

    def forward(self, x):
        return self.head(self.stages(x).squeeze(2).permute(2, 0, 1)).log_softmax(2)


def median(runs, body):
    times = []
    for run in range(runs + 3):
        begin = time.thread_time()
        body()
        if run >= 3:
            times.append((time.thread_time() - begin) * 1e3)
    return sorted(times)[runs // 2]


def measure(layout, batch, width, runs):
    torch.manual_seed(1)
    model = Recognizer().to(memory_format=layout)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    lines = torch.randn(batch, 1, 32, width).contiguous(memory_format=layout)
    labels = torch.randint(1, 37, (batch * 12,))
    steps, lengths = torch.full((batch,), width // 4), torch.full((batch,), 12)

    def step():
        loss = F.ctc_loss(model(lines), labels, steps, lengths, zero_infinity=True)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()

    figures = {"train": median(runs, step)}
    model.eval()
    figures["tune"] = median(runs, step)
    one = lines[:1].contiguous(memory_format=layout)
    with torch.inference_mode():
        figures["read"] = median(runs, lambda: model(lines))
        figures["read_one"] = median(runs, lambda: model(one))
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--width", type=int, default=224)
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(1)
    arguments = (options.batch, options.width, options.runs)
    print(json.dumps({
        "version": torch.__version__,
        "contiguous": measure(torch.contiguous_format, *arguments),
        "channels_last": measure(torch.channels_last, *arguments),
    }))


if __name__ == "__main__":
    main()
