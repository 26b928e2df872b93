"""Time of a training step against a plain unrolled implementation, as a ratio.

    python benchmarks/training.py

Both start from the same network and batch, and do the same forward updates;
the plain one lets autograd record them, the implicit one solves the adjoint
equilibrium.  n = 100 and d = 784 as on MNIST, one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mondeq_hw.problem import Preprocessing
from mondeq_hw.rounding import NEAREST, LoweringOptions, lower
from mondeq_hw.training import MonotoneNetwork, QatConfig, QuantizedNetwork, nearest_levels, straight_through

BATCH = 128
REPEATS = 40


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    words = torch.from_numpy(rng.integers(0, 256, size=(BATCH, 784)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, 10, size=BATCH))
    model = MonotoneNetwork(100, 784, 10, margin=0.5).to_model(Preprocessing(1 / 255))
    lowered = lower(model, LoweringOptions(2, rounding=NEAREST, drive_bits=4, readout_bits=6))
    network = QuantizedNetwork(lowered, QatConfig().iterations)

    def implicit() -> Tensor:
        return network(words)

    def unrolled() -> Tensor:
        matrix, drive = network.iteration_matrix(), words @ network.drive(nearest_levels).t() + network.drive_bias
        step = torch.tensor(network.state_format.step)
        top = network.state_format.max_word * network.state_format.step
        state = straight_through(drive, step).clamp(-top, top)
        for _ in range(network.iterations):
            state = straight_through(state.abs() @ matrix.t() + drive, step).clamp(-top, top)
        return state.clamp_min(0) @ network.readout(nearest_levels).t() + network.readout_bias

    def seconds(logits: Callable[[], Tensor]) -> float:
        times = []
        for _ in range(REPEATS):
            network.zero_grad()
            start = time.perf_counter()
            cross_entropy(logits(), labels).backward()
            times.append(time.perf_counter() - start)
        return float(np.median(times))

    plain, ours = seconds(unrolled), seconds(implicit)
    print("| step of 128 samples, 2 bits | ms |")
    print("|---|---|")
    print(f"| plain unrolled, {network.iterations} updates | {1e3 * plain:.1f} |")
    print(f"| implicit | {1e3 * ours:.1f} |")
    print(f"| ratio | {plain / ours:.1f} |")


if __name__ == "__main__":
    main()
