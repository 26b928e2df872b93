"""FPGA parts that ``mondeq-hw synth`` knows, and what they hold.

Totals are those of the vendors' product tables (Lattice FPGA-DS-02012, AMD
DS180, DS190, DS890, DS891, DS987).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..base import InputError

ECP5 = "ecp5"
XC7 = "xc7"
ULTRASCALE_PLUS = "xcup"


@dataclass(frozen=True)
class Usage:
    """Cells used by a design, or held by a part.

    Parameters
    ----------
    luts : int
        4-input on ECP5 (carry cells and LUT memories included), 6-input on AMD.
    flip_flops : int
    dsps : int
        18 x 18 multipliers on ECP5, DSP48 slices on AMD.
    block_rams : float
        Of 18 Kbit on ECP5, of 36 Kbit on AMD (half of one counts as 0.5).
    """

    luts: int
    flip_flops: int
    dsps: int
    block_rams: float

    def in_words(self) -> str:
        """All four, named."""
        return (
            f"{self.luts:,} LUTs, {self.flip_flops:,} flip-flops, {self.dsps:,} multipliers, "
            f"{self.block_rams:g} block RAMs"
        )


@dataclass(frozen=True)
class Part:
    """One device.

    Parameters
    ----------
    name : str
        As ``--part`` takes it.
    family : {"ecp5", "xc7", "xcup"}
    ordering_code : str
        The device with package (and speed grade, AMD) as the vendor's tools take it.
    totals : Usage
    """

    name: str
    family: str
    ordering_code: str
    totals: Usage


PARTS = (
    Part("ecp5-25", ECP5, "LFE5U-25F", Usage(24_288, 24_288, 28, 56)),
    Part("ecp5-45", ECP5, "LFE5U-45F", Usage(43_848, 43_848, 72, 108)),
    Part("ecp5-85", ECP5, "LFE5U-85F", Usage(83_640, 83_640, 156, 208)),
    Part("xc7z010", XC7, "xc7z010clg400-1", Usage(17_600, 35_200, 80, 60)),
    Part("xc7a35t", XC7, "xc7a35tcpg236-1", Usage(20_800, 41_600, 90, 50)),
    Part("xc7z020", XC7, "xc7z020clg400-1", Usage(53_200, 106_400, 220, 140)),
    Part("xc7a100t", XC7, "xc7a100tcsg324-1", Usage(63_400, 126_800, 240, 135)),
    Part("xc7a200t", XC7, "xc7a200tsbg484-1", Usage(134_600, 269_200, 740, 365)),
    Part("xc7k325t", XC7, "xc7k325tffg900-2", Usage(203_800, 407_600, 840, 445)),
    Part("xczu3eg", ULTRASCALE_PLUS, "xczu3eg-sbva484-1-e", Usage(70_560, 141_120, 360, 216)),
    Part("xck26", ULTRASCALE_PLUS, "xck26-sfvc784-2LV-c", Usage(117_120, 234_240, 1_248, 144)),
    Part("xczu7ev", ULTRASCALE_PLUS, "xczu7ev-ffvc1156-2-e", Usage(230_400, 460_800, 1_728, 312)),
    Part("xczu9eg", ULTRASCALE_PLUS, "xczu9eg-ffvb1156-2-e", Usage(274_080, 548_160, 2_520, 912)),
)


def find_part(name: str) -> Part:
    """The part of a name.

    Raises
    ------
    InputError
        With the names there are.
    """
    return named("part", name, PARTS)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)


def named(what: str, name: str, known: tuple[T, ...]) -> T:
    """The one of a name, in capitals or not.

    Raises
    ------
    InputError
        With the names there are.
    """
    for one in known:
        if one.name == name.lower():
            return one
    raise InputError(f"{what} is {name!r}; expected one of {', '.join(one.name for one in known)}")


def exceeded(used: Usage, part: Part) -> tuple[str, ...]:
    """What a design needs more of than the part has, in words; empty when it fits."""
    labels = (("luts", "LUTs"), ("flip_flops", "flip-flops"), ("dsps", "multipliers"), ("block_rams", "block RAMs"))
    return tuple(
        f"{getattr(used, key):g} of {getattr(part.totals, key):g} {label}"
        for key, label in labels
        if getattr(used, key) > getattr(part.totals, key)
    )
