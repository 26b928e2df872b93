"""Speed of the integer golden model against the float PyTorch solvers, side by side in one run.

    python benchmarks/golden_speed.py [--bits 5] [--rounds 9] [--threads N]

All solve the same 10,000 test images, single precision in PyTorch, to the
same certified work: Peaceman-Rachford for as many iterations as the golden
model, and forward-backward (the paper's solver) until its change falls below
1e-4.  Every round runs all of them once, one after the other, on the same
threads; printed is the median over the rounds of each one's time divided by
the golden model's of the same round.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch
from published import arguments, compiled, load_published
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from mondeq_hw.problem import FORWARD_BACKWARD, SPLITTINGS, Recurrence, reformulate
from mondeq_hw.program import GoldenModel
from mondeq_hw.rounding import LoweringOptions
from mondeq_hw.training import TensorClip

TOLERANCE = 1e-4
#: The largest power of two below 2 m / L^2 on the published checkpoint.
FORWARD_BACKWARD_SHIFT = 3
MOST_ITERATIONS = 2000


def solver(
    recurrence: Recurrence, words: torch.Tensor, iterations: int, tolerance: float
) -> Callable[[], torch.Tensor]:
    """Float solver of a recurrence: drive, iterations until converged, readout."""

    def tensor(array: object) -> torch.Tensor:
        return torch.tensor(array, dtype=torch.float32)

    drive, bias, matrix = (
        tensor(recurrence.drive.T),
        tensor(recurrence.drive_bias),
        tensor(recurrence.iteration_matrix.T),
    )
    readout, readout_bias = tensor(recurrence.readout.T), tensor(recurrence.readout_bias)
    splitting, clip = recurrence.splitting, TensorClip.of(recurrence.clip, torch.float32)

    def solve() -> torch.Tensor:
        d = words @ drive + bias
        state = d
        for _ in range(iterations):
            following = torch.addmm(d, splitting.phi(clip, state), matrix)
            if tolerance and (following - state).abs().max() <= tolerance:
                break
            state = following
        return clip.prox(state) @ readout + readout_bias

    return solve


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--bits", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of PyTorch and of the BLAS")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    published = load_published(options.shared)
    lowered, program = compiled(published.model, LoweringOptions(options.bits), published.calibration)
    golden = GoldenModel(program)
    words = golden.words(published.test.words)
    floats = torch.tensor(words, dtype=torch.float32)
    reflected = lowered.quantized.recurrence
    paper = reformulate(published.model, SPLITTINGS[FORWARD_BACKWARD], 2.0**-FORWARD_BACKWARD_SHIFT)
    runs = {
        "golden model (integers)": lambda: golden.predict_raw(words),
        f"PyTorch Peaceman-Rachford, {program.iterations} iterations": solver(reflected, floats, program.iterations, 0),
        f"PyTorch Peaceman-Rachford, to {TOLERANCE:g}": solver(reflected, floats, MOST_ITERATIONS, TOLERANCE),
        f"PyTorch forward-backward, to {TOLERANCE:g}": solver(paper, floats, MOST_ITERATIONS, TOLERANCE),
    }
    with threadpool_limits(limits=options.threads, user_api="blas"):
        rounds = [{name: seconds(run) for name, run in runs.items()} for _ in range(options.rounds)]
    base = "golden model (integers)"
    table = Table(
        title=f"10,000 MNIST images, {options.bits} bits, {options.threads} threads: time over the golden model's"
    )
    table.add_column("solver")
    table.add_column("ratio", justify="right")
    for name in runs:
        table.add_row(name, f"{median(each[name] / each[base] for each in rounds):.2f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
