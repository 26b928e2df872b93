"""The command ``compile``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .terminal import DataDir, DataName, Json, number, print_json, print_rows, steps

if TYPE_CHECKING:
    from ..hardware import Choice
    from ..project import Project


def compile_command(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="Checkpoint: .pt, .safetensors, .npz, .mat or .onnx.", show_default=False
        ),
    ],
    bits: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Word length of the iteration matrix, 1 to 16; a retrained network has its own."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Build folder to make.")] = Path("build"),
    solver: Annotated[
        str | None, typer.Option(metavar="NAME", help="peaceman-rachford (default) or forward-backward.")
    ] = None,
    rounding: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="auto (default), nearest, spectral or calibrated (needs data)."),
    ] = None,
    granularity: Annotated[
        str | None, typer.Option(metavar="row|tensor", help="One power-of-two scale per row (default) or per matrix.")
    ] = None,
    drive_bits: Annotated[
        str | None, typer.Option(metavar="N", help="Word length of the drive matrix, 1 to 16.")
    ] = None,
    readout_bits: Annotated[
        str | None, typer.Option(metavar="N", help="Word length of the readout matrix, 1 to 16.")
    ] = None,
    state_bits: Annotated[str | None, typer.Option(metavar="N", help="Word length of the state, 2 to 32.")] = None,
    input_bits: Annotated[str | None, typer.Option(metavar="N", help="Leading bits kept of each input word.")] = None,
    step_size: Annotated[
        str | None, typer.Option(metavar="X", help="Step size alpha; a power of two for forward-backward.")
    ] = None,
    iterations: Annotated[
        str | None,
        typer.Option(metavar="N", help="Updates at most, instead of the certificate's choice; its radius follows."),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="resource (default: folded multiply-accumulate) or unrolled (the matrix as an adder graph; da4ml).",
        ),
    ] = None,
    graphs: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Unrolled: graphs too, of drive,readout; auto (default: if smaller) or none."
        ),
    ] = None,
    reuse_factor: Annotated[
        str | None,
        typer.Option(metavar="N", help="Clock cycles per matrix-vector product; unrolled: of drive and readout."),
    ] = None,
    data: DataName = None,
    data_dir: DataDir = None,
    calibration_samples: Annotated[
        str | None, typer.Option(metavar="N", help="Training samples used at most (10000).")
    ] = None,
    task: Annotated[
        str | None, typer.Option(metavar="classes|values", help="What the outputs are; the model's or data's kind.")
    ] = None,
    margin: Annotated[
        str | None, typer.Option(metavar="X", help="Monotonicity margin m, for checkpoints that do not store it.")
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(metavar="NAME", help="What stands before the layer's names in a larger model.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file of our names and the checkpoint's.")
    ] = None,
    lipschitz_bound: Annotated[
        str | None, typer.Option(metavar="X", help="Bound gamma of a Lipschitz-bounded LBEN, which does not store it.")
    ] = None,
    input_scale: Annotated[
        str | None,
        typer.Option(
            metavar="X", help="x = (scale * word - mean) / std: a number, one for each input (0.1,0.2), or a .npy file."
        ),
    ] = None,
    input_mean: Annotated[str | None, typer.Option(metavar="X", help="See --input-scale; 0 when absent.")] = None,
    input_std: Annotated[str | None, typer.Option(metavar="X", help="See --input-scale; 1 when absent.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML or JSON file of these options (state_bits = 10).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing build folder.")] = False,
    allow_uncertified: Annotated[
        bool, typer.Option("--allow-uncertified", help="Go on without a proof; every output is marked.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compile a checkpoint into a build folder: certificate, program, C++, SystemVerilog, report.

    Without --data, --data-dir or a model of the embedded digits there is no calibration and no figure of test samples.
    """
    from ..config import resolve
    from ..problem import retrained_bits

    options: dict[str, Any] = {
        "bits": number(bits) if bits or config else retrained_bits(model),
        "solver": solver,
        "rounding": rounding,
        "granularity": granularity,
        "drive_bits": number(drive_bits),
        "readout_bits": number(readout_bits),
        "state_bits": number(state_bits),
        "input_bits": number(input_bits),
        "step_size": number(step_size),
        "iterations": number(iterations),
        "strategy": strategy,
        "graphs": graphs,
        "reuse_factor": number(reuse_factor),
        "data": data,
        "data_dir": data_dir,
        "calibration_samples": number(calibration_samples),
        "task": task,
        "margin": number(margin),
        "prefix": prefix,
        "keys": keys,
        "lipschitz_bound": number(lipschitz_bound),
        "input_scale": number(input_scale),
        "input_mean": number(input_mean),
        "input_std": number(input_std),
        "allow_uncertified": allow_uncertified or None,
    }
    settings = resolve(options, config)
    from ..pipeline import compile

    with steps(silent=as_json) as step:
        project = compile(model, out, settings, force=force, progress=step)
    if as_json:
        print_json({"folder": str(project.folder), **project.report.to_dict()})
    else:
        _print_summary(project)
    for warning in project.report.warnings:
        print(f"mondeq-hw: warning: {warning}", file=sys.stderr)


def _print_summary(project: Project) -> None:
    report = project.report
    sizes, widths, cycles = report.sizes, report.word_lengths, report.cycles.predicted
    task, tested, reason = project.task, report.comparison.value, report.comparison.reason
    graphs = {"drive": report.schedule.drive.graph, "readout": report.schedule.readout.graph}
    rows = [
        ("folder", str(project.folder)),
        ("network", f"{sizes.d} inputs, {sizes.n} states, {sizes.k} outputs"),
        ("task", task.name),
        ("solver", f"{report.solver}, step size {report.step_size:.4g}, {report.rounding} rounding"),
        (
            "bits",
            f"iteration {widths.bits}, drive {widths.drive_bits}, readout {widths.readout_bits}, "
            f"state {widths.state_bits}, input {widths.input_bits}",
        ),
        ("certified", "yes" if report.certified else "NO (--allow-uncertified)"),
        ("iterations", f"{report.iterations} at most, {cycles.mean_iterations:.1f} on average"),
        ("predicted cycles", f"{cycles.per_sample:.1f} per sample, first after {cycles.latency}"),
        (task.figure, tested.in_words() if tested else f"not available: {reason}"),
        *((choice.name, _choice(choice, graphs[choice.name])) for choice in report.graphs),
    ]
    print_rows(rows)


def _choice(choice: Choice, graph: dict[str, int] | None) -> str:
    """What became of an engine under the unrolled strategy, and why."""
    form = "folded" if graph is None else f"graph of {graph['adders']} adders"
    asked, least = ", as asked" if choice.asked else "", "" if choice.searched else "at least "
    estimates = f"estimated {choice.folded_luts} LUTs folded, {least}{choice.graph_luts} as a graph"
    return f"{form}{asked}: {estimates}"
