"""Contraction of the stored integers, and the iterations and error radius that follow from it.

Every proof here is about the deployed program, not about the model it came
from, so it needs no perturbation argument: ``phi`` and saturation are
1-Lipschitz in every diagonally weighted norm, and the recurrence contracts as
soon as its stored iteration matrix does.  Derivations and proofs are in
``docs/mathematics.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import inf, isqrt, nextafter

import flint
import numpy as np

from ..base import IntegerOperator
from ..program import SolverProgram
from .exact import PositiveDefiniteWitness, is_proved, prove_positive_definite
from .weighting import best_weighting

#: Weights are integers with this many bits below the smallest one.
WEIGHT_BITS = 16
#: A searched weighting must make the error radius smaller by this share to replace the plain norm.
WEIGHTING_GAIN = 0.9
#: Points between no weighting and the searched one: a milder weighting costs the norm little and the radius less.
WEIGHTING_SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)
#: Error bounds are integers in units of ``2^-BOUND_BITS`` of a state step, always rounded up.
BOUND_BITS = 64
#: Iterations run until what is left of the start is at most this share of the rounding radius.
TRANSIENT_SHARE = Fraction(1, 2)


@dataclass(frozen=True)
class ContractionProof:
    """``rho^2 W - M' W M`` is positive definite: ``||D M D^-1||_2 < rho``, ``D^2 = W``.

    Parameters
    ----------
    contraction_factor : Fraction
        ``rho < 1``.
    weights : tuple of int (n,)
        Diagonal of ``W``, positive.
    plain_norm : float
        ``||M||_2``, measured.
    weighted_norm : float
        ``||D M D^-1||_2``, measured; the proved ``rho`` is just above it.
    witness : PositiveDefiniteWitness
        For :func:`contraction_gap` of the same arguments.
    """

    contraction_factor: Fraction
    weights: tuple[int, ...]
    plain_norm: float
    weighted_norm: float
    witness: PositiveDefiniteWitness


# -- contraction ---------------------------------------------------------------


def iteration_integers(matrix: IntegerOperator, leak_shift: int) -> tuple[list[list[int]], int]:
    """``(N, G)`` with ``leak I + 2^-g integers = 2^-G N`` exactly."""
    grid = max(int(matrix.shifts.max()), leak_shift, 0)
    leak = (1 << grid) - (1 << (grid - leak_shift))
    N = []
    for i, (row, shift) in enumerate(zip(matrix.rows(), matrix.shifts.tolist(), strict=True)):
        aligned = [entry << (grid - shift) for entry in row]
        aligned[i] += leak
        N.append(aligned)
    return N, grid


def weighted_gram(N: list[list[int]], weights: Iterable[int]) -> list[list[int]]:
    """``N' W N``, exact integers."""
    transposed = flint.fmpz_mat(N).transpose()
    weighted = flint.fmpz_mat([[w * entry for entry in row] for w, row in zip(weights, N, strict=True)])
    return [[int(entry) for entry in row] for row in (transposed * weighted).tolist()]


def contraction_gap(
    gram: list[list[int]], grid: int, weights: Iterable[int], contraction_factor: Fraction
) -> list[list[int]]:
    """``p^2 4^G W - q^2 N' W N`` for ``rho = p / q``: positive definite exactly when ``rho`` is proved."""
    p, q = contraction_factor.numerator, contraction_factor.denominator
    gap = [[-q * q * entry for entry in row] for row in gram]
    for i, weight in enumerate(weights):
        gap[i][i] += (p * p * weight) << (2 * grid)
    return gap


def measured_norms(matrix: IntegerOperator, leak_shift: int) -> tuple[float, float]:
    """Plain and best weighted norm of the stored iteration matrix, for the message of a refusal."""
    values = _iteration_values(matrix, leak_shift)
    return float(np.linalg.norm(values, 2)), best_weighting(values)[0]


