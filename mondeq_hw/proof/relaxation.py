"""What is true of an equilibrium at every input, as products of two linear forms that are not negative.

A row of an inclusion holds a value ``a`` in an interval ``[low, high]`` and ``b`` in its normal cone there: ``b`` is
zero inside, not negative at ``high``, not positive at ``low``.  For a clip ``a = prox(s)``, ``b = s - prox(s)``; for a
complement it is the other way round (Moreau).  Where two equilibria are compared, ``da`` and ``db`` are what the second
has more.  Every fact belongs to one of ten families and is named by two numbers; section 13 of
``docs/mathematics.md`` proves them.

All forms are integers: of ``x = (1, theta, ..)`` and of *dense rows*, which are forms of ``x`` themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from functools import cached_property
from typing import Any

import flint
import numpy as np

from .exact import is_positive_definite

#: A form as ``{place: integer}``: places of ``x`` first, then one for each dense row.
Form = dict[int, int]


class Family(IntEnum):
    """What a fact says; ``i`` and ``j`` number rows, or *quantities*: the inputs first, then the rows' ``a``."""

    #: Quantity ``i`` lies in its interval.
    RANGE = 0
    #: ``b_i`` has the sign of ``a_i``'s end, which is as far from its middle as any quantity ``j`` from its own.
    CUT_BELOW = 1
    CUT_ABOVE = 2
    #: ``-da_i b_i >= 0`` and ``da_i (b_i + db_i) >= 0``: the normal cone is monotone.
    MONOTONE = 3
    MONOTONE_BACK = 4
    #: ``b_i (a_i - end) = 0`` in a row with one end.
    COMPLEMENTARY = 5
    #: What is zero in a row with no end, or with two that are equal; then the same of the difference.
    PINNED = 6
    PINNED_DIFFERENCE = 7
    #: Two forms that are not negative; :meth:`Relaxation.nonnegative` numbers them.
    PRODUCT = 8
    #: Where the objective is positive, a multiple of ``da_i`` alone: where that is positive, ``-b_i >= 0``,
    #: ``b_i + db_i >= 0``, and their product (``j`` is 0, 1, 2); where it is negative, the same of the other signs.
    SIDE = 9


@dataclass(frozen=True)
class Fact:
    """One product: its family, what it is about, and the two forms."""

    family: Family
    i: int
    j: int
    left: Form
    right: Form

    @property
    def equation(self) -> bool:
        """Whether the product is zero, so that its multiplier may have either sign."""
        return self.family is Family.COMPLEMENTARY


@dataclass(frozen=True)
class Proof:
    """``objective <= bound 2^-bits`` at every ``x``, by these facts and multipliers; all integers."""

    facts: tuple[Fact, ...]
    multipliers: tuple[int, ...]
    bits: int
    bound: int

    @property
    def value(self) -> Fraction:
        """The bound."""
        return Fraction(self.bound, 2**self.bits)

    def to_plain(self) -> dict[str, Any]:
        """As JSON-ready integers."""
        names = [
            [int(fact.family), fact.i, fact.j, y] for fact, y in zip(self.facts, self.multipliers, strict=True) if y
        ]
        return {"bits": self.bits, "bound": self.bound, "facts": names}


@dataclass(frozen=True)
class Row:
    """One row of the inclusion.

    Parameters
    ----------
    a, b : Form
        ``a`` in the unit of the ends, ``b`` in any.
    low, high : int or None
    da, db : Form, optional
        The second equilibrium's less the first's, in any units.
    second : Form, optional
        ``b + db`` in any unit.
    """

    a: Form
    b: Form
    low: int | None
    high: int | None
    da: Form | None = None
    db: Form | None = None
    second: Form | None = None

    @property
    def pin(self) -> Form | None:
        """What is zero in every equilibrium."""
        if self.low is None and self.high is None:
            return self.b
        return _sum(self.a, {0: -self.low}) if self.low is not None and self.low == self.high else None

    @property
    def one_end(self) -> int | None:
        """The end of a row that has one."""
        ends = [end for end in (self.low, self.high) if end is not None]
        return ends[0] if len(ends) == 1 else None


