"""Distance of the outputs by one ellipsoid each, over a box of inputs that is halved where it matters.

With ``e = s~ - s*``, ``v = phi(s~) - phi(s*)`` and ``e = M v - r`` every row has ``v_i^2 <= e_i^2``.  The sum of these
facts with weights ``y_i >= 0`` confines ``v`` to an ellipsoid around a point that is linear in ``r``, on which a linear
output has a closed form.  The weights are chosen for each output, so that the bound is smallest where ``r`` is largest;
``r`` itself is known on a small box of inputs from one point of it, and from how far monotonicity lets the network's
``z`` move.  Theorem 9 of ``docs/mathematics.md``.

Everything here is floating point and only proposes weights and bounds.  What proves them, in integers, is the code of
the independent checker; a proposal that it does not confirm is enlarged, and at last dropped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product

import numpy as np

from . import check_certificate
from .certificate import contraction_to_plain, model_to_plain, ratio
from .metric import WeightedTwoNorm
from .mismatch import EquilibriumBound, Mismatch, Rows
from .perturbation import GRID_BITS, monotone

NAME = "ellipsoids"
#: Beyond these it would take the checker minutes.
MOST_INPUTS, MOST_ROWS = check_certificate.MOST_SPLIT_INPUTS, check_certificate.MOST_SPLIT_ROWS
#: Cells that the checker visits in seconds, and how many are halved at once.
CELLS, HALVED = 3000, 64
#: Bounds so near to the largest value on samples are near enough; twice as many cells must lower them by a share.
ENOUGH, WORTHWHILE, HOPELESS = 1.3, 0.9, 100.0
#: Of what is proposed in floating point, for what exact arithmetic and the checker's own states add.
MARGINS = (1.005, 1.05)
SAMPLES, UPDATES = 1024, 80
#: Steps of the search for weights, and the distance of states in a cell that it reckons with, relative to ``||s||``.
STEPS, STEP_SIZE, CELL_SHARE = 200, 0.05, 0.06
WEIGHT_BITS, CLAIM_BITS = 20, 7


@dataclass(frozen=True)
class _Recurrence:
    """The numbers of a mismatch in floating point: ``s = M phi(s) + N z + G x + g``, ``r = N z + C x + c``.

    ``symmetric`` is ``H``, the symmetric part of ``I - W``, and ``injection`` the network's ``U``.
    """

    mismatch: Mismatch
    M: np.ndarray
    N: np.ndarray
    drive: np.ndarray
    input: np.ndarray
    scale: np.ndarray
    symmetric: np.ndarray
    injection: np.ndarray

    @staticmethod
    def of(mismatch: Mismatch) -> _Recurrence:
        program = mismatch.program
        grid = program.drive_fractional_bits
        stored = np.ldexp(program.drive.integers.astype(np.float64), program.drive_left_shift - grid[:, None])
        stored = np.column_stack([stored, np.ldexp(program.drive_bias.astype(np.float64), -grid)])
        change = _floats(mismatch.input)
        scale = np.sqrt(np.array(mismatch.metric.weights, dtype=np.float64))
        A = np.ldexp(monotone(mismatch.floating.operator.integers).astype(np.float64), -GRID_BITS)
        affine = mismatch.floating.input
        U = _floats(Rows(affine.columns[:, :-1], Fraction(2) ** affine.bits))
        numbers = program.matrix.values, _floats(mismatch.matrix), stored + change, change, scale
        return _Recurrence(mismatch, *numbers, (A + A.T) / 2, U)

    @cached_property
    def factor(self) -> np.ndarray:
        """Cholesky's, of ``H``."""
        return np.linalg.cholesky(self.symmetric)

    @cached_property
    def pushed(self) -> np.ndarray:
        """The columns of ``U`` in coordinates in which the norm of ``H^-1`` is the plain one."""
        return np.linalg.solve(self.factor, self.injection)

    def prox(self, states: np.ndarray) -> np.ndarray:
        unit = 2.0**self.mismatch.program.state_format.fractional_bits
        return self.mismatch.program.clip.scaled(1 / unit).prox(states)

    def states(self, words: np.ndarray) -> np.ndarray:
        """The network's equilibria (samples, n)."""
        drive = words @ self.drive[:, :-1].T + self.drive[:, -1]
        state = drive
        for _ in range(UPDATES):
            z = self.prox(state)
            state = (2 * z - state) @ self.M.T + z @ self.N.T + drive
        return state

    def residuals(self, words: np.ndarray, states: np.ndarray) -> np.ndarray:
        """``r`` (samples, n)."""
        return self.prox(states) @ self.N.T + words @ self.input[:, :-1].T + self.input[:, -1]


