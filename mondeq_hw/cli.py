"""The command line: options in, one table or one JSON object out, errors as one message.

Exit codes: 0 done, 1 a bug of mondeq-hw, 2 bad input, 3 not certified,
4 implementations disagree, 5 a tool is missing, 6 a search's target is out of reach, 130 and 143 interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import __version__
from .bitstream_command import bitstream_command
from .errors import (
    EXIT_BAD_INPUT,
    EXIT_INTERNAL,
    EXIT_MISSING_TOOL,
    EXIT_OK,
    InputError,
    MismatchError,
    MondeqError,
    NotCertifiedError,
)
from .export_command import export_app
from .profile_command import profile_command
from .report_command import report_command
from .search_command import search_command
from .synth_command import synth_command
from .training_commands import qat_command, train_command

if TYPE_CHECKING:
    from .project import Project
    from .verify import Cycles, VerifyReport

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

app = typer.Typer(
    name="mondeq-hw",
    help="Compile a trained monotone operator equilibrium network to a certified fixed-point FPGA solver.",
    epilog="Exit codes: 0 done, 1 a bug, 2 bad input, 3 not certified, 4 mismatch, 5 missing tool, 6 not reached.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Build = Annotated[Path, typer.Argument(metavar="DIR", help="Build folder that 'compile' wrote.", show_default=False)]
DataName = Annotated[str | None, typer.Option("--data", metavar="digits|mnist", help="Calibration and test images.")]
DataDir = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of MNIST's IDX files (.gz or plain).")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    debug = bool(os.environ.get("MONDEQ_DEBUG"))
    signal.signal(signal.SIGTERM, _terminate)
    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter("ignore")
        try:
            return app(args=given, prog_name="mondeq-hw", standalone_mode=False) or EXIT_OK
        except SystemExit as done:
            return done.code if isinstance(done.code, int) else EXIT_INTERNAL
        except (KeyboardInterrupt, typer.Abort):
            return EXIT_INTERRUPTED
        except MondeqError as error:
            return _failed(str(error), error.exit_code)
        except Exception as error:
            if hasattr(error, "format_message"):  # what the parser makes of a wrong command line
                return _failed(f"{error.format_message()} See 'mondeq-hw --help'", EXIT_BAD_INPUT)
            if debug:
                raise
            return _failed(
                f"internal error ({type(error).__name__}: {error}). This is a bug: please report it with what the "
                "same command prints under MONDEQ_DEBUG=1",
                EXIT_INTERNAL,
            )


def _failed(message: str, code: int) -> int:
    print(f"mondeq-hw: {' '.join(message.split())}", file=sys.stderr)
    return code


def _terminate(number: int, frame: object) -> None:
    """SIGTERM unwinds the stack like any exception, so that temporary folders go."""
    raise SystemExit(EXIT_TERMINATED)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version and leave.")] = False,
) -> None:
    if version:
        print(f"mondeq-hw {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise InputError(
            "no command given; expected train, qat, compile, search, verify, synth, bitstream, report, predict, "
            "profile, certificate, export or doctor"
        )


# -- train and retrain -------------------------------------------------------

app.command("train")(train_command)
app.command("qat")(qat_command)


# -- compile -----------------------------------------------------------------


@app.command("compile")
def compile_command(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Checkpoint: .pt, .safetensors, .npz or .onnx.", show_default=False)
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
        typer.Option(metavar="NAME", help="auto (default), nearest, spectral or calibrated (needs images)."),
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
    reuse_factor: Annotated[
        str | None,
        typer.Option(metavar="N", help="Clock cycles per matrix-vector product; unrolled: of drive and readout."),
    ] = None,
    data: DataName = None,
    data_dir: DataDir = None,
    calibration_samples: Annotated[
        str | None, typer.Option(metavar="N", help="Training images used at most (10000).")
    ] = None,
    margin: Annotated[
        str | None, typer.Option(metavar="X", help="Monotonicity margin m, for checkpoints that do not store it.")
    ] = None,
    input_scale: Annotated[
        str | None, typer.Option(metavar="X", help="Override: x = (scale * word - mean) / std.")
    ] = None,
    input_mean: Annotated[str | None, typer.Option(metavar="X", help="See --input-scale.")] = None,
    input_std: Annotated[str | None, typer.Option(metavar="X", help="See --input-scale.")] = None,
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

    Without --data, --data-dir or a model of the embedded digits there is no calibration and no accuracy figure.
    """
    from .config import resolve
    from .load import retrained_bits

    options: dict[str, Any] = {
        "bits": _number(bits) if bits or config else retrained_bits(model),
        "solver": solver,
        "rounding": rounding,
        "granularity": granularity,
        "drive_bits": _number(drive_bits),
        "readout_bits": _number(readout_bits),
        "state_bits": _number(state_bits),
        "input_bits": _number(input_bits),
        "step_size": _number(step_size),
        "iterations": _number(iterations),
        "strategy": strategy,
        "reuse_factor": _number(reuse_factor),
        "data": data,
        "data_dir": data_dir,
        "calibration_samples": _number(calibration_samples),
        "margin": _number(margin),
        "input_scale": _number(input_scale),
        "input_mean": _number(input_mean),
        "input_std": _number(input_std),
        "allow_uncertified": allow_uncertified or None,
    }
    settings = resolve(options, config)
    from .pipeline import compile

    with _steps(silent=as_json) as step:
        project = compile(model, out, settings, force=force, progress=step)
    if as_json:
        _print_json({"folder": str(project.folder), **project.report})
    else:
        _print_summary(project)


