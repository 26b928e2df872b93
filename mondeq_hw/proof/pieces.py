"""Distance of the outputs where the box of few inputs falls into few pieces, on each of which everything is affine.

    |y~ - y*|  <=  what it is at a box's middle, and how much an affine function moves from there

A state is an affine function of the inputs as long as every row stays on its side of its clip's bounds, and so is the
error.  Where a row may not stay, its slope is one between two, and bounds are largest at one of these: few such rows
mean few patterns of slopes.  The box of all inputs is halved where that is too much.  Little is left to norms, and of a
row that stays at a bound nothing is seen in the outputs.  Theorem 17 of ``docs/mathematics.md``.

The bounds of a box are the independent checker's own, in integers; here is which boxes are halved, and what is claimed.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from fractions import Fraction
from itertools import count
from math import inf

from . import check_certificate
from .mismatch import EquilibriumBound, Mismatch, checked, short_bound
from .plain import ratio

NAME = "pieces"
#: A bound so many times the error found is worth the search, and one so many times is near enough.
FAR, NEAR = 4.9, 3.5
#: The share of the largest error found that counts as another output's.
LEAST = 1 / 64
#: Boxes that are visited, of so many rows; of more rows, of which a box takes longer, fewer.
BOXES, ROWS = 1600, 32
#: Of what is claimed, for another machine's floating point.
MARGIN = 1.01


def by_pieces(mismatch: Mismatch, errors: Sequence[float]) -> EquilibriumBound | None:
    """See the module's text; None where it does not apply, or the box has too many pieces.

    Parameters
    ----------
    mismatch : Mismatch
    errors : sequence of float (k,)
        Found of each output: the boxes where bounds are largest beside these are halved.
    """
    program = mismatch.program
    if program.d > check_certificate.MOST_SPLIT_INPUTS or program.n > check_certificate.MOST_SPLIT_ROWS:
        return None
    found = [Fraction(max(error, LEAST * max(errors))) for error in errors]
    try:
        pieces = check_certificate.Pieces(checked(mismatch))
        boxes = _halved(pieces, found, int(BOXES * min(1.0, ROWS / program.n) ** 2))
    except (
        check_certificate.CertificateError,
        OverflowError,
        ValueError,
        ZeroDivisionError,
    ):  # or floats are at an end
        return None
    if boxes is None:
        return None
    largest = [max(values) + added for values, added in zip(zip(*boxes, strict=True), pieces.added, strict=True)]
    claimed = [short_bound(MARGIN * float(most)) - added for most, added in zip(largest, pieces.added, strict=True)]
    return EquilibriumBound(NAME, tuple(claimed), {"bounds": [ratio(bound) for bound in claimed]})


def _halved(pieces: check_certificate.Pieces, errors: list[Fraction], allowed: int) -> list[list[Fraction]] | None:
    """Bounds of boxes that cover all inputs, those halved first where they are largest; None without any of one."""
    least = [Fraction(NEAR) * error - added for error, added in zip(errors, pieces.added, strict=True)]
    order, waiting = count(), list[tuple[float, int, list[Fraction] | None, list[check_certificate.Part]]]()

    def add(part: check_certificate.Part) -> None:
        bounds, halves = pieces.bounds(part, least)
        worst = inf
        if bounds is not None:
            sums = zip(bounds, pieces.added, errors, strict=True)
            worst = max(float((bound + added) / error) for bound, added, error in sums)
        heapq.heappush(waiting, (-worst, next(order), bounds, halves))

    add(pieces.whole)
    for _ in range(allowed // 2):
        worst, _, _, halves = waiting[0]
        if -worst <= NEAR or not halves:
            break
        heapq.heappop(waiting)
        for half in halves:
            add(half)
    found = [bounds for _, _, bounds, _ in waiting if bounds is not None]
    return found if len(found) == len(waiting) else None
