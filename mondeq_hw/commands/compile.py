"""The command ``compile``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..config import CompileConfig
from .options import ConfigFile, Json, takes_records
from .terminal import interruptible, print_json, print_rows, steps

if TYPE_CHECKING:
    from ..hardware import GraphDecision, GraphSize
    from ..project import Project
    from ..report import WrittenReport


@takes_records
def compile_command(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="Checkpoint: .pt, .safetensors, .npz, .mat or .onnx; or a quadratic program: .npz, .json or .mat.",
            show_default=False,
        ),
    ],
    options: CompileConfig,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Build folder to make.")] = Path("build"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing build folder.")] = False,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Compile a checkpoint into a build folder: certificate, program, C++, SystemVerilog, report.

    Without --calibration, --test, --data, --data-dir or a model of the embedded digits there is no calibration and no
    figure of test samples.
    """
    from ..pipeline import compile, is_checked

    with interruptible(f"nothing was written, and {out} is as it was"), steps(silent=as_json) as step:
        project = compile(model, out, options, force=force, progress=step)
    if as_json:
        print_json({"folder": str(project.folder), **project.report.to_dict()})
    else:
        _print_summary(project)
    later = [_unchecked(project)] if project.program.certified and not is_checked(project.program) else []
    for warning in (*project.report.warnings, *later):
        print(f"mondeq-hw: warning: {warning}", file=sys.stderr)


def _unchecked(project: Project) -> str:
    return (
        f"the independent checker has not seen this certificate, which takes it long at {project.program.n:,} rows: "
        f"run 'mondeq-hw certificate {project.folder}'"
    )


def _print_summary(project: Project) -> None:
    report = project.report
    widths, cycles = report.word_lengths, report.cycles.predicted
    task, tested, reason = project.task, report.comparison.value, report.comparison.reason
    graphs = {"drive": report.schedule.drive.graph, "readout": report.schedule.readout.graph}
    tabled = report.schedule.drive.table_words
    rows = [
        *_distance(report),
        *_robustness(project),
        ("folder", str(project.folder)),
        _problem(project),
        ("inputs", report.inputs),
        ("task", task.name),
        ("solver", f"{report.solver}, step size {report.step_size:.4g}, {report.rounding} rounding"),
        (
            "bits",
            f"iteration {widths.bits}, drive {widths.drive_bits}, readout {widths.readout_bits}, "
            f"state {widths.state_bits}, input {widths.input_bits}",
        ),
        ("certified", "yes" if report.certified else "NO (--allow-uncertified)"),
        ("iterations", _iterations(report)),
        ("predicted cycles", f"{cycles.per_sample:.1f} per sample, first after {cycles.latency}"),
        *_controller(project),
        *_data(report),
        (task.figure, tested.in_words() if tested else f"not available: {reason}"),
        *([("drive products", f"looked up, {tabled} columns a table")] if tabled else []),
        *((choice.name, _choice(choice, graphs[choice.name])) for choice in report.graphs),
    ]
    print_rows(rows)


def _distance(report: WrittenReport) -> list[tuple[str, str]]:
    """The largest of the outputs' distances from the float network: proved, then found."""
    from ..report import loose_outputs

    lines = {line.name: line for line in report.certificate}
    proved, found = lines["output_distance"].values, lines["output_distance_found"].values
    rows = []
    if "bounds" in proved:
        inside = f"; {max(proved['unsaturated']):.4g} where no state saturates" if "unsaturated" in proved else ""
        loose = _loose(loose_outputs(report.certificate))
        most = f"at most {max(proved['bounds']):.4g} from the float network, every input{loose}{inside}: proved"
        rows.append(("output distance", most))
    else:
        rows.append(("output distance", f"from the float network's: not covered, {proved['reason']}"))
    if "largest" in found:
        seen = f", {max(found['calibrated']):.4g} on calibration samples" if "calibrated" in found else ""
        span = f"; outputs move by {max(found['span']):.4g}"
        rows.append(("error found", f"{max(found['largest']):.4g} for the worst input that a search found{seen}{span}"))
    return rows


def _loose(says_nothing: list[bool]) -> str:
    """Of which outputs the bound is no less than what they move by."""
    if not any(says_nothing):
        return ""
    which = "" if all(says_nothing) else f" for {sum(says_nothing)} of {len(says_nothing)}"
    return f" (loose{which}: outputs move by less)"


def _robustness(project: Project) -> list[tuple[str, str]]:
    """The share of the calibration samples whose class provably stays, for the middle one of the sizes of a change."""
    values = next((line.values for line in project.report.certificate if line.name == "robustness"), {})
    if "samples" not in values:
        return []
    shares, words = [], project.preprocessing.words
    for name in ("infinity_norm", "two_norm"):
        sizes, certified = values[name]["eps"], values[name]["certified"]
        middle = len(sizes) // 2
        shares += [f"{certified[middle] / values['samples']:.1%}", words.change_in_words(sizes[middle])]
    box, most, ball, size = shares
    text = f"{box} of {values['samples']} classes stay if no input moves by over {most}, {ball} for {size} in 2-norm"
    return [("robustness", f"{text}: proved")]


def _data(report: WrittenReport) -> list[tuple[str, str]]:
    if report.data is None:
        return []
    tested = report.comparison.value
    parts = [f"{report.calibration_samples} samples calibrate"] if report.calibration_samples else []
    parts += [f"{tested.samples} test ({report.division})"] if tested else []
    parts += [report.overflow] if report.overflow else []
    return [("data", f"{report.data}: {', '.join(parts)}")]


def _problem(project: Project) -> tuple[str, str]:
    sizes = project.report.sizes
    if project.parameters is None:
        return "network", f"{sizes.d} inputs, {sizes.n} states, {sizes.k} outputs"
    inputs, outputs = (", ".join(names) for names in (project.parameters.inputs, project.parameters.outputs))
    return "problem", f"{outputs} of {inputs}; {sizes.n} rows"


def _controller(project: Project) -> list[tuple[str, str]]:
    """What a control loop asks for; nothing of a network."""
    from ..synthesis import SynthOptions

    if project.parameters is None:
        return []
    cycles, aim = project.report.cycles.predicted, SynthOptions.clock_mhz
    rate = f"{cycles.control_rate_khz(aim):,.1f} kHz at {aim:g} MHz, the clock that synth aims at"
    wait = f"{cycles.latency_alone + 1} cycles from parameter to answer"
    fixed = project.report.schedule.fixed_time
    return [("control rate", f"{rate}: {f'{wait}, whatever it is' if fixed else f'at most {wait}'}")]


def _iterations(report: WrittenReport) -> str:
    if report.schedule.fixed_time:
        return f"{report.iterations}, of every sample"
    return f"{report.iterations} at most, {report.cycles.predicted.mean_iterations:.1f} on average"


def _choice(choice: GraphDecision, graph: GraphSize | None) -> str:
    """What became of an engine under the unrolled strategy, and why."""
    form = "folded" if graph is None else f"graph of {graph.adders} adders"
    asked, least = ", as asked" if choice.asked else "", "" if choice.searched else "at least "
    estimates = f"estimated {choice.folded_luts} LUTs folded, {least}{choice.graph_luts} as a graph"
    return f"{form}{asked}: {estimates}"