def _print_summary(project: Project) -> None:
    report = project.report
    widths, cycles = report["word_lengths"], report["cycles"]["predicted"]
    accuracy, reason = report["accuracy"]["value"], report["accuracy"]["reason"]
    rows = [
        ("folder", str(project.folder)),
        ("network", f"{report['sizes']['d']} inputs, {report['sizes']['n']} states, {report['sizes']['k']} outputs"),
        ("solver", f"{report['solver']}, step size {report['step_size']:.4g}, {report['rounding']} rounding"),
        (
            "bits",
            f"iteration {widths['bits']}, drive {widths['drive_bits']}, readout {widths['readout_bits']}, "
            f"state {widths['state_bits']}, input {widths['input_bits']}",
        ),
        ("certified", "yes" if report["certified"] else "NO (--allow-uncertified)"),
        ("iterations", f"{report['iterations']} at most, {cycles['mean_iterations']:.1f} on average"),
        ("predicted cycles", f"{cycles['per_sample']:.1f} per sample, first after {cycles['latency']}"),
        (
            "accuracy",
            f"{accuracy['golden']:.2%} in integers, {accuracy['floating']:.2%} in floating point, "
            f"{accuracy['samples']} images"
            if accuracy
            else f"not available: {reason}",
        ),
    ]
    _print_rows(rows)


# -- search ------------------------------------------------------------------

app.command("search")(search_command)


# -- verify ------------------------------------------------------------------


