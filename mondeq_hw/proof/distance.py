"""How far any deployed output can be from the float network's, for every input of the box.

    |y - y*|  <=  |y - y~|  +  |y~ - y*|

``y~`` are the outputs at the exact equilibrium of the stored integers.  The first term is rounding of the state and
the finite number of iterations (``logit_radius``).  The second is what a *method* bounds: the tightest one is taken
for each output.  Theorems are in section 11 of ``docs/mathematics.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .ellipsoid import by_ellipsoids
from .joint import NAME as JOINT
from .joint import by_joint_form
from .metric import BOUND_BITS, root_up
from .mismatch import EquilibriumBound, Mismatch, Rows
from .pieces import FAR, by_pieces
from .semidefinite import by_semidefinite


@dataclass(frozen=True)
class OutputDistance:
    """Bounds on ``|y - y*|`` of every output, in its units.

    Parameters
    ----------
    bounds : tuple of Fraction (k,)
    unsaturated : tuple of Fraction (k,) or None
        The same for inputs at which no state saturates, where that is less and some states may.
    rounding : tuple of Fraction (k,)
        The share of the state's rounding and of the finite number of iterations.
    methods : tuple of str (k,)
        Which method's bound was the tightest.
    witnesses : dict
        Of the methods that were taken.
    """

    bounds: tuple[Fraction, ...]
    unsaturated: tuple[Fraction, ...] | None
    rounding: tuple[Fraction, ...]
    methods: tuple[str, ...]
    witnesses: dict[str, dict[str, Any]]


def output_distance(mismatch: Mismatch, errors: Sequence[float] | None = None) -> OutputDistance:
    """The tightest proved bounds on the distance of every output.

    Parameters
    ----------
    mismatch : Mismatch
    errors : sequence of float (k,), optional
        The largest that were found: a bound much above them is worth more work.
    """
    tight = by_semidefinite(mismatch) or by_ellipsoids(mismatch, errors)
    joint = by_joint_form(mismatch) if tight is None else None
    inside = joint.inside if joint is not None and joint.saturates else None
    tight = tight if joint is None else joint.everywhere
    found = [bound for bound in (by_norm(mismatch), by_ranges(mismatch), tight) if bound is not None]
    rounding = rounding_shares(mismatch)
    shares = zip(rounding, mismatch.grid_errors(), mismatch.feedthrough_errors(), strict=True)
    rest = [sum(each, Fraction(0)) for each in shares]
    best = _best(found, mismatch.program.rows)
    largest = max(float(value + more) for (value, _), more in zip(best, rest, strict=True))
    if errors is not None and 0 < FAR * max(errors) < largest:
        pieces = by_pieces(mismatch, errors)
        found += [] if pieces is None else [pieces]
        best = _best(found, mismatch.program.rows)
    methods = tuple(bound.method for _, bound in best)
    shown = methods if inside is None else (*methods, JOINT)
    return OutputDistance(
        tuple(value + more for (value, _), more in zip(best, rest, strict=True)),
        None if inside is None else tuple(value + more for value, more in zip(inside, rest, strict=True)),
        tuple(rounding),
        methods,
        {bound.method: bound.witness for bound in found if bound.method in shown},
    )


def rounding_shares(mismatch: Mismatch) -> list[Fraction]:
    """``|y - y~|`` of every output: rounding of the state, and the finite number of iterations."""
    radius = Fraction(mismatch.bound.radius(mismatch.program.iterations), 2**BOUND_BITS)
    unit = mismatch.readout.unit * Fraction(2) ** mismatch.program.state_format.fractional_bits
    return [dual * radius for dual in mismatch.duals(Rows(mismatch.readout.integers, unit))]


def by_norm(mismatch: Mismatch) -> EquilibriumBound:
    """By the contraction's norm: ``||e|| <= (||r|| + rho ||change of phi|| + ||overflow||) / (1 - rho)``."""
    rho = mismatch.proof.contraction_factor
    clip = mismatch.norm(mismatch.clip_changes)
    left = mismatch.residual_norm + rho * mismatch.phi_gain * clip + mismatch.overflow_norm
    moved = left / (1 - rho) + clip
    duals, changes = mismatch.duals(mismatch.readout), mismatch.duals(mismatch.readout_change)
    rows = zip(duals, changes, mismatch.offset_change, strict=True)
    bounds = [dual * moved + change * mismatch.state_norm + abs(offset) for dual, change, offset in rows]
    return EquilibriumBound("norm", tuple(bounds), {})


def by_ranges(mismatch: Mismatch) -> EquilibriumBound:
    """By the outputs' own ranges, as if the two had nothing in common: what is left where states may saturate far."""
    program, model = mismatch.program, mismatch.floating.output
    top, unit = program.state_format.max_word, Fraction(2) ** program.output_fractional_bits
    low, high = (program.prox(np.full(program.n, end, dtype=object)).tolist() for end in (-top, top))
    bounds = []
    for row, offset, real, real_offset in zip(
        mismatch.readout.integers.tolist(), program.readout_bias.tolist(), model.matrix, model.offset, strict=True
    ):
        terms = [sorted((x * a, x * b)) for x, a, b in zip(row, low, high, strict=True)]
        ends = (sum(term[side] for term in terms) + offset for side in (0, 1))
        there = root_up(sum(x * x for x in real)) * mismatch.value_norm + abs(real_offset)
        bounds.append(max(map(abs, ends)) / unit + there / Fraction(2) ** model.bits)
    return EquilibriumBound("ranges", tuple(bounds), {})


def _best(found: list[EquilibriumBound], outputs: int) -> list[tuple[Fraction, EquilibriumBound]]:
    """The tightest bound of every output."""
    chosen = []
    for output in range(outputs):
        values = [(value, bound) for bound in found if (value := bound.bounds[output]) is not None]
        chosen.append(min(values, key=lambda pair: (pair[0], pair[1].method)))
    return chosen
