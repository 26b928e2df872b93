"""Distance of all outputs by one quadratic form of the float equilibrium and of what the stored one has more.

In ``x = (1, theta, z, v)`` every row gives ``z_i g_i >= 0`` of the float network and ``v_i^2 <= e_i^2`` (or
``v_i (e_i - v_i) >= 0``) of the difference, and ``|theta_j| <= 1``.  Weights of these facts make a form that is at
most the sum of what the inputs were charged, on which every linear output has a closed bound: the errors of all
matrices count together with the state that they multiply.  The form knows nothing of saturation, which is charged
apart.  Theorem 16 of ``docs/mathematics.md``.

Everything here is floating point and only proposes weights; what proves them is the code of the independent checker.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from . import check_certificate
from .gain import SPREAD_BITS, shape_of, short, short_up
from .metric import WeightedTwoNorm
from .mismatch import EquilibriumBound, Mismatch
from .plain import model_to_plain
from .semidefinite import difference_relaxation, difference_scale, output_form

NAME = "joint"
#: Steps of the search, their size in the logarithms, and the share that so many of them must gain.
STEPS, STEP_SIZE, LOOKED_BACK, WORTHWHILE = 200, 0.06, 25, 0.01
#: Logarithms of the differences' weights from which the search may begin; steps by which penalties grow, at most.
BEGINNINGS, GROWTH, GROWN = np.arange(-10.0, 11.0, 4.0), 1.0, 40
MULTIPLIER_BITS = 40
#: Of a form that is searched so; a larger one would take minutes.
MOST_COORDINATES = 420


@dataclass(frozen=True)
class JointBound:
    """What one form proves: distances where no state saturates, and for every input; and whether these may differ."""

    inside: tuple[Fraction, ...]
    everywhere: EquilibriumBound
    saturates: bool


@dataclass(frozen=True)
class _Forms:
    """Rows over ``x``: the constant, inputs (or a point of a ball that holds them), ``z`` and ``v``."""

    g: np.ndarray
    e: np.ndarray
    outputs: np.ndarray
    inputs: int
    ball: bool
    reflects: bool

    @property
    def n(self) -> int:
        return len(self.g)

    def penalties(self, logs: np.ndarray) -> np.ndarray:
        """One for the constant and one an input, or the same for all coordinates of a ball."""
        found = np.exp(logs)
        return np.concatenate([found[:1], np.full(self.inputs, found[1])]) if self.ball else found

    def objective(self, logs: np.ndarray) -> tuple[float, np.ndarray] | None:
        """The mean logarithm of the bounds' squares and its slope; None where the form is not positive definite."""
        n, k = self.n, 1 + self.inputs
        values, weights = np.exp(logs[:n]), np.exp(logs[n : 2 * n])
        penalties = self.penalties(logs[2 * n :])
        half = np.zeros((k + 2 * n, k + 2 * n))
        half[k : k + n] = values[:, None] * self.g
        if not self.reflects:
            half[k + n :] = weights[:, None] * self.e
        form = np.diag(np.concatenate([penalties, np.zeros(n), weights])) - (half + half.T) / 2
        if self.reflects:
            form -= (self.e.T * weights) @ self.e
        try:
            np.linalg.cholesky(form)
        except np.linalg.LinAlgError:
            return None
        x = np.linalg.solve(form, self.outputs.T)
        squares = (self.outputs * x.T).sum(axis=1)
        counted = squares > 1e-30 * squares.max(initial=0.0)
        if not counted.any():
            return None
        x = x[:, counted] / np.sqrt(squares[counted] * counted.sum())
        z, v, e = x[k : k + n], x[k + n :], self.e @ x
        facts = (e * e if self.reflects else v * e) - v * v
        charged = penalties * (x[:k] ** 2).sum(axis=1)
        shares = penalties / (penalties[:2].sum() if self.ball else penalties.sum())
        slopes = shares - charged
        if self.ball:
            slopes = np.array([shares[0] - charged[0], shares[1] - charged[1:].sum()])
        total = penalties[:2].sum() if self.ball else penalties.sum()
        slope = np.concatenate([values * (z * (self.g @ x)).sum(axis=1), weights * facts.sum(axis=1), slopes])
        return float(np.log(squares[counted] * total).mean()), slope


