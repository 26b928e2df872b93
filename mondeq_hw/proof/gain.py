"""How far states and outputs move with the input: one quadratic form a norm, whose multipliers serve every output.

Of two equilibria of the stored recurrence let ``e`` be the difference of the states and ``v`` that of ``phi``:
``e = M v + D u`` for a change ``u`` of the input, and every row has ``v_i^2 <= e_i^2`` (of ``prox``, where ``phi`` does
not reflect, ``v_i (e_i - v_i) >= 0``).  For weights ``y`` of these facts and penalties ``p`` on ``u`` the form

    x' F x  =  sum_j p_j u_j^2  -  sum_i y_i (e_i^2 - v_i^2),    x = (u, v),

is at most the sum of the penalties, so that ``|q x| <= sqrt(total q F^-1 q')`` for every linear ``q``, and all
differences of outputs share one factorisation.  Theorems 14 and 15 of ``docs/mathematics.md``; the idea of multipliers
on slopes is that of LipSDP (Fazlyab and others, NeurIPS 2019), here around an equilibrium.

Everything here is floating point and only proposes; what proves is the code of the independent checker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..problem import CLASSES, Task
from ..program import SolverProgram
from . import check_certificate
from .contraction import ContractionProof
from .metric import WeightedTwoNorm
from .ranges import drive_rows
from .weighting import best_weighting

#: Steps of the search and their size in the logarithms; the share by which a form that is not definite is mended.
STEPS, STEP_SIZE, MENDED, MENDINGS = 150, 0.06, 0.3, 200
#: Of a form of more coordinates a step takes tenths of a second, and the last hundred lower a bound by a few percent.
LARGE_FORM, FEW_STEPS = 420, 40
#: What the checker takes.
LARGEST_FORM = check_certificate.MOST_FORM
#: Bits of the largest multiplier, of a spread, and of what counts of either.
MULTIPLIER_BITS, SPREAD_BITS, COUNTED_BITS = 40, check_certificate.SPREAD_BITS, 12
#: By how much a shape of the inputs exceeds what it must hold.
INFLATED = 1e-6


@dataclass(frozen=True)
class _Multipliers:
    """Logarithms of the rows' weights (n,), of the inputs' shares of the penalty (d,), and of their common factor."""

    weights: np.ndarray
    shares: np.ndarray
    penalty: float

    def moved(self, step: np.ndarray) -> _Multipliers:
        n = len(self.weights)
        return _Multipliers(self.weights - step[:n], self.shares - step[n:-1], self.penalty - float(step[-1]))


@dataclass(frozen=True)
class _Recurrence:
    """``e = M v + D u`` and the readout in floating point; inputs in units of ``2^words`` words."""

    M: np.ndarray
    D: np.ndarray
    readout: np.ndarray
    reflects: bool
    box: bool
    pairs: bool

    @property
    def direct(self) -> bool:
        """Whether the inputs themselves are coordinates, and not an ellipsoid around the drive."""
        return self.D.shape[1] <= len(self.M)

    def shares(self, logs: np.ndarray) -> np.ndarray:
        """Shares of the inputs in a penalty of one: a ball has the same for all."""
        shares = np.exp(logs - logs.max()) if self.box else np.ones(len(logs))
        return shares / shares.sum() if self.box else shares

    def columns(self, shares: np.ndarray) -> np.ndarray:
        """``D`` over the roots of the shares, or a factor of its outer product."""
        scaled = self.D / np.sqrt(shares)
        if self.direct:
            return scaled
        return _factor(scaled @ scaled.T, INFLATED)

    def objective(self, at: _Multipliers) -> tuple[float, np.ndarray] | None:
        """The mean logarithm of the bounds' squares and its slope; None where the form is not positive definite."""
        n, y, penalty = len(self.M), np.exp(at.weights), np.exp(at.penalty)
        shares = self.shares(at.shares)
        try:
            H = self.columns(shares)
        except np.linalg.LinAlgError:  # a drive of zeros, or too small to be squared
            return None
        k = H.shape[1]
        A = np.hstack([H, self.M])
        taken = A.T @ (y[:, None] * A) if self.reflects else np.zeros((k + n, k + n))
        if not self.reflects:
            taken[k:] += y[:, None] * A / 2
            taken[:, k:] += (y[:, None] * A).T / 2
        q = np.vstack([np.zeros((k, len(self.readout))), self.readout.T])
        if self.reflects:
            q = (q + A.T @ self.readout.T) / 2
        form = np.diag(np.concatenate([np.full(k, penalty), y])) - taken
        try:
            np.linalg.cholesky(form)
        except np.linalg.LinAlgError:
            return None
        x = np.linalg.solve(form, q)
        squares = penalty * self._distances(q.T @ x)
        counted = squares > 1e-30 * squares.max()
        if not counted.any():
            return None
        laplacian = self._laplacian(np.where(counted, penalty / np.where(counted, squares, 1), 0) / counted.sum())
        moments = x @ laplacian
        u, v, e = x[:k], x[k:], A @ x
        facts = (e * (A @ moments) - v * moments[k:]).sum(axis=1)
        if not self.reflects:
            facts = ((e * moments[k:] + v * (A @ moments)) / 2 - v * moments[k:]).sum(axis=1)
        whole = 1 - penalty * float((u * moments[:k]).sum())
        slope = np.concatenate([y * facts, self._share_slopes(u, moments[:k], H, shares, penalty), [whole]])
        return float(np.log(squares[counted]).mean()), slope

    def _distances(self, gram: np.ndarray) -> np.ndarray:
        """Squares of the outputs' norms, or of their differences' above the diagonal."""
        diagonal = np.diag(gram)
        if not self.pairs:
            return np.asarray(diagonal)
        return np.asarray(np.triu(diagonal[:, None] + diagonal[None, :] - 2 * gram, 1))

    def _laplacian(self, weights: np.ndarray) -> np.ndarray:
        if not self.pairs:
            return np.diag(weights)
        both = weights + weights.T
        return np.diag(both.sum(axis=1)) - both

    def _share_slopes(
        self, u: np.ndarray, moments: np.ndarray, H: np.ndarray, shares: np.ndarray, penalty: float
    ) -> np.ndarray:
        if not self.box:
            return np.zeros(len(shares))
        if self.direct:
            squares = (u * moments).sum(axis=1)
        else:
            back, other = (np.linalg.solve(H.T, part).T @ self.D for part in (u, moments))
            squares = (back * other).sum(axis=0) / shares
        slopes = -penalty * squares
        return np.asarray(slopes - shares * slopes.sum())


