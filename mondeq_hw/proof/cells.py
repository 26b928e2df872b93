"""Cells of a box of inputs, many at once: what is known of the float network's states all over each, in floating point.

    ||s(x) - s(x0)|| <= max ||G dx|| / (1 - rho - ||N||)

by contraction; and which rows stay on their side of the clip, by the network's own monotonicity: ``dz' (A dz - U dx)``
is never positive and confines ``(dx, dz)`` to an ellipsoid, on which ``dz_i + b_i (U dx - A dz)_i``, a function of the
row's own state, is bounded.  Theorems 9 and 9a of ``docs/mathematics.md``.  What is found here proposes; the checker
finds it again in integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product

import numpy as np

from . import check_certificate
from .gain import short
from .metric import BOUND_BITS
from .mismatch import Mismatch, Rows
from .perturbation import GRID_BITS, monotone

#: Updates of the states at inputs.
UPDATES = 80
#: Of what finds signs: how far its form is from a singular one, and what a row's slope is for one over ``A_ii``.
SIGN_ROOM, SIGN_SLOPE = 1.5, 1.0


@dataclass(frozen=True)
class Recurrence:
    """The numbers of a mismatch in floating point: ``s = M phi(s) + N z + G x + g``, ``r = N z + C x + c``.

    ``stored`` is the stored drive; ``A`` is the network's ``I - W``, and ``injection`` its ``U``.
    """

    mismatch: Mismatch
    M: np.ndarray
    N: np.ndarray
    stored: np.ndarray
    drive: np.ndarray
    input: np.ndarray
    scale: np.ndarray
    A: np.ndarray
    injection: np.ndarray

    @staticmethod
    def of(mismatch: Mismatch) -> Recurrence:
        program = mismatch.program
        grid = program.drive_fractional_bits
        stored = np.ldexp(program.drive.integers.astype(np.float64), program.drive_left_shift - grid[:, None])
        stored = np.column_stack([stored, np.ldexp(program.drive_bias.astype(np.float64), -grid)])
        change = _floats(mismatch.input)
        scale = np.sqrt(np.array(mismatch.metric.weights, dtype=np.float64))
        A = np.ldexp(monotone(mismatch.floating.operator.integers).astype(np.float64), -GRID_BITS)
        affine = mismatch.floating.input
        U = _floats(Rows(affine.columns[:, :-1], Fraction(2) ** affine.bits))
        numbers = program.matrix.values, _floats(mismatch.matrix), stored, stored + change, change, scale
        return Recurrence(mismatch, *numbers, A, U)

    @cached_property
    def e(self) -> np.ndarray:
        """The rows of ``e + r0`` over ``(dx, dz, v)`` (n, d + 2 n)."""
        return np.hstack([-self.input[:, :-1], -self.N, self.M])

    @cached_property
    def readout_change(self) -> np.ndarray:
        """``O~ - O`` (k, n)."""
        return _floats(self.mismatch.readout_change)

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

    def norms(self, vectors: np.ndarray) -> np.ndarray:
        """In the metric, of vectors (samples, n)."""
        found: np.ndarray = np.linalg.norm(vectors * self.scale, axis=1)
        return found


@dataclass(frozen=True)
class Around:
    """What is known of cells around inputs.

    Parameters
    ----------
    halfwidths : ndarray (samples, d)
    values, residuals : ndarray (samples, n)
        ``z`` and ``r`` at the inputs.
    inside : ndarray of bool (samples,)
        No state saturates.
    rounded : ndarray (samples,)
        Norm of what separates the device's state from its equilibrium.
    signs : ndarray (samples, n)
        Theorem 9a: 1 where ``prox`` moves with the state, -1 where it stays, 0 where neither is known.
    """

    halfwidths: np.ndarray
    values: np.ndarray
    residuals: np.ndarray
    inside: np.ndarray
    rounded: np.ndarray
    signs: np.ndarray


@dataclass(frozen=True)
class Signs:
    """The form of Theorem 9a: ``sum_j penalties_j dx_j^2 + 2 dz' (A dz - U dx)``.

    Parameters
    ----------
    penalties : ndarray (d,)
    slopes : ndarray (n,)
        ``dz_i + slopes_i (U dx - A dz)_i`` is what is bounded of a row,
    moves : ndarray (n,)
        by this for penalties of one.
    """

    penalties: np.ndarray
    slopes: np.ndarray
    moves: np.ndarray

    @staticmethod
    def of(recurrence: Recurrence) -> Signs:
        A, U = recurrence.A, recurrence.injection
        (n, d), size = U.shape, np.maximum(np.linalg.norm(U, axis=0), 1e-9)
        cosines = np.abs((U / size).T @ (U / size)).sum(axis=1) + 1e-9
        penalties = SIGN_ROOM * size**2 * cosines / (2 * float(recurrence.mismatch.floating.margin))
        slopes = SIGN_SLOPE / np.diag(A)
        form = np.block([[np.diag(penalties), -U.T], [-U, A + A.T]])
        rows = slopes[:, None] * np.hstack([U, -A])
        rows[:, d:] += np.eye(n)
        factor = np.linalg.inv(np.linalg.cholesky(form))
        return Signs(penalties, slopes, np.linalg.norm(factor @ rows.T, axis=0))

    def to_plain(self) -> dict[str, list[int]]:
        """Whole numbers in the checker's units."""
        units = {"penalties": 2 * check_certificate.CELL_BITS, "slopes": check_certificate.CELL_BITS}
        return {name: short(np.ldexp(getattr(self, name), bits)) for name, bits in units.items()}