@dataclass(frozen=True)
class _Form:
    """``o' (z~ - z) <= linear r + kappa ||r||_Q`` of one output; spreads bound ``||N u||_Q`` by norms of ``u``."""

    weights: np.ndarray
    linear: np.ndarray
    kappa: float
    Q: np.ndarray
    spread: float
    monotone_spread: float

    def curved(self, residuals: np.ndarray) -> np.ndarray:
        """``kappa ||r||_Q`` of residuals (samples, n)."""
        return self.kappa * np.sqrt(np.einsum("ij,ij->i", residuals @ self.Q, residuals))


def by_ellipsoids(mismatch: Mismatch) -> EquilibriumBound | None:
    """See the module's text; None where the recurrence or its box is too large, or not of this kind."""
    program = mismatch.program
    small = program.d <= MOST_INPUTS and program.n <= MOST_ROWS and not any(mismatch.clip_changes)
    metric, shown = (
        mismatch.metric,
        program.readout.values.any(axis=1).all(),
    )  # of an output of nothing there is no form
    if not (small and shown and program.splitting.reflects and isinstance(metric, WeightedTwoNorm)):
        return None
    recurrence = _Recurrence.of(mismatch)
    words = _samples(mismatch)
    states = recurrence.states(words)
    residuals = recurrence.residuals(words, states)
    if not residuals.any():
        return None  # nothing is off, and the norm says so
    reckoned = CELL_SHARE * np.linalg.norm(states, axis=1).max()
    try:
        with np.errstate(all="ignore"):  # of outputs that hardly show the state
            forms = [_form(recurrence, o, residuals, reckoned) for o in program.readout.values]
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite([(form.spread, form.monotone_spread) for form in forms]).all():
        return None
    cells = _Cells.of(recurrence, forms)
    if cells.gain <= 0:
        return None
    largest = cells.values(words, states).max(axis=0)
    if not largest.all():
        return None
    slack = cells.reached(largest)
    if not slack <= HOPELESS:  # or floating point fails
        return None
    proposals = (_proved(mismatch, forms, largest * slack * margin) for margin in MARGINS)
    return next((bound for bound in proposals if bound is not None), None)


def _floats(rows: Rows) -> np.ndarray:
    return np.array([[float(x / rows.unit) for x in row] for row in rows.integers.tolist()])


def _samples(mismatch: Mismatch) -> np.ndarray:
    """Corners of the box of inputs and points all over it."""
    words, d = mismatch.program.input_format, mismatch.program.d
    corners = np.array(list(product((words.min_word, words.max_word), repeat=d)))
    inside = np.random.default_rng(0).integers(words.min_word, words.max_word + 1, size=(SAMPLES, d))
    return np.concatenate([corners, inside]).astype(np.float64)


# -- the weights of one output -----------------------------------------------------------


def _form(recurrence: _Recurrence, output: np.ndarray, residuals: np.ndarray, reckoned: float) -> _Form:
    """Weights that make the largest bound on the samples small, with what a cell adds; by Adam on their logarithms.

    The derivative of a closed form is that of the Lagrangian at its maximiser (Danskin).
    """
    rows = np.concatenate([residuals, recurrence.N.T * 2 * reckoned])
    logs, first, second = np.zeros(len(output)), np.zeros(len(output)), np.zeros(len(output))
    logs += 2 * np.log(recurrence.scale)
    best, kept = np.inf, logs
    for step in range(1, STEPS + 1):
        values, slopes = _derivatives(recurrence, output, np.exp(logs), rows)
        sampled, added = values[: len(residuals)], values[len(residuals) :]
        sharp = np.exp(40 * (sampled / sampled.max() - 1))
        total = sampled.max() + added.mean()
        if total < best:
            best, kept = total, logs.copy()
        shares = np.concatenate([sharp / sharp.sum(), np.full(len(added), 1 / len(added))])
        slope = np.exp(logs) * (shares @ slopes) / total
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        logs = logs - STEP_SIZE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-12)
    weights = np.exp(kept)
    whole = np.maximum(1, np.rint(np.ldexp(weights / weights.max(), WEIGHT_BITS)))
    linear, kappa, Q, *_ = _closed_form(recurrence, output, whole)
    square = recurrence.N.T @ Q @ recurrence.N
    scaled = square / np.outer(recurrence.scale, recurrence.scale)
    H = np.linalg.inv(recurrence.factor)
    spreads = (float(np.sqrt(np.linalg.norm(each, 2)) * 1.01) for each in (scaled, H @ square @ H.T))
    return _Form(whole, linear, kappa, Q, *spreads)


