"""SystemVerilog around the core on a board: hand-written modules and one generated package.

The modules in ``hls_templates/board`` are copied but for the prefix of their names,
which is the core's; only ``mondeq_board_pkg.sv`` differs from one program, clock or
baud to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..base import InputError, filled, source_template
from ..hardware import write_sources
from ..program import SolverProgram
from .frames import SYNC, Kind, Reason, identity, sample_bytes, word_bytes
from .pll import Pll

PACKAGE, TOP = "mondeq_board_pkg.sv", "mondeq_board.sv"
#: Modules in compile order, between the package and the top.
MODULES = (
    "mondeq_line_filter.sv",
    "mondeq_uart_rx.sv",
    "mondeq_uart_tx.sv",
    "mondeq_crc32.sv",
    "mondeq_frame_decoder.sv",
    "mondeq_packet_fifo.sv",
    "mondeq_beat_packer.sv",
    "mondeq_frame_encoder.sv",
    "mondeq_uart_bridge.sv",
    "mondeq_reset.sv",
)
#: Only where the clock is not the oscillator's: simulators have no model of the primitive in it.
PLL_MODULE = "mondeq_pll.sv"

#: The receiver drops pulses of a quarter bit, which must be more than one clock.
MIN_CLOCKS_PER_BIT = 8
BAUD_TOLERANCE = 0.01
#: Seconds of silence after which an unfinished frame is given up; longer than a host pauses within a frame.
TIMEOUT_SECONDS = 0.02
#: Seconds that a button may bounce.
RESET_SECONDS = 0.001


@dataclass(frozen=True)
class LineTiming:
    """Times in clocks.

    Parameters
    ----------
    clocks_per_bit : int
        At least :data:`MIN_CLOCKS_PER_BIT`.
    timeout_clocks : int
        Of silence, after which an unfinished frame is given up.
    reset_clocks : int
        From a good clock and a released button to the start.
    """

    clocks_per_bit: int
    timeout_clocks: int
    reset_clocks: int


def line_timing(clock_hz: float, baud: int) -> LineTiming:
    """The clocks of a bit at a baud rate, and of the fixed times.

    Raises
    ------
    InputError
        The clock is too slow for the baud rate, or does not divide well enough.
    """
    clocks_per_bit = round(clock_hz / baud) if baud > 0 else 0
    if clocks_per_bit < MIN_CLOCKS_PER_BIT:
        raise InputError(
            f"baud is {baud}; expected 1 to {int(clock_hz) // MIN_CLOCKS_PER_BIT}, an eighth of the clock: "
            "lower --baud or raise --clock"
        )
    error = clock_hz / clocks_per_bit / baud - 1
    if abs(error) > BAUD_TOLERANCE:
        raise InputError(
            f"{clock_hz / 1e6:g} MHz makes {clock_hz / clocks_per_bit:.0f} baud of {baud}, {100 * error:+.1f} %; "
            f"choose a --baud that divides the clock to {100 * BAUD_TOLERANCE:g} %, or another --clock"
        )
    return LineTiming(clocks_per_bit, round(TIMEOUT_SECONDS * clock_hz), round(RESET_SECONDS * clock_hz))


def emit(program: SolverProgram, timing: LineTiming, pll: Pll | None, folder: Path) -> None:
    """Write ``folder/board``: ``src/`` and ``sources.f``, to be compiled after the core's sources.

    Parameters
    ----------
    program : SolverProgram
    timing : LineTiming
    pll : Pll or None
        None: the core runs at the oscillator's clock.
    folder : Path
        ``board/`` is created in it.

    Raises
    ------
    InputError
        A frame cannot hold a sample.
    """
    sources = {PACKAGE: _package(program, timing, pll, source_template("board", f"{PACKAGE}.j2"))}
    for name in (*MODULES, *(() if pll is None else (PLL_MODULE,)), TOP):
        sources[name] = source_template("board", name)
    write_sources(sources, program.name, folder / "board")


def _package(program: SolverProgram, timing: LineTiming, pll: Pll | None, template: str) -> str:
    sample_bytes(program)
    return filled(
        template,
        digest=program.digest,
        pll=pll,
        timing=timing,
        input_bytes=word_bytes(program.input_format.word_length),
        sync=SYNC,
        kinds={kind.name.title(): kind.value for kind in Kind},
        reasons={reason.name.title(): reason.value for reason in Reason},
        identity=identity(program),
    )
