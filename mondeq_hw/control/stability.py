"""What is proved of a closed loop: a neighbourhood of its rest that no trajectory leaves, and how small it becomes.

Near rest the float controller is one affine piece, ``u = K x + k``: which of its rows are at a bound does not change.
The core errs from it by ``e``, ``|e_i| <= r_i`` (the certificate's ``output_distance``), and sees the state to half an
input word, ``delta``.  About the rest of the piece, ``xi``,

    xi+ = (A + B K) xi + B (e + K delta).

With ``P`` such that ``lambda^2 P - (A + B K)' P (A + B K)`` is positive definite and ``|xi| = sqrt(xi' P xi)``,

    |xi+| <= lambda |xi| + w,      w = sum_i r_i |B_i| + sum_j delta_j |(B K)_j|,

so every ball of a radius from ``w / (1 - lambda)`` to the largest one on which the piece holds is invariant, and every
trajectory in the largest ends in the smallest.  With a warm start ``r`` holds while no word of the parameter moves
faster than the declared rate, so in the largest ball ``xi+ - xi`` keeps to that, too.

Integers and fractions throughout; floating point only proposes ``P``, ``lambda`` and the piece.  The plant's numbers
are taken as they are given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import flint
import numpy as np

from ..base import Clip, InputError
from ..folder import Build
from ..problem import MonDEQ, preactivation
from ..proof import float_up, model_from_plain
from .loop import LinearPlant
from .rational import (
    column,
    column_of,
    diagonal,
    exact,
    floats,
    is_positive_definite,
    length,
    rational,
    row_of,
)

#: Shares of the way from the spectral radius to 1 at which a rate is tried.
RATES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
#: Bits of the metric's integers, and of rates.
METRIC_BITS, RATE_BITS = 40, 20
#: What values lose on their way to words in floating point, beside half a word: far less.
CONVERSION = 1 + Fraction(1, 2**20)

Bounds = tuple[Fraction | None, Fraction | None]


@dataclass(frozen=True, repr=False)
class LoopProof:
    """An invariant neighbourhood of the loop's rest, or why there is none.

    Parameters
    ----------
    reason : str or None
        Why nothing is proved; the rest is then None.
    rest : tuple of float (n,)
        The state at rest of the exact controller.
    rate : float
        ``lambda``: what a step leaves of the distance from rest, at most, beyond the disturbance.
    ultimate : tuple of float (n,)
        How far each state is from rest in the end, at most.
    invariant : tuple of float (n,)
        How far each state reaches in the largest neighbourhood; no trajectory that begins in it leaves it.
    metric : tuple of tuple of int (n, n)
        ``P``.
    radius : float
        Of the neighbourhood, in the metric: where ``(x - rest)' P (x - rest) <= radius^2``.
    """

    reason: str | None = None
    rest: tuple[float, ...] | None = None
    rate: float | None = None
    ultimate: tuple[float, ...] | None = None
    invariant: tuple[float, ...] | None = None
    metric: tuple[tuple[int, ...], ...] | None = None
    radius: float | None = None

    def __repr__(self) -> str:
        if self.ultimate is None:
            return f"LoopProof: nothing is proved; {self.reason}"
        ends = ", ".join(f"{each:.4g}" for each in self.ultimate)
        return f"LoopProof: a step leaves {self.rate:.4g} of the distance from rest at most, in the end {ends} at most"

    @property
    def proved(self) -> bool:
        """Whether there is one."""
        return self.reason is None


def certify_closed_loop(build: Build, plant: LinearPlant, errors: tuple[Fraction, ...] | None = None) -> LoopProof:
    """Prove an ultimate bound of a compiled controller's linear loop.

    Parameters
    ----------
    build : Build
        Of a controller whose parameter is the plant's state.
    plant : LinearPlant
    errors : tuple of Fraction (k,), optional
        Bounds on the outputs' errors in place of the certificate's: what the answer then rests on is the caller's.

    Raises
    ------
    InputError
        The plant has other sizes than the controller.
    """
    program, operator = build.program, build.certificate.evidence.get("operator")
    if not isinstance(plant, LinearPlant):
        raise InputError(f"the plant is a {type(plant).__name__}; expected a LinearPlant, whose loop can be proved")
    if program.carried is not None:
        return LoopProof("the controller carries a state of its own; only of measured states is a loop proved")
    A, B = plant.A, plant.B
    if A.shape != (program.d, program.d) or B.shape != (program.d, program.k):
        raise InputError(
            f"the plant has shapes {A.shape} and {B.shape}; expected {(program.d, program.d)} and "
            f"{(program.d, program.k)}: its state is the controller's parameter, its input the controller's output"
        )
    if operator is None:
        return LoopProof("the certificate holds no float controller")
    errors = _proved_errors(build) if errors is None else errors
    if errors is None:
        return LoopProof("the certificate proves no distance of the outputs from the exact ones (output_distance)")
    seen = _Seen.of(build)
    if not all(seen.unit):
        return LoopProof("a parameter's box is a single value")
    piece = _Piece.at_zero(model_from_plain(operator, program.input_format.fractional_bits), seen)
    closed = exact(A) + exact(B) * piece.K
    radius = float(np.abs(np.linalg.eigvals(floats(closed))).max())
    if not radius < 1:
        return LoopProof(f"the exact controller's loop is not stable near its rest: spectral radius {radius:.6g}")
    rest = column_of((diagonal([1] * program.d) - closed).solve(exact(B) * piece.k), 0)
    rooms = [*piece.rooms(rest, seen), *seen.rooms(rest)]
    if min(room for _, room in rooms) <= 0:
        return LoopProof("at rest the exact controller is not inside one affine piece and the parameters' box")
    pushes = [(error, column_of(exact(B), i)) for i, error in enumerate(errors)]
    pushes += [(width, column_of(exact(B) * piece.K, j)) for j, width in enumerate(seen.half)]
    if program.warm is not None:
        slow = list(seen.slow(closed, pushes, program.warm.rate.tolist()))
        if min(room for _, room in slow) <= 0:
            return LoopProof("the errors alone move the state faster than the warm start's rate allows")
        rooms = slow + rooms
    rates = (Fraction(ceil((radius + share * (1 - radius)) * 2**RATE_BITS), 2**RATE_BITS) for share in RATES)
    tried = (_neighbourhood(closed, rest, rate, pushes, rooms) for rate in rates if rate < 1)
    found = [each for each in tried if each is not None]
    return (
        min(found, key=lambda each: each[0])[1] if found else LoopProof("no metric was found in which a step contracts")
    )


def _proved_errors(build: Build) -> tuple[Fraction, ...] | None:
    line = next((line for line in build.certificate.lines if line.name == "output_distance"), None)
    bounds = [None] if line is None or line.status != "proved" else line.values["bounds"]
    return None if any(bound is None for bound in bounds) else tuple(map(Fraction, bounds))


@dataclass(frozen=True)
class _Seen:
    """How a state is seen: ``(x - origin) / unit`` to the nearest word, so to ``half`` in its own units, in a box."""

    unit: list[Fraction]
    origin: list[Fraction]
    step: Fraction
    half: list[Fraction]
    box: list[tuple[Fraction, Fraction]]

    @staticmethod
    def of(build: Build) -> _Seen:
        words, form, d = build.preprocessing.words, build.program.input_format, build.program.d
        ends = (words.unit, words.origin)
        unit, origin = ([Fraction(x) for x in np.broadcast_to(each, (d,)).tolist()] for each in ends)
        step = Fraction(2) ** -form.fractional_bits  # above one where the program keeps the leading bits only
        off = (1 + step) / 2 if step > 1 else Fraction(1, 2)
        low = max(Fraction(words.ends[0]), form.min_word * step)
        high = min(Fraction(words.ends[1]), form.max_word * step)
        box = [(o + u * low, o + u * high) for u, o in zip(unit, origin, strict=True)]
        return _Seen(unit, origin, step, [u * off * CONVERSION for u in unit], box)

    def rooms(self, rest: list[Fraction]) -> Iterator[tuple[list[Fraction], Fraction]]:
        """Each state's own axis, and how far it may go from rest."""
        for j, (low, high) in enumerate(self.box):
            yield [Fraction(i == j) for i in range(len(rest))], min(high - rest[j], rest[j] - low)

    def slow(
        self, closed: flint.fmpq_mat, pushes: list[tuple[Fraction, list[Fraction]]], rates: list[int]
    ) -> Iterator[tuple[list[Fraction], Fraction]]:
        """What moves each state in a sample, and how far it may, so that its words differ by no more than a rate."""
        moved = closed - diagonal([1] * len(rates))
        for j, rate in enumerate(rates):
            # Two values are rounded, to words and once more where the program keeps the leading bits only.
            words = (rate - 1) * self.step - (1 if self.step > 1 else 0)
            pushed = sum((size * abs(push[j]) for size, push in pushes), Fraction())
            yield row_of(moved, j), words * self.unit[j] / CONVERSION - pushed