@dataclass(frozen=True)
class Relaxation:
    """Rows, inputs and forms of an inclusion, or of two that differ a little.

    Parameters
    ----------
    size : int
        Entries of ``x``: the constant, the inputs (each from -1 to 1), and the others.
    inputs : int
    rows : tuple of Row
    dense : list of list of int (dense rows, size)
        In units of ``2^-unit``.
    unit : int
    """

    size: int
    inputs: int
    rows: tuple[Row, ...]
    dense: list[list[int]]
    unit: int

    # -- facts -------------------------------------------------------------------

    def bounded(self, k: int) -> tuple[Form, int] | None:
        """Twice quantity ``k`` less the sum of its ends, and the difference of these; None where it has not two."""
        if k < self.inputs:
            return {1 + k: 2}, 2
        row = self.rows[k - self.inputs]
        if row.low is None or row.high is None or row.low == row.high:
            return None
        return _sum(_times(2, row.a), {0: -(row.low + row.high)}), row.high - row.low

    def nonnegative(self, k: int) -> Form | None:
        """Form ``k``: one for -1, then two a quantity, from its upper and its lower end, or one of them and ``b``."""
        if k < 0:
            return {0: 1}
        bounded, upper = self.bounded(k // 2), k % 2 == 0
        if bounded is not None:
            return _sum({0: bounded[1]}, _times(-1 if upper else 1, bounded[0]))
        row = self.rows[k // 2 - self.inputs]
        if row.one_end is None:
            return None
        if row.low is None:
            return _sum({0: row.one_end}, _times(-1, row.a)) if upper else row.b
        return _times(-1, row.b) if upper else _sum(row.a, {0: -row.one_end})

    def fact(self, family: Family, i: int, j: int = 0) -> Fact | None:
        """The fact of that name, None where there is none."""
        forms = self._product(family, i, j)
        return None if forms[0] is None or forms[1] is None else Fact(family, i, j, forms[0], forms[1])

    def _product(self, family: Family, i: int, j: int) -> tuple[Form | None, Form | None]:
        match family:
            case Family.RANGE:
                pair = self.nonnegative(2 * i), self.nonnegative(2 * i + 1)
                return pair if self.bounded(i) is not None else (None, None)
            case Family.PRODUCT:
                return self.nonnegative(i), self.nonnegative(j)
            case Family.CUT_BELOW | Family.CUT_ABOVE:
                own, other = self.bounded(self.inputs + i), self.bounded(j)
                if own is None or other is None:
                    return None, None
                sign = -1 if family is Family.CUT_BELOW else 1
                return self.rows[i].b, _sum(_times(other[1], own[0]), _times(sign * own[1], other[0]))
        row = self.rows[i]
        match family:
            case Family.COMPLEMENTARY:
                return (None, None) if row.one_end is None else (row.b, _sum(row.a, {0: -row.one_end}))
            case Family.PINNED:
                return _minus_square(row.pin)
            case Family.PINNED_DIFFERENCE:
                return _minus_square(None if row.pin is None else row.db if row.low is None else row.da)
            case Family.MONOTONE | Family.MONOTONE_BACK:
                if row.da is None or (row.low is None and row.high is None):
                    return None, None
                return (_times(-1, row.da), row.b) if family is Family.MONOTONE else (row.da, row.second)
        raise ValueError(f"no fact of family {family!r}")

    def always(self) -> Iterator[Fact]:
        """The few facts that every search for a bound starts from."""
        for k in range(self.inputs + len(self.rows)):
            yield from _known(self.fact(Family.RANGE, k))
        for i in range(len(self.rows)):
            own = self.inputs + i
            if self.bounded(own) is not None:
                yield from _known(self.fact(Family.CUT_ABOVE, i, own))  # b has the sign of a less its middle
            elif self.rows[i].one_end is not None:
                yield from _known(*(self.fact(Family.PRODUCT, 2 * own + which, -1) for which in (0, 1)))
            families = (family for family in Family if Family.MONOTONE <= family < Family.PRODUCT)
            yield from _known(*(self.fact(family, i) for family in families))

    def sides(self, objective: Form) -> tuple[Fact, ...]:
        """What holds wherever an objective is positive that is nothing but the difference of one row with two ends."""
        for i, row in enumerate(self.rows):
            if row.da is None or row.second is None or row.da.keys() != objective.keys():
                continue
            ratios = {Fraction(objective[place], value) for place, value in row.da.items()}
            if len(ratios) == 1 and self.bounded(self.inputs + i) is not None:
                sign = 1 if min(ratios) > 0 else -1
                b, second = _times(-sign, row.b), _times(sign, row.second)
                products = ({0: 1}, b), ({0: 1}, second), (b, second)
                return tuple(Fact(Family.SIDE, i, j, *forms) for j, forms in enumerate(products))
        return ()

    # -- exact -------------------------------------------------------------------

    def proves(self, objective: Form, facts: Sequence[Fact], multipliers: Sequence[int], bound: int, bits: int) -> bool:
        """Whether ``bound`` is above the objective at every ``x``; it and the multipliers in units of ``2^-bits``."""
        if any(y < 0 and not fact.equation for fact, y in zip(facts, multipliers, strict=True)):
            return False
        return is_positive_definite(self._gap(objective, facts, multipliers, bound, bits))

    def _gap(
        self, objective: Form, facts: Sequence[Fact], multipliers: Sequence[int], bound: int, bits: int
    ) -> list[list[int]]:
        """``bound - 2^bits objective - sum_k y_k left_k right_k`` as a symmetric matrix in ``x``, twice."""
        half: dict[tuple[int, int], int] = {(0, 0): bound}
        for place, value in objective.items():
            half[0, place] = half.get((0, place), 0) - (value << bits)
        for fact, y in zip(facts, multipliers, strict=True):
            for r, left in fact.left.items():
                for c, right in fact.right.items():
                    half[r, c] = half.get((r, c), 0) - y * left * right
        core = flint.fmpz_mat(self.size + len(self.dense), self.size + len(self.dense))
        for (r, c), value in half.items():
            core[r, c] = value
        basis = flint.fmpz_mat(
            [[(i == j) << self.unit for j in range(self.size)] for i in range(self.size)] + self.dense
        )
        gap = basis.transpose() * (core + core.transpose()) * basis
        return [[int(x) for x in row] for row in gap.tolist()]

    # -- floating point ------------------------------------------------------------

    def floating(self, forms: Iterable[Form]) -> np.ndarray:
        """Forms as vectors of ``x`` (forms, size)."""
        chosen = list(forms)
        sparse = np.zeros((len(chosen), self.size + len(self.dense)))
        for k, form in enumerate(chosen):
            for place, value in form.items():
                sparse[k, place] = float(value)
        return np.asarray(sparse @ self._floating_basis)

    @cached_property
    def _floating_basis(self) -> np.ndarray:
        dense = [[_ratio(x, self.unit) for x in row] for row in self.dense]
        return np.vstack([np.eye(self.size), np.array(dense).reshape(len(dense), self.size)])


def _known(*facts: Fact | None) -> Iterator[Fact]:
    return (fact for fact in facts if fact is not None)


def _minus_square(form: Form | None) -> tuple[Form | None, Form | None]:
    return (None, None) if form is None else (_times(-1, form), form)


def _ratio(value: int, bits: int) -> float:
    """``value 2^-bits`` in floating point, whatever its size."""
    cut = max(0, abs(value).bit_length() - 64)
    return float(np.ldexp(float(value >> cut), cut - bits))


def _times(factor: int, form: Form) -> Form:
    return {place: factor * value for place, value in form.items()}


def _sum(*forms: Form) -> Form:
    total: Form = {}
    for form in forms:
        for place, value in form.items():
            total[place] = total.get(place, 0) + value
    return total