def prove_contraction(
    matrix: IntegerOperator, leak_shift: int, initial_weights: Iterable[float] | None = None
) -> ContractionProof | None:
    """Prove the smallest contraction factor that can be found, to about three digits.

    The plain norm is preferred; a weighting on the way to the searched one replaces it where
    it makes the error radius clearly smaller or is the only proof.

    Parameters
    ----------
    matrix : IntegerOperator (n, n)
        As stored, without the leak.
    leak_shift : int
        ``a`` of the leak ``1 - 2^-a``; 0 without leak.
    initial_weights : iterable of float (n,), optional
        Another candidate for the diagonal of ``W = D^2``.

    Returns
    -------
    ContractionProof or None
        None where no candidate contracts provably.
    """
    values = _iteration_values(matrix, leak_shift)
    plain_norm = float(np.linalg.norm(values, 2))
    squares = best_weighting(values)[1] ** 2
    candidates = [tuple([1] * len(values)), *(_whole(squares**share) for share in WEIGHTING_SHARES)]
    if initial_weights is not None:
        candidates.append(_whole(np.asarray(list(initial_weights), dtype=np.float64)))
    norms = [_norm(values, weights) for weights in candidates]
    figures = [_radius_figure(weights, norm) for weights, norm in zip(candidates, norms, strict=True)]
    figures[0] *= WEIGHTING_GAIN
    N, grid = iteration_integers(matrix, leak_shift)
    for _, norm, weights in sorted(zip(figures, norms, candidates, strict=True)):
        gram = weighted_gram(N, weights) if norm < 1 else []
        for factor in _factors_above(norm):
            witness = prove_positive_definite(contraction_gap(gram, grid, weights, factor))
            if witness is not None:
                return ContractionProof(factor, weights, plain_norm, norm, witness)
    return None


def recheck(matrix: IntegerOperator, leak_shift: int, proof: ContractionProof) -> bool:
    """Whether the proof holds for the matrix, from the integers alone."""
    N, grid = iteration_integers(matrix, leak_shift)
    gap = contraction_gap(weighted_gram(N, proof.weights), grid, proof.weights, proof.contraction_factor)
    return 0 < proof.contraction_factor < 1 and min(proof.weights) > 0 and is_proved(gap, proof.witness)


def _iteration_values(matrix: IntegerOperator, leak_shift: int) -> np.ndarray:
    return matrix.values + (1.0 - 2.0**-leak_shift) * np.eye(len(matrix.values))


def _whole(squares: np.ndarray) -> tuple[int, ...]:
    return tuple(int(weight) for weight in np.rint(np.ldexp(squares / squares.min(), WEIGHT_BITS)))


def _norm(values: np.ndarray, weights: tuple[int, ...]) -> float:
    d = np.sqrt(np.array(weights, dtype=np.float64))
    return float(np.linalg.norm(values * d[:, None] / d[None, :], 2))


def _radius_figure(weights: tuple[int, ...], norm: float) -> float:
    """Size of the rounding radius in units of the state: root mean square over the rows."""
    w = np.array(weights, dtype=np.float64)
    return float(np.sqrt(w.mean() * (1.0 / w).mean())) / (1.0 - norm) if norm < 1 else np.inf


def _factors_above(norm: float) -> Iterable[Fraction]:
    """Three-digit fractions just above the norm (and, near one, with three digits of ``1 - rho``)."""
    if not norm < 1:
        return
    digits = 3 if norm < 0.99 else min(12, 2 + int(np.ceil(-np.log10(1.0 - norm))))
    q = 10**digits
    p, step = int(norm * q) + 1, 1
    while p < q:
        yield Fraction(p, q)
        p, step = p + step, 2 * step


# -- iterations and radius -------------------------------------------------------


def drive_extremes(program: SolverProgram) -> list[tuple[int, int]]:
    """Smallest and largest exact drive of each row over every input word, before rounding.

    On the grid of the drive accumulator, from the stored integers alone.
    """
    words, left = program.input_format, program.drive_left_shift
    spans = program.drive.spans(words.min_word, words.max_word)
    biases = program.drive_bias.tolist()
    return [((low << left) + bias, (high << left) + bias) for (low, high), bias in zip(spans, biases, strict=True)]


def weighted_norm_up(values: Iterable[Fraction], weights: Iterable[int]) -> int:
    """Upper bound of ``sqrt(sum_i w_i v_i^2)`` in units of ``2^-BOUND_BITS``."""
    total = sum((w * v * v for v, w in zip(values, weights, strict=True)), Fraction(0))
    return root_up(ceil_fraction(total * 4**BOUND_BITS))