def witnesses(program: SolverProgram, proof: ContractionProof, task: Task, most: int = LARGE_FORM) -> dict[str, Any]:
    """Multipliers for both norms of a change of the input, JSON-ready; None where there are none.

    Parameters
    ----------
    program : SolverProgram
        Without a carried state of its own.
    proof : ContractionProof
        Its weights are where the search begins.
    task : Task
        Differences of outputs are kept small where these are classes, otherwise the outputs.
    most : int
        Of more coordinates, states and inputs or states, there are none: beyond ``LARGE_FORM`` the search and its
        check take minutes.
    """
    if program.n + min(program.n, program.d) > most:
        return dict.fromkeys(check_certificate.NORMS)
    return {name: _witness(program, proof, task, box) for name, box in check_certificate.NORMS.items()}


def _witness(program: SolverProgram, proof: ContractionProof, task: Task, box: bool) -> dict[str, Any] | None:
    recurrence = _recurrence(program, task, box)
    found = _search(recurrence, _start(recurrence, proof))
    return None if found is None else _whole(program, recurrence, found)


def _start(recurrence: _Recurrence, proof: ContractionProof) -> np.ndarray:
    """Weights of rows in which the recurrence contracts in the 2-norm."""
    if isinstance(proof.metric, WeightedTwoNorm):
        return np.log(np.array(proof.metric.weights, dtype=np.float64))
    return 2 * np.log(best_weighting(recurrence.M)[1])


def _recurrence(program: SolverProgram, task: Task, box: bool) -> _Recurrence:
    M = program.matrix.values + (1 - 2.0**-program.leak_shift) * np.eye(program.n)
    rows, bits = drive_rows(program)
    words = program.input_format
    scale = (words.max_word - words.min_word).bit_length() - bits
    D = np.ldexp(np.array([row[:-1] for row in rows], dtype=np.float64), scale)
    pairs = task is CLASSES and program.rows > 1
    return _Recurrence(M, D, program.readout.values, program.splitting.reflects, box, pairs)