def by_joint_form(mismatch: Mismatch) -> JointBound | None:
    """See the module's text; None where the form is too large, or nothing is known about saturation."""
    program, unsaturated = mismatch.program, mismatch.unsaturated
    inputs, ball = min(program.d, 2 * program.n), program.d > 2 * program.n
    if unsaturated is None or 1 + inputs + 2 * program.n > MOST_COORDINATES:
        return None
    try:
        with np.errstate(all="ignore"):
            found = _proposed(mismatch, inputs, ball)
    except (OverflowError, ValueError, np.linalg.LinAlgError):  # numbers that floating point does not hold, or square
        return None
    if found is None:
        return None
    model = check_certificate.FloatModel(unsaturated.contraction.program, model_to_plain(mismatch.floating))
    checked = check_certificate.Mismatch(unsaturated.contraction, model, mismatch.step_size, unsaturated)
    try:
        inside = check_certificate.by_joint_form(checked, found)
    except (check_certificate.CertificateError, OverflowError, ZeroDivisionError):  # it divides by floats' pivots
        return None
    bounds = tuple(value + unsaturated.apart(k) for k, value in enumerate(inside))
    return JointBound(tuple(inside), EquilibriumBound(NAME, bounds, found), not unsaturated.inside)


def _proposed(mismatch: Mismatch, inputs: int, ball: bool) -> dict[str, Any] | None:
    """The witness."""
    program, n, scale = mismatch.program, mismatch.program.n, difference_scale(mismatch)
    relaxation, shape = difference_relaxation(mismatch, scale), None
    first = 1 + program.d
    dense = relaxation.floating({relaxation.size + i: 1} for i in range(2 * n))
    if ball:
        shape, factor = _ball(dense[:, 1:first], relaxation.unit)
        dense = np.hstack([dense[:, :1], factor, dense[:, first:]])
    outputs = np.zeros((program.rows, 1 + inputs + 2 * n))
    for k in range(program.rows):
        form, bits = output_form(mismatch, k, scale)
        row = np.zeros(first + 4 * n)
        for place, value in form.items():
            row[place] = float(Fraction(value, 2**bits))
        outputs[k] = row[first + 2 * n :] @ dense
        outputs[k, 0] += row[0]
        outputs[k, 1 + inputs :] += row[first : first + 2 * n]
    forms = _Forms(dense[:n], dense[n:], outputs, inputs, ball, program.splitting.reflects)
    if not (np.isfinite(outputs).all() and np.isfinite(dense).all()):
        return None
    logs = _search(forms, _beginning(forms, mismatch))
    if logs is None:
        return None
    penalties = forms.penalties(logs[2 * n :])
    unit = 2.0**MULTIPLIER_BITS / max(np.exp(logs[: 2 * n]).max(), penalties.max())
    return {
        "scale": scale,
        "penalties": short(unit * penalties),
        "values": short(unit * np.exp(logs[:n])),
        "weights": short(unit * np.exp(logs[n : 2 * n])),
        "shape": shape,
    }


def _ball(columns: np.ndarray, bits: int) -> tuple[dict[str, Any], np.ndarray]:
    """A factor whose image of the unit ball holds that of the box: the semi-axes' squares have the least sum."""
    lengths = np.linalg.norm(columns, axis=0)
    lengths = np.maximum(lengths, 1e-9 * lengths.max())
    shape, factor = shape_of(columns, short_up(2.0**SPREAD_BITS / (lengths / lengths.sum())), bits)
    return shape, np.ldexp(factor, -bits)


def _beginning(forms: _Forms, mismatch: Mismatch) -> np.ndarray | None:
    """The best of a few ratios of the two kinds of weights."""
    metric = mismatch.metric
    rows = (
        np.log(np.array(metric.weights, dtype=np.float64)) if isinstance(metric, WeightedTwoNorm) else np.zeros(forms.n)
    )
    rows, count, found = rows - rows.mean(), 2 if forms.ball else 1 + forms.inputs, []
    for ratio in BEGINNINGS:
        logs = np.concatenate([np.zeros(forms.n), rows + ratio, np.full(count, -10.0)])
        grown = _grown(forms, logs)
        if grown is not None:
            found.append((grown[1][0], grown[0]))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _grown(forms: _Forms, logs: np.ndarray) -> tuple[np.ndarray, tuple[float, np.ndarray]] | None:
    """With penalties so large that the form is positive definite."""
    for times in range(GROWN):
        tried = logs.copy()
        tried[2 * forms.n :] += GROWTH * times
        value = forms.objective(tried)
        if value is not None:
            return tried, value
    return None


def _search(forms: _Forms, logs: np.ndarray | None) -> np.ndarray | None:
    """Adam on the logarithms."""
    if logs is None:
        return None
    best, kept, trail = np.inf, None, list[float]()
    first, second = np.zeros(len(logs)), np.zeros(len(logs))
    for step in range(1, STEPS + 1):
        found = _grown(forms, logs)
        if found is None:
            break
        logs, (value, slope) = found
        if value < best:
            best, kept = value, logs
        trail.append(best)
        if step > LOOKED_BACK and trail[-LOOKED_BACK - 1] - best < WORTHWHILE:
            break
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        logs = logs - STEP_SIZE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-12)
    return kept
