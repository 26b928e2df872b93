"""Speed of the integer golden model against PyTorch, side by side in one run.

    python benchmarks/golden_speed.py [--bits 5] [--rounds 9] [--threads N]

All solve the same 10,000 test images, given as bytes, in single precision, in place, and on the same threads: the same
integers as the golden model, its float recurrence for as many updates (over all images at once, and in blocks that fit
the cache), the same until its change falls below 1e-4, and forward-backward (the paper's solver) until then.  The last
row is what of the float recurrence is the products of the updates alone.  Every round runs all of them once, one after
the other; printed is the median over the rounds of each one's time divided by the golden model's of the same round.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from published import arguments, compiled, load_published
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from mondeq_hw.problem import FORWARD_BACKWARD, SPLITTINGS, Recurrence, reformulate
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.rounding import LoweringOptions
from mondeq_hw.training import TensorClip

TOLERANCE = 1e-4
#: Samples whose states fit the cache.
BLOCK = 1024
#: The largest power of two below 2 m / L^2 on the published checkpoint.
FORWARD_BACKWARD_SHIFT = 3
MOST_ITERATIONS = 2000


@dataclass(frozen=True)
class Solver:
    """A recurrence in PyTorch: drive, updates and readout, in place, block after block.

    Parameters
    ----------
    recurrence : Recurrence
    words : Tensor of uint8 (samples, d)
    iterations : int
        At most.
    block : int
        Samples that are solved together.
    tolerance : float
        Largest change of a state that ends a block; 0 for none.
    """

    recurrence: Recurrence
    words: torch.Tensor
    iterations: int
    block: int = 10_000
    tolerance: float = 0.0

    @torch.inference_mode()
    def __call__(self) -> torch.Tensor:
        recurrence = self.recurrence
        drive, matrix, readout = map(tensor, (recurrence.drive.T, recurrence.iteration_matrix.T, recurrence.readout.T))
        bias, offset = tensor(recurrence.drive_bias), tensor(recurrence.readout_bias)
        clip = TensorClip.of(recurrence.clip, torch.float32)
        outputs = []
        for words in self.words.split(self.block):
            state = self.solved(torch.addmm(bias, words.float(), drive), matrix, clip)
            outputs.append(torch.addmm(offset, clip.prox(state), readout))
        return torch.cat(outputs)

    def solved(self, d: torch.Tensor, matrix: torch.Tensor, clip: TensorClip) -> torch.Tensor:
        """The last state (block, n)."""
        state, following = d.clone(), torch.empty_like(d)
        for _ in range(self.iterations):
            torch.addmm(d, self.recurrence.splitting.phi(clip, state), matrix, out=following)
            if self.tolerance and (following - state).abs_().max() <= self.tolerance:
                break
            state, following = following, state
        return state


def same_integers(program: SolverProgram, words: torch.Tensor) -> Callable[[], torch.Tensor]:
    """The numerics contract in PyTorch, where float32 is exact for it: final states (samples, n)."""
    injection, shifts, top = program.injection, program.matrix.shifts, program.state_format.max_word
    drive = tensor(np.ldexp(injection.operator.matrix(np.float64).T, injection.left_shift - injection.right_shift))
    bias = tensor(np.ldexp(injection.bias.astype(np.float64), -injection.right_shift) + 0.5)
    matrix = tensor(np.ldexp(program.stage.iteration_matrix(np.float64).T, -shifts))
    unit = tensor(2.0**-shifts)

    @torch.inference_mode()
    def solve() -> torch.Tensor:
        level = torch.addmm(bias, words.float(), drive).floor_().mul_(unit).add_(0.5)
        state = level.floor().clamp_(-top, top)
        operand = torch.empty_like(state)
        for _ in range(program.iterations):
            torch.abs(state, out=operand)  # phi of relu, in the reflected recurrence
            torch.addmm(level, operand, matrix, out=state)
            state.floor_().clamp_(-top, top)
        return state

    return solve


def products(n: int, samples: int, updates: int) -> Callable[[], None]:
    """The products of the updates, and nothing else."""
    operand, matrix = torch.rand(samples, n), torch.rand(n, n)
    result = torch.empty_like(operand)

    @torch.inference_mode()
    def multiply() -> None:
        for _ in range(updates):
            torch.mm(operand, matrix, out=result)

    return multiply


def tensor(array: object) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(array), dtype=torch.float32)


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
    words = golden.words(published.test.words).astype(np.uint8)
    images = torch.from_numpy(words)
    reflected = lowered.quantized.recurrence
    paper = reformulate(published.model, SPLITTINGS[FORWARD_BACKWARD], 2.0**-FORWARD_BACKWARD_SHIFT)
    integers = same_integers(program, images)
    if not (integers().numpy() == golden.final_states(words)).all():
        raise SystemExit("PyTorch's integers are not the golden model's")
    count, name = program.iterations, "PyTorch Peaceman-Rachford"
    base = "golden model (integers)"
    runs = {
        base: lambda: golden.predict_raw(words),
        f"PyTorch, the same integers, {count} iterations": integers,
        f"{name}, {count} iterations": Solver(reflected, images, count),
        f"{name}, {count} iterations, blocks of {BLOCK:,}": Solver(reflected, images, count, BLOCK),
        f"{name}, to {TOLERANCE:g}": Solver(reflected, images, MOST_ITERATIONS, tolerance=TOLERANCE),
        f"PyTorch forward-backward, to {TOLERANCE:g}": Solver(paper, images, MOST_ITERATIONS, tolerance=TOLERANCE),
        f"the products of {count} updates in PyTorch": products(program.n, len(words), count),
    }
    with threadpool_limits(limits=options.threads, user_api="blas"):
        rounds = [{name: seconds(run) for name, run in runs.items()} for _ in range(options.rounds)]
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
