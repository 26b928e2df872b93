"""Contraction of a state that is carried from sample to sample: the equilibrium in the loop, and integers at the end.

With ``v``, ``e`` the differences of ``phi`` and of the carried state ``h`` between two trajectories that have the same
inputs, ``w = M v + D e`` is that of the equilibria's states and ``g = K (v, e)`` the next ``e``.  Each row's ``phi``
makes ``w_i^2 >= v_i^2`` (or ``v_i (w_i - v_i) >= 0``) true, so with multipliers ``T >= 0``

    rho^2 e' L e - g' L g - (w' T w - v' T v)  positive definite

proves ``|g|_L <= rho |e|_L``: section 12 of ``docs/mathematics.md``.  Floating point proposes ``L`` and ``T``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, frexp

import flint
import numpy as np

from ..base import DenseOperator, InputError, integers
from ..program import SolverProgram
from .contraction import ErrorBound, iteration_integers
from .enclosure import feedthrough_rounding
from .exact import PositiveDefiniteWitness, prove_positive_definite
from .linear_inequality import best_multipliers, least_gain
from .metric import BOUND_BITS, Metric, root_up
from .ranges import readout_rows

#: Bits of the largest integer of ``L`` and of ``T``.
MULTIPLIER_BITS = 40
#: Digits of the proved factor, and how far above the best one found it is taken.
DIGITS = 1000
SLACKS = (0.02, 0.05, 0.1, 0.3)
#: Bits of a squared gain.
GAIN_BITS = 20
#: States and carried words together: more takes minutes.
LARGEST = 160


@dataclass(frozen=True)
class Loop:
    """The exact map of the stored integers around a carried state; row and column grids are powers of two.

    Parameters
    ----------
    matrix : list of list of int (n, n + m)
        ``[M D]`` in units of ``2^-matrix_bits``; with the inputs' columns behind, where these differ as well.
    matrix_bits : int
    loop : list of list of int (m, n + m)
        ``K`` in units of ``2^-loop_bits``; with the outputs' rows below, where these count as well.
    loop_bits : int
    reflects : bool
        Whether ``phi`` is ``2 prox - id``.
    """

    matrix: list[list[int]]
    matrix_bits: int
    loop: list[list[int]]
    loop_bits: int
    reflects: bool

    @staticmethod
    def of(program: SolverProgram) -> Loop:
        """Of a program that carries a state."""
        d, k = program.d, program.k
        return Loop._of(program, np.arange(k, program.rows), np.arange(d, program.columns))

    @staticmethod
    def with_ends(program: SolverProgram) -> Loop:
        """The same with its inputs and outputs."""
        rows, columns = np.arange(program.rows), np.arange(program.columns)
        return Loop._of(program, np.roll(rows, -program.k), np.roll(columns, -program.d))

    @staticmethod
    def _of(program: SolverProgram, rows: np.ndarray, columns: np.ndarray) -> Loop:
        N, G = iteration_integers(program.matrix, program.leak_shift)
        drive, drive_bits = _aligned(program.drive, np.arange(program.n), columns)
        E = max(G, drive_bits)
        pairs = zip(N.tolist(), drive, strict=True)
        matrix = [[x << E - G for x in a] + [x << E - drive_bits for x in b] for a, b in pairs]
        if program.feedthrough is None:
            raise InputError("program: carries no state")
        direct, direct_bits = _aligned(program.feedthrough, rows, columns)
        shown, shown_bits = [readout_rows(program)[row] for row in rows], int(program.readout.shifts.max())
        # With a reflection z = (phi + s) / 2 at the equilibrium, and s = M phi + D h + ...
        half = int(program.splitting.reflects)
        F = max(shown_bits + half + (E if half else 0), direct_bits)
        found = []
        through = (flint.fmpz_mat(shown) * flint.fmpz_mat(matrix)).tolist() if half else None
        for j, (row, fed) in enumerate(zip(shown, direct, strict=True)):
            alone = [x << F - shown_bits - half for x in row] + [x << F - direct_bits for x in fed]
            if through is not None:
                alone = [a + (int(b) << F - shown_bits - half - E) for a, b in zip(alone, through[j], strict=True)]
            found.append(alone)
        return Loop(matrix, E, found, F, program.splitting.reflects)

    @property
    def n(self) -> int:
        """States."""
        return len(self.matrix)

    @property
    def size(self) -> int:
        """Columns: states, carried words, inputs."""
        return len(self.matrix[0])

    @cached_property
    def floating(self) -> tuple[np.ndarray, np.ndarray]:
        """``[M D]`` and ``K``, nearly."""
        return (
            np.ldexp(np.array(self.matrix, dtype=np.float64), -self.matrix_bits),
            np.ldexp(np.array(self.loop, dtype=np.float64), -self.loop_bits),
        )

    def gap(self, scale: int, kept: list[list[int]], form: list[list[int]], multipliers: list[int]) -> list[list[int]]:
        """``kept - scale (K' form K + what the multipliers take)``, times a positive integer."""
        n, size, X = self.n, self.size, max(self.matrix_bits, self.loop_bits)
        R, K, L = flint.fmpz_mat(self.matrix), flint.fmpz_mat(self.loop), flint.fmpz_mat(form)
        weighted = flint.fmpz_mat([[t * x for x in row] for t, row in zip(multipliers, self.matrix, strict=True)])
        total = -scale * (K.transpose() * L * K) * 4 ** (X - self.loop_bits)
        if self.reflects:
            total = total - scale * (R.transpose() * weighted) * 4 ** (X - self.matrix_bits)
        else:  # v' T w + w' T v - 2 v' T v
            mixed = [[0] * size for _ in range(size)]
            for i in range(n):
                for j in range(size):
                    entry = int(weighted[i, j]) << (2 * X - self.matrix_bits)
                    mixed[i][j] += entry
                    mixed[j][i] += entry
            total = total - scale * flint.fmpz_mat(mixed)
        rows = [[int(x) for x in row] for row in total.tolist()]
        for i, t in enumerate(multipliers):
            rows[i][i] += (1 if self.reflects else 2) * scale * t << 2 * X
        for i, line in enumerate(kept):
            for j, entry in enumerate(line):
                rows[n + i][n + j] += entry << 2 * X
        return rows


def _aligned(operator: DenseOperator, rows: np.ndarray, columns: np.ndarray) -> tuple[list[list[int]], int]:
    """A part of a matrix as integers on one grid."""
    integers, shifts = operator.integers[np.ix_(rows, columns)].astype(object), operator.shifts[rows]
    finest = int(shifts.max())
    return (integers << (finest - shifts)[:, None].astype(object)).tolist(), finest


@dataclass(frozen=True)
class CarriedProof:
    """``|g|_L <= rho |e|_L`` for every pair of trajectories with the same inputs.

    Parameters
    ----------
    contraction_factor : Fraction
    form : list of list of int (m, m)
        ``L``.
    multipliers : list of int (n,)
        ``T``.
    floor : int
        ``L - floor I`` is positive definite.
    witness, floor_witness : PositiveDefiniteWitness
    """

    contraction_factor: Fraction
    form: list[list[int]]
    multipliers: list[int]
    floor: int
    witness: PositiveDefiniteWitness
    floor_witness: PositiveDefiniteWitness


def prove_carried(program: SolverProgram) -> CarriedProof | None:
    """The smallest factor by which the carried state provably contracts, nearly; None where no proof was found."""
    loop = Loop.of(program)
    if loop.size > LARGEST:
        return None
    found = best_multipliers(*loop.floating, loop.reflects)
    if found is None:
        return None
    for slack in SLACKS:
        factor = found.factor + slack * (1 - found.factor)
        proof = _proved(loop, Fraction(ceil(factor * DIGITS), DIGITS), *found.at(factor))
        if proof is not None:
            return proof
    return None


def _proved(loop: Loop, factor: Fraction, form: np.ndarray, multipliers: np.ndarray) -> CarriedProof | None:
    if not 0 < factor < 1:
        return None
    scale = 2.0**MULTIPLIER_BITS / max(np.abs(form).max(), multipliers.max())
    L = [[int(x) for x in row] for row in np.rint(scale * (form + form.T) / 2)]
    T = [max(1, int(t)) for t in np.rint(scale * multipliers)]
    p, q = factor.numerator, factor.denominator
    witness = prove_positive_definite(loop.gap(q * q, [[p * p * x for x in row] for row in L], L, T))
    floor = int(0.9 * np.linalg.eigvalsh(np.array(L, dtype=np.float64))[0])
    if witness is None or floor < 1:
        return None
    lifted = [[x - floor * (i == j) for j, x in enumerate(row)] for i, row in enumerate(L)]
    floor_witness = prove_positive_definite(lifted)
    return None if floor_witness is None else CarriedProof(factor, L, T, floor, witness, floor_witness)


@dataclass(frozen=True)
class GainProof:
    """``sum |dy|^2 <= gamma^2 sum |du|^2`` for every pair of trajectories from the same carried state.

    Parameters
    ----------
    square : Fraction
        ``gamma^2``, in units of the output over those of the input's words.
    form : list of list of int (m, m)
        ``L``, positive definite.
    multipliers : list of int (n,)
        ``T``.
    weight : int
        ``tau`` of the outputs and inputs beside ``L``.
    witness, form_witness : PositiveDefiniteWitness
    """

    square: Fraction
    form: list[list[int]]
    multipliers: list[int]
    weight: int
    witness: PositiveDefiniteWitness
    form_witness: PositiveDefiniteWitness


def prove_gain(program: SolverProgram) -> GainProof | None:
    """The smallest incremental gain from the inputs to the outputs that is proved, nearly; None without one."""
    loop = Loop.with_ends(program)
    if loop.size > LARGEST:
        return None
    found = least_gain(*loop.floating, loop.reflects, program.carried_words)
    if found is None:
        return None
    for slack in SLACKS:
        grid = Fraction(2) ** (frexp(found.square)[1] - GAIN_BITS)
        square = ceil((1 + Fraction(slack)) * Fraction(found.square) / grid) * grid
        proof = _proved_gain(loop, square, *found.at(float(square)))
        if proof is not None:
            return proof
    return None


def _proved_gain(
    loop: Loop, square: Fraction, form: np.ndarray, multipliers: np.ndarray, weight: float
) -> GainProof | None:
    scale = 2.0**MULTIPLIER_BITS / max(np.abs(form).max(), multipliers.max(), weight)
    L = [[int(x) for x in row] for row in np.rint(scale * (form + form.T) / 2)]
    T, tau = [max(1, int(t)) for t in np.rint(scale * multipliers)], max(1, int(scale * weight))
    m, p, q = len(L), square.numerator, square.denominator
    kept = with_diagonal([[q * x for x in row] for row in L], p * tau, loop.size - loop.n - m)
    witness = prove_positive_definite(loop.gap(q, kept, with_diagonal(L, tau, len(loop.loop) - m), T))
    form_witness = prove_positive_definite(L)
    if witness is None or form_witness is None:
        return None
    return GainProof(square, L, T, tau, witness, form_witness)


def root_above(square: Fraction) -> Fraction:
    """A bound on the root, nearly tight."""
    return Fraction(root_up(ceil(square * 4**BOUND_BITS)), 2**BOUND_BITS)


def with_diagonal(form: list[list[int]], entry: int, more: int) -> list[list[int]]:
    """A matrix with so many rows and columns more, of the entry on the diagonal."""
    m = len(form)
    rows = [[*row, *[0] * more] for row in form]
    return rows + [[0] * (m + i) + [entry] + [0] * (more - i - 1) for i in range(more)]


# -- the deployed state beside the exact one -----------------------------------------


def carried_radii(program: SolverProgram, metric: Metric, bound: ErrorBound, proof: CarriedProof) -> list[Fraction]:
    """Bound on the distance of every carried word from the exact trajectory's, in the network's units (m,)."""
    exponents = np.zeros(0, dtype=np.int64) if program.carried is None else program.carried.exponents
    errors = step_errors(program, metric, bound)
    square = sum(
        abs(x) * a * b for row, a in zip(proof.form, errors, strict=True) for x, b in zip(row, errors, strict=True)
    )
    norm = Fraction(root_up(ceil(square * 4**BOUND_BITS)), 2**BOUND_BITS) / (1 - proof.contraction_factor)
    # sqrt(floor), rounded down to its own integer grid.
    least = Fraction(root_up((proof.floor << 2 * BOUND_BITS) + 1) - 1, 2**BOUND_BITS)
    return [norm / least / Fraction(2) ** e for e in exponents.tolist()]


def step_errors(program: SolverProgram, metric: Metric, bound: ErrorBound) -> list[Fraction]:
    """What one sample can be off in every carried word: equilibrium, feed-through, and the word's own rounding."""
    radius, unit = bound.radius(program.iterations), Fraction(2) ** program.output_fractional_bits
    half = Fraction(1, 2) / Fraction(2) ** program.input_format.fractional_bits
    duals = metric.dual_norms_up(integers(readout_rows(program)))
    rows = zip(duals, feedthrough_rounding(program), strict=True)
    errors = [(dual * Fraction(radius, 4**BOUND_BITS) + direct) / unit + half for dual, direct in rows]
    return errors[program.k :]
