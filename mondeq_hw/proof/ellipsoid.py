"""Distance of the outputs by one ellipsoid each, over a box of inputs that is halved where it matters.

With ``e = s~ - s*``, ``v = phi(s~) - phi(s*)`` and ``e = M v - r`` every row has ``v_i^2 <= e_i^2``.  In a small box of
inputs, ``x = x0 + dx``, the residual is ``r = r0 + N dz + C dx`` with ``r0`` known from one point, and monotonicity
gives ``dz_i (U dx - A dz)_i >= 0`` in every row.  The sum of these facts and of ``dx_j^2 <= h_j^2`` with weights
confines ``(dx, dz, v)`` to an ellipsoid around a point that is linear in ``r0``, on which a linear output has a closed
form: what is off at one point and what changes around it count as the root of a sum of squares.  The weights are chosen
for each output, so that the bound is smallest where it is largest.  Theorem 9 of ``docs/mathematics.md``.

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
from .gain import short
from .metric import WeightedTwoNorm
from .mismatch import EquilibriumBound, Mismatch, Rows
from .perturbation import GRID_BITS, monotone

NAME = "ellipsoids"
#: Beyond these it would take the checker minutes.
MOST_INPUTS, MOST_ROWS = check_certificate.MOST_SPLIT_INPUTS, check_certificate.MOST_SPLIT_ROWS
#: Cells that the checker visits in seconds, how many are halved at once, and how often the box is halved to the size
#: for which weights are chosen: the second where that lowers the first output's bound to so large a share.
CELLS, HALVED, HALVINGS, WORTHWHILE = 6000, 64, (9, 11), 0.85
#: Bounds so near to the largest value on samples are near enough; beyond this floating point has failed.
ENOUGH, HOPELESS = 1.02, 100.0
#: Of what is proposed in floating point, for what exact arithmetic and the checker's own states add.
MARGINS = (1.005, 1.05)
#: Points of the box, of which the first choose weights; updates of their states.
SAMPLES, CHOOSING, UPDATES = 1024, 256, 80
#: Steps of the search for weights, and by how much penalties grow until there is an ellipsoid.
STEPS, STEP_SIZE, GROWTH, GROWN = 120, 0.08, 0.5, 100
MULTIPLIER_BITS, CLAIM_BITS = 64, 7


@dataclass(frozen=True)
class _Recurrence:
    """The numbers of a mismatch in floating point: ``s = M phi(s) + N z + G x + g``, ``r = N z + C x + c``.

    ``A`` is the network's ``I - W``, and ``injection`` its ``U``.
    """

    mismatch: Mismatch
    M: np.ndarray
    N: np.ndarray
    drive: np.ndarray
    input: np.ndarray
    scale: np.ndarray
    A: np.ndarray
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
        return _Recurrence(mismatch, *numbers, A, U)

    @cached_property
    def reach(self) -> np.ndarray:
        """How far a word of each input moves the state (d,)."""
        found: np.ndarray = np.linalg.norm(self.drive[:, :-1] * self.scale[:, None], axis=0)
        return found

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
    """``o' (z~ - z) + change <= linear r0 + kappa sqrt(r0' Q r0 + sum_j charges_j h_j^2)`` of one output."""

    weights: np.ndarray
    values: np.ndarray
    penalties: np.ndarray
    charges: np.ndarray
    linear: np.ndarray
    kappa: float
    Q: np.ndarray

    def curved(self, residuals: np.ndarray, halfwidths: np.ndarray) -> np.ndarray:
        """The root, of residuals (samples, n) in cells of halfwidths (samples, d)."""
        squares = np.einsum("ij,ij->i", residuals @ self.Q, residuals)
        found: np.ndarray = self.kappa * np.sqrt(squares + halfwidths**2 @ self.charges)
        return found


def by_ellipsoids(mismatch: Mismatch) -> EquilibriumBound | None:
    """See the module's text; None where the recurrence or its box is too large, or not of this kind."""
    program = mismatch.program
    fits = program.d <= MOST_INPUTS and program.n <= MOST_ROWS and not any(mismatch.clip_changes)
    shown = program.readout.values.any(axis=1).all()  # of an output of nothing there is no form
    euclidean = isinstance(mismatch.metric, WeightedTwoNorm)
    if not (fits and shown and program.splitting.reflects and euclidean):
        return None
    recurrence = _Recurrence.of(mismatch)
    words = _samples(mismatch)
    states = recurrence.states(words)
    residuals = recurrence.residuals(words, states)
    if not residuals.any():
        return None  # nothing is off, and the norm says so
    z = recurrence.prox(states)
    coarse, fine = (_Choice.of(recurrence, k, residuals[:CHOOSING], z[:CHOOSING]) for k in HALVINGS)
    try:
        with np.errstate(all="ignore"):  # of outputs that hardly show the state
            (before, large), (after, small) = coarse.least(0), fine.least(0)
            chosen, first = (fine, small) if after <= WORTHWHILE * before else (coarse, large)
            others = [chosen.least(o)[1] for o in range(1, program.rows)]
            forms = [chosen.form(o, logs) for o, logs in enumerate([first, *others])]
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite([form.kappa for form in forms]).all():
        return None
    cells = _Cells.of(recurrence, forms)
    if cells.gain <= 0:
        return None
    largest = cells.values(words, states, chosen.box[None, :]).max(axis=0)
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


