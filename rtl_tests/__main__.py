"""``python -m mondeq_hw.rtl_tests BUILD``: the benches on a build folder's design, or on a vendor's."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from mondeq_hw.base import EXIT_MISMATCH, InputError, MondeqError
from mondeq_hw.program import SolverProgram

from .board_runner import run_board_bench
from .runner import BenchResult, run_bench


def main(
    build: Annotated[Path, typer.Argument(help="Folder written by 'mondeq-hw compile'.", show_default=False)],
    design: Annotated[
        str,
        typer.Option(
            help="rtl; hls (C++ behind an AXI4-Stream shell); netlist (--part); board (behind the serial line); "
            "vendor (--sources)."
        ),
    ] = "rtl",
    part: Annotated[
        str, typer.Option(metavar="ecp5-25|...", help="Part that 'mondeq-hw synth' made the netlist for.")
    ] = "",
    sources: Annotated[
        list[Path] | None, typer.Option(help="A vendor's source or memory image, in compile order; repeat it.")
    ] = None,
    top: Annotated[str, typer.Option(help="Top module of --sources.")] = "mondeq_top",
    simulator: Annotated[str, typer.Option(help="verilator or icarus.")] = "verilator",
    samples: Annotated[int, typer.Option(min=1, help="Samples of the back-to-back test.")] = 32,
    inputs: Annotated[
        Path | None, typer.Option(metavar="FILE.npy", help="Input words (samples, d); random words when absent.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of random words, stalls and pauses.")] = 0,
    test: Annotated[list[str] | None, typer.Option(help="Run this test only; repeat it.")] = None,
    define: Annotated[list[str] | None, typer.Option(help="NAME=value for the compiler; repeat it.")] = None,
    plusarg: Annotated[list[str] | None, typer.Option(help="+name=value for the simulation; repeat it.")] = None,
    waves: Annotated[bool, typer.Option("--waves", help="Record waves.vcd beside the log.")] = False,
    work: Annotated[
        Path | None, typer.Option(help="Folder for compiled simulations and logs.", show_default="a temporary one")
    ] = None,
) -> None:
    """Run the cocotb benches. Exit code 0: all passed; 4: a test failed; 2: bad input; 5: a tool is missing."""
    words = _words(inputs, SolverProgram.load(build), samples, seed)
    work = work or Path(tempfile.mkdtemp(prefix="mondeq-bench-"))
    stimulus: dict[str, Any] = {
        "words": words,
        "seed": seed,
        "simulator": simulator,
        "tests": test or [],
        "waves": waves,
    }
    if design == "board":
        result = run_board_bench(build, work, **stimulus)
    else:
        result = run_bench(
            build,
            work,
            design=design,
            part=part,
            vendor_sources=sources or [],
            top=top,
            plusargs=plusarg or [],
            defines=define or [],
            **stimulus,
        )
    _print(result)
    if not result.ok:
        raise typer.Exit(EXIT_MISMATCH)


def _words(inputs: Path | None, program: SolverProgram, samples: int, seed: int) -> np.ndarray:
    if inputs is None:
        low, top = program.input_format.min_word, program.input_format.max_word
        return np.random.default_rng(seed).integers(low, top, size=(samples, program.d), endpoint=True)
    try:
        words = np.load(inputs, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{inputs}: cannot be read ({error}); expected an .npy file of input words") from None
    return words[:samples]


def _print(result: BenchResult) -> None:
    table = Table(title=f"{result.design} on {result.simulator} {result.version}")
    table.add_column("test")
    table.add_column("result")
    for name in result.passed:
        table.add_row(name, "passed")
    for failure in result.failures:
        table.add_row(failure.test, f"FAILED: {failure.message}")
    console = Console()
    console.print(table)
    if len(result.cycles):
        console.print(
            f"{len(result.cycles)} samples back to back in {result.simulated_cycles} cycles; "
            f"the first after {result.cycles[0] + 1}"
        )
    console.print(f"log: {result.log}", soft_wrap=True)


if __name__ == "__main__":
    try:
        typer.run(main)
    except MondeqError as error:
        print(f"mondeq_hw.rtl_tests: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
