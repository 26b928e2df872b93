"""Distance of the outputs by one ellipsoid each, over a box of inputs that is halved where it matters.

With ``e = s~ - s*``, ``v = phi(s~) - phi(s*)`` and ``e = M v - r`` every row has ``v_i^2 <= e_i^2``.  In a small box of
inputs, ``x = x0 + dx``, the residual is ``r = r0 + N dz + C dx`` with ``r0`` known from one point, and monotonicity
gives ``dz_i (U dx - A dz)_i >= 0`` in every row.  The sum of these facts and of ``dx_j^2 <= h_j^2`` with weights
confines ``(dx, dz, v)`` to an ellipsoid around a point that is linear in ``r0``, on which a linear output has a closed
form: what is off at one point and what changes around it count as the root of a sum of squares.  Where a row's sign is
known all over the cell ``v_i = +-e_i``, and multiples of that leave little of these rows in the output (``cells.py``).
The weights are chosen for each output, so that the bound is smallest where it is largest.  Theorems 9 and 9b of
``docs/mathematics.md``.

Everything here is floating point and only proposes weights and bounds.  What proves them, in integers, is the code of
the independent checker; a proposal that it does not confirm is enlarged, and at last dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from . import check_certificate
from .cells import Around, Cells, Recurrence, Signs
from .gain import short
from .metric import WeightedTwoNorm
from .mismatch import EquilibriumBound, Mismatch, checked, short_bound
from .plain import ratio

NAME = "ellipsoids"
#: Beyond these it would take the checker minutes.
MOST_INPUTS, MOST_ROWS = check_certificate.MOST_SPLIT_INPUTS, check_certificate.MOST_SPLIT_ROWS
#: Cells that the checker visits in seconds, and in a minute or two: so many while a bound is above ``NEAR`` times the
#: error found. How many are halved at once, and how often the box is halved to the size for which weights are chosen:
#: the second where that lowers the first output's bound to so large a share.
CELLS, MORE_CELLS, NEAR, HALVED, HALVINGS, WORTHWHILE = 4000, 8000, 4.9, 64, (9, 12), 0.85
#: Bounds so near to the largest value on samples are near enough; beyond this floating point has failed.
ENOUGH, HOPELESS = 1.0, 100.0
#: Of what is proposed in floating point, for what exact arithmetic and the checker's own states add.
MARGINS = (1.01, 1.05)
#: Points of the box, of which the last choose weights.
SAMPLES, CHOOSING = 1024, 256
#: Steps of the search for weights, and by how much penalties grow until there is an ellipsoid.
STEPS, STEP_SIZE, GROWTH, GROWN = 120, 0.08, 0.5, 100
#: How much more the larger bounds of samples count.
SHARPNESS = 40
MULTIPLIER_BITS = 64


@dataclass(frozen=True)
class _Form:
    """One output's form as the checker has it: multipliers, whole and not, the inverse's factor ``R``; ``R B``."""

    recurrence: Recurrence
    output: int
    weights: np.ndarray
    values: np.ndarray
    penalties: np.ndarray
    own: np.ndarray
    charges: np.ndarray
    factor: np.ndarray
    mixed: np.ndarray

    def bounds(self, around: Around) -> np.ndarray:
        """``|y~ - y*|`` and the rounding of the state, over cells (samples,)."""
        r = around.residuals
        rows, along = rows_of(self.recurrence, self.output, around)
        turned, mixed = rows @ self.factor.T, r @ self.mixed.T
        centre = np.abs(along - np.einsum("ij,ij->i", turned, mixed))
        squares = r**2 @ self.own + (mixed**2).sum(axis=1) + around.halfwidths**2 @ self.charges
        found: np.ndarray = centre + np.linalg.norm(turned, axis=1) * np.sqrt(squares)
        return found + rounding(self.recurrence, self.output, around)


def rounding(recurrence: Recurrence, output: int, around: Around) -> np.ndarray:
    """What rounding changes in an output (samples,): rows whose ``prox`` stays do not show it."""
    row = (recurrence.mismatch.program.readout.values[output] / recurrence.scale) ** 2
    found: np.ndarray = np.sqrt((around.signs >= 0) @ row) * around.rounded
    return found


def rows_of(recurrence: Recurrence, output: int, around: Around) -> tuple[np.ndarray, np.ndarray]:
    """The output over ``(dx, dz, v)`` (samples, d + 2 n) less multiples of what is zero in known rows, its constant."""
    mismatch, signs, r = recurrence.mismatch, around.signs, around.residuals
    o, d, n = mismatch.program.readout.values[output], mismatch.program.d, mismatch.program.n
    m = np.diag(recurrence.M)
    u = -signs * (1 + m) / (1 - signs * m) * o / 2
    for _ in range(check_certificate.SIGN_UPDATES):
        u = signs * ((u - o / 2) @ recurrence.M - o / 2)
    change = recurrence.readout_change[output]
    rows = (o / 2 - u) @ recurrence.e
    rows[:, d : d + n] = np.where(signs < 0, 0.0, rows[:, d : d + n] + change)
    rows[:, d + n :] += o / 2 + signs * u
    along = around.values @ change + float(mismatch.offset_change[output]) + np.einsum("ij,ij->i", u - o / 2, r)
    return rows, along


def by_ellipsoids(mismatch: Mismatch, errors: Sequence[float] | None = None) -> EquilibriumBound | None:
    """See the module's text; None where the recurrence or its box is too large, or not of this kind.

    Parameters
    ----------
    mismatch : Mismatch
    errors : sequence of float (k,), optional
        Found of each output: half of the bounds' proportions are theirs, the other half what the method gives.
    """
    program = mismatch.program
    fits = program.d <= MOST_INPUTS and program.n <= MOST_ROWS and not any(mismatch.clip_changes)
    shown = program.readout.values.any(axis=1).all()  # of an output of nothing there is no form
    euclidean = isinstance(mismatch.metric, WeightedTwoNorm)
    if not (fits and shown and program.splitting.reflects and euclidean):
        return None
    recurrence = Recurrence.of(mismatch)
    words = _samples(mismatch)
    if not recurrence.residuals(words, recurrence.states(words)).any():
        return None  # nothing is off, and the norm says so
    cells = Cells.of(recurrence)
    if cells is None:
        return None
    coarse, fine = (_Choice.of(cells, times, words[-CHOOSING:]) for times in HALVINGS)
    try:
        with np.errstate(all="ignore"):  # of outputs that hardly show the state
            (before, large), (after, small) = coarse.least(0), fine.least(0)
            chosen, first = (fine, small) if after <= WORTHWHILE * before else (coarse, large)
            others = [chosen.least(o)[1] for o in range(1, program.rows)]
            forms = [chosen.form(o, logs) for o, logs in enumerate([first, *others])]
    except np.linalg.LinAlgError:
        return None
    around = cells.around_inside(words, chosen.box)
    largest = np.array([form.bounds(around).max() for form in forms])
    if not (np.isfinite(largest) & (largest > 0)).all():
        return None
    aims = largest if errors is None or not all(errors) else np.sqrt(largest * errors / np.max(errors / largest))
    wanted = math.inf if errors is None else NEAR * float((np.array(errors) / aims).min())
    slack = _reached(cells, forms, aims, wanted)
    if not slack <= HOPELESS:  # or floating point fails
        return None
    proposals = (_proved(mismatch, cells.signs, forms, aims * slack * margin) for margin in MARGINS)
    return next((bound for bound in proposals if bound is not None), None)


def _samples(mismatch: Mismatch) -> np.ndarray:
    """Corners of the box of inputs and points all over it."""
    words, d = mismatch.program.input_format, mismatch.program.d
    corners = np.array(list(product((words.min_word, words.max_word), repeat=d)))
    inside = np.random.default_rng(0).integers(words.min_word, words.max_word + 1, size=(SAMPLES, d))
    return np.concatenate([corners, inside]).astype(np.float64)


def _halved(recurrence: Recurrence, times: int) -> np.ndarray:
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

    ``e`` are the rows of ``e + r0``, ``cone`` those of ``U dx - A dz``; ``around`` are cells of this size.
    """

    recurrence: Recurrence
    box: np.ndarray
    e: np.ndarray
    cone: np.ndarray
    around: Around

    @staticmethod
    def of(cells: Cells, halvings: int, words: np.ndarray) -> _Choice:
        recurrence = cells.recurrence
        box = _halved(recurrence, halvings)
        e, injected = recurrence.e.copy(), recurrence.injection * box
        e[:, : len(box)] *= box
        cone = np.hstack([injected, -recurrence.A, np.zeros_like(recurrence.A)])
        return _Choice(recurrence, box, e, cone, cells.around_inside(words, box))

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
        own = self.split(floats)[2]
        factor = np.linalg.inv(np.linalg.cholesky(self.quadratic(np.log(scaled))))
        factor[:, : self.d] /= self.box
        mixed = factor @ (self.recurrence.e.T * own)
        penalties, values, weights = self.split(whole)
        return _Form(self.recurrence, output, weights, values, penalties, own, floats[: self.d], factor, mixed)

    def least(self, output: int) -> tuple[float, np.ndarray]:
        """The largest bound on the samples, made small, and the weights' logarithms; by Adam."""
        logs = best = self._beginning()
        first, second, least = np.zeros(len(logs)), np.zeros(len(logs)), np.inf
        rows, along = rows_of(self.recurrence, output, self.around)
        rows[:, : self.d] *= self.box
        more = rounding(self.recurrence, output, self.around)
        for step in range(1, STEPS + 1):
            try:
                value, slope = self._derivative(rows, along, more, logs)
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

    def _derivative(
        self, rows: np.ndarray, along: np.ndarray, more: np.ndarray, logs: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """The largest bound on the samples, and a slope: of a closed form that of the Lagrangian (Danskin)."""
        inverse, r = np.linalg.inv(self.quadratic(logs)), self.around.residuals
        penalties, _, weights = self.split(np.exp(logs))
        mixed, turned = r @ (self.e.T * weights).T, rows @ inverse
        at, kappa = -mixed @ inverse, np.sqrt(np.maximum(np.einsum("ij,ij->i", turned, rows), 1e-300))
        centre = along + np.einsum("ij,ij->i", at, rows)
        radius = np.sqrt(np.maximum(r**2 @ weights - np.einsum("ij,ij->i", at, mixed) + penalties.sum(), 1e-300))
        bounds = np.abs(centre) + kappa * radius + more
        sign = np.where(centre >= 0, 1.0, -1.0)
        x = at + (sign * radius / kappa)[:, None] * turned
        dx, dz, v = self.split(x)
        e = x @ self.e.T - r
        facts = np.hstack([1 - dx**2, 2 * dz * (x @ self.cone.T), e**2 - v**2])
        shares = np.exp(SHARPNESS * (bounds / bounds.max() - 1))
        slope = (shares / shares.sum() * kappa / (2 * radius)) @ facts
        return float(bounds.max()), np.exp(logs) * slope / bounds.max()


# -- cells, in floating point --------------------------------------------------------------


def _reached(cells: Cells, forms: list[_Form], largest: np.ndarray, wanted: float) -> float:
    """The least factor on ``largest`` within which every cell is, the worst ones halved again and again.

    A factor above the wanted one is worth more cells.
    """
    d, words = cells.recurrence.mismatch.program.d, cells.recurrence.mismatch.program.input_format
    low, high = np.full((1, d), float(words.min_word)), np.full((1, d), float(words.max_word))
    factors, visited = _factors(cells, low, high, forms, largest), 1
    while factors.max() > ENOUGH and visited < (MORE_CELLS if factors.max() > wanted else CELLS):
        worst = np.argsort(-factors, kind="stable")[:HALVED]  # so the first is the argmax
        worst = worst[(factors[worst] > ENOUGH) & (low[worst] < high[worst]).any(axis=1)]
        if len(worst) == 0 or worst[0] != np.argmax(factors):
            break
        rest = np.setdiff1d(np.arange(len(low)), worst)
        halves = cells.halves(low[worst], high[worst])
        added = _factors(cells, *halves, forms, largest)
        factors = np.concatenate([factors[rest], added])
        low, high = (np.concatenate([old[rest], new]) for old, new in zip((low, high), halves, strict=True))
        visited += len(added)
    return float(factors.max())


def _factors(cells: Cells, low: np.ndarray, high: np.ndarray, forms: list[_Form], largest: np.ndarray) -> np.ndarray:
    """By how much each cell's bounds exceed ``largest`` at most; infinite where a state may saturate."""
    around = cells.around((low + high) / 2, (high - low) / 2)
    bounds = np.column_stack([form.bounds(around) for form in forms])
    return np.where(around.inside, (bounds / largest).max(axis=1), np.inf)


# -- proof -----------------------------------------------------------------------------------


def _proved(mismatch: Mismatch, signs: Signs, forms: list[_Form], bounds: np.ndarray) -> EquilibriumBound | None:
    """The proposal, whose bounds count the state's rounding, where the checker's integers confirm it."""
    found = checked(mismatch)
    claimed = [short_bound(float(bound)) - more for bound, more in zip(bounds, found.rounding, strict=True)]
    witness = {
        "weights": [form.weights.tolist() for form in forms],
        "values": [form.values.tolist() for form in forms],
        "penalties": [form.penalties.tolist() for form in forms],
        "signs": signs.to_plain(),
        "bounds": [ratio(bound) for bound in claimed],
    }
    try:
        check_certificate.by_ellipsoids(found, witness)
    except check_certificate.CertificateError:
        return None
    return EquilibriumBound(NAME, tuple(claimed), witness)
