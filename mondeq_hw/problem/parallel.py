"""Rows that are multiples of one another as one: of what all of them allow, or of what they cost together.

``a x <= 2`` and ``-a x <= -1``, as most modelling languages write ``1 <= a x <= 2``, are one row with two ends; as two
they would be dependent, and the dual could hold neither.  So are weights of one distance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .quadratic_program import Affine, ProblemError, QuadraticProgram
from .slack import Slack

#: Digits to which rows of multiples agree.
DIGITS = 12


def merged(problem: QuadraticProgram) -> QuadraticProgram:
    """The same set of ``z``, whatever theta; rows that theta moves otherwise, equalities and soft rows stay.

    Raises
    ------
    ProblemError
        Some of them contradict each other.
    """
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    lower, upper, soft, scales = problem.l, problem.u, problem.slack.soft, _scales(problem)
    for i, scale in enumerate(scales.tolist()):
        ends = [end.gain[i] for end in (lower, upper) if np.isfinite(end.offset[i])]
        same = all(np.array_equal(ends[0], end) for end in ends)
        equality = lower.offset[i] == upper.offset[i]
        if same and not equality and not soft[i]:
            groups[_digits([*problem.A[i] / scale, *ends[0] / scale])].append(i)
    A, low, high = problem.A.copy(), lower.offset.copy(), upper.offset.copy()
    gains, dropped = [lower.gain.copy(), upper.gain.copy()], list[int]()
    for first, *others in groups.values():
        if not others:
            continue
        rows, gain = [first, *others], (lower if np.isfinite(low[first]) else upper).gain[first] / scales[first]
        ends = [np.sort([low[i] / scales[i], high[i] / scales[i]]) for i in rows]
        A[first], low[first], high[first] = A[first] / scales[first], max(e[0] for e in ends), min(e[1] for e in ends)
        gains[0][first] = gains[1][first] = gain
        if low[first] > high[first]:
            numbers = problem.source[rows].tolist()
            raise ProblemError(
                f"row {numbers[-1]} of A, and others that are multiples of it, leave it the empty interval from "
                f"{low[first]:g} to {high[first]:g}; widen them",
                numbers,
            )
        dropped += others
    whole = replace(problem, A=A, l=Affine(low, gains[0]), u=Affine(high, gains[1]))
    return whole.rows(np.setdiff1d(np.arange(len(A)), dropped))


def summed(problem: QuadraticProgram) -> QuadraticProgram:
    """The same costs, each distance that is weighed without a ``delta`` once."""
    scales, first, weights = _scales(problem), dict[tuple[str, ...], int](), problem.slack.weight.copy()
    kept = np.ones(len(weights), dtype=bool)
    for i in np.flatnonzero(problem.weighing).tolist():
        number = [problem.l.offset[i], *problem.l.gain[i]]
        at = first.setdefault(_digits([*problem.A[i] / scales[i], *np.array(number) / scales[i]]), i)
        if at != i:
            weights[at] += weights[i] * abs(scales[i] / scales[at])
            kept[i] = False
    return replace(problem, slack=Slack(problem.slack.delta, weights)).rows(np.flatnonzero(kept))


def _scales(problem: QuadraticProgram) -> np.ndarray:
    """The largest entry of each row, with its sign."""
    return np.array([row[np.abs(row).argmax()] for row in problem.A])


def _digits(numbers: Sequence[float]) -> tuple[str, ...]:
    """By which multiples agree."""
    return tuple(f"{x + 0.0:.{DIGITS}g}" for x in numbers)