def _halved(recurrence: _Recurrence, times: int) -> np.ndarray:
    """Half the widths (d,) of a cell, after so many halvings of the box."""
    words = recurrence.mismatch.program.input_format
    widths = np.full(recurrence.mismatch.program.d, float(words.max_word - words.min_word + 1))
    for _ in range(times):
        widths[np.argmax(widths * recurrence.reach)] /= 2
    return np.maximum(widths, 1.0) / 2


# -- the weights of one output -----------------------------------------------------------


@dataclass(frozen=True)
class _Choice:
    """The facts of a cell, in ``x = (dx / h, dz, v)``, and what multiplies them for one output.

    ``e`` are the rows of ``e + r0``, ``cone`` those of ``U dx - A dz``, ``changes`` those of ``O~ - O``; ``z`` and
    residuals are of samples.
    """

    recurrence: _Recurrence
    box: np.ndarray
    e: np.ndarray
    cone: np.ndarray
    residuals: np.ndarray
    z: np.ndarray
    changes: np.ndarray

    @staticmethod
    def of(recurrence: _Recurrence, halvings: int, residuals: np.ndarray, z: np.ndarray) -> _Choice:
        box = _halved(recurrence, halvings)
        inputs, injected = recurrence.input[:, :-1] * box, recurrence.injection * box
        e = np.hstack([-inputs, -recurrence.N, recurrence.M])
        cone = np.hstack([injected, -recurrence.A, np.zeros_like(recurrence.A)])
        return _Choice(recurrence, box, e, cone, residuals, z, _floats(recurrence.mismatch.readout_change))

    @property
    def n(self) -> int:
        return len(self.e)

    @property
    def d(self) -> int:
        return len(self.box)

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """Of inputs, ``z`` and ``v`` in the last axis: also the order of the multipliers."""
        return np.split(values, [self.d, self.d + self.n], axis=-1)

    def quadratic(self, logs: np.ndarray) -> np.ndarray:
        """What the facts leave; an error where it is not positive definite."""
        penalties, values, weights = self.split(np.exp(logs))
        half = np.zeros((len(logs), len(logs)))
        half[self.d : self.d + self.n] = values[:, None] * self.cone
        diagonal = np.concatenate([penalties, np.zeros(self.n), weights])
        form = np.diag(diagonal) - half - half.T - (self.e.T * weights) @ self.e
        np.linalg.cholesky(form)
        return form

    def form(self, output: int, logs: np.ndarray) -> _Form:
        """With whole multipliers, of ``dx`` in words."""
        natural = np.exp(logs)
        natural[: self.d] /= self.box**2
        unit = np.ldexp(1.0, MULTIPLIER_BITS) / natural[self.d + self.n :].max()
        whole = np.array(short(unit * natural), dtype=object)
        floats = whole.astype(np.float64) / unit
        scaled = floats.copy()
        scaled[: self.d] *= self.box**2
        _, centre, row, kappa = self._closed(output, np.log(scaled))
        _, _, weights = self.split(floats)
        Q = np.diag(weights) + (self.e.T * weights).T @ centre
        linear = -centre.T @ row - self.recurrence.mismatch.program.readout.values[output] / 2
        penalties, values, own = self.split(whole)
        return _Form(own, values, penalties, floats[: self.d], linear, kappa, Q)

    def least(self, output: int) -> tuple[float, np.ndarray]:
        """The largest bound on the samples, made small, and the weights' logarithms; by Adam."""
        logs = best = self._beginning()
        first, second, least = np.zeros(len(logs)), np.zeros(len(logs)), np.inf
        for step in range(1, STEPS + 1):
            try:
                value, slope = self._derivative(output, logs)
            except np.linalg.LinAlgError:
                logs = (logs + best) / 2
                continue
            if value < least:
                least, best = value, logs
            first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
            logs = logs - STEP_SIZE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-12)
        return least, best

    def _beginning(self) -> np.ndarray:
        """Weights of the metric, and penalties so large that there is an ellipsoid."""
        metric = 2 * np.log(self.recurrence.scale)
        margin = float(self.recurrence.mismatch.floating.margin)
        moved = max(float(np.linalg.norm(self.recurrence.N, 2)), 1e-9) ** 2 / margin
        pushed = max(float(np.linalg.norm(self.cone[:, : self.d], 2)), 1e-9) ** 2 / margin
        values = np.full(self.n, np.log(moved)) + metric.max()
        logs = np.concatenate([np.full(self.d, np.log(moved * pushed)) + metric.max(), values, metric])
        for _ in range(GROWN):
            try:
                self.quadratic(logs)
                return logs
            except np.linalg.LinAlgError:
                logs[: self.d + self.n] += GROWTH
                logs[: self.d] += GROWTH
        raise np.linalg.LinAlgError("no ellipsoid was found")

    def _closed(self, output: int, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """The inverse of the form, what makes a centre of ``r0``, the output's row over ``x``, and ``kappa``."""
        inverse = np.linalg.inv(self.quadratic(logs))
        o = self.recurrence.mismatch.program.readout.values[output]
        row = o @ self.e / 2 + np.concatenate([np.zeros(self.d), self.changes[output], o / 2])
        centre = inverse @ (self.e.T * np.exp(logs[self.d + self.n :]))
        return inverse, centre, row, float(np.sqrt(row @ inverse @ row))

    def _derivative(self, output: int, logs: np.ndarray) -> tuple[float, np.ndarray]:
        """The largest bound on the samples, and a slope: of a closed form that of the Lagrangian (Danskin)."""
        inverse, centre, row, kappa = self._closed(output, logs)
        mismatch, r = self.recurrence.mismatch, self.residuals
        penalties, _, weights = self.split(np.exp(logs))
        at, mixed = -r @ centre.T, r @ (self.e.T * weights).T
        o = mismatch.program.readout.values[output]
        along = self.z @ self.changes[output] + float(mismatch.offset_change[output]) - r @ o / 2 + at @ row
        radius = np.sqrt(np.maximum(r**2 @ weights - np.einsum("ij,ij->i", at, mixed) + penalties.sum(), 1e-300))
        bounds = np.abs(along) + kappa * radius
        sign = np.where(along >= 0, 1.0, -1.0)
        x = at + (sign * radius / kappa)[:, None] * (inverse @ row)[None, :]
        dx, dz, v = self.split(x)
        e = x @ self.e.T - r
        facts = np.hstack([1 - dx**2, 2 * dz * (x @ self.cone.T), e**2 - v**2])
        shares = np.exp(40 * (bounds / bounds.max() - 1))
        slope = (shares / shares.sum() * kappa / (2 * radius)) @ facts
        return float(bounds.max()), np.exp(logs) * slope / bounds.max()


# -- cells, in floating point --------------------------------------------------------------


@dataclass(frozen=True)
class _Cells:
    """As the checker has them, many at once."""

    recurrence: _Recurrence
    forms: list[_Form]
    gain: float

    @staticmethod
    def of(recurrence: _Recurrence, forms: list[_Form]) -> _Cells:
        rest = 1 - float(recurrence.mismatch.proof.contraction_factor) - float(recurrence.mismatch.matrix_norm)
        return _Cells(recurrence, forms, 1 / rest if rest > 0 else -1.0)

    def values(self, words: np.ndarray, states: np.ndarray, halfwidths: np.ndarray) -> np.ndarray:
        """Bounds (samples, k) in cells around inputs."""
        recurrence = self.recurrence
        residuals = recurrence.residuals(words, states)
        mismatch, found = recurrence.mismatch, []
        changes = recurrence.prox(states) @ _floats(mismatch.readout_change).T
        for form, change, offset in zip(self.forms, changes.T, mismatch.offset_change, strict=True):
            centre = np.abs(residuals @ form.linear + change + float(offset))
            found.append(centre + form.curved(residuals, halfwidths))
        return np.column_stack(found)

    def reached(self, largest: np.ndarray) -> float:
        """The least factor on ``largest`` within which every cell is, the worst ones halved again and again."""
        d, words = self.recurrence.mismatch.program.d, self.recurrence.mismatch.program.input_format
        low, high = np.full((1, d), float(words.min_word)), np.full((1, d), float(words.max_word))
        factors, visited = self._factors(low, high, largest), 1
        while visited < CELLS and factors.max() > ENOUGH:
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
        values = self.values(centre, states, widths)
        return np.where(self._inside(states, radius), (values / largest).max(axis=1), np.inf)

    def _inside(self, states: np.ndarray, radius: np.ndarray) -> np.ndarray:
        program = self.recurrence.mismatch.program
        top = program.state_format.max_word / 2.0**program.state_format.fractional_bits
        reach = 1.1 * radius[:, None] / self.recurrence.scale.min()
        inside: np.ndarray = (np.abs(states) + reach < top).all(axis=1)
        return inside

    def _spreads(self, widths: np.ndarray) -> np.ndarray:
        """Largest ``||G dx||`` of each cell: at a corner."""
        columns = self.recurrence.drive[:, :-1] * self.recurrence.scale[:, None]
        corners = np.array(list(product((-1.0, 1.0), repeat=widths.shape[1])))
        unique, index = np.unique(widths, axis=0, return_inverse=True)
        largest = [np.linalg.norm(corners * width @ columns.T, axis=1).max() for width in unique]
        return np.array(largest)[index.reshape(-1)]

    def _halves(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        axis, rows = np.argmax((high - low) * self.recurrence.reach, axis=1), np.arange(len(low))
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
        "weights": [form.weights.tolist() for form in forms],
        "values": [form.values.tolist() for form in forms],
        "penalties": [form.penalties.tolist() for form in forms],
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
