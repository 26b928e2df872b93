"""The command line: options in, one table or one JSON object out, errors as one message.

Exit codes: 0 done, 1 a bug of mondeq-hw, 2 bad input, 3 not certified,
4 implementations disagree, 5 a tool is missing, 6 a search's target is out of reach, 130 interrupted,
141 the reader of a pipe left, 129 or 143 its terminal was closed or it was terminated.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from .base import (
    EXIT_BAD_INPUT,
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_OK,
    InputError,
    InputWarning,
    MondeqError,
    __version__,
)
from .commands import (
    ClosedPipeError,
    Command,
    audible,
    bitstream_command,
    certificate_command,
    compile_command,
    doctor_command,
    export_app,
    predict_command,
    profile_command,
    prove_command,
    qat_command,
    report_command,
    search_command,
    synth_command,
    train_command,
    verify_command,
)

EXIT_CLOSED_PIPE = 141

app = typer.Typer(
    name="mondeq-hw",
    help="Compile a trained monotone operator equilibrium network to a certified fixed-point FPGA solver.",
    epilog="Exit codes: 0 done, 1 a bug, 2 bad input, 3 not certified, 4 mismatch, 5 missing tool, 6 not reached.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    debug = bool(os.environ.get("MONDEQ_DEBUG")) or not {"-v", "--verbose"}.isdisjoint(given)
    for name in ("SIGTERM", "SIGHUP"):  # the latter not on every system, and nohup ignores it
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _terminate)
    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", InputWarning)
            warnings.showwarning = _warned
        try:
            code = app(args=given, prog_name="mondeq-hw", standalone_mode=False) or EXIT_OK
            sys.stdout.flush()
            if code == EXIT_INTERRUPTED:  # what the parser makes of Ctrl-C, in silence
                raise KeyboardInterrupt
            return code
        except (BrokenPipeError, ClosedPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is for nobody
            return EXIT_CLOSED_PIPE
        except SystemExit as done:
            return done.code if isinstance(done.code, int) else EXIT_INTERNAL
        except (KeyboardInterrupt, typer.Abort):
            return _failed("interrupted; nothing half-written stays, start it again", EXIT_INTERRUPTED)
        except MondeqError as error:
            return _failed(error.in_shell(), error.exit_code)
        except Exception as error:
            if hasattr(error, "format_message"):  # what the parser makes of a wrong command line
                return _failed(f"{error.format_message()} See 'mondeq-hw --help'", EXIT_BAD_INPUT)
            if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # NumPy's, PyTorch's
                return _failed("not enough memory; use a smaller network, or fewer samples", EXIT_BAD_INPUT)
            if debug:
                raise
            return _failed(
                f"internal error ({type(error).__name__}: {error}). This is a bug: please report it with what the "
                "same command prints under MONDEQ_DEBUG=1",
                EXIT_INTERNAL,
            )


def _warned(message: Warning | str, *about: object, **more: object) -> None:
    print(f"mondeq-hw: warning: {message}", file=sys.stderr)


def _failed(message: str, code: int) -> int:
    print(f"mondeq-hw: {' '.join(message.split())}", file=sys.stderr)
    return code


def _terminate(number: int, frame: object) -> None:
    """The stack unwinds as of any exception, so that temporary folders go."""
    raise SystemExit(128 + number)


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
            "no command given; expected train, qat, compile, search, verify, prove, synth, bitstream, report, "
            "predict, profile, certificate, export or doctor"
        )


COMMANDS: dict[str, Callable[..., Any]] = {
    "train": train_command,
    "qat": qat_command,
    "compile": compile_command,
    "search": search_command,
    "verify": verify_command,
    "prove": prove_command,
    "synth": synth_command,
    "bitstream": bitstream_command,
    "report": report_command,
    "predict": predict_command,
    "profile": profile_command,
    "certificate": certificate_command,
}
for name, command in COMMANDS.items():
    app.command(name, cls=Command)(audible(command))
app.add_typer(export_app)
app.command("doctor", cls=Command)(audible(doctor_command))