@dataclass(frozen=True)
class _Piece:
    """``u = K x + k`` where every row keeps to its bounds, ``low_i <= v_i x + w_i <= high_i``; None is no bound."""

    K: flint.fmpq_mat
    k: flint.fmpq_mat
    v: flint.fmpq_mat
    w: list[Fraction]
    bounds: tuple[Bounds, ...]

    @staticmethod
    def at_zero(model: MonDEQ, seen: _Seen) -> _Piece:
        """The piece on which the state zero lies, of a network that takes ``(x - origin) / unit``."""
        zero = [-o / u for o, u in zip(seen.origin, seen.unit, strict=True)]
        nominal = preactivation(model, np.array([zero], dtype=np.float64))[0]
        slopes, shifts, bounds = zip(*_prox_pieces(model.prox, nominal), strict=True)
        # z = S (W z + U raw + b) + t, the prox on its piece; y = O z + F raw + c.
        S, W, readout, U = diagonal(slopes), exact(model.W), exact(model.O), exact(model.U)
        b = column(model.b.tolist())
        loop = diagonal([1] * model.n) - S * W
        gain, offset = loop.solve(S * U), loop.solve(S * b + column(shifts))
        direct = exact(np.zeros((model.k, model.d)) if model.F is None else model.F)
        into, at = diagonal([1 / u for u in seen.unit]), column(zero)
        K, V = readout * gain + direct, W * gain + U
        k = readout * offset + column(model.c.tolist()) + K * at
        w = W * offset + b + V * at
        return _Piece(K * into, k, V * into, column_of(w, 0), bounds)

    def rooms(self, rest: list[Fraction], seen: _Seen) -> Iterator[tuple[list[Fraction], Fraction]]:
        """Each bounded row, and how far it is from its bounds at rest, half a word of the state off."""
        for i, (low, high) in enumerate(self.bounds):
            row = row_of(self.v, i)
            at = self.w[i] + sum(x * r for x, r in zip(row, rest, strict=True))
            blur = sum(abs(x) * width for x, width in zip(row, seen.half, strict=True))
            gaps = [gap for gap in (low is not None and at - low, high is not None and high - at) if gap is not False]
            if gaps:
                yield row, min(gaps) - blur


