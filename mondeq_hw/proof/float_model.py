"""The float model's own equilibria, enclosed exactly, and how far the deployed program is from them.

The network is the model with its input preprocessing folded in (float64), its numbers on
integer grids; what that rounding can change is charged to every bound.  Strong
monotonicity does the rest: a point that solves the network with its input changed by
``e`` is at most ``||e|| / m`` from the equilibrium, ``m`` the proved margin.  Theorems
and proofs are in section 9 of ``docs/mathematics.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from ..base import Clip, InputError, combination, diagonal_plus, exact_dtype, integers, product
from ..problem import MonDEQ, folded_input, folded_output
from ..program import SolverProgram
from .contraction import iteration_integers
from .enclosure import FINE_BITS
from .metric import BOUND_BITS, WeightedTwoNorm, root_up
from .normal_cone import NormalCones, grid_of
from .perturbation import GRID_BITS, OperatorProof, monotone
from .ranges import drive_rows, largest_sums

#: Bits of the largest entry of ``U`` and of ``O``: as many as a float32 has; of a problem, which is float64 and may be
#: badly conditioned, more.
MATRIX_BITS, PROBLEM_BITS = 24, 48


@dataclass(frozen=True)
class AffineGrid:
    """``A x + a`` with every number rounded to a multiple of ``2^-bits``.

    Parameters
    ----------
    bits : int
    matrix : list of list of int (rows, columns)
    offset : list of int (rows,)
    """

    bits: int
    matrix: list[list[int]]
    offset: list[int]

    @staticmethod
    def of(matrix: np.ndarray, offset: np.ndarray, largest: int) -> AffineGrid:
        """The grid on which the largest entry of the matrix has so many bits."""
        bits = largest - int(np.frexp(np.abs(matrix).max(initial=0.0))[1])
        rows = np.rint(np.ldexp(matrix, bits)).astype(np.int64).tolist()
        return AffineGrid(bits, rows, [round(Fraction(float(x)) * Fraction(2) ** bits) for x in offset])

    @property
    def columns(self) -> np.ndarray:
        """Integers (rows, columns + 1), the offset in the last column."""
        matrix, offset = integers(self.matrix), integers(self.offset)
        return np.column_stack([matrix.astype(np.result_type(matrix, offset)), offset])


@dataclass(frozen=True)
class FloatModel:
    """``z = prox(W z + U x + b)``, ``y = O z + F x + c`` on integer grids, with the proof of its margin.

    Parameters
    ----------
    operator : OperatorProof
        ``W`` and its margin.
    input : AffineGrid (n, d)
        ``U`` and ``b``, acting on the program's input words.
    output : AffineGrid (k, n)
        ``O`` and ``c``.
    clip : Clip
        ``prox``, in units of the state; every bound is a dyadic number and taken as it is.
    direct : AffineGrid (k, d) or None
        ``F``, acting on the program's input words; None where there is none.
    """

    operator: OperatorProof
    input: AffineGrid
    output: AffineGrid
    clip: Clip
    direct: AffineGrid | None = None

    @staticmethod
    def of(model: MonDEQ, operator: OperatorProof, program: SolverProgram) -> FloatModel:
        """The model as seen from the program's input words."""
        grids = affine_grids(model, program)
        return FloatModel(operator, grids["input"], grids["output"], model.prox, grids.get("feedthrough"))

    @property
    def margin(self) -> Fraction:
        """Proved ``m``."""
        return Fraction(self.operator.margin_bound, 2**GRID_BITS)

    @property
    def lipschitz_constant(self) -> Fraction:
        """Proved ``L``."""
        return Fraction(self.operator.lipschitz_bound, 2**GRID_BITS)


def affine_grids(model: MonDEQ, program: SolverProgram) -> dict[str, AffineGrid]:
    """Input, output and, if there is one, feed-through of a model as seen from the program's input words."""
    (U, b), (F, c), f = folded_input(model), folded_output(model), program.input_format.fractional_bits
    largest = MATRIX_BITS if model.parameters is None else PROBLEM_BITS
    grids = {"input": AffineGrid.of(np.ldexp(U, -f), b, largest), "output": AffineGrid.of(model.O, c, largest)}
    return grids if F is None else {**grids, "feedthrough": AffineGrid.of(np.ldexp(F, -f), np.zeros(len(F)), largest)}


# -- single samples ----------------------------------------------------------------


@dataclass(frozen=True)
class ModelEnclosure:
    """``||centres - z*||_2 <= radius`` around the float model's equilibrium of each sample.

    Parameters
    ----------
    points : ndarray of int64 (samples, n)
        In steps of ``2^-FINE_BITS`` of a state step.
    centres : ndarray of Python integers (samples, n)
        The points, moved to the nearest values of ``prox``, in steps of ``2^-bits``.
    bits : int
    radii : list of Fraction (samples,)
        In units of the state.
    words : ndarray of int64 (samples, d)
        Input words of the program.
    """

    points: np.ndarray
    centres: np.ndarray
    bits: int
    radii: list[Fraction]
    words: np.ndarray


