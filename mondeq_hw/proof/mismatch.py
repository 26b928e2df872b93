"""What the float network's equilibrium leaves over in the stored recurrence, exact.

With ``z = prox(s)`` and ``q = U x + b``, the network's own recurrence says ``s - z = alpha (q - A z)``,
``A = I - W``, so that ``r = s - M phi(s) - d`` of the *stored* ``M`` and ``d`` needs no inverse of a float
matrix: ``r(x) = N z + c(x)`` with integers ``N`` and an affine ``c``.  Everything that separates the two
equilibria is in ``r``, in the clip's bounds and in saturation; section 11 of ``docs/mathematics.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, frexp
from typing import Any

import numpy as np

from ..base import combination, diagonal_plus, integers, product
from ..program import SolverProgram, WarmStart
from . import check_certificate
from .contraction import ContractionProof, ErrorBound, drive_extremes, iteration_integers
from .enclosure import feedthrough_rounding
from .float_model import FloatModel, end_change
from .metric import BOUND_BITS, Metric, root_up
from .perturbation import GRID_BITS, monotone
from .plain import contraction_to_plain, model_to_plain, ratio
from .ranges import drive_rows, largest_sums, readout_rows
from .relaxation import Proof

#: Bits of a bound that a method claims.
CLAIM_BITS = 10


@dataclass(frozen=True)
class Rows:
    """A rational matrix: integers over one denominator.

    Parameters
    ----------
    integers : ndarray of integers (rows, columns)
    unit : Fraction
        Integers in one.
    """

    integers: np.ndarray
    unit: Fraction


@dataclass(frozen=True)
class EquilibriumBound:
    """What a method proves of ``|y~ - y*|``, the float network's numbers taken as they stand on their grids.

    Or of the device's output, rounding of its state and all, less what ``rounding_shares`` adds again.

    Parameters
    ----------
    method : str
        A key of the checker's methods.
    bounds : tuple of Fraction or None (k,)
        None where the method has nothing to say of an output.
    witness : dict
        JSON-ready; what the checker needs to prove the bounds again.
    """

    method: str
    bounds: tuple[Fraction | None, ...]
    witness: dict[str, Any]


@dataclass(frozen=True)
class Mismatch:
    """The stored recurrence against the network's.

    Parameters
    ----------
    program : SolverProgram
    floating : FloatModel
        The network on its integer grids.
    step_size : Fraction
    proof : ContractionProof
    bound : ErrorBound
        Of the program's own iteration.
    ranges : tuple of pairs of Proof, optional
        That no state of the stored equilibrium saturates, where lowering proved it already.
    unsaturated : check_certificate.Unsaturated or None
        What is known of the stored recurrence's states without saturation.
    warm : WarmStart or None
        Of the program as deployed, whose samples do not all start anew.
    """

    program: SolverProgram
    floating: FloatModel
    step_size: Fraction
    proof: ContractionProof
    bound: ErrorBound
    ranges: tuple[tuple[Proof, Proof], ...] | None = None
    unsaturated: check_certificate.Unsaturated | None = None
    warm: WarmStart | None = None

    @property
    def metric(self) -> Metric:
        """Of the contraction's proof."""
        return self.proof.metric

    @property
    def phi_gain(self) -> int:
        """``phi`` moves by at most so many times what ``prox`` does when a bound of the clip moves."""
        return 2 if self.program.splitting.reflects else 1

    # -- r(x) = N z + c(x) -----------------------------------------------------

    @cached_property
    def matrix(self) -> Rows:
        """``N = (I - alpha A) - M (I + g alpha A)`` (n, n); ``g`` is 1 where ``phi`` reflects, otherwise 0."""
        p, one, (M, G) = self.step_size.numerator, self.step_size.denominator << GRID_BITS, self._iteration
        A = monotone(self.floating.operator.integers)
        N = combination((-one, M), (-p << G, A), (-p * self._reflects, product(M, A)))
        return Rows(diagonal_plus(one << G, N), Fraction(one << G))

    @cached_property
    def input(self) -> Rows:
        """``c = (I + g M) alpha (U x + b) - d(x)`` (n, d + 1), the constant in the last column."""
        p, q, affine = self.step_size.numerator, self.step_size.denominator, self.floating.input
        M, G = self._iteration
        stored, finest = drive_rows(self.program)
        H = max(G + affine.bits, finest)
        wanted = product(diagonal_plus(1 << G, M * self._reflects), affine.columns)
        change = combination((p << (H - G - affine.bits), wanted), (-q << (H - finest), stored))
        return Rows(change, q * Fraction(2) ** H)

    @property
    def _reflects(self) -> int:
        return int(self.program.splitting.reflects)

    @cached_property
    def _iteration(self) -> tuple[np.ndarray, int]:
        return iteration_integers(self.program.matrix, self.program.leak_shift)

    # -- the readout -------------------------------------------------------------

    @cached_property
    def readout(self) -> Rows:
        """Stored readout (k, n)."""
        return Rows(integers(readout_rows(self.program)), Fraction(2) ** int(self.program.readout.shifts.max()))

    @cached_property
    def readout_change(self) -> Rows:
        """Stored readout less the network's (k, n)."""
        stored, model = int(self.program.readout.shifts.max()), self.floating.output
        T = max(stored, model.bits)
        change = combination((1 << T - stored, self.readout.integers), (-1 << T - model.bits, integers(model.matrix)))
        return Rows(change, Fraction(2) ** T)

    @cached_property
    def offset_change(self) -> list[Fraction]:
        """Stored offset less the network's (k,)."""
        stored = Fraction(2) ** -self.program.output_fractional_bits
        model = Fraction(2) ** -self.floating.output.bits
        pairs = zip(self.program.readout_bias.tolist(), self.floating.output.offset, strict=True)
        return [x * stored - y * model for x, y in pairs]

    def feedthrough_errors(self) -> list[Fraction]:
        """What the stored feed-through, its rounding and the grid of the network's change in every output (k,)."""
        stored, model, words = self.program.feedthrough, self.floating.direct, self.program.input_format
        if stored is None or model is None:
            return [Fraction(0)] * self.program.rows
        grids = (stored.shifts + words.fractional_bits).tolist()
        T = max(model.bits, *grids)
        reach = Fraction(self.program.columns * max(abs(words.min_word), words.max_word)) / Fraction(2) ** (
            model.bits + 1
        )
        rows = zip(stored.rows(), model.matrix, grids, feedthrough_rounding(self.program), strict=True)
        found = []
        for row, real, grid, rounding in rows:
            change = [(x << T - grid) - (y << T - model.bits) for x, y in zip(row, real, strict=True)]
            most = largest_sums(integers([[*change, 0]]), words)[0] / Fraction(2) ** T
            found.append(most + rounding / Fraction(2) ** self.program.output_fractional_bits + reach)
        return found

    # -- bounds over every input, by norms -------------------------------------------

    def norm(self, values: Iterable[Fraction]) -> Fraction:
        """Bound on ``||values||`` in the metric."""
        return Fraction(self.metric.norm_up(values), 2**BOUND_BITS)

    def duals(self, rows: Rows) -> list[Fraction]:
        """Bound on ``|row s|`` over ``||s|| <= 1``, of every row."""
        return [Fraction(dual, 2**BOUND_BITS) / rows.unit for dual in self.metric.dual_norms_up(rows.integers)]

    @cached_property
    def drives(self) -> list[Fraction]:
        """Largest ``|d_i|`` of the stored drive over every input (n,)."""
        pairs = zip(drive_extremes(self.program), self.program.drive_fractional_bits.tolist(), strict=True)
        return [max(map(abs, ends)) / Fraction(2) ** grid for ends, grid in pairs]

    @cached_property
    def inputs(self) -> list[Fraction]:
        """Largest ``|c_i|`` over every input (n,)."""
        largest = largest_sums(self.input.integers, self.program.input_format)
        return [most / self.input.unit for most in largest]

    @cached_property
    def matrix_norm(self) -> Fraction:
        """Bound on ``||N||``."""
        return Fraction(self.metric.matrix_norm_up(self.matrix.integers), 2**BOUND_BITS) / self.matrix.unit

    @cached_property
    def state_norm(self) -> Fraction:
        """``S``: bound on ``||s||`` of the network's equilibria, by the stored recurrence or the network's margin."""
        rest = 1 - self.proof.contraction_factor - self.matrix_norm
        by_margin = self._state_norm_by_margin()
        return by_margin if rest <= 0 else min(by_margin, (self.norm(self.drives) + self.norm(self.inputs)) / rest)

    @cached_property
    def value_norm(self) -> Fraction:
        """Bound on the 2-norm of the network's ``z``: ``||q|| / m``."""
        affine = self.floating.input
        square = sum(most * most for most in largest_sums(affine.columns, self.program.input_format))
        return Fraction(root_up(square)) / Fraction(2) ** affine.bits / self.floating.margin

    def _state_norm_by_margin(self) -> Fraction:
        """From ``||z||``, with ``s - z = alpha (q - A z)``."""
        m, L, alpha = self.floating.margin, self.floating.lipschitz_constant, self.step_size
        two_norm = self.value_norm * (1 + alpha * (m + L))
        return Fraction(self.metric.from_two_norm_up(ceil(two_norm * 2**BOUND_BITS)), 2**BOUND_BITS)

    @cached_property
    def residuals(self) -> list[Fraction]:
        """Bound on every ``|r_i|`` (n,)."""
        pairs = zip(self.duals(self.matrix), self.inputs, strict=True)
        return [dual * self.state_norm + most for dual, most in pairs]

    @cached_property
    def residual_norm(self) -> Fraction:
        """Bound on ``||r||``: row by row, or by the norm of ``N``."""
        return min(self.norm(self.residuals), self.matrix_norm * self.state_norm + self.norm(self.inputs))

    @cached_property
    def states(self) -> list[Fraction]:
        """``S_i``: bound on every ``|s_i|`` of the network's equilibria (n,)."""
        M, G = self._iteration
        rows = zip(self.duals(Rows(M, Fraction(2**G))), self.drives, self.residuals, strict=True)
        return [dual * self.state_norm + drive + left for dual, drive, left in rows]

    @cached_property
    def overflows(self) -> list[Fraction]:
        """By how much each ``|s_i|`` may exceed the largest state word (n,)."""
        top = self.program.state_format.max_word / Fraction(2) ** self.program.state_format.fractional_bits
        return [max(Fraction(0), most - top) for most in self.states]

    @property
    def overflow_norm(self) -> Fraction:
        """What saturation may add to ``e``: by the network's states, or by the stored recurrence's without it."""
        own, other = self.norm(self.overflows), self.unsaturated
        return own if other is None else min(own, self.norm([max(Fraction(0), -least) for least in other.rest]))

    @property
    def beyond(self) -> Fraction:
        """How far a state of the network with the stored clip may be from a stored one that does not saturate."""
        far = self.residual_norm / (1 - self.proof.contraction_factor)
        return far * max(self.duals(Rows(np.eye(self.program.n, dtype=np.int64), Fraction(1))))

    @cached_property
    def clip_changes(self) -> list[Fraction]:
        """Bound on how far the stored ``prox`` of each ``s_i`` is from the network's (n,)."""
        unit = Fraction(2) ** -self.program.state_format.fractional_bits
        found, real, words = [], self.floating.clip, self.program.clip
        for most, of_model, of_words in zip(self.states, real.rows, words.rows, strict=True):
            a, b = real.kinds[of_model], words.kinds[of_words]
            scale = self.step_size if a.complement else Fraction(1)
            ends = ((-a.lower, -b.lower), (a.upper, b.upper))
            found.append(max(end_change(*end, scale, unit, most) for end in ends))
        return found

    @cached_property
    def value_sum(self) -> Fraction:
        """``Z``: bound on ``sum_i |z_i|`` of the network's equilibria: by their norm, or what intervals leave of it."""
        rows = [self.floating.clip.kinds[kind] for kind in self.floating.clip.rows]
        ends = [np.inf if row.complement else max(-row.lower, row.upper) for row in rows]
        unbounded = np.isinf(ends).astype(np.int64)
        every, others = self.duals(Rows(np.array([np.ones_like(unbounded), unbounded]), Fraction(1)))
        within = sum((Fraction(end) for end in ends if np.isfinite(end)), Fraction(0))
        return min(every * self.state_norm, within + others * self.state_norm)

    @cached_property
    def model_rounding(self) -> Fraction:
        """Bound on the 2-norm between the network's equilibrium and that of its integers."""
        words, n = self.program.input_format, self.program.n
        inputs = self.program.columns * words.magnitude + 1
        half = self.value_sum / 2 ** (GRID_BITS + 1) + inputs / Fraction(2) ** (self.floating.input.bits + 1)
        return Fraction(root_up(n)) * half / self.floating.margin

    def grid_errors(self) -> list[Fraction]:
        """What the integers of the network, instead of its floats, change in every output (k,)."""
        root, unit = root_up(self.program.n), Fraction(2) ** self.floating.output.bits
        half = (self.value_sum + 1) / (2 * unit)
        rows = self.floating.output.matrix
        return [(root_up(sum(x * x for x in row)) + root) / unit * self.model_rounding + half for row in rows]


def checked(mismatch: Mismatch) -> check_certificate.Mismatch:
    """The mismatch as the checker reads it."""
    evidence = {
        "step_size": ratio(mismatch.step_size),
        "operator": model_to_plain(mismatch.floating),
        "contraction": contraction_to_plain(mismatch.proof),
        "gain": dict.fromkeys(check_certificate.NORMS),
    }
    program = mismatch.program if mismatch.warm is None else mismatch.program.replace(warm=mismatch.warm)
    return check_certificate.Evidence(program.to_plain(), evidence).mismatch


def short_bound(bound: float) -> Fraction:
    """The next number of few bits: the last digits of a search are not the same on every machine."""
    mantissa, exponent = frexp(bound)
    return Fraction(ceil(mantissa * 2**CLAIM_BITS)) * Fraction(2) ** (exponent - CLAIM_BITS)