@app.command()
def verify(
    build: Build,
    inputs: Annotated[
        Path | None, typer.Option(metavar="FILE.npy", help="Raw inputs (samples, d) instead of the folder's own.")
    ] = None,
    data: DataName = None,
    data_dir: DataDir = None,
    rtl_samples: Annotated[str, typer.Option(metavar="N", help="Samples that go through the RTL simulation.")] = "32",
    simulator: Annotated[
        list[str] | None, typer.Option(metavar="verilator|icarus", help="Simulator of the RTL; may be repeated.")
    ] = None,
    netlist: Annotated[
        list[str] | None, typer.Option(metavar="PART", help="Also the netlist that 'synth' left; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that golden model, compiled C++ and simulated RTL agree word for word.

    Says where the first mismatch is: sample, iteration, row. Writes report/verify.json into the folder.
    """
    from . import data as datasets
    from .project import Project

    project = Project.load(build)
    samples = _number(rtl_samples)
    if not isinstance(samples, int) or samples < 1:
        raise InputError(f"--rtl-samples is {rtl_samples!r}; expected a whole number of at least 1")
    if sum(source is not None for source in (inputs, data or data_dir)) > 1:
        raise InputError("--inputs and --data name two sets of inputs; give one")
    X = None
    if inputs is not None:
        X = _inputs(inputs)
    elif data is not None or data_dir is not None:
        X = datasets.named(data or datasets.MNIST, "test", data_dir).words
    with _steps(silent=as_json) as step, step("verify"):
        result = project.verify(X, samples, tuple(simulator or ("verilator",)), tuple(netlist or ()))
    _print_verification(project, result, as_json)


def _print_verification(project: Project, result: VerifyReport, as_json: bool) -> None:
    content = {"folder": str(project.folder), "changed_files": list(project.changed_files()), **result.to_plain()}
    project.add("report/verify.json", json.dumps(content, indent=2) + "\n")
    if as_json:
        _print_json(content)
    else:
        from rich.table import Table

        table = Table("backend", "tool", "samples", "result", "cycles per sample", box=None, pad_edge=False)
        for backend in result.backends:
            verdict = "MISMATCH" if backend.mismatch else "equal"
            tests = f", {len(backend.tests_passed)} benches passed" if backend.tests_passed else ""
            table.add_row(backend.name, backend.tool, str(backend.samples), verdict + tests, _cycles(backend.cycles))
        _console().print(table)
        for name in content["changed_files"]:
            print(f"changed since it was compiled: {name}")
    if not result.ok:
        raise MismatchError("; ".join(mismatch.message for mismatch in result.mismatches))


def _cycles(cycles: Cycles | None) -> str:
    if cycles is None:
        return ""
    if cycles.simulated_per_sample is None or cycles.predicted_per_sample is None:
        return f"{cycles.simulated_first} simulated, {cycles.predicted_first} predicted"
    return f"{cycles.simulated_per_sample:.1f} simulated, {cycles.predicted_per_sample:.1f} predicted"


# -- synthesise -------------------------------------------------------------

app.command("synth")(synth_command)


# -- bitstream ---------------------------------------------------------------

app.command("bitstream")(bitstream_command)


# -- report -----------------------------------------------------------------

app.command("report")(report_command)


# -- predict -----------------------------------------------------------------


@app.command()
def predict(
    build: Build,
    inputs: Annotated[Path, typer.Argument(metavar="INPUTS.npy", help="Raw inputs (samples, d).", show_default=False)],
    out: Annotated[Path | None, typer.Option(metavar="FILE.npy", help="Write the outputs (samples, k) here.")] = None,
    as_json: Json = False,
) -> None:
    """Outputs of the integer program, the same as the hardware's: class, then one value per output."""
    import numpy as np

    from .project import Project

    project = Project.load(build)
    outputs = project.predict(_inputs(inputs))
    if out is not None:
        try:
            np.save(out, outputs)
        except OSError as error:
            raise InputError(f"{out}: cannot be written ({error.strerror}); name another file") from None
    classes = outputs.argmax(axis=1)
    if as_json:
        _print_json({"certified": project.program.certified, "classes": classes.tolist(), "outputs": outputs.tolist()})
    elif out is None:
        for label, row in zip(classes, outputs, strict=True):
            print(label, *(f"{value:g}" for value in row))


# -- profile -----------------------------------------------------------------

app.command("profile")(profile_command)


# -- certificate -------------------------------------------------------------


@app.command()
def certificate(build: Build, as_json: Json = False) -> None:
    """Print what is proved about the program, and prove it again with the independent checker."""
    from .certificate import for_reading
    from .project import Project

    project = Project.load(build)
    lines = project.certificate_lines()
    verdict = project.check_certificate()
    certified = project.program.certified and verdict.accepted
    if as_json:
        _print_json({"certified": certified, "accepted": verdict.accepted, "reason": verdict.reason, "lines": lines})
    else:
        for line in lines:
            print(f"{line['status'].upper()}: {line['statement']}")
            for key, value in line["values"].items():
                print(f"    {key} = {for_reading(value)}")
            print(f"    [{line['source']}]")
        print(verdict.reason)
    if not project.program.certified:
        raise NotCertifiedError(
            f"{build}: nothing proves convergence, it was compiled with --allow-uncertified; compile without it",
            None,
            None,
        )
    if not verdict.accepted:
        raise NotCertifiedError(f"{build}: the certificate is rejected: {verdict.reason}; compile again", None, None)


# -- export ------------------------------------------------------------------

app.add_typer(export_app)


# -- doctor ------------------------------------------------------------------


@app.command()
def doctor(as_json: Json = False) -> None:
    """List the tools found, their versions, and the remedy for what is missing."""
    from .doctor import examine, missing, to_plain

    tools = examine()
    lacking = missing(tools)
    if as_json:
        _print_json({"ready": not lacking, "tools": to_plain(tools)})
    else:
        from rich.table import Table

        table = Table("tool", "version", "for", "remedy", box=None, pad_edge=False)
        for tool in tools:
            version = (tool.version or "found") if tool.found else "MISSING" if tool.required else "not found"
            table.add_row(tool.name, version, tool.purpose, "" if tool.found else tool.remedy)
        _console().print(table)
    if lacking:
        names = ", ".join(tool.name for tool in lacking)
        print(f"mondeq-hw: 'verify' needs {names}; see the remedies above", file=sys.stderr)
        raise typer.Exit(EXIT_MISSING_TOOL)


# -- output ------------------------------------------------------------------


@contextmanager
def _steps(silent: bool) -> Iterator[Any]:
    """A progress callback: a spinner while a step runs, a line with its time when it is done."""
    from rich.console import Console

    console = Console(quiet=silent, highlight=False)

    @contextmanager
    def step(name: str) -> Iterator[None]:
        start = time.perf_counter()
        with console.status(name):
            yield
        console.print(f"  {name:<10}{time.perf_counter() - start:8.2f} s")

    yield step


def _console() -> Any:
    """Standard output; a pipe gets whole lines instead of ones folded at 80 columns."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)


def _print_rows(rows: list[tuple[str, str]]) -> None:
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in rows:
        table.add_row(name, value)
    _console().print(table)


def _print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content, indent=2))


def _number(text: str | None) -> int | float | str | None:
    """The number a text says; any other text as it is, for the configuration to refuse by name."""
    for kind in (int, float):
        try:
            return kind(text) if text is not None else None
        except ValueError:
            continue
    return text


def _inputs(file: Path) -> Any:
    """Raw inputs of an ``.npy`` file."""
    import numpy as np

    try:
        array = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; expected a .npy file of raw inputs") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file}: cannot be read as .npy ({error}); save the inputs with numpy.save") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or array.ndim < 2 or len(array) == 0:
        raise InputError(f"{file}: expected an array of real numbers of shape (samples, d); save it with numpy.save")
    return array