@dataclass(frozen=True)
class ErrorBound:
    """Recursive bound ``e_0 = start, e_(k+1) = rho e_k + rounding`` on ``||s_k - s*||_D``.

    ``k`` counts updates from the state zero, so ``e_(K+1)`` bounds the state after the
    start (itself one update from zero) and ``K`` iterations.  ``drive`` bounds ``||sat(d)||_D``.
    Units: ``2^-BOUND_BITS`` of a state step, in the norm weighted by the proof's integer weights.
    """

    contraction_factor: Fraction
    start: int
    rounding: int
    drive: int

    def transient(self, iterations: int) -> int:
        """Bound on what is left of the start after ``iterations``."""
        return self._run(self.start, 0, iterations + 1)

    def radius(self, iterations: int) -> int:
        """Bound on the distance to the exact equilibrium after ``iterations``."""
        return self._run(self.start, self.rounding, iterations + 1)

    def reach(self) -> int:
        """Bound on ``||s_k||_D`` of every state from the start on, rounded or exact."""
        return ceil_fraction(Fraction(self.drive + self.rounding) / (1 - self.contraction_factor))

    def _run(self, bound: int, rounding: int, updates: int) -> int:
        p, q = self.contraction_factor.numerator, self.contraction_factor.denominator
        for _ in range(updates):
            following = -(-bound * p // q) + rounding
            if following == bound:
                break
            bound = following
        return bound


def error_bound(program: SolverProgram, proof: ContractionProof) -> ErrorBound:
    """Constants of the error recursion, for every input word.

    ``rounding``: the state is rounded by at most half a step and the drive by at most half
    a step of its finer grid, ``eps_i = (1 + 2^-g_i) / 2`` state steps.  ``start``: the exact
    equilibrium's norm, at most ``||sat(d)|| / (1 - rho)`` and at most that of the saturation
    level in every row.
    """
    rho, weights = proof.contraction_factor, proof.weights
    saturated = weighted_norm_up([Fraction(program.state_format.max_word)] * program.n, weights)
    drive = weighted_norm_up(saturated_drive(program), weights)
    contracted = ceil_fraction(Fraction(drive) / (1 - rho))
    return ErrorBound(rho, min(saturated, contracted), weighted_norm_up(rounding_errors(program), weights), drive)


def saturated_drive(program: SolverProgram) -> list[Fraction]:
    """Largest ``|sat(d_i)|`` of each row over every input, in state steps, exact."""
    top = program.state_format.max_word
    rows = zip(drive_extremes(program), program.drive_right_shift, program.matrix.shifts, strict=True)
    return [min(Fraction(top), Fraction(max(abs(low), abs(high)), 2 ** int(r + g))) for (low, high), r, g in rows]


def rounding_errors(program: SolverProgram) -> list[Fraction]:
    """``eps_i = (1 + 2^-g_i) / 2``: what one rounded update can be off, in state steps."""
    return [Fraction(2 ** int(g) + 1, 2 ** (int(g) + 1)) for g in program.matrix.shifts]


def choose_iterations(program: SolverProgram, proof: ContractionProof) -> int:
    """Fewest iterations after which the start no longer matters, for every input.

    The smallest ``K >= 1`` whose transient is at most ``TRANSIENT_SHARE`` of the rounding
    radius ``||eps||_D / (1 - rho)``: more iterations could shrink the error by at most a
    third, and by nothing that is not proved.

    Parameters
    ----------
    program : SolverProgram
        Assembled with any number of iterations.
    proof : ContractionProof
    """
    bound = error_bound(program, proof)
    p, q = proof.contraction_factor.numerator, proof.contraction_factor.denominator
    enough = TRANSIENT_SHARE * Fraction(bound.rounding * q, q - p)
    transient, iterations = bound.transient(1), 1
    while transient > enough:
        transient, iterations = -(-transient * p // q), iterations + 1
    return iterations


def two_norm(program: SolverProgram, proof: ContractionProof, weighted: int) -> Fraction:
    """Bound on ``||s||_2``, in units of the state, from one on ``||s||_D`` in those of :class:`ErrorBound`."""
    units = root_up(-(-(weighted**2) // min(proof.weights)))
    return Fraction(units, 2**BOUND_BITS) / Fraction(2) ** program.state_format.fractional_bits


def state_radius(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> Fraction:
    """Bound on ``||s_K - s*||_2`` (and on every component), in units of the state."""
    return two_norm(program, proof, bound.radius(program.iterations))


def ceil_fraction(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def root_up(square: int) -> int:
    root = isqrt(square)
    return root + (root * root < square)


def float_up(value: Fraction) -> float:
    """The smallest float64 that is not below a rational number."""
    rounded = float(value)
    return rounded if Fraction(rounded) >= value else nextafter(rounded, inf)


def dual_norm_up(row: Iterable[int], weights: Iterable[int]) -> int:
    """Upper bound of ``sqrt(sum_i row_i^2 / w_i)`` in units of ``2^-BOUND_BITS``."""
    return root_up(sum(-((-entry * entry << 2 * BOUND_BITS) // w) for entry, w in zip(row, weights, strict=True)))