def _prox_pieces(clip: Clip, preactivations: np.ndarray) -> Iterator[tuple[int, Fraction, Bounds]]:
    """Slope, shift and bounds of each row's prox on the piece that holds its preactivation."""
    rows = zip(preactivations.tolist(), clip.lower.tolist(), clip.upper.tolist(), clip.complement.tolist(), strict=True)
    for value, low, high, complement in rows:
        if low <= value <= high:
            ends = [None if np.isinf(end) else Fraction(end) for end in (low, high)]
            yield int(not complement), Fraction(), (ends[0], ends[1])
            continue
        bound = Fraction(low if value < low else high)
        yield int(complement), -bound if complement else bound, (None, bound) if value < low else (bound, None)


def _neighbourhood(
    closed: flint.fmpq_mat,
    rest: list[Fraction],
    rate: Fraction,
    pushes: list[tuple[Fraction, list[Fraction]]],
    rooms: list[tuple[list[Fraction], Fraction]],
) -> tuple[Fraction, LoopProof] | None:
    """What the smallest invariant ball takes of the largest at a rate, and the proof; None without a metric."""
    from scipy.linalg import solve_discrete_lyapunov

    n = len(rest)
    widths = np.array([float(room) for _, room in rooms[-n:]])
    proposal = solve_discrete_lyapunov(floats(closed).T / float(rate), np.diag(1 / widths**2))
    shift = METRIC_BITS - int(np.ceil(np.log2(np.abs(proposal).max())))
    integers = [[int(x) for x in row] for row in np.rint(np.ldexp((proposal + proposal.T) / 2, shift)).tolist()]
    P = exact(integers)
    if not (is_positive_definite(P) and is_positive_definite(P * rational(rate**2) - closed.transpose() * P * closed)):
        return None
    inverse = P.inv()
    smallest = sum((size * length(P, push) for size, push in pushes), Fraction()) / (1 - rate)
    largest = min(room / length(inverse, row) for row, room in rooms if any(row))
    if smallest > largest:
        return smallest / largest, LoopProof(
            f"the proved errors push the state {float(smallest / largest):.3g} times as far as the neighbourhood "
            "of rest reaches on which the controller is one affine piece"
        )
    axes = [length(inverse, [Fraction(i == j) for i in range(n)]) for j in range(n)]
    return smallest / largest, LoopProof(
        rest=tuple(map(float, rest)),
        rate=float(rate),
        ultimate=tuple(float_up(axis * smallest) for axis in axes),
        invariant=tuple(float_up(axis * largest) for axis in axes),
        metric=tuple(map(tuple, integers)),
        radius=-float_up(-largest),
    )
