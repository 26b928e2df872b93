"""The ECP5's clock multiplier: dividers for a frequency.

The limits are those of Project Trellis' ``ecppll``, which follow Lattice
FPGA-DS-02012 and FPGA-TN-02200; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..base import InputError

_DETECTOR_MHZ = (3.125, 400.0)
_OSCILLATOR_MHZ = (400.0, 800.0)
_OUTPUT_MHZ = (10.0, 400.0)
_MAX_INPUT_DIVIDER, _MAX_FEEDBACK_DIVIDER, _MAX_OUTPUT_DIVIDER = 128, 80, 128
#: What a clock may differ from the one asked for, relatively.
TOLERANCE = 0.005


@dataclass(frozen=True)
class Pll:
    """Dividers around the oscillator inside, whose output is fed back.

    Parameters
    ----------
    input_mhz : float
    input_divider, feedback_divider, output_divider : int
    """

    input_mhz: float
    input_divider: int
    feedback_divider: int
    output_divider: int

    @property
    def output_mhz(self) -> float:
        """The clock it makes."""
        return self.input_mhz * self.feedback_divider / self.input_divider

    @property
    def oscillator_mhz(self) -> float:
        """The oscillator inside."""
        return self.output_mhz * self.output_divider


def find_pll(input_mhz: float, output_mhz: float) -> Pll:
    """The dividers that come closest to a clock; of equals, those with the oscillator nearest its middle.

    Raises
    ------
    InputError
        None comes close enough.
    """
    middle = sum(_OSCILLATOR_MHZ) / 2
    found = [
        Pll(input_mhz, before, feedback, after)
        for before in range(1, _MAX_INPUT_DIVIDER + 1)
        if _DETECTOR_MHZ[0] <= input_mhz / before <= _DETECTOR_MHZ[1]
        for feedback in range(1, _MAX_FEEDBACK_DIVIDER + 1)
        if _OUTPUT_MHZ[0] <= input_mhz * feedback / before <= _OUTPUT_MHZ[1]
        for after in range(1, _MAX_OUTPUT_DIVIDER + 1)
        if _OSCILLATOR_MHZ[0] <= input_mhz * feedback / before * after <= _OSCILLATOR_MHZ[1]
    ]
    best = min(found, key=lambda pll: (round(abs(pll.output_mhz - output_mhz), 9), abs(pll.oscillator_mhz - middle)))
    if abs(best.output_mhz - output_mhz) > TOLERANCE * output_mhz:
        raise InputError(
            f"no PLL setting makes {output_mhz:g} MHz of {input_mhz:g} MHz; the nearest is {best.output_mhz:.6g} MHz"
        )
    return best