def _search(recurrence: _Recurrence, weights: np.ndarray) -> _Multipliers | None:
    """Adam on the logarithms, from the weights in which the recurrence contracts."""
    n, d = recurrence.D.shape
    at: _Multipliers = _Multipliers(weights - weights.max(), np.zeros(d), 0.0)
    best, kept = np.inf, None
    first, second = np.zeros(n + d + 1), np.zeros(n + d + 1)
    steps = STEPS if n + min(n, d) <= LARGE_FORM else FEW_STEPS
    for step in range(1, steps + 1):
        mended = (replace(at, penalty=at.penalty + MENDED * times) for times in range(MENDINGS))
        tried = ((candidate, recurrence.objective(candidate)) for candidate in mended)
        found = next(((candidate, value) for candidate, value in tried if value is not None), None)
        if found is None:
            break
        at, (value, slope) = found
        if value < best:
            best, kept = value, at
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        at = at.moved(STEP_SIZE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-12))
    return kept


def _whole(program: SolverProgram, recurrence: _Recurrence, found: _Multipliers) -> dict[str, Any]:
    """Integers near what was found, with the shape that follows from them."""
    n, d = recurrence.D.shape
    shares, largest = recurrence.shares(found.shares), max(found.weights.max(), found.penalty)
    unit = 2.0**MULTIPLIER_BITS * np.exp(-largest)
    penalty = unit * np.exp(found.penalty)
    penalties = penalty * shares if recurrence.direct else np.full(n, penalty)
    plain: dict[str, Any] = {
        "weights": short(unit * np.exp(found.weights)),
        "penalties": short(penalties),
        "shape": None,
    }
    if not recurrence.direct:
        spreads = short_up(2.0**SPREAD_BITS / shares) if recurrence.box else [1 << SPREAD_BITS] * d
        plain["shape"], _ = shape_of(recurrence.D, spreads, _unit_bits(program))
    return plain


def _factor(outer: np.ndarray, inflated: float) -> np.ndarray:
    """Of an outer product and of a little more."""
    factor: np.ndarray = np.linalg.cholesky(outer + np.diag(inflated * np.maximum(np.diag(outer), outer.max())))
    return factor


def shape_of(columns: np.ndarray, spreads: list[int], bits: int) -> tuple[dict[str, Any], np.ndarray]:
    """The witness of a ball whose image holds that of the inputs, and its factor in units of ``2^-bits``.

    It is of as much more as rounding takes: columns of few bits have coarse units.

    Raises
    ------
    LinAlgError
        Floating point finds no factor.
    """
    scaled = np.ldexp(columns * np.sqrt(np.array(spreads, dtype=np.float64) / 2.0**SPREAD_BITS), bits)
    outer = scaled @ scaled.T
    for more in range(6):
        factor = np.rint(_factor(outer, INFLATED * 10.0**more))
        if np.linalg.eigvalsh(factor @ factor.T - outer)[0] > 0:
            break
    rows = [[int(x) for x in row[: i + 1]] for i, row in enumerate(factor)]
    return {"spreads": spreads, "factor": rows}, factor


def _unit_bits(program: SolverProgram) -> int:
    """Of the rows' forms: as the checker has them."""
    return max(int(program.matrix.shifts.max()), *program.drive_fractional_bits.tolist())


def short(values: np.ndarray) -> list[int]:
    """Integers of few bits: the last digits of a search are not the same on every machine."""
    mantissas, exponents = np.frexp(values)
    whole = np.ldexp(np.rint(np.ldexp(mantissas, COUNTED_BITS)), exponents - COUNTED_BITS)
    return [max(1, int(x)) for x in whole]


def short_up(values: np.ndarray) -> list[int]:
    """The same, rounded up."""
    mantissas, exponents = np.frexp(values)
    return [int(x) + 1 for x in np.ldexp(np.floor(np.ldexp(mantissas, COUNTED_BITS)) + 1, exponents - COUNTED_BITS)]