def fine_bits(program: SolverProgram) -> int:
    """Fractional bits of the points of an enclosure."""
    return program.state_format.fractional_bits + FINE_BITS


def enclose_equilibria(
    model: FloatModel, program: SolverProgram, words: np.ndarray, equilibria: np.ndarray
) -> ModelEnclosure:
    """Enclose the model's equilibria around approximations of them.

    Parameters
    ----------
    model : FloatModel
    program : SolverProgram
    words : ndarray of int64 (samples, d)
        Input words of the program.
    equilibria : ndarray of float (samples, n)
        From any solver; they decide how small the radii are, and nothing else.
    """
    Z, affine = fine_bits(program), model.input
    bits = max(Z, grid_of(model.clip))  # a bound of the clip may lie between two points
    points = _points(model.clip, equilibria, Z, bits)
    centres = NormalCones.on_grid(model.clip, bits).project(points.astype(object) << bits - Z)
    T = max(GRID_BITS + bits, affine.bits)
    matrix_shift, input_shift = T - GRID_BITS - bits, T - affine.bits
    v = (product(centres, model.operator.integers.T).astype(object) << matrix_shift) + (
        _exact_input(affine, program, words) << input_shift
    )
    # Half a unit for every entry of W and U that was rounded, times what it multiplies.
    magnitudes = np.abs(words.astype(object)).sum(axis=1) + 1
    rounding = (np.abs(centres).sum(axis=1) << matrix_shift) + (magnitudes << input_shift)
    z = centres << T - bits
    residuals = NormalCones.on_grid(model.clip, T).distance(z, v - z) + ((rounding + 1) >> 1)[:, None]
    unit = model.margin * Fraction(2) ** T
    radii = [root_up(sum(e * e for e in row)) / unit for row in residuals.tolist()]
    return ModelEnclosure(points, centres, bits, radii, words)


def _points(clip: Clip, equilibria: np.ndarray, Z: int, bits: int) -> np.ndarray:
    """The nearest multiples of ``2^-Z``; an end of what ``prox`` can take is the next one outside."""
    (has_low, low), (has_high, high) = NormalCones.floating(clip).ends
    (_, low_word), (_, high_word) = NormalCones.on_grid(clip, bits).ends
    points = np.rint(np.clip(np.ldexp(equilibria, Z), -(2.0**62), 2.0**62)).astype(np.int64).astype(object)
    points = np.where(has_low & (equilibria <= low), low_word >> bits - Z, points)
    points = np.where(has_high & (equilibria >= high), -(-high_word >> bits - Z), points)
    return points.astype(np.int64)


def _exact_input(affine: AffineGrid, program: SolverProgram, words: np.ndarray) -> np.ndarray:
    """``U x + b`` (samples, n) on its grid, as Python integers."""
    dtype = exact_dtype(max(sum(map(abs, row)) for row in affine.matrix) * program.input_format.magnitude)
    product: np.ndarray = words.astype(dtype) @ np.array(affine.matrix, dtype=dtype).T
    whole = product if dtype is object else product.astype(np.int64)
    return whole.astype(object) + np.array(affine.offset, dtype=object)


def distances(program: SolverProgram, states: np.ndarray, enclosure: ModelEnclosure) -> list[Fraction]:
    """Bound on ``||prox(s_K) - z*||_2`` of each sample, in units of the state."""
    unit = Fraction(2) ** (BOUND_BITS + enclosure.bits)
    shift = enclosure.bits - program.state_format.fractional_bits
    apart = (program.prox(states).astype(object) << shift) - enclosure.centres
    squares = [sum(v * v for v in row) << 2 * BOUND_BITS for row in apart.tolist()]
    return [root_up(square) / unit + radius for square, radius in zip(squares, enclosure.radii, strict=True)]


def model_classes(model: FloatModel, program: SolverProgram, enclosure: ModelEnclosure) -> list[int]:
    """Class of the float model on each sample, -1 where its enclosure does not decide it."""
    rows, root = model.output.matrix, root_up(program.n)
    dual = [[root_up(sum((x - y) ** 2 for x, y in zip(a, b, strict=True))) + root for b in rows] for a in rows]
    unit, classes = Fraction(2) ** enclosure.bits, []
    products = (enclosure.centres @ np.array(rows, dtype=object).T).tolist()
    totals = np.abs(enclosure.centres).sum(axis=1).tolist()
    direct, slacks = _direct(model, enclosure.words)
    for sums, total, radius, shown, slack in zip(products, totals, enclosure.radii, direct, slacks, strict=True):
        y = [v / unit + offset + u for v, offset, u in zip(sums, model.output.offset, shown, strict=True)]
        best = y.index(max(y))
        rivals = (i for i in range(len(y)) if i != best)
        # A unit for every entry of O and F in a difference of two rows, half of it from each, times what it multiplies.
        decided = all(y[best] - y[i] > dual[best][i] * radius + total / unit + 1 + slack for i in rivals)
        classes.append(best if decided else -1)
    return classes