def _closed_form(
    recurrence: _Recurrence, output: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray, np.ndarray, np.ndarray]:
    """``linear``, ``kappa``, ``Q``, and the inverse of the form with what multiplies ``r`` in the centre."""
    M = recurrence.M
    form = np.diag(weights) - M.T @ (weights[:, None] * M)
    np.linalg.cholesky(form)
    inverse = np.linalg.inv(form)
    centre = inverse @ (M.T * weights)
    c = (M.T @ output + output) / 2
    Q = np.diag(weights) + (weights[:, None] * M) @ centre
    return -centre.T @ c - output / 2, float(np.sqrt(c @ inverse @ c)), Q, inverse @ c, centre


def _derivatives(
    recurrence: _Recurrence, output: np.ndarray, weights: np.ndarray, residuals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of residuals (samples, n), and their derivatives by the weights (samples, n)."""
    linear, kappa, Q, direction, centre = _closed_form(recurrence, output, weights)
    along = residuals @ linear
    radius = np.sqrt(np.einsum("ij,ij->i", residuals @ Q, residuals))
    sign = np.where(along >= 0, 1.0, -1.0)
    v = -residuals @ centre.T + (sign * radius / kappa)[:, None] * direction[None, :]
    e = v @ recurrence.M.T - residuals
    return np.abs(along) + kappa * radius, (kappa / (2 * np.maximum(radius, 1e-300)))[:, None] * (e**2 - v**2)


# -- cells, in floating point --------------------------------------------------------------


@dataclass(frozen=True)
class _Cells:
    """As the checker has them, many at once."""

    recurrence: _Recurrence
    forms: list[_Form]
    gain: float
    along: np.ndarray
    inputs: np.ndarray

    @staticmethod
    def of(recurrence: _Recurrence, forms: list[_Form]) -> _Cells:
        mismatch = recurrence.mismatch
        rest = 1 - float(mismatch.proof.contraction_factor) - float(mismatch.matrix_norm)
        changes = _floats(mismatch.readout_change)
        columns = recurrence.input[:, :-1].T
        middle = np.linalg.solve(recurrence.symmetric, recurrence.injection) / 2
        along, inputs = [], []
        for form, change in zip(forms, changes, strict=True):
            k = change + form.linear @ recurrence.N
            seen = np.sqrt(k @ np.linalg.solve(recurrence.symmetric, k))
            along.append((seen + form.kappa * form.monotone_spread) / 2)
            lines = k @ middle + columns @ form.linear
            inputs.append(np.abs(lines) + form.curved((recurrence.N @ middle).T + columns))
        return _Cells(recurrence, forms, 1 / rest if rest > 0 else -1.0, np.array(along), np.array(inputs))

    def values(self, words: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Bounds (samples, k) at single inputs."""
        recurrence = self.recurrence
        residuals = recurrence.residuals(words, states)
        mismatch, found = recurrence.mismatch, []
        changes = recurrence.prox(states) @ _floats(mismatch.readout_change).T
        for form, change, offset in zip(self.forms, changes.T, mismatch.offset_change, strict=True):
            found.append(np.abs(residuals @ form.linear + change + float(offset)) + form.curved(residuals))
        return np.column_stack(found)

    def reached(self, largest: np.ndarray) -> float:
        """The least factor on ``largest`` within which every cell is, the worst ones halved again and again."""
        d, words = self.recurrence.mismatch.program.d, self.recurrence.mismatch.program.input_format
        low, high = np.full((1, d), float(words.min_word)), np.full((1, d), float(words.max_word))
        factors, visited, before, doubled = self._factors(low, high, largest), 1, np.inf, HALVED
        while visited < CELLS and factors.max() > ENOUGH:
            if visited >= doubled:
                if not factors.max() <= WORTHWHILE * before:
                    break
                before, doubled = factors.max(), 2 * doubled
            worst = np.argsort(-factors, kind="stable")[:HALVED]  # so the first is the argmax
            worst = worst[(factors[worst] > ENOUGH) & (low[worst] < high[worst]).any(axis=1)]
            if len(worst) == 0 or worst[0] != np.argmax(factors):
                break
            rest = np.setdiff1d(np.arange(len(low)), worst)
            halves = self._halves(low[worst], high[worst])
            added = self._factors(*halves, largest)
            factors = np.concatenate([factors[rest], added])
            low, high = (np.concatenate([old[rest], new]) for old, new in zip((low, high), halves, strict=True))
            visited += len(added)
        return float(factors.max())

    def _factors(self, low: np.ndarray, high: np.ndarray, largest: np.ndarray) -> np.ndarray:
        """By how much each cell's bounds exceed ``largest`` at most; infinite where a state may saturate."""
        widths, centre = (high - low) / 2, (low + high) / 2
        states = self.recurrence.states(centre)
        radius = self.gain * self._spreads(widths)
        pushes = self._pushes(widths)
        values = self.values(centre, states) + pushes[:, None] * self.along + widths @ self.inputs.T
        return np.where(self._inside(states, radius), (values / largest).max(axis=1), np.inf)

    def _inside(self, states: np.ndarray, radius: np.ndarray) -> np.ndarray:
        program = self.recurrence.mismatch.program
        top = program.state_format.max_word / 2.0**program.state_format.fractional_bits
        reach = 1.1 * radius[:, None] / self.recurrence.scale.min()
        inside: np.ndarray = (np.abs(states) + reach < top).all(axis=1)
        return inside

    def _spreads(self, widths: np.ndarray) -> np.ndarray:
        """Largest ``||G dx||`` of each cell."""
        return self._at_corners(widths, self.recurrence.drive[:, :-1] * self.recurrence.scale[:, None])

    def _pushes(self, widths: np.ndarray) -> np.ndarray:
        """Largest ``||U dx||`` in the norm of ``H^-1``."""
        return self._at_corners(widths, self.recurrence.pushed)

    def _at_corners(self, widths: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Largest norm of what the columns make of a step within a cell: at its corners."""
        corners = np.array(list(product((-1.0, 1.0), repeat=widths.shape[1])))
        unique, index = np.unique(widths, axis=0, return_inverse=True)
        largest = [np.linalg.norm(corners * width @ columns.T, axis=1).max() for width in unique]
        return np.array(largest)[index.reshape(-1)]

    def _halves(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        columns = np.linalg.norm(self.recurrence.drive[:, :-1] * self.recurrence.scale[:, None], axis=0)
        axis, rows = np.argmax((high - low) * columns, axis=1), np.arange(len(low))
        middle = np.floor((low + high)[rows, axis] / 2)
        upper, lower = low.copy(), high.copy()
        upper[rows, axis], lower[rows, axis] = middle + 1, middle
        return np.concatenate([low, upper]), np.concatenate([lower, high])


# -- proof -----------------------------------------------------------------------------------


def _short(bound: float) -> Fraction:
    """The next number of few bits: the last digits of a search are not the same on every machine."""
    mantissa, exponent = math.frexp(bound)
    return Fraction(math.ceil(mantissa * 2**CLAIM_BITS)) * Fraction(2) ** (exponent - CLAIM_BITS)


def _proved(mismatch: Mismatch, forms: list[_Form], bounds: np.ndarray) -> EquilibriumBound | None:
    """The proposal where the checker's integers confirm it."""
    claimed = [_short(float(bound)) for bound in bounds]
    witness = {
        "weights": [[int(y) for y in form.weights] for form in forms],
        "spreads": [ratio(Fraction(form.spread)) for form in forms],
        "monotone_spreads": [ratio(Fraction(form.monotone_spread)) for form in forms],
        "bounds": [ratio(bound) for bound in claimed],
    }
    evidence = {
        "step_size": ratio(mismatch.step_size),
        "operator": model_to_plain(mismatch.floating),
        "contraction": contraction_to_plain(mismatch.proof),
        "gain": dict.fromkeys(check_certificate.NORMS),
    }
    checked = check_certificate.Evidence(mismatch.program.to_plain(), evidence)
    try:
        check_certificate.by_ellipsoids(checked.mismatch, witness)
    except check_certificate.CertificateError:
        return None
    return EquilibriumBound(NAME, tuple(claimed), witness)
