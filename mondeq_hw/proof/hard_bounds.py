"""Outputs that show one bounded variable: their interval, whatever input, state, rounding and number of iterations.

Nothing but the stored clip and the stored readout of that row decides it, so it needs no contraction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..base import Interval
from ..program import SolverProgram
from .contraction import float_up
from .float_model import FloatModel
from .ranges import readout_rows

Ends = tuple[Fraction | None, Fraction | None]


@dataclass(frozen=True)
class HardBounds:
    """Of every output; None where it is no such one, or has no end there.

    Parameters
    ----------
    lower, upper : list of float or None (k,)
        In the output's units.
    inside : list of bool or None (k,)
        Whether the interval is inside the network's own, by the network's numbers on their grids.
    """

    lower: list[float | None]
    upper: list[float | None]
    inside: list[bool | None]


def has_hard_bounds(program: SolverProgram) -> bool:
    """Whether there is such an output; the rows of a carried state are none."""
    return program.carried is None and any(place is not None for place in map(_place(program), range(program.k)))


def hard_bounds(program: SolverProgram, floating: FloatModel | None) -> HardBounds:
    """The proved intervals."""
    place, found = _place(program), HardBounds([], [], [])
    ends: Ends
    rows, unit = readout_rows(program), Fraction(2) ** program.output_fractional_bits
    for k, bias in enumerate(program.readout_bias.tolist()):
        row = place(k)
        if row is None:
            ends, inside = (None, None), None
        else:
            interval = program.clip.kinds[program.clip.rows[row]]
            ends = _shown(interval, Fraction(rows[k][row]), Fraction(bias), unit)
            inside = None if floating is None else _inside(ends, floating, k, row)
        found.lower.append(None if ends[0] is None else 0.0 - float_up(-ends[0]))
        found.upper.append(None if ends[1] is None else float_up(ends[1]))
        found.inside.append(inside)
    return found


def _place(program: SolverProgram) -> Callable[[int], int | None]:
    """Of each output the only row that it shows, where that row has an end."""
    rows, direct = readout_rows(program), program.feedthrough

    def place(k: int) -> int | None:
        shown = [i for i, x in enumerate(rows[k]) if x]
        if len(shown) != 1 or (direct is not None and any(direct.rows()[k])):
            return None
        interval = program.clip.kinds[program.clip.rows[shown[0]]]
        ended = np.isfinite(interval.lower) or np.isfinite(interval.upper)
        return shown[0] if ended and not interval.complement else None

    return place


def _shown(interval: Interval, gain: Fraction, offset: Fraction, unit: Fraction) -> Ends:
    low, high = (
        (gain * Fraction(end) + offset) / unit if np.isfinite(end) else None for end in (interval.lower, interval.upper)
    )
    return (low, high) if gain > 0 else (high, low)


def _inside(ends: Ends, floating: FloatModel, k: int, row: int) -> bool | None:
    """Whether an interval is inside the network's; None where its own output shows more than the row."""
    model, gains = floating.output, floating.output.matrix[k]
    if [i for i, x in enumerate(gains) if x] != [row]:
        return None
    real = floating.clip.kinds[floating.clip.rows[row]]
    low, high = _shown(real, Fraction(gains[row]), Fraction(model.offset[k]), Fraction(2) ** model.bits)
    return all(
        wanted is None or (end is not None and sign * end <= sign * wanted)
        for end, wanted, sign in ((ends[0], low, -1), (ends[1], high, 1))
    )
