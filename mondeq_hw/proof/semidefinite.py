"""How far the stored recurrence's outputs are from the float problem's, by a small semidefinite program an output.

In ``x = (1, theta, z, v)``, ``theta`` the input scaled to ``[-1, 1]``, ``z`` the float equilibrium and ``v`` the
difference of ``phi``, every other difference is a linear form with exact coefficients, and what is known about clips is
a product of two of them (:mod:`.relaxation`).  The program's dual proves a bound that norms miss by two orders of
magnitude.  Facts are added where the last solution violates them.  Section 13 of ``docs/mathematics.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ..base import FixedPointFormat, integers
from ..program import SolverProgram
from .contraction import iteration_integers
from .float_model import clip_change
from .interior_point import Facts, Solved, least_bound
from .metric import root_up
from .mismatch import EquilibriumBound, Mismatch, Rows
from .perturbation import GRID_BITS
from .ranges import drive_rows
from .relaxation import Fact, Family, Form, Proof, Relaxation, Row

#: Rows and inputs beyond which a program takes too long; of a network's relu, whose outputs may be many, fewer rows.
MOST_ROWS, MOST_RELU_ROWS, MOST_INPUTS = 128, 64, 32
#: Rounds in which violated facts are added, at most; the gap of each but the last, and what a round must still gain.
ROUNDS, GAP, LAST_GAP, GAIN = 12, 0.05, 0.005, 0.04
#: Rows of a relu up to which facts are added: beyond, they take tens of times as long for a third of the bound.
FEW_RELU_ROWS = 24
#: Facts added a round, for each row, and how far they must be violated (the cosine of two forms).
ADDED, VIOLATION = 3, 0.02
#: Up to so many forms that are not negative, products of any two may be added; beyond, with one-sided rows only.
FEW = 64
#: Of a form's norm: moments of it below that are zero.
NOTHING = 1e-2
#: Of an added fact, whose forms have norm one, in the moments.
SLACK = 1e-5
#: Share of the largest multiplier below which an added fact is left out again.
IDLE = 3e-5
#: Bits of the smallest multiplier that counts, and its share of the largest.
MULTIPLIER_BITS, SMALLEST = 24, 1e-14
#: By how much the bound of an objective's negative may be above its own before it is sought for itself.
ASYMMETRY = 0.05
#: Share of an objective's norm that stands for a bound that is nearly zero.
NEARLY_ZERO = 1e-6
#: Share of the largest state word below which a state needs no tighter bound.
NEARLY_FULL = 0.98
#: Bits by which what proves zero is finer than a proof of something.
FINE = 64
#: Relative increases of a bound until the integers prove it.
INCREASES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)


# -- relaxations of a program ------------------------------------------------------


def difference_relaxation(mismatch: Mismatch, scale: int) -> Relaxation:
    """Of the float equilibrium and the stored one; differences are ``2^scale`` times what they are.

    Places: the constant, inputs, ``z``, ``v``; dense rows: the float ``s - z``, then the differences of ``s``.
    """
    program, n, d = mismatch.program, mismatch.program.n, mismatch.program.d
    cone = _padded(_cone(mismatch), n)
    C, G = iteration_integers(program.matrix, program.leak_shift)
    moved, drive = mismatch.matrix, _centred(mismatch.input, program.input_format)
    unit = max(_bits(cone.unit), G, _bits(moved.unit), _bits(drive.unit))
    dense = [[x << unit - _bits(cone.unit) for x in row] for row in cone.integers.tolist()]
    for drive_row, z_row, v_row in zip(drive.integers.tolist(), moved.integers.tolist(), C.tolist(), strict=True):
        row = [-x << unit - _bits(drive.unit) + scale for x in drive_row]
        row += [-x << unit - _bits(moved.unit) + scale for x in z_row]
        dense.append(row + [x << unit - G for x in v_row])
    one, whole = _state_units(program)
    reflects, rows = program.splitting.reflects, []
    for i, kind in enumerate(program.clip.rows):
        z, v, g, e = 1 + d + i, 1 + d + n + i, 1 + d + 2 * n + i, 1 + d + 3 * n + i
        # Twice the differences where phi reflects: e + v of z, e - v of s - z.
        dz: Form = {e: 1, v: 1} if reflects else {v: 1}
        dg: Form = {e: 1, v: -1}
        first = 1 << (scale + 1 if reflects else scale)
        interval = program.clip.kinds[kind]
        low, high = (None if np.isinf(end) else int(end) * whole for end in (interval.lower, interval.upper))
        if interval.complement:
            rows.append(Row({g: one}, {z: 1}, low, high, dg, dz, {z: first, **dz}))
        else:
            rows.append(Row({z: one}, {g: 1}, low, high, dz, dg, {g: first, **dg}))
    return Relaxation(1 + d + 2 * n, d, tuple(rows), dense, unit)


def stored_relaxation(program: SolverProgram) -> Relaxation:
    """Of the stored recurrence alone, unsaturated; places: the constant, inputs, ``phi(s)``; dense rows: ``s``."""
    n, d = program.n, program.d
    C, G = iteration_integers(program.matrix, program.leak_shift)
    stored, bits = drive_rows(program)
    drive = _centred(Rows(stored, Fraction(2) ** bits), program.input_format)
    unit = max(G, _bits(drive.unit))
    dense = [
        [x << unit - _bits(drive.unit) for x in inputs] + [x << unit - G for x in row]
        for inputs, row in zip(drive.integers.tolist(), C.tolist(), strict=True)
    ]
    (one, whole), rows = _state_units(program), []
    for i, kind in enumerate(program.clip.rows):
        phi, s = 1 + d + i, 1 + d + n + i
        interval = program.clip.kinds[kind]
        low, high = (None if np.isinf(end) else int(end) * whole for end in (interval.lower, interval.upper))
        if program.splitting.reflects:  # twice z and twice s - z
            z, g, ends = {s: 1, phi: 1}, {s: 1, phi: -1}, 2
        else:
            z, g, ends = {phi: 1}, {s: 1, phi: -1}, 1
        a, b = (g, z) if interval.complement else (z, g)
        a = {place: value * one for place, value in a.items()}
        rows.append(Row(a, b, None if low is None else ends * low, None if high is None else ends * high))
    return Relaxation(1 + d + n, d, tuple(rows), dense, unit)


def _state_units(program: SolverProgram) -> tuple[int, int]:
    """Integers whose quotient is the number of state steps in one: a step may be of less or more than one."""
    bits = program.state_format.fractional_bits
    return 1 << max(bits, 0), 1 << max(-bits, 0)


def _cone(mismatch: Mismatch) -> Rows:
    """``s - z = alpha (U x + b) - alpha A z`` (n, 1 + d + n): the constant, centred inputs, ``z``."""
    p, q, affine = mismatch.step_size.numerator, mismatch.step_size.denominator, mismatch.floating.input
    inputs = _centred(Rows(affine.columns, Fraction(2) ** affine.bits * q), mismatch.program.input_format)
    unit = max(_bits(inputs.unit), GRID_BITS + q.bit_length() - 1)
    result = []
    operator = mismatch.floating.operator.integers.tolist()
    for i, (row, weights) in enumerate(zip(inputs.integers.tolist(), operator, strict=True)):
        drive = [p * x << unit - _bits(inputs.unit) for x in row]
        finer = unit - GRID_BITS - (q.bit_length() - 1)
        result.append(drive + [p * (w - ((i == j) << GRID_BITS)) << finer for j, w in enumerate(weights)])
    return Rows(integers(result), Fraction(2) ** unit)


def _centred(affine: Rows, words: FixedPointFormat) -> Rows:
    """Of inputs from -1 to 1 instead of words: the constant first, then one column an input."""
    total, width = words.min_word + words.max_word, words.max_word - words.min_word
    rows = [[2 * offset + total * sum(row), *(width * x for x in row)] for *row, offset in affine.integers.tolist()]
    return Rows(integers(rows), 2 * affine.unit)


def _padded(rows: Rows, zeros: int) -> Rows:
    absent: np.ndarray = np.zeros((len(rows.integers), zeros), dtype=rows.integers.dtype)
    return Rows(np.column_stack([rows.integers, absent]), rows.unit)


def _bits(unit: Fraction) -> int:
    """The exponent of a power of two."""
    return unit.numerator.bit_length() - unit.denominator.bit_length()


# -- solving in floating point -------------------------------------------------------


@dataclass(frozen=True)
class Space:
    """A relaxation as the solver sees it.

    Parameters
    ----------
    relaxation : Relaxation
    columns : ndarray (size,)
        Sizes of the entries of ``x``.
    """

    relaxation: Relaxation
    columns: np.ndarray

    def vectors(self, forms: Iterable[Form]) -> np.ndarray:
        """Forms (forms, size) of ``x`` over its sizes."""
        return self.relaxation.floating(forms) * self.columns

    def solve(
        self, facts: Sequence[Fact], always: int, objective: np.ndarray, gap: float, enough: float
    ) -> tuple[Solved | None, np.ndarray]:
        """The solution for given facts, and what its multipliers are too large by."""
        left, right = self.vectors(fact.left for fact in facts), self.vectors(fact.right for fact in facts)
        sizes = np.linalg.norm(left, axis=1), np.linalg.norm(right, axis=1)
        norms = sizes[0] * sizes[1]
        equations = np.array([fact.equation for fact in facts])
        usual = np.array([k < always and fact.family is not Family.SIDE for k, fact in enumerate(facts)])
        slack = np.where(usual, 0.0, SLACK)
        program = Facts(left / sizes[0][:, None], right / sizes[1][:, None], equations, slack)
        return least_bound(program, objective, gap, enough), norms


@dataclass(frozen=True)
class Candidate:
    """Facts, multipliers and a bound in floating point; its size stands beside it where it is nearly zero."""

    facts: list[Fact]
    multipliers: np.ndarray
    bound: float
    size: float


class Search:
    """For low bounds of several objectives; facts that were added for one are there for the next."""

    def __init__(self, space: Space, rounds: int = ROUNDS) -> None:
        self.space, self.pool, self.rounds = space, _Pool(space), rounds
        self.always, self.added = list(space.relaxation.always()), list[Fact]()

    def both(self, objective: Form) -> tuple[Proof, Proof] | None:
        """Proofs of an objective and its negative; nearly symmetric problems have the same multipliers for both."""
        if not any(objective):  # an output that shows no row, or inputs alone
            return self._of_constant(objective.get(0, 0))
        negative = {place: -value for place, value in objective.items()}
        alone = [self._where_positive(side) for side in (objective, negative)]
        if alone[0] is not None and alone[1] is not None:
            return alone[0], alone[1]
        for upper in self.candidates(objective):
            first = proved(self.space.relaxation, objective, upper)
            if first is None:  # floating point was at its end: an earlier one
                continue
            lower = self._turned(upper, [negative])
            if not lower or lower[0].bound > (1 + ASYMMETRY) * upper.bound:
                lower = self.candidates(negative) + lower
            seconds = (proved(self.space.relaxation, negative, candidate) for candidate in lower)
            second = next(filter(None, seconds), None)
            return None if second is None else (first, second)
        return None

    def _of_constant(self, value: int) -> tuple[Proof, Proof] | None:
        """Proofs of a constant: an input's and its negative's together are one of zero, counted for ever so little."""
        pair = self.both({1: 1})
        if pair is None:
            return None
        bits = max(proof.bits for proof in pair)
        facts = tuple(fact for proof in pair for fact in proof.facts)
        multipliers = tuple(y << bits - proof.bits for proof in pair for y in proof.multipliers)
        bound, fine = sum(proof.bound << bits - proof.bits for proof in pair), bits + FINE
        upper, lower = (Proof(facts, multipliers, fine, bound + (sign * value << fine)) for sign in (1, -1))
        return upper, lower

    def _where_positive(self, objective: Form) -> Proof | None:
        """A proof of an objective that shows one row, where it is positive: nothing of it serves the negative."""
        always, sides = self.always, self.space.relaxation.sides(objective)
        if not sides:
            return None
        self.always = [*always, *sides]
        found = self.candidates(objective, enough=0.0)
        self.always = always
        finite = (candidate for candidate in found if np.isfinite([candidate.bound, *candidate.multipliers]).all())
        return next(filter(None, (proved(self.space.relaxation, objective, each) for each in finite)), None)

    def candidates(self, objective: Form, enough: float = -np.inf) -> list[Candidate]:
        """Ever higher bounds of an objective, the first as low as it goes, or below ``enough``."""
        vector = self.space.vectors([objective])[0]
        found, gap = list[Candidate](), GAP
        for _ in range(self.rounds):
            facts = self.always + self.added
            solved, norms = self.space.solve(facts, len(self.always), vector, gap, enough)
            if solved is None:
                break
            gained = (found[0].bound - solved.bound) / found[0].size if found else np.inf
            if gained > 0:
                found.insert(0, _candidate(facts, solved, norms, vector))
            if solved.bound < enough or (gained < GAIN and gap == LAST_GAP):
                break
            gap = LAST_GAP if gained < GAIN else GAP
            idle = solved.multipliers[len(self.always) :] < IDLE * solved.multipliers.max()
            kept = [fact for fact, rests in zip(self.added, idle, strict=True) if not rests]
            known = {(fact.family, fact.i, fact.j) for fact in self.always + kept}
            more = self.pool.violated(solved.moments, known, ADDED * len(self.space.relaxation.rows))
            self.added = kept + more
            if not more:
                break
        return found

    def all_below(self, objectives: Sequence[Form], most: Fraction) -> list[Proof] | None:
        """Proofs that each objective is at most a number; the multipliers of one serve others, too."""
        found: dict[int, Proof] = {}
        enough, open_ones = NEARLY_FULL * float(most), list(range(len(objectives)))
        while open_ones:
            self.added.clear()  # most need none
            solved = self.candidates(objectives[open_ones[0]], enough)
            if not solved or solved[0].bound > enough:
                return None
            turned = self._turned(solved[0], [objectives[k] for k in open_ones])
            for k, candidate in zip(open_ones, turned, strict=False):
                proof = proved(self.space.relaxation, objectives[k], candidate) if candidate.bound <= enough else None
                if proof is not None and proof.value <= most:
                    found[k] = proof
            if open_ones[0] not in found:
                return None
            open_ones = [k for k in open_ones if k not in found]
        return [found[k] for k in range(len(objectives))]

    def _turned(self, candidate: Candidate, objectives: Sequence[Form]) -> list[Candidate]:
        """The bounds that the same facts and multipliers, times the best number, give other objectives; or none."""
        space = self.space
        left = space.vectors(fact.left for fact in candidate.facts)
        half = (left.T * candidate.multipliers) @ space.vectors(fact.right for fact in candidate.facts)
        form, vectors = -(half + half.T) / 2, space.vectors(objectives)
        # With ``a`` times the multipliers the bound is ``a own + mixed + other / a``.
        try:
            solved = cho_solve(cho_factor(form[1:, 1:]), np.column_stack([form[0, 1:], vectors[:, 1:].T]))
        except np.linalg.LinAlgError:  # of a drive of zeros, for example
            return []
        own = float(form[0, 1:] @ solved[:, 0]) - form[0, 0]
        mixed, other = vectors[:, 0] - vectors[:, 1:] @ solved[:, 0], (vectors[:, 1:] * solved[:, 1:].T).sum(axis=1) / 4
        factors = np.sqrt(other / own)
        return [
            Candidate(candidate.facts, factor * candidate.multipliers, bound, _size(bound, vector))
            for factor, bound, vector in zip(factors, mixed + 2 * np.sqrt(own * other), vectors, strict=True)
        ]


def _candidate(facts: Sequence[Fact], solved: Solved, norms: np.ndarray, vector: np.ndarray) -> Candidate:
    """What a solution proves, without the facts that hardly count."""
    sizes = np.abs(solved.multipliers)
    counted = sizes > SMALLEST * sizes.max()
    chosen = [fact for fact, counts in zip(facts, counted, strict=True) if counts]
    return Candidate(chosen, (solved.multipliers / norms)[counted], solved.bound, _size(solved.bound, vector))


def _size(bound: float, vector: np.ndarray) -> float:
    """Of a bound, where it may be nearly zero."""
    return max(abs(bound), NEARLY_ZERO * float(np.linalg.norm(vector)))


class _Pool:
    """Facts that may be added: cuts of two-sided rows, and products with forms of one-sided ones."""

    def __init__(self, space: Space) -> None:
        self.relaxation = relaxation = space.relaxation
        quantities = range(relaxation.inputs + len(relaxation.rows))
        bounded = [(k, pair) for k in quantities if (pair := relaxation.bounded(k)) is not None]
        self.quantities = [k for k, _ in bounded]
        widths = np.array([float(pair[1]) for _, pair in bounded])
        self.values = space.vectors(pair[0] for _, pair in bounded) / widths[:, None]
        self.sided = [k - relaxation.inputs for k in self.quantities if k >= relaxation.inputs]
        self.cones = space.vectors(relaxation.rows[i].b for i in self.sided)
        forms = [(k, form) for k in range(2 * len(quantities)) if (form := relaxation.nonnegative(k)) is not None]
        few = len(forms) <= FEW
        self.single = [k for k, _ in forms if few or relaxation.bounded(k // 2) is None]
        self.numbers = [k for k, _ in forms]
        self.signed = space.vectors(form for _, form in forms)
        self.signed /= np.linalg.norm(self.signed, axis=1, keepdims=True)

    def violated(self, moments: np.ndarray, known: set[tuple[Family, int, int]], most: int) -> list[Fact]:
        """The facts that the moments violate most."""
        found = [*self._cuts(moments), *self._products(moments)]
        names = [name for value, name in sorted(found, key=lambda pair: pair[0]) if name not in known][:most]
        return [fact for name in names if (fact := self.relaxation.fact(*name)) is not None]

    def _cuts(self, X: np.ndarray) -> list[tuple[float, tuple[Family, int, int]]]:
        if not self.sided:
            return []
        own = self.values[len(self.quantities) - len(self.sided) :]
        against = self.cones @ X
        # What is nearly zero already gains nothing, and its multipliers would grow without end.
        least = NOTHING * np.linalg.norm(self.cones, axis=1)
        size = np.maximum(np.sqrt(np.maximum((against * self.cones).sum(axis=1), 0)), least)[:, None]
        spread = np.sqrt(np.maximum(((self.values @ X) * self.values).sum(axis=1), 0))
        lengths = np.sqrt(np.maximum(((own @ X) * own).sum(axis=1), 0))[:, None] + spread
        base, other = (against * own).sum(axis=1)[:, None], against @ self.values.T
        found = []
        for family, sign in ((Family.CUT_BELOW, -1), (Family.CUT_ABOVE, 1)):
            value = (base + sign * other) / np.maximum(size * lengths, 1e-300)
            rows, columns = np.nonzero(value < -VIOLATION)
            found += [
                (float(value[r, c]), (family, self.sided[r], self.quantities[c]))
                for r, c in zip(rows.tolist(), columns.tolist(), strict=True)
            ]
        return found

    def _products(self, X: np.ndarray) -> list[tuple[float, tuple[Family, int, int]]]:
        if not self.single:
            return []
        places = [self.numbers.index(k) for k in self.single]
        products = self.signed[places] @ X @ self.signed.T
        sizes = np.sqrt(np.maximum(((self.signed @ X) * self.signed).sum(axis=1), NOTHING**2))
        value = products / (sizes[places][:, None] * sizes)
        rows, columns = np.nonzero(value < -VIOLATION)
        return [
            (float(value[r, c]), (Family.PRODUCT, self.single[r], self.numbers[c]))
            for r, c in zip(rows.tolist(), columns.tolist(), strict=True)
            if self.numbers[c] not in self.single or self.numbers[c] > self.single[r]
        ]


# -- integers ---------------------------------------------------------------------------


def proved(relaxation: Relaxation, objective: Form, candidate: Candidate) -> Proof | None:
    """The integers of a solution, its bound increased until they prove it."""
    sizes = np.abs(candidate.multipliers[candidate.multipliers != 0])
    bits = max(0, MULTIPLIER_BITS - int(np.floor(np.log2(sizes.min() if sizes.size else 1.0))))
    whole = [round(Fraction(float(y)) * 2**bits) for y in candidate.multipliers]
    for increase in INCREASES:
        raised = round(Fraction(candidate.bound + increase * candidate.size) * 2**bits) + 1
        if relaxation.proves(objective, candidate.facts, whole, raised, bits):
            return Proof(tuple(candidate.facts), tuple(whole), bits, raised)
    return None


# -- the method -----------------------------------------------------------------------------


def is_small(program: SolverProgram) -> bool:
    """Whether a program is one of few rows and inputs."""
    rows = MOST_RELU_ROWS if program.clip.is_relu else MOST_ROWS
    return program.n <= rows and program.d <= MOST_INPUTS


def by_semidefinite(mismatch: Mismatch) -> EquilibriumBound | None:
    """Bounds on ``|y~ - y*|`` by a program an output; None where it does not apply."""
    program = mismatch.program
    if not is_small(program):
        return None
    states = state_ranges(program) if mismatch.ranges is None else mismatch.ranges
    if states is None:
        return None
    scale = difference_scale(mismatch)
    relaxation = difference_relaxation(mismatch, scale)
    rounds = 1 if program.clip.is_relu and program.n > FEW_RELU_ROWS else ROUNDS
    search = Search(Space(relaxation, _columns(mismatch, relaxation.size)), rounds)
    bounds, outputs = [], []
    for output, extra in enumerate(_clip_errors(mismatch)):
        objective, bits = output_form(mismatch, output, scale)
        pair = search.both(objective)
        if pair is None:
            return None
        outputs.append([proof.to_plain() for proof in pair])
        bounds.append(max(Fraction(0), *(proof.value for proof in pair)) / 2**bits + extra)
    witness = {"scale": scale, "states": [[proof.to_plain() for proof in pair] for pair in states], "outputs": outputs}
    return EquilibriumBound("semidefinite", tuple(bounds), witness)


def state_ranges(program: SolverProgram) -> tuple[tuple[Proof, Proof], ...] | None:
    """Proofs that no row of the stored equilibrium, upwards or downwards, is beyond the largest word; None without."""
    n, d = program.n, program.d
    top = program.state_format.max_word / 2.0**program.state_format.fractional_bits
    columns = np.concatenate([np.ones(1 + d), np.full(n, top / 4)])
    search = Search(Space(stored_relaxation(program), columns))
    found = search.all_below([{1 + d + n + i: sign} for i in range(n) for sign in (1, -1)], Fraction(top))
    return None if found is None else tuple(zip(found[::2], found[1::2], strict=True))


def output_form(mismatch: Mismatch, output: int, scale: int) -> tuple[Form, int]:
    """Stored output less the float one's as a form, and the bits of its unit."""
    n, d, offset = mismatch.program.n, mismatch.program.d, mismatch.offset_change[output]
    stored, change = mismatch.readout, mismatch.readout_change
    reflects = int(mismatch.program.splitting.reflects)
    bits = max(_bits(change.unit), offset.denominator.bit_length() - 1) + reflects + scale
    form: Form = {0: int(offset * 2**bits)}
    for i, (x, y) in enumerate(zip(stored.integers[output].tolist(), change.integers[output].tolist(), strict=True)):
        moved = x << bits - _bits(stored.unit) - reflects - scale
        form[1 + d + i] = y << bits - _bits(change.unit)
        form[1 + d + n + i] = moved
        if reflects:
            form[1 + d + 3 * n + i] = moved
    return {place: value for place, value in form.items() if value}, bits


