"""Contraction of the stored integers, and the iterations and error radius that follow from it.

Every proof here is about the deployed program, not about the model it came
from, so it needs no perturbation argument: ``phi`` and saturation are
1-Lipschitz in every diagonally weighted norm, and the recurrence contracts as
soon as its stored iteration matrix does.  Derivations and proofs are in
``docs/mathematics.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf, nextafter

import numpy as np

from ..base import IntegerOperator, NotCertifiedError, integer_type, magnitude, spectral_norm
from ..program import MOST_ITERATIONS, SolverProgram
from .metric import BOUND_BITS, Metric, WeightedInfinityNorm, WeightedTwoNorm, Witness
from .weighting import best_weighting

#: A searched weighting must make the error radius smaller by this share to replace the plain norm.
WEIGHTING_GAIN = 0.9
#: Iterations run until what is left of the start is at most this share of the rounding radius.
TRANSIENT_SHARE = Fraction(1, 2)


@dataclass(frozen=True)
class ContractionProof:
    """``||M v|| <= rho ||v||`` in the norm of the metric.

    Parameters
    ----------
    contraction_factor : Fraction
        ``rho < 1``.
    metric : Metric
    plain_norm : float
        ``||M||_2``, measured.
    weighted_norm : float
        ``||M||`` in the metric, measured; the proved ``rho`` is just above it.
    witness : Witness
        Of the metric, for the same integers.
    """

    contraction_factor: Fraction
    metric: Metric
    plain_norm: float
    weighted_norm: float
    witness: Witness


# -- contraction ---------------------------------------------------------------


def iteration_integers(matrix: IntegerOperator, leak_shift: int) -> tuple[np.ndarray, int]:
    """``(N, G)`` with ``leak I + 2^-g integers = 2^-G N`` exactly."""
    grid = max(int(matrix.shifts.max()), leak_shift, 0)
    leak, words = (1 << grid) - (1 << (grid - leak_shift)), matrix.matrix(np.int64)
    finer = grid - matrix.shifts
    dtype = integer_type((magnitude(words) << int(finer.max())) + leak)
    N = words.astype(dtype) << finer.astype(dtype)[:, None]
    N[np.diag_indices(len(N))] += leak
    return N, grid


def measured_norms(matrix: IntegerOperator, leak_shift: int) -> tuple[float, float]:
    """Plain and best weighted 2-norm of the stored iteration matrix, for the message of a refusal."""
    values = _iteration_values(matrix, leak_shift)
    return spectral_norm(values), best_weighting(values)[0]


def prove_contraction(
    matrix: IntegerOperator, leak_shift: int, initial_weights: Iterable[float] | None = None
) -> ContractionProof | None:
    """Prove the smallest contraction factor that can be found, to about three digits.

    In the 2-norm and in the infinity-norm the plain norm is preferred; a weighting on the way to
    the searched one replaces it where it makes the error radius clearly smaller or is the only
    proof.  Of the two norms the one with the smaller factor is taken, where they are equal the one
    with the smaller proved radius, and where that is equal the 2-norm, which implies an operator.

    Parameters
    ----------
    matrix : IntegerOperator (n, n)
        As stored, without the leak.
    leak_shift : int
        ``a`` of the leak ``1 - 2^-a``; 0 without leak.
    initial_weights : iterable of float (n,), optional
        Another candidate for the squared diagonal of the 2-norm.

    Returns
    -------
    ContractionProof or None
        None where no candidate contracts provably.
    """
    values = _iteration_values(matrix, leak_shift)
    integers = iteration_integers(matrix, leak_shift)
    two_norms = WeightedTwoNorm.candidates(values)
    if initial_weights is not None:
        two_norms.append(WeightedTwoNorm.of(np.asarray(list(initial_weights), dtype=np.float64)))
    found = (_prove_in(norms, values, *integers) for norms in (two_norms, WeightedInfinityNorm.candidates(values)))
    proofs = [proof for proof in found if proof is not None]
    return min(proofs, key=lambda proof: (proof.contraction_factor, _final_radius(proof, matrix)), default=None)


def recheck(matrix: IntegerOperator, leak_shift: int, proof: ContractionProof) -> bool:
    """Whether the proof holds for the matrix, from the integers alone."""
    N, grid = iteration_integers(matrix, leak_shift)
    factor, metric = proof.contraction_factor, proof.metric
    return 0 < factor < 1 and min(metric.weights) > 0 and metric.is_proved(N, grid, factor, proof.witness)


def _prove_in(candidates: Sequence[Metric], values: np.ndarray, N: np.ndarray, grid: int) -> ContractionProof | None:
    """The first proof, in the order of the radius that rounding would leave; the first candidate has no weighting."""
    norms = [metric.matrix_norm(values) for metric in candidates]
    figures = [
        metric.rounding_figure() / (1.0 - norm) if norm < 1 else inf
        for metric, norm in zip(candidates, norms, strict=True)
    ]
    figures[0] *= WEIGHTING_GAIN
    order = sorted(range(len(candidates)), key=lambda i: (figures[i], norms[i], candidates[i].weights))
    for i in order:
        proved = candidates[i].prove(N, grid, _factors_above(norms[i])) if norms[i] < 1 else None
        if proved is not None:
            factor, witness = proved
            plain = norms[0] if isinstance(candidates[0], WeightedTwoNorm) else spectral_norm(values)
            return ContractionProof(factor, candidates[i], plain, norms[i], witness)
    return None


def _final_radius(proof: ContractionProof, matrix: IntegerOperator) -> int:
    """Proved ``||s - s*||_2`` after ever so many rounded updates, less the digits in which its own rounding shows."""
    rounding = proof.metric.norm_up(_rounding_errors(matrix))
    return proof.metric.two_norm_up(ceil(rounding / (1 - proof.contraction_factor))) >> BOUND_BITS // 2


def _iteration_values(matrix: IntegerOperator, leak_shift: int) -> np.ndarray:
    return matrix.values + (1.0 - 2.0**-leak_shift) * np.eye(len(matrix.values))


def _factors_above(norm: float) -> Iterable[Fraction]:
    """Three-digit fractions just above the norm (and, near one, with three digits of ``1 - rho``)."""
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


def feedthrough_extremes(program: SolverProgram) -> list[tuple[int, int]]:
    """The same of each row of a feed-through, which has no bias; none without one."""
    if program.feedthrough is None:
        return []
    words, left = program.input_format, program.drive_left_shift
    return [(low << left, high << left) for low, high in program.feedthrough.spans(words.min_word, words.max_word)]


@dataclass(frozen=True)
class ErrorBound:
    """Recursive bound ``e_0 = start, e_(k+1) = rho e_k + rounding`` on ``||s_k - s*||``.

    ``k`` counts updates from the state zero, so ``e_(K+1)`` bounds the state after the
    start (itself one update from zero) and ``K`` iterations.  ``drive`` bounds ``||sat(d)||``.
    After ``settles`` iterations, where that is a number, the state is a fixed point of the rounded update.
    Units: ``2^-BOUND_BITS`` of a state step, in the proof's norm.
    """

    contraction_factor: Fraction
    start: int
    rounding: int
    drive: int
    settles: int | None

    def transient(self, iterations: int) -> int:
        """Bound on what is left of the start after ``iterations``."""
        return 0 if self._settled(iterations) else self._run(self.start, 0, iterations + 1)

    def radius(self, iterations: int) -> int:
        """Bound on the distance to the exact equilibrium after ``iterations``."""
        if self._settled(iterations):
            return ceil(Fraction(self.rounding) / (1 - self.contraction_factor))
        return self._run(self.start, self.rounding, iterations + 1)

    def after(self, distance: int, updates: int) -> int:
        """Bound on the distance to the exact equilibrium after so many updates from a state at most so far from it."""
        return self._run(distance, self.rounding, updates)

    def reach(self) -> int:
        """Bound on ``||s_k||`` of every state from the start on, rounded or exact."""
        return ceil(Fraction(self.drive + self.rounding) / (1 - self.contraction_factor))

    def _settled(self, iterations: int) -> bool:
        return self.settles is not None and iterations >= self.settles

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
    rho, norm_up = proof.contraction_factor, proof.metric.norm_up
    saturated, drive = norm_up([program.state_format.max_word] * program.n), norm_up(saturated_drive(program))
    start = min(saturated, ceil(Fraction(drive) / (1 - rho)))
    return ErrorBound(rho, start, norm_up(rounding_errors(program)), drive, settling_updates(program))


def settling_updates(program: SolverProgram) -> int | None:
    """Updates after which every row stands still, where each depends on rows above it alone; else None."""
    diagonal = np.diagonal(program.matrix.matrix(np.int64)) + program.stage.leak  # a leak may cancel an entry
    strictly_lower = not diagonal.any() and not np.triu(program.matrix.matrix(np.int64), 1).any()
    return max(1, program.n - 1) if strictly_lower else None


def saturated_drive(program: SolverProgram) -> list[Fraction]:
    """Largest ``|sat(d_i)|`` of each row over every input, in state steps, exact."""
    top = program.state_format.max_word
    rows = zip(drive_extremes(program), program.drive_right_shift, program.matrix.shifts, strict=True)
    return [min(Fraction(top), Fraction(max(abs(low), abs(high)), 2 ** int(r + g))) for (low, high), r, g in rows]


def rounding_errors(program: SolverProgram) -> list[Fraction]:
    """``eps_i = (1 + 2^-g_i) / 2``: what one rounded update can be off, in state steps."""
    return _rounding_errors(program.matrix)


def _rounding_errors(matrix: IntegerOperator) -> list[Fraction]:
    return [Fraction(2**g + 1, 2 ** (g + 1)) for g in matrix.shifts.tolist()]


def choose_iterations(program: SolverProgram, proof: ContractionProof) -> int:
    """Fewest iterations after which the start no longer matters, for every input.

    The smallest ``K >= 1`` whose transient is at most ``TRANSIENT_SHARE`` of the rounding
    radius ``||eps|| / (1 - rho)``: more iterations could shrink the error by at most a
    third, and by nothing that is not proved.

    Parameters
    ----------
    program : SolverProgram
        Assembled with any number of iterations.
    proof : ContractionProof

    Raises
    ------
    NotCertifiedError
        They are more than :data:`~mondeq_hw.program.MOST_ITERATIONS`.
    """
    bound = error_bound(program, proof)
    p, q = proof.contraction_factor.numerator, proof.contraction_factor.denominator
    enough = TRANSIENT_SHARE * Fraction(bound.rounding * q, q - p)
    transient = bound.transient(1)
    for iterations in range(1, MOST_ITERATIONS + 1):
        if transient <= enough or bound.settles == iterations:
            return iterations
        transient = -(-transient * p // q)
    factor = float(proof.contraction_factor)
    raise NotCertifiedError(
        f"the integers converge, but their contraction factor is {factor:.9g}: what is left of the start is below the "
        f"rounding only after more than the {MOST_ITERATIONS} updates that the hardware counts. Use another step size "
        "or splitting, a network with a larger margin or a problem of better condition, or the radius that fewer prove "
        f"by --iterations {MOST_ITERATIONS}",
        factor,
        None,
    )


def updates_to_forget(program: SolverProgram, proof: ContractionProof) -> int:
    """Updates after which an upset of a state word no longer matters, whichever bit of whichever word it was.

    The top bit weighs most: ``2^(bits - 1)`` steps of one row, of which ``m`` updates leave ``rho^m``.  The smallest
    such ``m`` that leaves at most what :func:`choose_iterations` lets the start leave.
    """
    n, flip = program.n, 1 << (program.state_format.word_length - 1)
    left = max(proof.metric.norm_up([flip if j == i else 0 for j in range(n)]) for i in range(n))
    p, q = proof.contraction_factor.numerator, proof.contraction_factor.denominator
    enough = TRANSIENT_SHARE * Fraction(error_bound(program, proof).rounding * q, q - p)
    updates = 0
    while left > enough:
        left, updates = -(-left * p // q), updates + 1
    return updates


def two_norm(program: SolverProgram, proof: ContractionProof, bound: int) -> Fraction:
    """Bound on ``||s||_2``, in units of the state, from one on ``||s||`` in those of :class:`ErrorBound`."""
    return _in_units(program, proof.metric.two_norm_up(bound))


def infinity_norm(program: SolverProgram, proof: ContractionProof, bound: int) -> Fraction:
    """The same on every ``|s_i|``."""
    return _in_units(program, proof.metric.infinity_norm_up(bound))


def state_radius(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> Fraction:
    """Bound on ``||s_K - s*||_2``, in units of the state."""
    return two_norm(program, proof, bound.radius(program.iterations))


def float_up(value: Fraction) -> float:
    """The smallest float64 that is not below a rational number."""
    rounded = float(value)
    return rounded if Fraction(rounded) >= value else nextafter(rounded, inf)


def _in_units(program: SolverProgram, bound: int) -> Fraction:
    return Fraction(bound, 2**BOUND_BITS) / Fraction(2) ** program.state_format.fractional_bits
