"""The command ``verify``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base import InputError, MismatchError
from ..config import DataOptions, PositiveInt, option
from .options import Build, Json, Words, takes_records
from .terminal import TakenInputs, console, print_comparison, print_json, read_inputs, steps, taken_inputs

if TYPE_CHECKING:
    from ..problem import Comparison, Samples
    from ..project import Project
    from ..verification import ComparedCycles, VerifyReport


class VerifyOptions(DataOptions):
    """What is simulated; the folder's own inputs, where no data are named."""

    rtl_samples: Annotated[PositiveInt, option("N", "Samples that go through the RTL simulation.")] = 32


@takes_records
def verify_command(
    build: Build,
    options: VerifyOptions,
    inputs: Annotated[
        Path | None, typer.Option(metavar="FILE.npy", help="Values (samples, d) instead of the folder's own.")
    ] = None,
    simulator: Annotated[
        list[str] | None, typer.Option(metavar="verilator|icarus", help="Simulator of the RTL; may be repeated.")
    ] = None,
    netlist: Annotated[
        list[str] | None, typer.Option(metavar="PART", help="Also the netlist that 'synth' left; may be repeated.")
    ] = None,
    exact_widths: Annotated[
        bool, typer.Option("--exact-widths", help="Also the C++ with the types that a synthesiser gets; compiles long.")
    ] = False,
    words: Words = False,
    as_json: Json = False,
) -> None:
    """Check that golden model, compiled C++ and simulated RTL agree word for word.

    Says where the first mismatch is: sample, iteration, row. Writes report/verify.json into the folder.
    """
    from ..project import Project
    from ..steps import samples_of

    project = Project.load(build)
    samples = samples_of(options)
    if inputs is not None and samples is not None:
        raise InputError("--inputs and the data name two sets of inputs; give one")
    values, targets = None if inputs is None else read_inputs(inputs), None
    if samples is not None:
        judging = samples.for_inputs(project.program.d, str(build), project.preprocessing.kept).judging
        values, targets = judging.inputs, judging.targets
    taken = TakenInputs(None) if values is None else taken_inputs(project, values, words, options.on_overflow)
    comparison = None if samples is None else project.compare(words=taken.words, targets=targets)
    with steps(silent=as_json) as step, step("verify"):
        result = project.verify(
            rtl_samples=options.rtl_samples,
            simulators=tuple(simulator or ("verilator",)),
            netlists=tuple(netlist or ()),
            exact_widths=exact_widths,
            words=taken.words,
        )
    _print_verification(project, result, samples, comparison, taken, as_json)


def _print_verification(
    project: Project,
    result: VerifyReport,
    samples: Samples | None,
    comparison: Comparison | None,
    taken: TakenInputs,
    as_json: bool,
) -> None:
    content = {
        "folder": str(project.folder),
        "changed_files": list(project.build.changed_files()),
        **result.to_plain(),
        "data": None if samples is None else samples.in_words(),
        "saturated_inputs": taken.saturated,
        "rounded_inputs": taken.rounded,
        "comparison": None if comparison is None else asdict(comparison),
    }
    if as_json:
        print_json(content)
    else:
        from rich.table import Table

        table = Table("backend", "tool", "samples", "result", "cycles per sample", box=None, pad_edge=False)
        for backend in result.backends:
            verdict = "MISMATCH" if backend.mismatch else "equal"
            tests = f", {len(backend.tests_passed)} benches passed" if backend.tests_passed else ""
            table.add_row(backend.name, backend.tool, str(backend.samples), verdict + tests, _cycles(backend.cycles))
        console().print(table)
        if samples is not None:
            print(samples.in_words())
        if comparison is not None:
            print_comparison(project.task, comparison)
        for name in content["changed_files"]:
            print(f"changed since it was compiled: {name}")
    sys.stdout.flush()  # before a folder that cannot be written
    project.build.add("report/verify.json", json.dumps(content, indent=2) + "\n")
    if not result.ok:
        raise MismatchError("; ".join(mismatch.message for mismatch in result.mismatches))


def _cycles(cycles: ComparedCycles | None) -> str:
    if cycles is None:
        return ""
    if cycles.simulated_per_sample is None or cycles.predicted_per_sample is None:
        return f"{cycles.simulated_first} simulated, {cycles.predicted_first} predicted"
    return f"{cycles.simulated_per_sample:.1f} simulated, {cycles.predicted_per_sample:.1f} predicted"