def difference_scale(mismatch: Mismatch) -> int:
    """The power of two that brings what separates the two equilibria to about one."""
    n, d = mismatch.program.n, mismatch.program.d
    relaxation = difference_relaxation(mismatch, 0)
    forms = relaxation.floating({1 + d + 3 * n + i: 1} for i in range(n)) * _columns(mismatch, relaxation.size)
    size = np.sqrt((forms[:, : 1 + d + n] ** 2).sum() / n)
    return int(np.clip(-np.round(np.log2(max(size, 2.0**-60))), 0, 60))


def _columns(mismatch: Mismatch, size: int) -> np.ndarray:
    """Sizes of ``x``, for the solver only: half an interval, where a row has one."""
    clip, n, d = mismatch.program.clip, mismatch.program.n, mismatch.program.d
    top = mismatch.program.state_format.max_word
    halves = np.where(clip.complement, top / 4, np.minimum((clip.upper - clip.lower) / 2, top / 4))
    columns = np.ones(size)
    columns[1 + d : 1 + d + n] = np.maximum(halves, 1) / 2.0**mismatch.program.state_format.fractional_bits
    return columns


def _clip_errors(mismatch: Mismatch) -> list[Fraction]:
    """What a stored clip other than the network's changes in every output; section 9, last part."""
    values, cones = clip_change(mismatch.floating.clip, mismatch.program, mismatch.step_size, mismatch.beyond)
    model = mismatch.floating
    moved = (model.lipschitz_constant * values + cones / mismatch.step_size) / model.margin + values
    unit = Fraction(2) ** model.output.bits
    return [root_up(sum(x * x for x in row)) / unit * moved for row in model.output.matrix]