def _direct(model: FloatModel, words: np.ndarray) -> tuple[list[list[Fraction]], list[Fraction]]:
    """``F x`` of each sample in units of the output's grid, and what the grid of ``F`` may change in a difference."""
    if model.direct is None:
        return [[Fraction(0)] * len(model.output.offset)] * len(words), [Fraction(0)] * len(words)
    unit = Fraction(2) ** (model.output.bits - model.direct.bits)
    sums = (words.astype(object) @ np.array(model.direct.matrix, dtype=object).T).tolist()
    return [[v * unit for v in row] for row in sums], [sum(map(abs, row)) * unit for row in words.tolist()]


# -- every input -------------------------------------------------------------------


def displacement_bound(
    model: FloatModel, program: SolverProgram, step_size: Fraction, state_bound: Fraction, radius: Fraction
) -> Fraction:
    """Bound on ``||prox(s_K) - z*||_2`` over every input whose exact equilibrium lies inside the state's range.

    Parameters
    ----------
    model : FloatModel
    program : SolverProgram
    step_size : Fraction
    state_bound : Fraction
        Bound on ``||s*||_2``, ``s*`` the exact equilibrium of the stored integers.
    radius : Fraction
        Bound on ``||s_K - s*||_2``.

    Raises
    ------
    InputError
        The program's clip is not the network's.
    """
    p, one = step_size.numerator, step_size.denominator << GRID_BITS
    reflected, gain = program.splitting.scaled_fold()
    gain *= p
    A = monotone(model.operator.integers)  # I - W; X = one I + reflected p A
    N, G = iteration_integers(program.matrix, program.leak_shift)
    R = combination((one, N), (p * reflected, product(A, N)), (p << G, A))  # X N - (one I - p A) 2^G
    R = diagonal_plus(-(one << G), R)
    norm = Fraction(WeightedTwoNorm((1,) * program.n).matrix_norm_up(R), 2**BOUND_BITS)
    change, H = _input_change(model, program, (one, p * reflected), gain)
    moved = (norm * state_bound / Fraction(2) ** (GRID_BITS + G) + change / Fraction(2) ** H) / gain
    inputs = program.columns * program.input_format.magnitude + 1
    # Half a unit for every entry of W and U that was rounded, times what it multiplies.
    rounding = program.n * state_bound / 2**GRID_BITS + root_up(program.n) * inputs / Fraction(2) ** model.input.bits
    values, cones = clip_change(model.clip, program, step_size)
    rows = model.lipschitz_constant * values + cones / step_size
    return (moved + rounding / 2 + rows) / model.margin + values + radius


def clip_change(
    clip: Clip, program: SolverProgram, step_size: Fraction, beyond: Fraction = Fraction(0)
) -> tuple[Fraction, Fraction]:
    """How far the program's clip is from the network's at the step size, its bounds being words of the state.

    Of states that are no further ``beyond`` the largest word.

    Returns
    -------
    values, cones : Fraction
        Bounds on the 2-norm, in units of the state: over the rows that are clips, of what it changes in ``z``;
        over the complements, of what it changes in ``s - z``.

    Raises
    ------
    InputError
        A row is a complement in one and not in the other, or bounded in the program alone.
    """
    unit = Fraction(2) ** -program.state_format.fractional_bits
    top, squares = program.state_format.max_word * unit + beyond, {False: Fraction(0), True: Fraction(0)}
    for real_row, word_row in zip(clip.rows, program.clip.rows, strict=True):
        real, word = clip.kinds[real_row], program.clip.kinds[word_row]
        if real.complement != word.complement:
            raise InputError("the program's clip is not the network's: other rows are complements; compile again")
        scale = step_size if real.complement else Fraction(1)
        ends = ((-real.lower, -word.lower), (real.upper, word.upper))
        squares[real.complement] += max(end_change(*end, scale, unit, top) for end in ends) ** 2
    values, cones = (Fraction(root_up(ceil(square * 4**BOUND_BITS)), 2**BOUND_BITS) for square in squares.values())
    return values, cones


def end_change(real: float, word: float, scale: Fraction, unit: Fraction, top: Fraction) -> Fraction:
    """Between a bound of the network and one of the program, where a state up to ``top`` reaches either."""
    if real == np.inf and word == np.inf:
        return Fraction(0)
    if real == np.inf:
        raise InputError("the program's clip is not the network's: it bounds a row more; compile again")
    if word == np.inf:
        return max(Fraction(0), top - scale * Fraction(real))
    return abs(scale * Fraction(real) - unit * Fraction(word))


def _input_change(model: FloatModel, program: SolverProgram, X: tuple[int, int], gain: int) -> tuple[int, int]:
    """``max_x ||X d(x) - gain (U x + b)||_2``, row by row, and the fractional bits of its unit.

    ``X`` as multiples of the identity and of ``I - W``.
    """
    affine = model.input
    drive, E = drive_rows(program)
    H = max(GRID_BITS + E, affine.bits)
    finer, moved = H - GRID_BITS - E, product(monotone(model.operator.integers), drive)
    change = combination((X[0] << finer, drive), (X[1] << finer, moved), (-gain << (H - affine.bits), affine.columns))
    return root_up(sum(most * most for most in largest_sums(change, program.input_format))), H
