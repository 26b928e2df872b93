"""How the compiler grows with the network: processor and memory of one compilation each, in a process of its own.

    python benchmarks/growth.py [--n 128 256 512 1024 2048 4096] [--json] [--out docs/images/growth.png]

Random networks of margin 1 on 784 inputs with 10 outputs, 8-bit weights, no calibration samples: nearest rounding, step
size and certificate as ``compile`` chooses and proves them, and every file that it writes.  ``--json`` prints
``{"n": [...], "seconds": [...], "processor_seconds": [...], "peak_mb": [...]}``: seconds on the wall, which other work
on the machine makes longer, and those of the processor, which it hardly touches.  They stay in ``results/growth.json``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np

from mondeq_hw import compile
from mondeq_hw.problem import MonDEQ, Preprocessing

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator, StrMethodFormatter

SIZES = (128, 256, 512, 1024, 2048, 4096)
INPUTS, OUTPUTS, BITS, MARGIN = 784, 10, 8, 1.0
RESULTS = Path(__file__).parent / "results" / "growth.json"
IMAGE = Path(__file__).parents[1] / "docs" / "images" / "growth.png"


@dataclass(frozen=True)
class Growth:
    """Of every size: seconds on the wall and of the processor, and the process's largest resident memory in MB."""

    n: list[int]
    seconds: list[float]
    processor_seconds: list[float]
    peak_mb: list[float]


def network(n: int) -> MonDEQ:
    """``W = (1 - m) I - A'A/2 + (B - B')/2`` with Gaussian entries."""
    rng = np.random.default_rng(n)
    A, B = rng.normal(size=(2, n, n)) / np.sqrt(n)
    return MonDEQ(
        W=(1 - MARGIN) * np.eye(n) - A.T @ A / 2 + (B - B.T) / 2,
        U=rng.normal(size=(n, INPUTS)) / np.sqrt(INPUTS),
        b=rng.normal(size=n) / 10,
        O=rng.normal(size=(OUTPUTS, n)) / np.sqrt(n),
        c=np.zeros(OUTPUTS),
        monotonicity_margin=MARGIN,
        preprocessing=Preprocessing(scale=1 / 255),
        source=f"growth_{n}",
    )


def measured(n: int) -> tuple[float, float, float]:
    """Seconds on the wall and of the processor, and peak memory of one compilation, in this process."""
    import resource  # Unix only

    model = network(n)
    with tempfile.TemporaryDirectory() as work:
        start, processor = time.perf_counter(), time.process_time()
        compile(model, Path(work) / "build", bits=BITS)
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
    return seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_processes(sizes: Sequence[int]) -> Growth:
    """Every size in a process of its own, so that none finds the memory of another."""
    growth = Growth([], [], [], [])
    for n in sizes:
        command = [sys.executable, __file__, "--one", str(n)]
        seconds, processor, peak = json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout
        )
        growth.n.append(n)
        growth.seconds.append(round(seconds, 2))
        growth.processor_seconds.append(round(processor, 2))
        growth.peak_mb.append(round(peak))
    return growth


def draw(growth: Growth, out: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    left.loglog(growth.n, growth.processor_seconds, "o-", label="of the processor")
    left.loglog(growth.n, growth.seconds, "o:", color="C0", alpha=0.5, label="on the wall")
    left.legend()
    left.set(xlabel="states n", ylabel="seconds", title="Time of a compilation")
    right.loglog(growth.n, growth.peak_mb, "o-", color="C1")
    right.set(xlabel="states n", ylabel="MB", title="Largest memory of the process")
    for axis in (left, right):
        axis.grid(alpha=0.3, which="both")
        axis.set_xticks(growth.n, [str(n) for n in growth.n], minor=False)
        axis.minorticks_off()
        axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.savefig(out, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=SIZES)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, default=IMAGE)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one)))
        return
    growth = in_processes(options.n)
    options.results.write_text(json.dumps(vars(growth)) + "\n")
    draw(growth, options.out)
    if options.json:
        print(json.dumps(vars(growth)))
        return
    print("| states | seconds of the processor | on the wall | peak memory, MB |\n|---|---|---|---|")
    for n, seconds, processor, peak in zip(*vars(growth).values(), strict=True):
        print(f"| {n:,} | {processor:.1f} | {seconds:.1f} | {peak:,.0f} |")


if __name__ == "__main__":
    main()
