"""Boards that ``mondeq-hw bitstream`` knows: part, package, oscillator and pins.

ULX3S: pins, pulls and drive strengths of ``doc/constraints/ulx3s_v20.lpf`` in
its makers' repository (https://github.com/emard/ulx3s), boards 2.x and 3.x.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..hardware import Part, find_part, named


@dataclass(frozen=True)
class Pin:
    """A port of ``mondeq_board`` on a ball of the package.

    Parameters
    ----------
    port, site : str
    attributes : str
        Of the pad, beside the voltage.
    """

    port: str
    site: str
    attributes: str


@dataclass(frozen=True)
class Board:
    """One board.

    Parameters
    ----------
    name : str
        As ``--board`` takes it.
    part : Part
    speed : int
        Speed grade.
    package : str
        As nextpnr calls it.
    oscillator_mhz : float
    pins : tuple of Pin
    system : str
        The constraint file's SYSCONFIG line: how the part is configured.
    """

    name: str
    part: Part
    speed: int
    package: str
    oscillator_mhz: float
    pins: tuple[Pin, ...]
    system: str


_IN, _UP, _DOWN = "PULLMODE=NONE", "PULLMODE=UP", "PULLMODE=DOWN"
_OUT = "PULLMODE=NONE DRIVE=4"
_LEDS = ("B2", "C2", "C1", "D2", "D1", "E2", "E1", "H3")

_ULX3S = (
    Pin("clk_i", "G2", _IN),
    Pin("button_i", "R1", _DOWN),  # FIRE1
    Pin("rx_i", "M1", _UP),  # the FTDI's transmitter
    Pin("tx_o", "L4", "PULLMODE=UP DRIVE=4"),
    *(Pin(f"led_o[{index}]", site, _OUT) for index, site in enumerate(_LEDS)),
    Pin("high_o", "L2", _OUT),  # GPIO 0 of the ESP32, which would take the board over at the low level
)
_ULX3S_SYSTEM = (
    "CONFIG_IOVOLTAGE=3.3 COMPRESS_CONFIG=ON MCCLK_FREQ=62 MASTER_SPI_PORT=DISABLE SLAVE_SPI_PORT=DISABLE "
    "SLAVE_PARALLEL_PORT=DISABLE"
)


def _ulx3s(part: str) -> Board:
    size = part.removeprefix("ecp5-")
    return Board(f"ulx3s-{size}f", find_part(part), 6, "CABGA381", 25.0, _ULX3S, _ULX3S_SYSTEM)


BOARDS = tuple(_ulx3s(part) for part in ("ecp5-25", "ecp5-45", "ecp5-85"))


def find_board(name: str) -> Board:
    """The board of a name.

    Raises
    ------
    InputError
        With the names there are.
    """
    return named("board", name, BOARDS)