@dataclass(frozen=True)
class Cells:
    """As the checker has them, many at once."""

    recurrence: Recurrence
    signs: Signs
    gain: float

    @staticmethod
    def of(recurrence: Recurrence) -> Cells | None:
        """None where the network's recurrence does not contract in the metric."""
        rest = 1 - float(recurrence.mismatch.proof.contraction_factor) - float(recurrence.mismatch.matrix_norm)
        return Cells(recurrence, Signs.of(recurrence), 1 / rest) if rest > 0 else None

    def around(self, words: np.ndarray, halfwidths: np.ndarray) -> Around:
        """What is known of cells around inputs (samples, d)."""
        recurrence, mismatch = self.recurrence, self.recurrence.mismatch
        program, rho, least = mismatch.program, float(mismatch.proof.contraction_factor), self.recurrence.scale.min()
        states = recurrence.states(words)
        values, residuals = recurrence.prox(states), recurrence.residuals(words, states)
        radius = self.gain * self._spreads(halfwidths)
        inputs = np.linalg.norm(recurrence.input[:, :-1] * recurrence.scale[:, None], axis=0)
        error = recurrence.norms(residuals) + float(mismatch.matrix_norm) * radius + halfwidths @ inputs
        reach, wrong = radius + error / (1 - rho), error / (1 - rho)
        step = 2.0**-program.state_format.fractional_bits
        inside = np.abs(states).max(axis=1) + 1.1 * reach / least < program.state_format.max_word * step
        unit, bound = step / 2.0**BOUND_BITS, mismatch.bound
        start = (recurrence.norms(states) + reach) * rho ** (program.iterations + 1) + bound.rounding * unit / (1 - rho)
        rounded = np.minimum(start if mismatch.warm is None else np.inf, bound.radius(program.iterations) * unit)
        signs = self._signs(states, halfwidths, 1.01 * (wrong + rounded) / least)
        return Around(halfwidths, values, residuals, inside, rounded, signs)

    def around_inside(self, words: np.ndarray, box: np.ndarray) -> Around:
        """The same of cells of one size, moved into the box of all inputs."""
        ends = self.recurrence.mismatch.program.input_format
        moved = np.maximum(np.minimum(words, ends.max_word - box), ends.min_word + box)
        return self.around(moved, np.broadcast_to(box, words.shape))

    def _signs(self, states: np.ndarray, halfwidths: np.ndarray, margin: np.ndarray) -> np.ndarray:
        program, found = self.recurrence.mismatch.program, self.signs
        clip = program.clip.scaled(2.0**-program.state_format.fractional_bits)
        inside = (states > clip.lower) & (states < clip.upper)
        off = np.minimum(np.abs(states - clip.lower), np.abs(states - clip.upper))
        signs = np.where(inside != clip.complement, 1, -1)
        gains = np.where(signs > 0, 1.0, found.slopes / float(self.recurrence.mismatch.step_size))
        moves = np.sqrt(halfwidths**2 @ found.penalties)[:, None] * found.moves
        return np.where((off - margin[:, None]) * gains > moves, signs, 0)

    def _spreads(self, widths: np.ndarray) -> np.ndarray:
        """Largest ``||G dx||`` of each cell: at a corner."""
        columns = self.recurrence.drive[:, :-1] * self.recurrence.scale[:, None]
        corners = np.array(list(product((-1.0, 1.0), repeat=widths.shape[1])))
        unique, index = np.unique(widths, axis=0, return_inverse=True)
        largest = [np.linalg.norm(corners * width @ columns.T, axis=1).max() for width in unique]
        return np.array(largest)[index.reshape(-1)]

    def halves(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of words, each cut along the input along which the state moves most."""
        axis, rows = np.argmax((high - low) * self.recurrence.reach, axis=1), np.arange(len(low))
        middle = np.floor((low + high)[rows, axis] / 2)
        upper, lower = low.copy(), high.copy()
        upper[rows, axis], lower[rows, axis] = middle + 1, middle
        return np.concatenate([low, upper]), np.concatenate([lower, high])


def _floats(rows: Rows) -> np.ndarray:
    return np.array([[float(x / rows.unit) for x in row] for row in rows.integers.tolist()])
