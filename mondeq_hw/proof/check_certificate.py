#!/usr/bin/env python3
"""Check a certificate of mondeq-hw: ``python check_certificate.py certificate.json``.

Standard library only, and nothing of the package that wrote the certificate.  Every line marked
*proved* is proved again from the integers in the file, in Python integers and fractions, and its
values must come out the same to the last digit.  Lines marked *measured* cannot be checked without
the float model's file, and may not be marked otherwise.  Exit code 0 when everything holds, 1 when
anything does not, 2 under a Python older than 3.9, which checks nothing.

The parts of this file follow ``docs/mathematics.md``, whose sections and theorems the docstrings
name: what is stored (2), contraction (3), the network that the integers are (4), iterations and
radius (5), ranges (7), the backward pass (8), a carried state (12), single samples (6), the float
model (9), the distance of every output (11, 13), and at the end the certificate as a whole (10).
"""

# ruff: noqa: B905 - every length is checked before lists are zipped
from __future__ import annotations

import sys

if sys.version_info < (3, 9):  # noqa: UP036 - whoever checks need not have the Python of whoever compiled
    sys.stderr.write("nothing was checked: this is Python " + sys.version.split()[0] + "; expected 3.9 or later\n")
    sys.exit(2)

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property, reduce
from itertools import product, zip_longest
from math import ceil, floor, inf, isqrt, ldexp, nextafter, sqrt
from operator import add, eq, gt, mul, sub
from typing import Any, NamedTuple

Plain = dict[str, Any]
Vector = list[int]
Matrix = list[list[int]]

#: Error bounds are integers in units of ``2^-BOUND_BITS`` of a state step, rounded up.
BOUND_BITS = 64
#: Fractional bits that the continuation of a sample adds to the state.
FINE_BITS = 16
#: Leading bits of the entries of a matrix whose 2-norm is bounded.
NORM_BITS = 24
#: Updates of a sample: sixteen bits of a counter in hardware.
MOST_ITERATIONS = 65_535
#: Multiplications of the samples; more is not a certificate but an attack.
MOST_WORK = 2_000_000_000
#: Word lengths, shifts and grids beyond this are no design either.
MOST_BITS = 10_000


class CertificateError(Exception):
    """The certificate claims something that is not so."""


def need(condition: bool, message: str) -> None:
    """Reject the certificate unless the condition holds."""
    if not condition:
        raise CertificateError(message)


# ----------------------------------------------------------------------------------
# Reading: every number is checked for type and range before it is used
# ----------------------------------------------------------------------------------


def whole(value: Any, low: float = -inf, high: float = inf) -> int:
    """An integer; neither a boolean nor a float is one."""
    good = type(value) is int and low <= value <= high
    need(good, f"expected an integer from {low} to {high}, got {value!r:.60}")
    return int(value)


def vector(values: Any, length: int, low: float = -inf, high: float = inf) -> Vector:
    """A list of so many integers."""
    need(type(values) is list and len(values) == length, f"expected a list of {length} integers")
    if set(map(type, values)) <= {int} and low <= min(values, default=low) and max(values, default=high) <= high:
        return list(values)
    return [whole(value, low, high) for value in values]


def matrix(values: Any, rows: int, columns: int, low: float = -inf, high: float = inf) -> Matrix:
    """A list of rows of integers, or the same packed."""
    if type(values) is str:
        return unpacked(values, rows, columns, low, high)
    need(type(values) is list and len(values) == rows, f"expected {rows} rows")
    return [vector(row, columns, low, high) for row in values]


def unpacked(text: str, rows: int, columns: int, low: float = -inf, high: float = inf) -> Matrix:
    """A matrix of little-endian 64-bit integers, compressed; a bomb is not decompressed."""
    size, unpacker = 8 * rows * columns, zlib.decompressobj()
    raw = unpacker.decompress(base64.b64decode(text, validate=True), size + 1)
    need(len(raw) == size and unpacker.eof, "packed integers have not the stated size")
    values = vector(list(struct.unpack(f"<{rows * columns}q", raw)), rows * columns, low, high)
    return [values[i : i + columns] for i in range(0, rows * columns, columns)]


def rational(text: str) -> Fraction:
    """A number written ``p/q``."""
    numerator, denominator = text.split("/")
    return Fraction(int(numerator), int(denominator))


def fields(plain: Any, names: Iterable[str], what: str) -> Plain:
    """An object with exactly these fields: one that this checker does not know might mean anything."""
    need(type(plain) is dict and set(plain) == set(names), f"{what}: fields are missing or unknown")
    return dict(plain)


def canonical(plain: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def digest(plain: Any) -> str:
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(plain).encode()).hexdigest()


# ----------------------------------------------------------------------------------
# Exact arithmetic
# ----------------------------------------------------------------------------------


def dot(a: Iterable[int], b: Iterable[int]) -> int:
    """``sum_i a_i b_i``, up to the end of the shorter one."""
    return sum(map(mul, a, b))


def float_dot(a: Iterable[float], b: Iterable[float]) -> float:
    """The same of floating-point numbers, rounded term by term: from Python 3.12 on ``sum`` is more exact than that."""
    return reduce(add, map(mul, a, b), 0.0)


def times(left: Matrix, right: Matrix) -> Matrix:
    """The product of two matrices; every row of the wider one is one long integer meanwhile (Kronecker)."""
    widths = [max(max(map(abs, row), default=0) for row in rows).bit_length() for rows in (left, right)]
    if widths[0] > widths[1]:
        return transposed(times(transposed(right), transposed(left)))
    columns = len(right[0])
    size = max(8, (sum(widths) + len(right).bit_length() + 9) // 8)  # bytes in which every sum fits, with its sign
    half = 1 << (8 * size - 1)
    halves = int.from_bytes(half.to_bytes(size, "little") * columns, "little")
    texts = (b"".join([(x + half).to_bytes(size, "little") for x in row]) for row in right)
    packed = [int.from_bytes(text, "little") - halves for text in texts]
    sums = ((dot(row, packed) + halves).to_bytes(size * columns, "little") for row in left)
    return [[x - half for x in _words_of(text, size)] for text in sums]


def _words_of(text: bytes, size: int) -> Sequence[int]:
    """Unsigned words of so many bytes, one after the other."""
    if size == 8:
        return struct.unpack(f"<{len(text) // 8}Q", text)
    return [int.from_bytes(text[i : i + size], "little") for i in range(0, len(text), size)]


def transposed(rows: Matrix) -> Matrix:
    """Columns as rows."""
    return list(map(list, zip(*rows)))


def gram(rows: Matrix, weights: Sequence[int]) -> Matrix:
    """``rows' W rows`` with the diagonal ``W`` of the weights."""
    return times([list(map(mul, column, weights)) for column in zip(*rows)], rows)


def scaled(factor: int, rows: Matrix) -> Matrix:
    """A matrix times an integer."""
    return [[factor * entry for entry in row] for row in rows]


def diagonal_plus(diagonal: Sequence[int], rows: Matrix) -> Matrix:
    """``diag(diagonal) + rows``."""
    return [[(diagonal[i] if i == j else 0) + x for j, x in enumerate(row)] for i, row in enumerate(rows)]


def add_matrices(left: Matrix, right: Matrix) -> Matrix:
    """``left + right``."""
    return [list(map(add, a, b)) for a, b in zip(left, right)]


def difference(left: Matrix, right: Matrix) -> Matrix:
    """``left - right``."""
    return [list(map(sub, a, b)) for a, b in zip(left, right)]


def span(row: Iterable[int], words: tuple[int, int], offset: int) -> tuple[int, int]:
    """Smallest and largest ``row x + offset`` over words ``x`` from the first of ``words`` to the second."""
    entries, (least, most) = list(row), words
    below, above = (sum(x for x in entries if (x < 0) == negative) for negative in (True, False))
    return below * most + above * least + offset, below * least + above * most + offset


def span_over(row: Iterable[int], words: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Smallest and largest ``row x`` over words ``x`` each of which has its own interval."""
    ends = [(x * low, x * high) for x, (low, high) in zip(row, words)]
    return sum(map(min, ends)), sum(map(max, ends))


def rounded(value: int, shift: int) -> int:
    """``value / 2^shift`` to the nearest integer, halves up."""
    return (value + ((1 << shift) >> 1)) >> shift


def saturated(value: int, top: int) -> int:
    """The nearest number from ``-top`` to ``top``."""
    return max(-top, min(top, value))


def root_up(square: int) -> int:
    """The square root, rounded up to an integer."""
    return isqrt(square - 1) + 1 if square > 0 else 0


def float_up(value: Fraction) -> float:
    """The smallest float that is not below the number."""
    nearest = float(value)
    return nearest if Fraction(nearest) >= value else nextafter(nearest, inf)


def float_down(value: Fraction) -> float:
    """The largest float that is not above the number."""
    return -float_up(-value) if value else 0.0


def in_steps(bound: int) -> float:
    """A bound in state steps, as the certificate writes it."""
    return float_up(Fraction(bound, 1 << BOUND_BITS))


def argmax(values: Sequence[Any]) -> int:
    """The place of the first largest value."""
    return values.index(max(values))


# ----------------------------------------------------------------------------------
# Section 2: what is stored, and what runs on the device
# ----------------------------------------------------------------------------------

STAGE_FIELDS = (
    "solver", "clip", "state_format", "iterations", "leak_shift",
    "matrix", "matrix_shifts", "matrix_word_length",
    "drive", "drive_shifts", "drive_word_length", "drive_bias", "drive_left_shift",
)  # fmt: skip
PROGRAM_FIELDS = (
    "version", "name", "certified", "stages", "input_format",
    "readout", "readout_shifts", "readout_word_length", "readout_bias",
)  # fmt: skip
FEEDTHROUGH_FIELDS = ("feedthrough", "feedthrough_shifts", "feedthrough_word_length")
PEACEMAN_RACHFORD, FORWARD_BACKWARD = "peaceman_rachford", "forward_backward"


class Row(NamedTuple):
    """The proximal operator of one row: ``clip(v, lower, upper)``, or ``v`` less that for a complement."""

    lower: int | None
    upper: int | None
    complement: bool

    def times(self, factor: int) -> Row:
        """With every bound times a positive integer."""
        lower = None if self.lower is None else factor * self.lower
        upper = None if self.upper is None else factor * self.upper
        return Row(lower, upper, self.complement)

    def prox(self, v: int) -> int:
        """The operator itself."""
        return self.prox_of([v])[0]

    def prox_of(self, values: Vector) -> Vector:
        """The operator of many values."""
        low, high = self.lower, self.upper
        kept = values if low is None else [v if v > low else low for v in values]
        kept = kept if high is None else [v if v < high else high for v in kept]
        return list(map(sub, values, kept)) if self.complement else kept

    def piece(self, v: int) -> tuple[int, float]:
        """Whether the operator moves with ``v`` (1) or stays (-1), and how far off the nearest bound is."""
        low, high = self.lower, self.upper
        inside = (low is None or v > low) and (high is None or v < high)
        off = min((abs(v - end) for end in (low, high) if end is not None), default=inf)
        return (1 if inside != self.complement else -1), off

    @property
    def ends(self) -> tuple[int | None, int | None]:
        """The smallest and the largest value of the operator, ``None`` where there is none."""
        if not self.complement:
            return self.lower, self.upper
        return (0 if self.lower is None else None), (0 if self.upper is None else None)

    def cone(self, z: int) -> tuple[int | None, int | None]:
        """``N(z)`` of section 9, an interval: ``z = prox(v)`` exactly if ``v - z`` lies in it."""
        if self.complement:
            return (self.lower if z <= 0 else self.upper), (self.upper if z >= 0 else self.lower)
        return (None if z == self.lower else 0), (None if z == self.upper else 0)


def _between(v: int, low: int | None, high: int | None) -> int:
    """The nearest number between two bounds."""
    v = v if low is None else max(low, v)
    return v if high is None else min(high, v)


def read_clip(plain: Any, n: int, top: float = inf) -> list[Row]:
    """The proximal operator of every row; the proofs need ``lower <= 0 <= upper``."""
    lower, upper, complement = plain["lower"], plain["upper"], plain["complement"]
    need(len(lower) == len(upper) == len(complement), "a clip whose lists differ in length")
    need(all(type(flipped) is bool for flipped in complement), "a complement that is neither true nor false")
    kinds = [
        Row(None if low is None else whole(low, -top, 0), None if high is None else whole(high, 0, top), flipped)
        for low, high, flipped in zip(lower, upper, complement)
    ]
    return [kinds[row] for row in vector(plain["rows"], n, 0, len(kinds) - 1)]


class Program:
    """The deployed integers, checked for shape and range, and the contract that they obey."""

    def __init__(self, plain: Plain) -> None:
        fed = FEEDTHROUGH_FIELDS if FEEDTHROUGH_FIELDS[0] in plain else ()
        more = {3: FEEDTHROUGH_FIELDS, 4: (*FEEDTHROUGH_FIELDS, "carried"), 5: (*fed, "warm")}
        plain = fields(plain, (*PROGRAM_FIELDS, *more.get(plain["version"], ())), "program")
        known = plain["version"] in (2, 3, 4, 5) and len(plain["stages"]) == 1
        need(known, "expected one stage of program version 2, 3, 4 or 5")
        stage = fields(plain["stages"][0], STAGE_FIELDS, "stage")
        self._read_formats(plain["input_format"], stage["state_format"])
        self._read_stage(stage)
        self._read_readout(plain)
        self._read_feedthrough(plain)
        self._read_carried(plain)
        self._read_warm(plain)

    def _read_formats(self, words: Plain, state: Plain) -> None:
        good = state["signed"] is True and state["rounding"] == "AP_RND" and state["overflow"] == "AP_SAT_SYM"
        need(good and type(words["signed"]) is bool, "state or input format is not what the proofs are about")
        self.top = (1 << (whole(state["word_length"], 2, 64) - 1)) - 1  # largest state word
        count = 1 << whole(words["word_length"], 1, 64)
        low = -(count // 2) if words["signed"] else 0
        self.x_range = (low, low + count - 1)  # smallest and largest input word
        self.x_top = max(map(abs, self.x_range))
        self.f, self.input_f = (
            form["word_length"] - whole(form["integer_bits"], -MOST_BITS, MOST_BITS) for form in (state, words)
        )

    def _read_stage(self, stage: Plain) -> None:
        self.solver, self.iterations = stage["solver"], whole(stage["iterations"], 1, MOST_ITERATIONS)
        need(self.solver in (PEACEMAN_RACHFORD, FORWARD_BACKWARD), "unknown solver")
        self.n, self.d = len(stage["matrix"]), len(stage["drive"][0])
        self.clip = read_clip(stage["clip"], self.n, self.top)
        self.matrix, self.g = _levels(stage, "matrix", self.n, self.n)
        self.drive, drive_shifts = _levels(stage, "drive", self.n, self.d)
        self.drive_bias, self.left = vector(stage["drive_bias"], self.n), whole(stage["drive_left_shift"], 0, MOST_BITS)
        # The drive's sums are on the grid 2^-(f + g + right) of their row, in units of the state.
        self.right = [e + self.input_f + self.left - self.f - g for e, g in zip(drive_shifts, self.g)]
        self.leak_shift = whole(stage["leak_shift"], 0, 64)
        need(self.leak_shift == 0 or self.solver == FORWARD_BACKWARD, "a leak without forward-backward")
        on_grid = min(self.g) >= self.leak_shift and min(self.right) >= 0
        need(on_grid, "a leak or a drive that is not on the accumulator's grid")
        self.leak = [(1 << g) - (1 << (g - self.leak_shift)) for g in self.g]

    def _read_readout(self, plain: Plain) -> None:
        self.k = len(plain["readout"])
        readout, shifts = _levels(plain, "readout", self.k, self.n)
        self.output_shift, self.output_bias = max(shifts), vector(plain["readout_bias"], self.k)
        # Every row on the common output grid 2^-(f + output_shift).
        self.align = [self.output_shift - e for e in shifts]
        self.readout = [[x << shift for x in row] for row, shift in zip(readout, self.align)]

    def _read_feedthrough(self, plain: Plain) -> None:
        """Rows from the input to the outputs; where there are none, they are empty and their sums zero."""
        self.direct: Matrix = [[] for _ in range(self.k)]
        self.direct_right, self.direct_grids = [0] * self.k, [0] * self.k
        if FEEDTHROUGH_FIELDS[0] in plain:
            self.direct, shifts = _levels(plain, "feedthrough", self.k, self.d)
            sums = [self.f + self.output_shift - shift for shift in self.align]  # grids of the readout's
            self.direct_grids = [e + self.input_f for e in shifts]
            self.direct_right = [grid + self.left - of_sums for grid, of_sums in zip(self.direct_grids, sums)]
            need(min(self.direct_right) >= 0, "a feed-through that is not on the readout's grid")

    def _read_carried(self, plain: Plain) -> None:
        """Of version 4: the last inputs are the last outputs of the sample before, rounded and saturated."""
        self.carried, self.exponents = 0, []
        if plain["version"] == 4:
            carried = fields(plain["carried"], ("initial", "exponents"), "carried state")
            self.carried = whole(len(carried["initial"]), 1, min(self.d, self.k) - 1)
            vector(carried["initial"], self.carried, *self.x_range)
            self.exponents = vector(carried["exponents"], self.carried, -MOST_BITS, MOST_BITS)
            need(self.f + self.output_shift >= self.input_f, "a carried state that is not on the outputs' grid")

    def _read_warm(self, plain: Plain) -> None:
        """Of version 5: updates of a sample that goes on from the state of the one before, and the inputs' rate."""
        self.warm, self.rate = 0, []
        if plain["version"] == 5:
            warm = fields(plain["warm"], ("iterations", "rate"), "warm start")
            self.warm, self.rate = whole(warm["iterations"], 1, self.iterations), vector(warm["rate"], self.d, 0)

    @property
    def unit(self) -> Fraction:
        """State steps in one."""
        return Fraction(2) ** self.f

    @property
    def shows_bounded_rows(self) -> bool:
        """Whether an output shows nothing but a row of the clip with an end; next carried words do not count."""
        return not self.carried and any(self.bounded_row(k) is not None for k in range(self.k))

    def bounded_row(self, k: int) -> int | None:
        """The row of which output ``k`` shows nothing but a multiple, where it is a clip with an end."""
        shown = [i for i, x in enumerate(self.readout[k]) if x]
        if len(shown) != 1 or any(self.direct[k]):
            return None
        row = self.clip[shown[0]]
        return None if row.complement or (row.lower is None and row.upper is None) else shown[0]

    @cached_property
    def _clips(self) -> dict[int, list[Row]]:
        """The clip on the state's grid, and on the finer one of section 6."""
        return {extra: [row.times(1 << extra) for row in self.clip] for extra in (0, FINE_BITS)}

    @cached_property
    def stored(self) -> Matrix:
        """Stored matrix and leak, row ``i`` in units of ``2^-g_i``."""
        return diagonal_plus(self.leak, self.matrix)

    @cached_property
    def common(self) -> tuple[Matrix, int]:
        """``(N, G)``: the iteration matrix is exactly ``2^-G N``."""
        G = max(self.g)
        return [[x << (G - g) for x in row] for row, g in zip(self.stored, self.g)], G

    @property
    def fine_words(self) -> tuple[int, int]:
        """Smallest and largest input word on the grid of the drive's sums."""
        low, high = self.x_range
        return low << self.left, high << self.left

    @cached_property
    def drive_spans(self) -> list[tuple[int, int]]:
        """Smallest and largest exact drive of every row over every input, on the drive accumulator's grid."""
        return [span(row, self.fine_words, bias) for row, bias in zip(self.drive, self.drive_bias)]

    @cached_property
    def direct_spans(self) -> list[tuple[int, int]]:
        """The same of the feed-through's rows."""
        return [span(row, self.fine_words, 0) for row in self.direct]

    @cached_property
    def direct_rounding(self) -> list[Fraction]:
        """Half a unit where the feed-through is rounded, in units of the output grid."""
        return [Fraction(1 << shift, 2) if r else Fraction(0) for shift, r in zip(self.align, self.direct_right)]

    def fed(self, x: Vector) -> Vector:
        """What the feed-through adds to the outputs, on the output grid."""
        sums = [rounded(dot(row, x) << self.left, r) for row, r in zip(self.direct, self.direct_right)]
        return [v << shift for v, shift in zip(sums, self.align)]

    def fed_exactly(self, x: Vector) -> Sequence[Fraction]:
        """The same without its rounding."""
        units = [Fraction(1 << (self.left + shift), 1 << r) for shift, r in zip(self.align, self.direct_right)]
        return [dot(row, x) * unit for row, unit in zip(self.direct, units)]

    @property
    def operand_spans(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Smallest and largest ``phi`` and ``prox`` of every row: linear between bounds and ends of the words."""
        phi, prox = [], []
        for row in self.clip:
            states = [-self.top, self.top, *(bound for bound in (row.lower, row.upper) if bound is not None)]
            kept = [row.prox(v) for v in states]
            operands = kept if self.solver == FORWARD_BACKWARD else [2 * z - v for z, v in zip(kept, states)]
            phi.append((min(operands), max(operands)))
            prox.append((min(kept), max(kept)))
        return phi, prox

    # The contract; a state with ``extra`` more fractional bits is updated by the same integers.

    def shown(self, k: int) -> tuple[Fraction, Fraction]:
        """Smallest and largest output ``k`` of words that ``prox`` can give, without feed-through."""
        low, high = (self.prox([end] * self.n, 0) for end in (-self.top, self.top))
        terms = [sorted((x * a, x * b)) for x, a, b in zip(self.readout[k], low, high)]
        unit = Fraction(2) ** (self.f + self.output_shift)
        least, most = (sum(term[side] for term in terms) + self.output_bias[k] for side in (0, 1))
        return least / unit, most / unit

    def prox(self, state: Vector, extra: int) -> Vector:
        """Equilibrium of a state."""
        return [row.prox(v) for v, row in zip(state, self._clips[extra])]

    def phi(self, states: Matrix, extra: int) -> Matrix:
        """The operator that is iterated, ``prox`` or ``2 prox - id``, of states (n, samples)."""
        kept = [row.prox_of(values) for values, row in zip(states, self._clips[extra])]
        if self.solver == FORWARD_BACKWARD:
            return kept
        return [[2 * z - v for z, v in zip(a, b)] for a, b in zip(kept, states)]

    def accumulated(self, states: Matrix, drives: Matrix, extra: int) -> Matrix:
        """``M phi(s) + d`` on the accumulator's grid, before rounding, of states and drives (n, samples)."""
        return add_matrices(times(self.stored, self.phi(states, extra)), drives)

    def updated(self, states: Matrix, drives: Matrix, extra: int) -> Matrix:
        """States (n, samples) after one update."""
        sums, top = self.accumulated(states, drives, extra), self.top << extra
        words = ([(x + ((1 << g) >> 1)) >> g for x in row] for row, g in zip(sums, self.g))
        return [[top if v > top else -top if v < -top else v for v in row] for row in words]

    def iterated(self, states: Matrix, drives: Matrix, extra: int) -> Matrix:
        """States (n, samples) after all updates; where they come again the rest are rounds of the same."""
        left, seen, age, limit = self.iterations, states, 0, 1
        while left:
            following = self.updated(states, drives, extra)
            if following == states:
                break
            states, left, age = following, left - 1, age + 1
            if states == seen:
                left %= age
            elif age == limit:
                seen, age, limit = states, 0, 2 * limit
        return states

    def settled(self, contraction: Contraction, states: Matrix, exact: Matrix) -> list[tuple[Vector, int]]:
        """Fine states after all updates, from states (n, samples) at exact drives, and their distances: Lemma 2."""
        drives = [[(v << FINE_BITS) >> r for v in row] for row, r in zip(exact, self.right)]
        fine = self.iterated([[v << FINE_BITS for v in row] for row in states], drives, FINE_BITS)
        return list(zip(transposed(fine), residual_radii(contraction, fine, drives)))

    def outputs(self, state: Vector, extra: int, fed: Sequence[Any]) -> list[Any]:
        """Output words of a state and of what the feed-through adds."""
        z, rows = self.prox(state, extra), zip(self.readout, self.output_bias, fed)
        return [dot(row, z) + (bias + direct) * (1 << extra) for row, bias, direct in rows]


def _levels(plain: Plain, name: str, rows: int, columns: int) -> tuple[Matrix, Vector]:
    """A stored matrix of symmetric words, and the shift of each row."""
    top = max(1, (1 << (whole(plain[f"{name}_word_length"], 1, 18) - 1)) - 1)
    shifts = vector(plain[f"{name}_shifts"], rows, -MOST_BITS, MOST_BITS)
    return matrix(plain[name], rows, columns, -top, top), shifts


# ----------------------------------------------------------------------------------
# Section 3: contraction, in one of two norms
# ----------------------------------------------------------------------------------


def positive_definite(P: Matrix, witness: Plain, what: str) -> None:
    """Theorem 2: ``P``, scaled by powers of two, is ``L L'`` plus a strictly diagonally dominant rest."""
    n, bits = len(P), whole(witness["bits"], 1, 64)
    exponents, factor = vector(witness["exponents"], n, 0, MOST_BITS), witness["cholesky"]
    if type(factor) is str:
        L = unpacked(factor, n, n)
    else:
        need(type(factor) is list and len(factor) == n, f"{what}: the factor has not {n} rows")
        L = [vector(row, i + 1) + [0] * (n - i - 1) for i, row in enumerate(factor)]
    diagonal, others, square = [0] * n, [0] * n, times(L, transposed(L))
    for i in range(n):
        for j in range(i + 1):
            shift = exponents[i] + exponents[j] - 2 * bits
            entry = P[i][j] >> shift if shift >= 0 else P[i][j] << -shift
            entry -= square[i][j]
            if i == j:
                diagonal[i] = entry
            else:
                others[i], others[j] = others[i] + abs(entry), others[j] + abs(entry)
    dominant = all(diagonal[i] > others[i] + n for i in range(n))
    need(dominant, f"{what}: the witness does not prove positive definiteness")


class TwoNorm:
    """``||s|| = sqrt(sum_i w_i s_i^2)``; bounds are rounded up to units of ``2^-BOUND_BITS``."""

    name = "2-norm"

    def __init__(self, weights: Vector) -> None:
        self.weights = weights

    def prove(self, N: Matrix, G: int, rho: Fraction, witness: Plain) -> None:
        """Theorem 1: ``p^2 4^G W - q^2 N' W N`` is positive definite."""
        p, q = rho.numerator, rho.denominator
        diagonal = [(p * p * w) << (2 * G) for w in self.weights]
        gap = diagonal_plus(diagonal, scaled(-q * q, gram(N, self.weights)))
        positive_definite(gap, witness, "contraction")

    def norm_up(self, values: Iterable[Fraction | int]) -> int:
        """``||values||``."""
        return root_up(ceil(sum(w * v * v for v, w in zip(values, self.weights)) * 4**BOUND_BITS))

    def dual_norm_up(self, row: Iterable[int]) -> int:
        """Largest ``|row s|`` over ``||s|| <= 1``: ``sqrt(sum_i row_i^2 / w_i)``, by Cauchy-Schwarz."""
        return root_up(sum(-(((-x * x) << 2 * BOUND_BITS) // w) for x, w in zip(row, self.weights)))

    def two_norm_up(self, bound: int) -> int:
        """``||s||_2`` from ``||s||``."""
        return root_up(-(-(bound**2) // min(self.weights)))

    def infinity_norm_up(self, bound: int) -> int:
        """``max_i |s_i|`` from ``||s||``: no component is above the 2-norm."""
        return self.two_norm_up(bound)

    def from_two_norm_up(self, bound: int) -> int:
        """``||s||`` from ``||s||_2``."""
        return root_up(bound**2 * max(self.weights))

    def matrix_norm_up(self, N: Matrix) -> int:
        """Norm of a matrix: the square root of the Frobenius norm of ``D^-1 N' W N D^-1``, of its leading bits.

        What is cut off an entry is below one unit of what is left: a matrix of norm ``n sqrt(max w / min w)`` at most.
        """
        spread, largest = max(self.weights) // min(self.weights), max(max(map(abs, row)) for row in N)
        cut = max(0, largest.bit_length() - NORM_BITS - (spread.bit_length() + 1) // 2)
        square = 0
        for row, weight in zip(gram([[x >> cut for x in row] for row in N], self.weights), self.weights):
            square += sum(-((-x * x << 4 * BOUND_BITS) // (weight * w)) for x, w in zip(row, self.weights))
        lost = len(N) * root_up(-(-(max(self.weights) << 2 * BOUND_BITS) // min(self.weights))) if cut else 0
        return (root_up(root_up(square)) + lost) << cut


class InfinityNorm:
    """``||s|| = max_i |s_i| / w_i``; bounds are rounded up to units of ``2^-BOUND_BITS``."""

    name = "infinity-norm"

    def __init__(self, weights: Vector) -> None:
        self.weights = weights

    def prove(self, N: Matrix, G: int, rho: Fraction, witness: Plain) -> None:
        """Theorem 1': ``sum_j |N_ij| w_j <= rho 2^G w_i`` in every row; it needs no witness."""
        p, q = rho.numerator, rho.denominator
        rows = (q * dot(map(abs, row), self.weights) <= (p * w) << G for row, w in zip(N, self.weights))
        need(all(rows), "contraction: a row sum is above the factor")

    def norm_up(self, values: Iterable[Fraction | int]) -> int:
        """``||values||``."""
        return max(ceil(Fraction(abs(v) * 2**BOUND_BITS) / w) for v, w in zip(values, self.weights))

    def dual_norm_up(self, row: Iterable[int]) -> int:
        """Largest ``|row s|`` over ``||s|| <= 1``: ``sum_i |row_i| w_i``."""
        return dot(map(abs, row), self.weights) << BOUND_BITS

    def two_norm_up(self, bound: int) -> int:
        """``||s||_2`` from ``||s||``."""
        return root_up(bound**2 * dot(self.weights, self.weights))

    def infinity_norm_up(self, bound: int) -> int:
        """``max_i |s_i|`` from ``||s||``."""
        return bound * max(self.weights)

    def from_two_norm_up(self, bound: int) -> int:
        """``||s||`` from ``||s||_2``, which no component is above."""
        return -(-bound // min(self.weights))

    def matrix_norm_up(self, N: Matrix) -> int:
        """Norm of a matrix: its largest weighted row sum."""
        rows = zip(N, self.weights)
        return max(-((-dot(map(abs, row), self.weights) << BOUND_BITS) // w) for row, w in rows)


class Contraction:
    """The factor, the norm, and the constants of the error recursion of section 5 that follow from them."""

    def __init__(self, program: Program, plain: Plain) -> None:
        self.program, self.witness, self.rho = program, plain, rational(plain["factor"])
        need(0 < self.rho < 1, f"the contraction factor {self.rho} is not between 0 and 1")
        metrics = {metric.name: metric for metric in (TwoNorm, InfinityNorm)}
        need(plain["metric"] in metrics, f"unknown metric {plain['metric']!r:.60}")
        self.metric = metrics[plain["metric"]](vector(plain["weights"], program.n, 1))

    def prove(self) -> None:
        """Theorem 1 for the stored integers."""
        self.metric.prove(*self.program.common, self.rho, self.witness)

    @property
    def factor(self) -> str:
        """``rho`` as the certificate writes it."""
        return f"{self.rho.numerator}/{self.rho.denominator}"

    @property
    def weighting(self) -> str:
        """Whether the rows weigh the same."""
        return "identity" if set(self.metric.weights) == {1} else "diagonal"

    @cached_property
    def errors(self) -> list[Fraction]:
        """``eps_i``: half a step of the state and half a step of the drive, in state steps."""
        return [Fraction((1 << g) + 1, 1 << (g + 1)) for g in self.program.g]

    @cached_property
    def drives(self) -> list[Fraction]:
        """Largest ``|sat(d_i)|`` over every input, in state steps."""
        rows = zip(self.program.drive_spans, self.program.right, self.program.g)
        return [min(Fraction(self.program.top), Fraction(max(map(abs, ends)), 1 << (r + g))) for ends, r, g in rows]

    @cached_property
    def rounding(self) -> int:
        """``||eps||``."""
        return self.metric.norm_up(self.errors)

    @cached_property
    def start(self) -> int:
        """``S``: bound on ``||s*||``, by the saturation level and by the drive."""
        level = self.metric.norm_up([self.program.top] * self.program.n)
        return min(level, ceil(Fraction(self.metric.norm_up(self.drives)) / (1 - self.rho)))

    @cached_property
    def reach(self) -> int:
        """``r`` of section 7: bound on the norm of every state, rounded or exact."""
        return ceil(Fraction(self.metric.norm_up(self.drives) + self.rounding) / (1 - self.rho))

    @cached_property
    def transient(self) -> int:
        """What is left of the start after all iterations."""
        return 0 if self.settled else self._recursion(0)

    @cached_property
    def settled(self) -> bool:
        """Whether every row depends on rows above it alone, and has settled: the state is a fixed point."""
        P = self.program
        lower = all(not any(row[i:]) for i, row in enumerate(P.stored))
        return lower and P.iterations >= max(1, P.n - 1)

    @cached_property
    def radius(self) -> int:
        """Theorem 4: bound on ``||s_K - s*||``."""
        return ceil(Fraction(self.rounding) / (1 - self.rho)) if self.settled else self._recursion(self.rounding)

    @cached_property
    def change(self) -> int:
        """How far the exact equilibrium moves from a sample to the next, at the program's rate of its inputs."""
        P = self.program
        moves = [sum(abs(x) * word for x, word in zip(row, P.rate)) << P.left for row in P.drive]
        moved = self.metric.norm_up([Fraction(move, 1 << r + g) for move, r, g in zip(moves, P.right, P.g)])
        return ceil(Fraction(moved) / (1 - self.rho))

    @cached_property
    def decay(self) -> Fraction:
        """What all updates leave of a distance from the start."""
        return Fraction(self._updated(1 << BOUND_BITS, 0, self.program.iterations + 1), 1 << BOUND_BITS)

    @property
    def warm_radius(self) -> int:
        """Bound on the distance after a warm start from a state within the radius of the equilibrium before."""
        return self._updated(self.radius + self.change, self.rounding, self.program.warm)

    def _recursion(self, rounding: int) -> int:
        """Once for the start and once for each iteration."""
        return self._updated(self.start, rounding, self.program.iterations + 1)

    def _updated(self, bound: int, rounding: int, updates: int) -> int:
        """``e <- ceil(rho e) + rounding``, so many times."""
        for _ in range(updates):
            following = -((-bound * self.rho.numerator) // self.rho.denominator) + rounding
            if following == bound:
                break
            bound = following
        return bound

    def two_norm(self, bound: int) -> Fraction:
        """Bound on the 2-norm in units of the state, from one in the metric."""
        return Fraction(self.metric.two_norm_up(bound), 1 << BOUND_BITS) / self.program.unit

    def infinity_norm(self, bound: int) -> Fraction:
        """Bound on every component in units of the state, from one in the metric."""
        return Fraction(self.metric.infinity_norm_up(bound), 1 << BOUND_BITS) / self.program.unit


# ----------------------------------------------------------------------------------
# Section 12: a carried state
# ----------------------------------------------------------------------------------


class Loop:
    """The equilibrium in the loop of a carried state: ``w = M v + D e`` and ``g = K (v, e)``.

    With ends the inputs stand behind the carried words, in ``e``, and the outputs below them, in ``g``.
    """

    def __init__(self, program: Program, ends: bool) -> None:
        self.program = program
        first, row = program.d - program.carried, program.k - program.carried
        self.columns = [*range(first, program.d), *(range(first) if ends else ())]
        self.rows = [*range(row, program.k), *(range(row) if ends else ())]

    @cached_property
    def states(self) -> tuple[Matrix, int]:
        """``[M D]``, and the bits of its unit."""
        P, (N, G) = self.program, self.program.common
        grids = [g + r - P.left - P.input_f + P.f for g, r in zip(P.g, P.right)]  # of the drive's entries
        E = max(G, *grids)
        rows = zip(N, P.drive, grids)
        return [[x << E - G for x in a] + [b[j] << E - e for j in self.columns] for a, b, e in rows], E

    @cached_property
    def following(self) -> tuple[Matrix, int]:
        """``K``, and the bits of its unit; where ``phi`` reflects ``z = (phi + s) / 2``."""
        P, (R, E), reflects = self.program, self.states, self.program.solver == PEACEMAN_RACHFORD
        readout = [P.readout[i] for i in self.rows]
        direct = [[P.direct[i][j] for j in self.columns] for i in self.rows]
        fed = [P.direct_grids[i] - P.input_f for i in self.rows]
        F = max(P.output_shift + (1 + E if reflects else 0), *fed)
        alone, states = F - P.output_shift - reflects, times(readout, R)
        rows = []
        for shown, through, row, e in zip(readout, states, direct, fed):
            own = [x << alone for x in shown] + [x << F - e for x in row]
            rows.append([a + (b << alone - E) for a, b in zip(own, through)] if reflects else own)
        return rows, F

    def gap(self, scale: int, kept: Matrix, form: Matrix, T: Vector) -> Matrix:
        """``kept - scale (K' form K + what the multipliers take)``, times a positive integer."""
        n, (R, E), (K, F) = self.program.n, self.states, self.following
        X = max(E, F)
        taken = times(list(map(list, zip(*K))), times(form, K))
        gap = scaled(-scale << 2 * (X - F), taken)
        if self.program.solver == PEACEMAN_RACHFORD:
            gap = difference(gap, scaled(scale << 2 * (X - E), gram(R, T)))
            own = [scale * t << 2 * X for t in T]
        else:
            for i, row in enumerate(R):
                for j, x in enumerate(row):
                    entry = scale * T[i] * x << 2 * X - E
                    gap[i][j] -= entry
                    gap[j][i] -= entry
            own = [2 * scale * t << 2 * X for t in T]
        for i, entry in enumerate(own):
            gap[i][i] += entry
        for i, row in enumerate(kept):
            for j, entry in enumerate(row):
                gap[n + i][n + j] += entry << 2 * X
        return gap


def symmetric(values: Any, size: int) -> Matrix:
    """A form."""
    form = matrix(values, size, size)
    need(all(list(a) == b for a, b in zip(zip(*form), form)), "a form that is not symmetric")
    return form


class Carried:
    """How trajectories of a carried state with the same inputs approach each other."""

    def __init__(self, contraction: Contraction, plain: Plain) -> None:
        self.contraction, self.program, n = contraction, contraction.program, contraction.program.n
        names = ("factor", "form", "multipliers", "floor", "witness", "floor_witness")
        self.plain = fields(plain, names, "carried contraction")
        self.rho, self.m = rational(plain["factor"]), self.program.carried
        need(0 < self.rho < 1, f"the carried state's factor {self.rho} is not between 0 and 1")
        self.form = symmetric(plain["form"], self.m)
        self.multipliers, self.floor = vector(plain["multipliers"], n, 0), whole(plain["floor"], 1)

    def prove(self) -> None:
        """Theorem 12a: the matrix of the claim and the form are positive definite."""
        p, q = self.rho.numerator, self.rho.denominator
        gap = Loop(self.program, False).gap(q * q, scaled(p * p, self.form), self.form, self.multipliers)
        positive_definite(gap, self.plain["witness"], "contraction of the carried state")
        lifted = diagonal_plus([-self.floor] * self.m, self.form)
        positive_definite(lifted, self.plain["floor_witness"], "form of the carried state")

    def radii(self) -> list[float]:
        """Theorem 12b: the distance of every carried word from the exact trajectory's, in the network's units."""
        P, found, first = self.program, self.contraction, self.program.k - self.m
        unit, half = Fraction(2) ** (P.f + P.output_shift), Fraction(1, 2) / Fraction(2) ** P.input_f
        errors = []
        for row, direct in zip(P.readout[first:], P.direct_rounding[first:]):
            state = found.metric.dual_norm_up(row) * Fraction(found.radius, 4**BOUND_BITS)
            errors.append((state + direct) / unit + half)
        square = sum(abs(x) * a * b for row, a in zip(self.form, errors) for x, b in zip(row, errors))
        norm = Fraction(root_up(ceil(square * 4**BOUND_BITS)), 1 << BOUND_BITS) / (1 - self.rho)
        least = Fraction(isqrt(self.floor << 2 * BOUND_BITS), 1 << BOUND_BITS)
        return [float_up(norm / least / Fraction(2) ** e) for e in P.exponents]


# ----------------------------------------------------------------------------------
# Section 6: single samples
# ----------------------------------------------------------------------------------


class Samples:
    """The calibration words in the certificate, run by the numerics contract."""

    def __init__(self, program: Program, plain: Plain) -> None:
        self.program, self.plain, self.count = program, plain, whole(plain["count"], 1)
        products = program.n * (program.d + (2 * program.iterations + 2) * program.n + program.k)
        need(self.count * products <= MOST_WORK, "too many samples to check")
        self.words = unpacked(plain["words"], self.count, program.d, *program.x_range)

    @cached_property
    def exact_drives(self) -> Matrix:
        """Exact drives (n, samples), on the drive accumulator's grid."""
        P = self.program
        sums = times(P.drive, transposed(self.words))
        return [[(v << P.left) + bias for v in row] for row, bias in zip(sums, P.drive_bias)]

    @cached_property
    def states(self) -> Matrix:
        """Final state of every sample."""
        P = self.program
        drives = [[rounded(v, r) for v in row] for row, r in zip(self.exact_drives, P.right)]
        start = [[saturated(rounded(v, g), P.top) for v in row] for row, g in zip(drives, P.g)]
        return transposed(P.iterated(start, drives, 0))

    @cached_property
    def deployed_classes(self) -> Vector:
        """The device's class of every sample."""
        P = self.program
        return [argmax(P.outputs(state, 0, P.fed(x))) for state, x in zip(self.states, self.words)]

    def verdicts(self, found: Vector) -> Plain:
        """Classes that were decided (-1 where not) against the device's."""
        equal, undecided = sum(map(eq, found, self.deployed_classes)), found.count(-1)
        different = self.count - equal - undecided
        return {"samples": self.count, "equal": equal, "different": different, "undecided": undecided}


def decided(values: Sequence[Any], duals: Matrix, radius: Fraction, slack: Fraction) -> int:
    """The place of the largest value, or -1 where another may be larger within the radius."""
    best = argmax(values)
    rivals = (i for i in range(len(values)) if i != best)
    return best if all(values[best] - values[i] > duals[best][i] * radius + slack for i in rivals) else -1


def residual_radii(contraction: Contraction, fine: Matrix, drives: Matrix) -> Vector:
    """Lemma 2: bounds on the distances of fine states (n, samples) from the exact equilibria, in fine steps.

    ``drives`` are the exact ones rounded down to the next integer of the accumulator's grid.
    """
    P, residuals = contraction.program, []
    for sums, states, g in zip(P.accumulated(fine, drives, FINE_BITS), fine, P.g):
        top = P.top << (FINE_BITS + g)
        residuals.append([((abs(saturated(v, top) - (s << g)) + 1) >> g) + 1 for v, s in zip(sums, states)])
    norms = map(contraction.metric.norm_up, transposed(residuals))
    return [ceil(Fraction(norm) / (1 - contraction.rho)) for norm in norms]


def rooms(contraction: Contraction, fine: Vector, radius: int) -> list[Fraction]:
    """How far every state is from the saturation level, in units of the state, within a radius of a fine one."""
    P, unit = contraction.program, contraction.program.unit * (1 << FINE_BITS + BOUND_BITS)
    most = (P.top << FINE_BITS + BOUND_BITS) - contraction.metric.infinity_norm_up(radius)
    return [Fraction((most - (abs(v) << BOUND_BITS)) * unit.denominator, unit.numerator) for v in fine]


class ExactClasses:
    """Classes of the exact equilibria, decided by distances in the metric (section 5, outputs)."""

    def __init__(self, contraction: Contraction) -> None:
        rows, dual = contraction.program.readout, contraction.metric.dual_norm_up
        self.program = contraction.program
        self.duals = [[dual(map(sub, a, b)) for b in rows] for a in rows]

    def of(self, state: Vector, extra: int, distance: int, x: Vector) -> int:
        """The class of every state within the distance at an input, -1 where they differ."""
        outputs = self.program.outputs(state, extra, self.program.fed_exactly(x))
        return decided(outputs, self.duals, Fraction(distance, 4**BOUND_BITS), Fraction(0))


# ----------------------------------------------------------------------------------
# Section 9: the float model
# ----------------------------------------------------------------------------------


class Affine(NamedTuple):
    """``matrix x + offset`` on the grid of ``2^-bits``; every number is off by at most half a unit."""

    bits: int
    matrix: Matrix
    offset: Vector


def read_affine(plain: Plain, rows: int, columns: int) -> Affine:
    """Matrix and offset."""
    bits = whole(plain["bits"], -MOST_BITS, MOST_BITS)
    return Affine(bits, unpacked(plain["matrix"], rows, columns), vector(plain["offset"], rows))


class FloatModel:
    """The float network on integer grids: ``z = prox(W z + U x + b)``, ``y = O z + F x + c``."""

    def __init__(self, program: Program, plain: Plain) -> None:
        self.plain, n = plain, program.n
        self.grid_bits = whole(plain["grid_bits"], 1, 64)
        self.W = matrix(plain["W"], n, n)
        self.margin_units = whole(plain["margin"]["bound"], 1)
        self.lipschitz_units = whole(plain["lipschitz"]["bound"], n + 1)
        self.input = read_affine(plain["input"], n, program.d)
        self.output = read_affine(plain["output"], program.k, n)
        none = Affine(0, [[] for _ in range(program.k)], [0] * program.k)
        fed = any(program.direct)
        need(
            ("feedthrough" in plain) == fed, "a feed-through in the program and not in the float model, or the reverse"
        )
        self.direct = read_affine(plain["feedthrough"], program.k, program.d) if fed else none
        self.clip_bits = whole(plain["clip"]["bits"], 0, MOST_BITS)
        self.clip = read_clip(plain["clip"], n)

    @cached_property
    def monotone(self) -> Matrix:
        """``A = I - W`` in units of ``2^-grid_bits``."""
        return diagonal_plus([1 << self.grid_bits] * len(self.W), scaled(-1, self.W))

    @property
    def margin(self) -> Fraction:
        """``m``."""
        return Fraction(self.margin_units, 1 << self.grid_bits)

    @property
    def lipschitz(self) -> Fraction:
        """``L``."""
        return Fraction(self.lipschitz_units, 1 << self.grid_bits)

    def prove_margin(self) -> None:
        """``2 (I - sym(W) - (m + n) I)`` in units is positive definite; ``n`` units pay for the rounding of ``W``."""
        n, pairs = len(self.W), zip(self.monotone, zip(*self.monotone))
        twice = [[x + y for x, y in zip(row, column)] for row, column in pairs]
        gap = diagonal_plus([-2 * (self.margin_units + n)] * n, twice)
        positive_definite(gap, self.plain["margin"], "margin of the float model")

    def prove_lipschitz(self) -> None:
        """``(L - n)^2 I - (I - W)'(I - W)`` in units is positive definite."""
        n = len(self.W)
        gap = diagonal_plus([(self.lipschitz_units - n) ** 2] * n, scaled(-1, gram(self.monotone, [1] * n)))
        positive_definite(gap, self.plain["lipschitz"], "Lipschitz constant of the float model")


class Point(NamedTuple):
    """A value ``z`` of the float model's ``prox``, in integers, and a bound on its distance from the equilibrium."""

    z: Vector
    radius: Fraction


class Points:
    """Theorem 6: a point near the float model's equilibrium of every sample."""

    def __init__(self, model: FloatModel, samples: Samples) -> None:
        self.model, self.samples = model, samples
        given = samples.program.f + FINE_BITS
        self.bits = max(given, model.clip_bits)  # of a point: a bound of the clip may lie between two of those given
        self._finer = self.bits - given
        self._rows = [row.times(1 << (self.bits - model.clip_bits)) for row in model.clip]

    @cached_property
    def all(self) -> list[Point]:
        """The points of all samples."""
        packed, P, model = self.samples.plain["equilibria"], self.samples.program, self.model
        given = unpacked(packed, self.samples.count, P.n)
        points = [list(map(self._value, row, self._rows)) for row in given]
        inputs = transposed(times(model.input.matrix, transposed(self.samples.words)))
        states = transposed(times(model.monotone, transposed(points)))
        return list(map(self._enclosed, self.samples.words, points, inputs, states))

    def _value(self, given: int, row: Row) -> int:
        """A value of ``prox``; just outside of all of them is the nearest one."""
        low, high = row.ends
        whole(given, -inf if low is None else low >> self._finer, inf if high is None else -(-high >> self._finer))
        return _between(given << self._finer, low, high)

    def _enclosed(self, x: Vector, z: Vector, fed: Vector, kept: Vector) -> Point:
        """The smallest ``e`` with ``z = prox(W z + U x + b + e)``, over the margin; ``U x`` and ``A z`` are given."""
        model, U = self.model, self.model.input
        T = max(model.grid_bits + self.bits, U.bits)  # fractional bits in which all sums are exact
        left, right, finer = T - model.grid_bits - self.bits, T - U.bits, T - self.bits
        # W, U and b are off by at most half a unit each.
        half = ((sum(map(abs, z)) << left) + ((sum(map(abs, x)) + 1) << right) + 1) >> 1
        square = 0
        for value, row, a, u, b in zip(z, self._rows, kept, fed, U.offset):
            pull = ((u + b) << right) - (a << left)  # W z + U x + b - z
            low, high = row.times(1 << finer).cone(value << finer)
            square += (abs(pull - _between(pull, low, high)) + half) ** 2
        return Point(z, root_up(square) / (model.margin * Fraction(2) ** T))


def clip_change(
    model: FloatModel, program: Program, alpha: Fraction, beyond: Fraction = Fraction(0)
) -> tuple[Fraction, Fraction]:
    """Section 9, last part: how far the stored clip is from the float model's at step size ``alpha``.

    In units of the state, 2-norms over the rows: of ``z`` where a row is a clip, of ``s - z`` where it is a complement.
    No state is further beyond the largest word than is said.
    """
    squares, top = {False: Fraction(0), True: Fraction(0)}, program.top / program.unit + beyond
    for real, word in zip(model.clip, program.clip):
        largest = bound_change(real, word, alpha, Fraction(2) ** model.clip_bits, program.unit, top)
        squares[real.complement] += largest**2
    values, cones = (Fraction(root_up(ceil(s * 4**BOUND_BITS)), 2**BOUND_BITS) for s in squares.values())
    return values, cones


def bound_change(real: Row, word: Row, alpha: Fraction, real_unit: Fraction, unit: Fraction, top: Fraction) -> Fraction:
    """How far the two operators of one row are apart on ``[-top, top]``, units of the state."""
    need(real.complement == word.complement, "the program's clip is not the float model's: a complement differs")
    scale, largest = (alpha if real.complement else 1) / real_unit, Fraction(0)
    for bound, stored in ((real.lower, word.lower), (real.upper, word.upper)):
        need(stored is None or bound is not None, "the program's clip bounds a row that the float model does not")
        if bound is not None and stored is not None:
            largest = max(largest, abs(scale * bound - stored / unit))
        elif bound is not None:  # no state word lies beyond
            largest = max(largest, top - abs(scale * bound))
    return largest


class EveryInput:
    """Section 9, every input: the residual of the stored recurrence in the float model."""

    def __init__(self, program: Program, model: FloatModel, alpha: Fraction) -> None:
        self.program, self.model, n = program, model, program.n
        self.unit = alpha.denominator << model.grid_bits
        self.A = scaled(alpha.numerator, model.monotone)  # alpha (I - W), in this unit
        reflected = program.solver == PEACEMAN_RACHFORD
        self.gain = (2 if reflected else 1) * alpha.numerator
        zero = [[0] * n for _ in range(n)]
        self.X = diagonal_plus([self.unit] * n, self.A if reflected else zero)  # I + alpha (I - W), or I

    def matrix_norm(self) -> Fraction:
        """``||R||_2``, ``R = X M - (I - alpha A)``, times the unit."""
        n, (N, G) = self.program.n, self.program.common
        moved = scaled(1 << G, diagonal_plus([self.unit] * n, scaled(-1, self.A)))
        R = difference(times(self.X, N), moved)
        norm = Fraction(TwoNorm([1] * n).matrix_norm_up(R), 1 << BOUND_BITS)
        return norm / Fraction(1 << (self.model.grid_bits + G))

    def input_norm(self) -> Fraction:
        """``max_x ||c(x)||_2``, ``c = X d - gain (U x + b)``, row by row, in the same unit."""
        P, U = self.program, self.model.input
        grids = [r + g + P.f for r, g in zip(P.right, P.g)]
        E = max(grids)
        H = max(self.model.grid_bits + E, U.bits)
        rows = zip(P.drive, P.drive_bias, grids)
        drive = [[x << (P.left + E - e) for x in row] + [bias << (E - e)] for row, bias, e in rows]
        square = 0
        for row, u, b in zip(times(self.X, drive), U.matrix, U.offset):
            fine, coarse = H - self.model.grid_bits - E, H - U.bits
            *inputs, offset = ((x << fine) - (self.gain * y << coarse) for x, y in zip(row, [*u, b]))
            square += max(map(abs, span(inputs, P.x_range, offset))) ** 2
        return root_up(square) / Fraction(2) ** H


# ----------------------------------------------------------------------------------
# Section 11: the distance of every output, for every input
# ----------------------------------------------------------------------------------


class Mismatch:
    """What the float network's equilibrium leaves over in the stored recurrence: ``r(x) = N z + c(x)``."""

    def __init__(
        self, contraction: Contraction, model: FloatModel, alpha: Fraction, unsaturated: Unsaturated | None
    ) -> None:
        self.program, self.contraction, self.model, self.alpha = contraction.program, contraction, model, alpha
        self.unsaturated = unsaturated
        self.reflects = int(self.program.solver == PEACEMAN_RACHFORD)
        self.grids = [r + g + self.program.f for r, g in zip(self.program.right, self.program.g)]  # of the drive

    @cached_property
    def matrix(self) -> tuple[Matrix, Fraction]:
        """``N = (I - alpha A) - M (I + alpha A)``, or ``- M`` where ``phi`` does not reflect; and its unit."""
        p, q, (M, G) = self.alpha.numerator, self.alpha.denominator, self.program.common
        bits, n = self.model.grid_bits, self.program.n
        one, A = [q << bits] * n, scaled(p, self.model.monotone)
        left = scaled(1 << G, diagonal_plus(one, scaled(-1, A)))
        N = difference(left, times(M, diagonal_plus(one, scaled(self.reflects, A))))
        return N, Fraction(q << (bits + G))

    @cached_property
    def input(self) -> tuple[Matrix, Fraction]:
        """``c = (I + M) alpha (U x + b) - d(x)``, or without ``M``; the constant in the last column; and its unit."""
        P, U, q, (M, G) = self.program, self.model.input, self.alpha.denominator, self.program.common
        H = max(G + U.bits, *self.grids)
        injection = diagonal_plus([1 << G] * P.n, scaled(self.reflects, M))
        wanted = times(injection, [[*row, offset] for row, offset in zip(U.matrix, U.offset)])
        rows = []
        for row, drive, bias, grid in zip(wanted, P.drive, P.drive_bias, self.grids):
            stored = [x << P.left for x in drive] + [bias]
            shift = H - G - U.bits
            rows.append([(self.alpha.numerator * x << shift) - (q * y << (H - grid)) for x, y in zip(row, stored)])
        return rows, q * Fraction(2) ** H

    @cached_property
    def readout_change(self) -> tuple[Matrix, Fraction]:
        """Stored readout less the float network's, and its unit."""
        stored, model = self.program.output_shift, self.model.output
        T = max(stored, model.bits)
        pairs = zip(self.program.readout, model.matrix)
        rows = [[(x << T - stored) - (y << T - model.bits) for x, y in zip(a, b)] for a, b in pairs]
        return rows, Fraction(2) ** T

    @cached_property
    def offset_change(self) -> list[Fraction]:
        """Stored offset less the float network's."""
        P, model = self.program, self.model.output
        stored, real = Fraction(2) ** -(P.f + P.output_shift), Fraction(2) ** -model.bits
        return [x * stored - y * real for x, y in zip(P.output_bias, model.offset)]

    def feedthrough_errors(self) -> list[Fraction]:
        """What the stored feed-through, its rounding and the grid of the float network's change in every output."""
        P, model, output_unit = (
            self.program,
            self.model.direct,
            Fraction(2) ** (self.program.output_shift + self.program.f),
        )
        half = P.d * P.x_top / Fraction(2) ** (model.bits + 1) if any(model.matrix) else Fraction(0)
        T, found = max(model.bits, *P.direct_grids), []
        for row, real, grid, rounding in zip(P.direct, model.matrix, P.direct_grids, P.direct_rounding):
            change = [(x << T - grid) - (y << T - model.bits) for x, y in zip(row, real)]
            most = max(map(abs, span(change, P.x_range, 0))) / Fraction(2) ** T
            found.append(most + rounding / output_unit + half)
        return found

    # Bounds over every input.

    @cached_property
    def rounding(self) -> list[Fraction]:
        """What rounding of the state and the end of the iteration change in every output."""
        return [self.shown(row, self.contraction.radius) for row in self.program.readout]

    def shown(self, row: Sequence[int], radius: int) -> Fraction:
        """What a change of the state by a radius changes in an output at most."""
        unit = Fraction(2) ** (self.program.output_shift + self.program.f) * (1 << BOUND_BITS)
        return self.dual(row, unit) * radius

    def norm(self, values: Iterable[Fraction]) -> Fraction:
        """``||values||``."""
        return Fraction(self.contraction.metric.norm_up(values), 1 << BOUND_BITS)

    def dual(self, row: Sequence[int], unit: Fraction) -> Fraction:
        """Largest ``|row s|`` over ``||s|| <= 1``, of a row in the unit."""
        return Fraction(self.contraction.metric.dual_norm_up(row), 1 << BOUND_BITS) / unit

    @cached_property
    def drives(self) -> list[Fraction]:
        """Largest ``|d_i|``."""
        return [max(map(abs, ends)) / Fraction(2) ** e for ends, e in zip(self.program.drive_spans, self.grids)]

    @cached_property
    def inputs(self) -> list[Fraction]:
        """Largest ``|c_i|``."""
        rows, unit = self.input
        return [max(map(abs, span(row[:-1], self.program.x_range, row[-1]))) / unit for row in rows]

    @cached_property
    def matrix_norm(self) -> Fraction:
        """``||N||``."""
        N, unit = self.matrix
        return Fraction(self.contraction.metric.matrix_norm_up(N), 1 << BOUND_BITS) / unit

    @cached_property
    def value_norm(self) -> Fraction:
        """Largest 2-norm of the float network's ``z``: ``||q|| / m``."""
        U, P = self.model.input, self.program
        largest = [max(map(abs, span(row, P.x_range, offset))) for row, offset in zip(U.matrix, U.offset)]
        return root_up(dot(largest, largest)) / Fraction(2) ** U.bits / self.model.margin

    @cached_property
    def state_norm(self) -> Fraction:
        """``S``: largest ``||s||`` of the float network's equilibria; Lemma 3."""
        two_norm = self.value_norm * (1 + self.alpha * (self.model.margin + self.model.lipschitz))
        up = self.contraction.metric.from_two_norm_up(ceil(two_norm * (1 << BOUND_BITS)))
        by_margin, rest = Fraction(up, 1 << BOUND_BITS), 1 - self.contraction.rho - self.matrix_norm
        return by_margin if rest <= 0 else min(by_margin, (self.norm(self.drives) + self.norm(self.inputs)) / rest)

    @cached_property
    def residuals(self) -> list[Fraction]:
        """Largest ``|r_i|``."""
        N, unit = self.matrix
        return [self.dual(row, unit) * self.state_norm + most for row, most in zip(N, self.inputs)]

    @cached_property
    def residual_norm(self) -> Fraction:
        """Largest ``||r||``."""
        return min(self.norm(self.residuals), self.matrix_norm * self.state_norm + self.norm(self.inputs))

    @cached_property
    def states(self) -> list[Fraction]:
        """Largest ``|s_i|`` of the float network's equilibria."""
        M, G = self.program.common
        rows = zip(M, self.drives, self.residuals)
        return [self.dual(row, Fraction(1 << G)) * self.state_norm + drive + left for row, drive, left in rows]

    @cached_property
    def overflows(self) -> list[Fraction]:
        """By how much each ``|s_i|`` may exceed the largest state word."""
        return [max(Fraction(0), most - self.program.top / self.program.unit) for most in self.states]

    @property
    def overflow_norm(self) -> Fraction:
        """The same as a norm; or by how much the stored recurrence's states may, without saturation."""
        own, other = self.norm(self.overflows), self.unsaturated
        return own if other is None else min(own, self.norm([max(Fraction(0), -least) for least in other.rest]))

    @cached_property
    def clip_changes(self) -> list[Fraction]:
        """Largest distance of the stored ``prox(s_i)`` from the float network's."""
        model, P, found = self.model, self.program, []
        for most, real, word in zip(self.states, model.clip, P.clip):
            found.append(bound_change(real, word, self.alpha, Fraction(2) ** model.clip_bits, P.unit, most))
        return found

    def output_clip_changes(self, over: Fraction = Fraction(0)) -> list[Fraction]:
        """What stored bounds of the clip instead of the float network's change in every output; section 9.

        Of a stored equilibrium over the largest word by so much at most; the float network's is near it (Theorem 8).
        """
        units, n = ([int(i == j) for j in range(self.program.n)] for i in range(self.program.n)), Fraction(1)
        far = max(self.dual(row, n) for row in units) * self.residual_norm / (1 - self.contraction.rho)
        model, (values, cones) = self.model, clip_change(self.model, self.program, self.alpha, over + far)
        moved = (model.lipschitz * values + cones / self.alpha) / model.margin + values
        return [root_up(dot(row, row)) / Fraction(2) ** model.output.bits * moved for row in model.output.matrix]

    @cached_property
    def value_sum(self) -> Fraction:
        """``Z``: largest ``sum_i |z_i|`` of the float network's equilibria; a clip with two ends bounds its row."""
        within, unbounded, unit = 0, [], 1 << self.model.clip_bits
        for row in self.model.clip:
            if row.complement or row.lower is None or row.upper is None:
                unbounded.append(1)
            else:
                unbounded.append(0)
                within += max(-row.lower, row.upper)
        every, others = (self.dual(ones, Fraction(1)) for ones in ([1] * self.program.n, unbounded))
        return min(every * self.state_norm, Fraction(within, unit) + others * self.state_norm)

    def grid_errors(self) -> list[Fraction]:
        """What every number of the float network, off by half a unit, changes in every output; Theorem 7."""
        P, U, output, sums = self.program, self.model.input, self.model.output, self.value_sum
        root = root_up(P.n)
        inputs = (P.d * P.x_top + 1) / Fraction(2) ** (U.bits + 1)
        moved = root * (sums / (2 << self.model.grid_bits) + inputs) / self.model.margin
        unit = Fraction(2) ** output.bits
        return [(root_up(dot(row, row)) + root) / unit * moved + (sums + 1) / (2 * unit) for row in output.matrix]


def by_norm(mismatch: Mismatch, witness: Plain) -> list[Fraction]:
    """Theorem 8: ``|y~ - y*|`` by the contraction's norm."""
    fields(witness, (), "distance by the norm")
    rho, clip = mismatch.contraction.rho, mismatch.norm(mismatch.clip_changes)
    left = mismatch.residual_norm + rho * (1 + mismatch.reflects) * clip + mismatch.overflow_norm
    moved, stored = left / (1 - rho) + clip, Fraction(2) ** mismatch.program.output_shift
    (changes, unit), found = mismatch.readout_change, []
    for row, change, offset in zip(mismatch.program.readout, changes, mismatch.offset_change):
        found.append(
            mismatch.dual(row, stored) * moved + mismatch.dual(change, unit) * mismatch.state_norm + abs(offset)
        )
    return found


def by_ranges(mismatch: Mismatch, witness: Plain) -> list[Fraction]:
    """Theorem 8': by the ranges of the two outputs, as if they had nothing in common."""
    fields(witness, (), "distance by ranges")
    P, model, found = mismatch.program, mismatch.model.output, []
    for k, (real, offset) in enumerate(zip(model.matrix, model.offset)):
        there = root_up(dot(real, real)) * mismatch.value_norm + abs(offset)
        found.append(max(map(abs, P.shown(k))) + there / Fraction(2) ** model.bits)
    return found


# -- Theorem 9: ellipsoids, over boxes of words -------------------------------------

#: Fractional bits of numbers in cells, of what floating point proposes, and of the quadratic forms made of it.
CELL_BITS, FACTOR_BITS, FORM_BITS = 52, 44, 40
#: Beyond these a certificate is an attack.
MOST_CELLS, MOST_SPLIT_INPUTS, MOST_SPLIT_ROWS = 12_000, 4, 200
#: Updates that carry the state from a cell to its halves, and cells at once.
CELL_UPDATES, BATCH = 16, 256
#: What multiplies the rows of known signs: how often it is updated, and its fractional bits; those of an output's row,
#: and of the factor that this is multiplied by.
SIGN_UPDATES, SIGN_BITS, ROW_BITS, LINE_BITS = 5, 8, 32, 24


def inverse_factor(P: Matrix, unit: int) -> tuple[Matrix, Fraction]:
    """Lemma 4: ``R`` and ``eta < 1`` with ``(1 - eta) P^-1 <= R' R <= (1 + eta) P^-1``, so that ``P > 0``.

    ``P`` is in the unit and ``R`` in ``2^-FACTOR_BITS``.  Floating point proposes ``R``; the proof is in integers.
    """
    L: list[list[float]] = []
    inverse: list[list[float]] = []
    for i, row in enumerate(P):
        factor: list[float] = []
        for j in range(i):
            factor.append((row[j] / unit - float_dot(factor, L[j])) / L[j][j])
        pivot = row[i] / unit - float_dot(factor, factor)
        need(pivot > 0, "a quadratic form is not positive definite")
        L.append([*factor, sqrt(pivot)])
        columns = zip_longest(*inverse, fillvalue=0.0)
        inverse.append([-float_dot(factor, column) / L[i][i] for column in columns] + [1 / L[i][i]])
    R = [[round(ldexp(x, FACTOR_BITS)) for x in row] + [0] * (len(P) - len(row)) for row in inverse]
    one = unit << 2 * FACTOR_BITS
    apart = diagonal_plus([-one] * len(P), times(P, gram(R, [1] * len(P))))
    eta = Fraction(root_up(sum(dot(row, row) for row in apart)), one)
    need(eta < 1, "a quadratic form is too close to a singular one")
    return R, eta


def near_one(form: Matrix, bits: int) -> tuple[Vector, Matrix, Fraction]:
    """Powers of two that bring a form in ``2^-bits``, its diagonal at most one, near one; Lemma 4 of one below it."""
    size = len(form)
    powers = [max(0, (bits + 1 - form[i][i].bit_length()) // 2) for i in range(size)]
    below = [[(x << a + b) >> bits - CELL_BITS for x, b in zip(row, powers)] for row, a in zip(form, powers)]
    return (powers, *inverse_factor(diagonal_plus([-size] * size, below), 1 << CELL_BITS))  # what is cut off: below one


def shifted(rows: Matrix, powers: Sequence[int]) -> Matrix:
    """Every column times its power of two."""
    return [[x << a for x, a in zip(row, powers)] for row in rows]


def on_grid(row: Iterable[int], unit: Fraction) -> Vector:
    """Numbers in the unit, to the nearest on the grid of ``2^-CELL_BITS``."""
    factor = Fraction(2 << CELL_BITS) / unit
    return [(x * factor.numerator // factor.denominator + 1) >> 1 for x in row]


class Cells:
    """The float network's equilibria on boxes of words, each from one point: ``s = M phi(s) + N z + G x``."""

    def __init__(self, mismatch: Mismatch, signs: Plain) -> None:
        self.mismatch, self.program = mismatch, mismatch.program
        P, self.norm = mismatch.program, mismatch.norm
        small = P.d <= MOST_SPLIT_INPUTS and P.n <= MOST_SPLIT_ROWS and not any(mismatch.clip_changes)
        euclidean = mismatch.contraction.metric.name == TwoNorm.name
        need(small and euclidean and bool(mismatch.reflects), "cells are for small reflected recurrences in the 2-norm")
        (N, unit), (rows, scale) = mismatch.matrix, mismatch.input
        self.N, self.c = [on_grid(row, unit) for row in N], [on_grid(row, scale) for row in rows]
        drives = zip(P.drive, P.drive_bias, mismatch.grids)
        stored = [on_grid([*(x << P.left for x in row), bias], Fraction(2) ** e) for row, bias, e in drives]
        self.G = [list(map(add, a, b)) for a, b in zip(stored, self.c)]
        self.bits = P.f + FINE_BITS  # of states
        need(0 <= self.bits <= CELL_BITS, "the state's grid is too coarse or too fine for cells")
        self.clip = [row.times(1 << FINE_BITS) for row in P.clip]
        rest = 1 - mismatch.contraction.rho - mismatch.matrix_norm
        need(rest > 0, "the network's recurrence does not contract in this norm")
        self.kappa = Fraction(mismatch.contraction.metric.matrix_norm_up(self.N), 1 << BOUND_BITS + CELL_BITS)
        rest = 1 - mismatch.contraction.rho - self.kappa
        need(rest > 0, "the network's recurrence does not contract in this norm")
        self.gain = 1 / rest
        # Grids change every row by half a unit times what it multiplies; up to four sums are rounded down.
        sums = mismatch.dual([1] * P.n, Fraction(1)) * mismatch.state_norm + P.d * P.x_top + 1
        self.error = (sums + 4) / (1 << CELL_BITS)
        self.errors_norm = self.norm([self.error] * P.n)
        self.weights = mismatch.contraction.metric.weights
        self.columns = [self.grid_norm(column) for column in list(zip(*self.G))[:-1]]
        self.inputs = [self.grid_norm(column) for column in list(zip(*self.c))[:-1]]
        self.row = max(mismatch.dual([int(i == j) for j in range(P.n)], Fraction(1)) for i in range(P.n))
        self.spreads: dict[tuple[int, ...], Fraction] = {}
        # Theorem 9: what multiplies (dx, the change of z, v) in e = M v - N (change of z) - C dx - r0.
        M, G = P.common
        need(0 <= G <= CELL_BITS, "the iteration matrix is too fine for cells")
        parts = zip(self.c, self.N, M)
        self.e = [[-x for x in c[:-1]] + [-x for x in z] + [x << CELL_BITS - G for x in v] for c, z, v in parts]
        self.back, self.down = transposed(M), G
        lengths = ("penalties", P.d), ("slopes", P.n)
        self.penalties, self.slopes = (vector(signs[name], length, 1, 1 << 3 * CELL_BITS) for name, length in lengths)
        plain = Fraction(mismatch.contraction.metric.two_norm_up(1 << BOUND_BITS), 1 << BOUND_BITS)
        self.turned, self.wrong = self.kappa * plain, self.errors_norm * plain

    @cached_property
    def cone(self) -> Matrix:
        """The rows ``U dx - A dz`` in ``2^-2 CELL_BITS``."""
        model, one = self.mismatch.model, 2 * CELL_BITS
        need(max(model.grid_bits, model.input.bits) <= one, "the float network is too fine for cells")
        pairs = zip(model.input.matrix, model.monotone)
        return [[x << one - model.input.bits for x in u] + [-x << one - model.grid_bits for x in a] for u, a in pairs]

    def less_cone(self, form: Matrix, values: Sequence[int]) -> None:
        """``2 sum_i value_i dz_i (A dz - U dx)_i`` added to a form."""
        for i, (value, row) in enumerate(zip(values, self.cone), self.program.d):
            for j, x in enumerate(row):
                form[i][j] -= value * x
                form[j][i] -= value * x

    @cached_property
    def moves(self) -> Vector:
        """Theorem 9a: how far ``dz_i + slope_i (U dx - A dz)_i`` goes while ``sum_j penalty_j dx_j^2`` is at most one.

        In ``2^-2 CELL_BITS``, as the penalties; the slopes are in ``2^-CELL_BITS``.
        """
        d, n, one = self.program.d, self.program.n, 2 * CELL_BITS
        form = diagonal_plus([*self.penalties, *[0] * n], [[0] * (d + n) for _ in range(d + n)])
        self.less_cone(form, [1] * n)
        bits = max(one, *(form[i][i].bit_length() for i in range(d + n)))
        powers, R, eta = near_one(form, bits)
        rows = [[slope * x for x in row] for slope, row in zip(self.slopes, self.cone)]
        for i, row in enumerate(rows):
            row[d + i] += 1 << one + CELL_BITS
        ends = times(shifted(R, powers), transposed(rows))
        unit = (1 - eta) * (1 << 2 * (FACTOR_BITS + one + CELL_BITS) + bits)
        return [root_up(ceil((dot(end, end) << 2 * one) / unit)) for end in transposed(ends)]

    def signs(self, state: Vector, widths: tuple[int, ...], margin: Fraction) -> Vector:
        """Theorem 9a: which rows move with the state all over a cell (1), stay (-1), or are not known (0)."""
        size, alpha = root_up(dot(self.penalties, map(mul, widths, widths))) << self.bits, self.mismatch.alpha
        least, found = ceil(margin * (1 << self.bits)), []
        for row, s, slope, moved in zip(self.clip, state, self.slopes, self.moves):
            sign, off = row.piece(s)
            gain = 1 << CELL_BITS if sign > 0 else slope * alpha.denominator // alpha.numerator
            found.append(sign if off == inf or 2 * (int(off) - least) * gain << CELL_BITS > moved * size else 0)
        return found

    def grid_norm(self, values: Sequence[int]) -> Fraction:
        """``||values||`` of numbers on the grid."""
        return Fraction(root_up(dot(map(mul, values, values), self.weights)), 1 << CELL_BITS)

    def spread(self, widths: tuple[int, ...]) -> Fraction:
        """Largest ``||G dx||`` over ``|dx_j| <= widths_j / 2``: at a corner."""
        if widths not in self.spreads:
            corners = product(*((-w, w) for w in widths[1:]))
            ends = ([dot(row, (widths[0], *corner)) for row in self.G] for corner in corners)
            self.spreads[widths] = max(map(self.grid_norm, ends)) / 2
        return self.spreads[widths]

    def phi(self, states: Matrix, values: Matrix) -> Matrix:
        """``2 prox - id`` of states, one a column, and of their ``prox``."""
        return [[2 * z - s for z, s in zip(*pair)] for pair in zip(values, states)]

    def values(self, states: Matrix) -> Matrix:
        """``prox`` of states, one a column."""
        return [row.prox_of(line) for row, line in zip(self.clip, states)]

    def settled(self, boxes: Sequence[Box], drives: Matrix) -> Matrix:
        """States near the equilibria at the centres, one a column, from those nearby; nothing rests on them."""
        states, pulls = (list(zip(*column)) for column in ([box.state for box in boxes], [box.pulls for box in boxes]))
        pairs, down = zip(drives, pulls), CELL_BITS - self.bits
        constants = [[(x + y) >> down for x, y in zip(*pair)] for pair in pairs]
        found = [list(line) for line in states]
        for _ in range(CELL_UPDATES):
            sums = times(self.program.stored, self.phi(found, self.values(found)))
            lines = zip(sums, self.program.g, constants)
            found = [[(x >> g) + k for x, k in zip(line, constant)] for line, g, constant in lines]
        return found

    def cells(self, boxes: Sequence[Box]) -> list[Cell]:
        """Theorem 9, first half: ``||s - state|| <= radius`` for the network's ``s`` at every input of a cell."""
        P = self.program
        centres = [list(column) for column in zip(*([*map(add, box.low, box.high), 2] for box in boxes))]
        drives, inputs = ([[x >> 1 for x in row] for row in times(rows, centres)] for rows in (self.G, self.c))
        states = self.settled(boxes, drives)
        values = self.values(states)
        pulls = [[x >> self.bits for x in row] for row in times(self.N, values)]
        images = times(P.stored, self.phi(states, values))
        missed = []
        for state, image, pull, drive, g in zip(states, images, pulls, drives, P.g):
            lines = zip(state, image, pull, drive)
            missed.append(
                [(s << CELL_BITS - self.bits) - ((x << CELL_BITS) >> g + self.bits) - y - z for s, x, y, z in lines]
            )
        left = [list(map(add, *pair)) for pair in zip(pulls, inputs)]
        columns = zip(boxes, *(zip(*rows) for rows in (states, values, pulls, left, missed)))
        return [self.cell(*column) for column in columns]

    def cell(self, box: Box, state: Vector, values: Vector, pulls: Vector, left: Vector, missed: Vector) -> Cell:
        """What is proved around one point."""
        P, widths = self.program, tuple(map(sub, box.high, box.low))
        apart = self.gain * (self.grid_norm(missed) + self.errors_norm)
        radius = apart + self.gain * self.spread(widths)
        moved = sum((w * x for w, x in zip(widths, self.inputs)), Fraction(0)) / 2
        error = self.grid_norm(left) + self.kappa * radius + moved + self.errors_norm
        reach = radius + error / (1 - self.mismatch.contraction.rho)
        inside = Fraction(max(map(abs, state)), 1 << self.bits) + self.row * reach < P.top / P.unit
        contraction, wrong = self.mismatch.contraction, error / (1 - self.mismatch.contraction.rho)
        start = Fraction(root_up(dot(map(mul, state, state), self.weights)), 1 << self.bits) + reach
        settled = contraction.rounding / (1 - contraction.rho)
        rounded = contraction.radius  # from wherever a warm start begins
        if not P.warm:
            rounded = min(rounded, ceil(contraction.decay * start * P.unit * (1 << BOUND_BITS) + settled))
        margin = self.row * (apart + wrong + Fraction(rounded, 1 << BOUND_BITS) / P.unit)
        return Cell(box, state, values, pulls, left, widths, apart, inside, rounded, self.signs(state, widths, margin))


class Box(NamedTuple):
    """A box of words, and the state and ``N z`` of a point nearby."""

    low: Vector
    high: Vector
    state: Vector
    pulls: Vector


class Cell(NamedTuple):
    """A box with its point ``s0``, ``z0 = prox(s0)``, ``r0``; how far that is from the middle's own state.

    Then whether no state saturates, how far the device's state is from its equilibrium, in state steps, and the signs.
    """

    box: Box
    state: Vector
    values: Vector
    pulls: Vector
    left: Vector
    widths: tuple[int, ...]
    apart: Fraction
    inside: bool
    rounded: int
    signs: Vector


class Line(NamedTuple):
    """Multipliers less half the output's row, ``R a``, bounds on ``kappa`` and on what a change of ``r0`` changes."""

    slopes: Vector
    turned: Sequence[int]
    kappa: Fraction
    tilted: Fraction


class Seen(NamedTuple):
    """One output in a cell: ``r0``, ``T r0``, its constant, the root of (10), how far ``r0`` is off, what is added."""

    left: Vector
    mixed: Sequence[int]
    centre: Fraction
    root: Fraction
    moved: Fraction
    rest: Fraction


class Ellipsoid:
    """Theorem 9, second half, for one output: one form of all that changes in a cell, and of ``v``.

    With the rows of known signs (Theorem 9b), ``v_i = sign_i e_i``, times multipliers ``sign_i u_i`` that leave little
    of these rows' ``v``; which multipliers does not matter.
    """

    def __init__(self, cells: Cells, output: int, weights: Vector, values: Vector, penalties: Vector) -> None:
        self.cells, self.weights, self.penalties = cells, weights, penalties
        mismatch, P, self.bits = cells.mismatch, cells.program, max(weights).bit_length()  # multipliers are over 2^bits
        form = scaled(-1, gram(cells.e, weights))
        own = [x << 2 * CELL_BITS for x in [*penalties, *[0] * P.n, *weights]]
        form = diagonal_plus(own, form)
        cells.less_cone(form, values)
        powers, R, eta = near_one(form, self.bits + 2 * CELL_BITS)
        R, self.size = shifted(R, powers), len(R)
        self.grow = (1 + eta) / (1 - eta)
        mixed = [[x * y for x, y in zip(column, weights)] for column in zip(*cells.e)]
        down = FACTOR_BITS + CELL_BITS + self.bits - FORM_BITS
        self.T = [[x >> down for x in row] for row in times(R, mixed)]
        changes, self.scale = mismatch.readout_change
        self.output, self.change, self.offset = output, changes[output], mismatch.offset_change[output]
        shift = P.output_shift
        self.o, self.shift = [x << max(0, -shift) for x in P.readout[output]], max(0, shift) + SIGN_BITS
        change = on_grid(self.change, self.scale)
        self.own = [(x << ROW_BITS + self.shift) >> CELL_BITS for x in change]
        self.e = [[x >> CELL_BITS - ROW_BITS for x in column] for column in zip(*cells.e)]
        self.R = [[x >> FACTOR_BITS - LINE_BITS for x in row] for row in R]
        self.cut = root_up(sum(sum(abs(x) + 1 for x in row) ** 2 for row in self.R))
        # How much a change of r0, in the 2-norm, may change: by T, by the output's own row, and by the root.
        squares = sum(dot(row, row) for row in self.T) + self.size * P.n
        self.spread = Fraction(root_up(squares << 1), 1 << FORM_BITS)
        self.root = Fraction(root_up((max(weights) << 2 * FORM_BITS) >> self.bits) + 1, 1 << FORM_BITS)
        self.direct = mismatch.dual([abs(x) + 1 for x in change], Fraction(1 << CELL_BITS))
        self.constant = 2 * mismatch.dual([2] * P.n, Fraction(1 << CELL_BITS)) * mismatch.state_norm
        (self.plain,) = self.lines([[0]] * P.n, [[0]] * P.n)

    def multipliers(self, signs: Matrix) -> Matrix:
        """``u`` for each cell, one a column, in ``2^-shift``: nearly what leaves nothing of ``v`` in the known rows."""
        half, one = [x << SIGN_BITS - 1 for x in self.o], 1 << self.cells.down
        owns = [row[i] for i, row in enumerate(self.cells.back)]
        ends = ({s: -s * (one + own) * x // (one - s * own) for s in (-1, 0, 1)} for own, x in zip(owns, half))
        found = [[end[s] for s in sign] for end, sign in zip(ends, signs)]
        for _ in range(SIGN_UPDATES):
            sums = times(self.cells.back, [[u - x for u in row] for row, x in zip(found, half)])
            lines = zip(sums, half, signs)
            found = [[s * ((u >> self.cells.down) - x) for u, s in zip(row, sign)] for row, x, sign in lines]
        return found

    def rows(self, signs: Matrix, u: Matrix) -> Matrix:
        """The output's row over ``(dx, dz, v)`` less multiples of what is zero, one a column, in ``2^-ROW_BITS``."""
        P, half = self.cells.program, [x << SIGN_BITS - 1 for x in self.o]
        rows = times(self.e, [[x - y for y in row] for x, row in zip(half, u)])
        for i, (change, sign, x, y) in enumerate(zip(self.own, signs, half, u), P.d):
            rows[i] = [0 if s < 0 else z + change for s, z in zip(sign, rows[i])]
            rows[i + P.n] = [z + (x + s * v << ROW_BITS) for s, v, z in zip(sign, y, rows[i + P.n])]
        return [[x >> self.shift for x in row] for row in rows]

    def lines(self, signs: Matrix, u: Matrix) -> Iterator[Line]:
        """What a column of multipliers makes of the output."""
        rows = self.rows(signs, u)
        unit, spread = 1 << LINE_BITS + ROW_BITS, 2 * self.spread + self.root
        for multipliers, row, turned in zip(*(zip(*found) for found in (u, rows, times(self.R, rows)))):
            slopes = [x - (y << SIGN_BITS - 1) for x, y in zip(multipliers, self.o)]
            # What is cut off: of R, and of e's columns and of the row.
            lost = self.cut * ((sum(map(abs, slopes)) >> self.shift) + 3)
            cut = Fraction(root_up(self.size) * sum(map(abs, row)) + lost, unit)
            kappa = (Fraction(root_up(dot(turned, turned)), unit) + cut) * self.grow
            tilted = Fraction(root_up(dot(slopes, slopes)), 1 << self.shift) + kappa * spread
            yield Line(slopes, turned, kappa + cut, tilted)

    def seen(self, cell: Cell, mixed: Sequence[int]) -> Seen:
        """What all lines have in common in a cell, with ``T r0``."""
        cells, mismatch, row = self.cells, self.cells.mismatch, self.cells.program.readout[self.output]
        own = dot(self.weights, map(mul, cell.left, cell.left)) << 2 * FORM_BITS
        charged = dot(self.penalties, map(mul, cell.widths, cell.widths)) << 2 * (FORM_BITS + CELL_BITS - 1)
        squares = dot(mixed, mixed) + (own + charged >> self.bits) + 1
        lost = 2 * root_up(self.size) * sum(map(abs, cell.left))  # twice what is cut off T
        centre = Fraction(dot(self.change, cell.values), 1 << cells.bits) / self.scale + self.offset
        rounding = mismatch.shown([0 if sign < 0 else x for sign, x in zip(cell.signs, row)], cell.rounded)
        rest = self.direct * cell.apart + self.constant + rounding - mismatch.rounding[self.output]
        root = Fraction(root_up(squares) + lost, 1 << FORM_BITS + CELL_BITS)
        return Seen(cell.left, mixed, centre, root, cells.turned * cell.apart + cells.wrong, rest)

    def bound(self, seen: Seen, line: Line) -> Fraction:
        """On the distance of the output at every input of a cell, less what rounding changes at most."""
        centre = seen.centre + Fraction(dot(line.slopes, seen.left), 1 << self.shift + CELL_BITS)
        centre -= Fraction(dot(line.turned, seen.mixed), 1 << LINE_BITS + ROW_BITS + FORM_BITS + CELL_BITS)
        return abs(centre) + line.kappa * seen.root + line.tilted * seen.moved + seen.rest

    def within(self, cells: Sequence[Cell], claimed: Fraction) -> list[bool]:
        """Whether the bound holds all over each cell: without the known signs, which cost more, or with them."""
        if not cells:
            return []
        mixed = times(self.T, transposed([cell.left for cell in cells]))
        seen = list(map(self.seen, cells, zip(*mixed)))
        found = [self.bound(each, self.plain) <= claimed for each in seen]
        left = [i for i, good in enumerate(found) if not good and any(cells[i].signs)]
        signs = transposed([cells[i].signs for i in left])
        for i, line in zip(left, self.lines(signs, self.multipliers(signs)) if left else ()):
            found[i] = self.bound(seen[i], line) <= claimed
        return found


def by_ellipsoids(mismatch: Mismatch, witness: Plain) -> list[Fraction]:
    """Theorem 9: halve the box of all inputs until every cell is within the bounds that are claimed."""
    fields(witness, ("weights", "values", "penalties", "signs", "bounds"), "distance by ellipsoids")
    fields(witness["signs"], ("penalties", "slopes"), "signs in cells")
    cells, P, visited = Cells(mismatch, witness["signs"]), mismatch.program, 0
    bounds = list(map(rational, witness["bounds"]))
    need(len(bounds) == P.k, "a bound for each output")
    lengths = ("weights", P.n), ("values", P.n), ("penalties", P.d)
    most = 1 << CELL_BITS + FORM_BITS
    multipliers = zip(*(matrix(witness[name], P.k, length, 1, most - 1) for name, length in lengths))
    outputs = [Ellipsoid(cells, i, *each) for i, each in enumerate(multipliers)]
    boxes = [Box([P.x_range[0]] * P.d, [P.x_range[1]] * P.d, [0] * P.n, [0] * P.n)]
    while boxes:
        batch, boxes = cells.cells(boxes[-BATCH:]), boxes[:-BATCH]
        visited += len(batch)
        need(visited <= MOST_CELLS, "too many cells to check")
        within = [cell.inside for cell in batch]
        for output, claimed in zip(outputs, bounds):
            left = [i for i, good in enumerate(within) if good]
            for i, good in zip(left, output.within([batch[i] for i in left], claimed)):
                within[i] = good
        for cell, good in zip(batch, within):
            if not good:
                boxes += halves(cell, cells.columns)
    return bounds


def halves(cell: Cell, columns: Sequence[Fraction]) -> list[Box]:
    """A box cut between two words of the input along which the state moves most."""
    low, high, *_ = cell.box
    need(low != high, "the distance at a single input is above the bound")
    axis = argmax([w * column for w, column in zip(cell.widths, columns)])
    middle = (low[axis] + high[axis]) // 2
    upper, lower = [*low[:axis], middle + 1, *low[axis + 1 :]], [*high[:axis], middle, *high[axis + 1 :]]
    return [Box(low, lower, cell.state, cell.pulls), Box(upper, high, cell.state, cell.pulls)]


# -- Theorem 17: pieces, over boxes of words -----------------------------------------

#: Rows of a box whose side is not known, at most; steps to the state at its middle; updates that rounding is followed
#: back through, at most, and the fractional bits of what it is followed with.
MOST_UNKNOWN, CENTRE_STEPS, MOST_TAIL, TAIL_BITS = 4, 100, 64, 80
#: Boxes beyond which a certificate is an attack.
MOST_PIECES = 6000


class Shown(NamedTuple):
    """What a piece makes of one output: ``a``, ``dO - a N``, ``-a C``, and bounds on what else there is.

    It is of a change of every row's input, of stored ends of the clip, of values off, and of what ``a`` leaves over.
    """

    slopes: Vector
    values: Vector
    inputs: Vector
    pushed: Fraction
    bent: Fraction
    turned: Fraction
    missed: Fraction


class Piece(NamedTuple):
    """How the state moves with each word where every slope is known, norms of what this leaves over; outputs."""

    moves: Matrix
    missed: list[Fraction]
    outputs: list[Shown]


class Part(NamedTuple):
    """A box of words, and a state nearby with its slopes."""

    low: Vector
    high: Vector
    state: Vector
    signs: tuple[int, ...]


class Around(NamedTuple):
    """A box around a state: widths, slopes there, rows of unknown ones, ``z``, ``r``, all patterns of slopes.

    Then bounds all over it: on the sum of the float network's values, on what its grids change in a row's input, in the
    norm on the distance of states from where the patterns say, and on ``r``; and how much farther they may be.
    """

    widths: Vector
    signs: tuple[int, ...]
    unknown: Vector
    values: Vector
    left: Vector
    patterns: list[tuple[tuple[int, ...], Piece]]
    size: Fraction
    off: Fraction
    margin: Fraction
    residual: Fraction
    room: Fraction | float


class OneGrid:
    """The numbers of a mismatch as integers in ``2^-bits``, exact."""

    def __init__(self, mismatch: Mismatch) -> None:
        P, self.mismatch, self.program = mismatch.program, mismatch, mismatch.program
        (M, G), (N, N_unit), (C, C_unit) = P.common, mismatch.matrix, mismatch.input
        (change, change_unit), p, q = mismatch.readout_change, mismatch.alpha.numerator, mismatch.alpha.denominator
        grids = [exponent(Fraction(unit)) for unit in (q << G, N_unit, C_unit, change_unit)]
        offsets = [exponent(Fraction(offset.denominator)) for offset in mismatch.offset_change]
        self.bits = B = max(*grids, *mismatch.grids, *offsets, P.output_shift, 0)
        pairs = zip((G, *grids[1:]), (M, N, C, change))
        self.M, self.N, self.C, self.change = (scaled(1 << B - e, rows) for e, rows in pairs)
        self.offsets = [int(offset * (1 << B)) for offset in mismatch.offset_change]
        drives = zip(P.drive, P.drive_bias, mismatch.grids)
        stored = [[*(x << P.left + B - e for x in row), bias << B - e] for row, bias, e in drives]
        self.G, self.readout = add_matrices(stored, self.C), scaled(1 << B - P.output_shift, P.readout)
        # What moves has the slope M + N, what stays -M; 2 M + N is what a stored end of the clip that is off changes.
        self.moved, self.bending = add_matrices(self.M, self.N), add_matrices(scaled(2, self.M), self.N)
        self.injection = scaled(p << B - grids[0], diagonal_plus([1 << G] * P.n, M))

    def norm(self, values: Iterable[int | Fraction], bits: int) -> Fraction:
        """``||values||`` of numbers in ``2^-bits``."""
        return self.mismatch.norm([Fraction(x) / (1 << bits) for x in values])

    def norms(self, rows: Matrix) -> list[Fraction]:
        """The same of what every input is multiplied by."""
        return [self.norm(column, self.bits) for column in list(zip(*rows))[:-1]]


class Pieces(OneGrid):
    """States and errors are affine in the words where every row stays on its side; where few do not, nearly so."""

    def __init__(self, mismatch: Mismatch) -> None:
        P, model, gap = mismatch.program, mismatch.model, 1 - mismatch.contraction.rho
        small = P.d <= MOST_SPLIT_INPUTS and P.n <= MOST_SPLIT_ROWS and P.f <= CELL_BITS
        need(small and bool(mismatch.reflects), "pieces are for small reflected recurrences")
        super().__init__(mismatch)
        self.kappa, top = mismatch.matrix_norm, P.top / P.unit
        need(gap > self.kappa, "the network's recurrence does not contract in this norm")
        self.gain, self.errors = 1 / (gap - self.kappa), 1 / gap
        self.columns, self.inputs = self.norms(self.G), self.norms(self.C)
        self.duals = [mismatch.dual([int(i == j) for j in range(P.n)], Fraction(1)) for i in range(P.n)]
        self.every = mismatch.dual([1] * P.n, Fraction(1))
        self.clip, self.top = [row.times(1 << CELL_BITS - P.f) for row in P.clip], P.top << CELL_BITS - P.f
        # By how much stored ends of the clip are off, and what the network's grids change in an input: for one of a sum
        # of values, and beside it.
        grid, rows = Fraction(2) ** model.clip_bits, zip(model.clip, P.clip)
        self.ends = [bound_change(real, word, mismatch.alpha, grid, P.unit, top) for real, word in rows]
        self.bend = self.norm([dot_of(row, self.ends) for row in self.bending], self.bits)
        self.value_grid = Fraction(1, 2 << model.grid_bits)
        self.input_grid = (P.d * P.x_top + 1) / Fraction(2) ** (model.input.bits + 1)
        self.push = self.norm([sum(map(abs, row)) for row in self.injection], self.bits)
        self.share = self.every * self.gain * self.push * self.value_grid
        need(self.share < 1, "the network's grid is too coarse for pieces")
        self.radius = Fraction(mismatch.contraction.radius, 1 << BOUND_BITS) / P.unit
        self.added = [sum(each) for each in zip(mismatch.rounding, mismatch.grid_errors())]
        # In floating point: slopes by columns, and inverses by the signs of the rows.
        one, sides = 1 << self.bits, ((1, self.moved), (-1, scaled(-1, self.M)))
        self.slopes = {sign: [[x / one for x in column] for column in zip(*rows)] for sign, rows in sides}
        self.slopes[0], self.unknown = [[0.0] * P.n] * P.n, (0,) * P.n
        self.drives = [[x / one for x in column] for column in list(zip(*self.G))[:-1]]
        self.inverses = {self.unknown: [[float(i == j) for j in range(P.n)] for i in range(P.n)]}
        self.pieces: dict[tuple[int, ...], Piece] = {}
        self.followed: dict[tuple[int, ...], list[list[Fraction]]] = {}

    @property
    def whole(self) -> Part:
        """The box of all inputs."""
        low, high = self.program.x_range
        return Part([low] * self.program.d, [high] * self.program.d, [0] * self.program.n, self.unknown)

    # Pieces.

    def inverse(self, signs: tuple[int, ...], near: tuple[int, ...]) -> list[list[float]]:
        """Nearly that of ``I`` less the recurrence's slope, from one of nearly the same rows: a rank for each other."""
        if signs not in self.inverses:
            found = self.inverses[near]
            for j, (new, old) in enumerate(zip(signs, near)):
                if new != old:
                    change = list(map(sub, self.slopes[new][j], self.slopes[old][j]))
                    turned = [float_dot(row, change) for row in found]
                    last = [x / (1.0 - turned[j]) for x in found[j]]
                    found = [[x + t * y for x, y in zip(row, last)] for row, t in zip(found, turned)]
            self.inverses[signs] = found
        return self.inverses[signs]

    def piece(self, signs: tuple[int, ...], near: tuple[int, ...]) -> Piece:
        """What the inverse proposes, with what it leaves over."""
        if signs not in self.pieces:
            B, one, inverse = self.bits, 1 << CELL_BITS, self.inverse(signs, near)
            fine, dual = Fraction(1 << B + CELL_BITS), self.mismatch.dual
            rows = [[x if s > 0 else -y for x, y, s in zip(*pair, signs)] for pair in zip(self.moved, self.M)]
            moves = [[round(ldexp(float_dot(row, drive), CELL_BITS)) for drive in self.drives] for row in inverse]
            left = difference(scaled(one, [row[:-1] for row in self.G]), scaled(1 << B, moves))
            left = add_matrices(left, times(rows, moves))
            shown = [[x if s > 0 else 0 for x, s in zip(row, signs)] for row in self.readout]
            back, unit = list(zip(*inverse)), 1 << B
            slopes = [[round(ldexp(float_dot(o, h), CELL_BITS)) for h in back]
                      for o in ([x / unit for x in row] for row in shown)]  # fmt: skip
            rest = add_matrices(difference(scaled(one, shown), scaled(1 << B, slopes)), times(slopes, rows))
            values = difference(scaled(one, self.change), times(slopes, self.N))
            inputs = [row[:-1] for row in scaled(-1, times(slopes, self.C))]
            pushed = [Fraction(sum(map(abs, row))) / fine for row in times(slopes, self.injection)]
            whole = scaled(one, difference(self.readout, self.change))
            bending = add_matrices(whole, times(slopes, self.bending))
            bent = [dot_of(row, self.ends) / fine for row in bending]
            outputs = [
                Shown(a, w, c, push, bend, dual(w, fine), dual(r, fine))
                for a, w, c, push, bend, r in zip(slopes, values, inputs, pushed, bent, rest)
            ]
            self.pieces[signs] = Piece(moves, [self.norm(x, B + CELL_BITS) for x in zip(*left)], outputs)
        return self.pieces[signs]

    # Boxes.

    def settled(self, part: Part) -> tuple[Vector, Vector, tuple[int, ...]]:
        """A state near the middle's own, what it misses, and its slopes; Newton's method, or else an update."""
        down, twice = self.bits + 1, [*map(add, part.low, part.high), 2]
        drives = [dot(row, twice) << CELL_BITS for row in self.G]
        state, near, least, plain, pause = part.state, part.signs, inf, 0, 1
        best, missed = state, drives
        for _ in range(CENTRE_STEPS):
            values = [row.prox(s) for row, s in zip(self.clip, state)]
            phi, lines = [2 * z - s for z, s in zip(values, state)], zip(self.M, self.N, drives, state)
            left = [2 * (dot(m, phi) + dot(x, values)) + drive - (s << down) for m, x, drive, s in lines]
            size = max(map(abs, left)) / (1 << down)
            if plain:  # updates, which contract
                plain, least = plain - 1, inf
                best, missed, state = state, left, [s + (x >> down) for s, x in zip(state, left)]
            elif size < least:
                least, best, missed = size, state, left
                signs = tuple(row.piece(s)[0] for row, s in zip(self.clip, state))
                inverse, near = self.inverse(signs, near), signs
                pull = [x / (1 << down) for x in left]
                state = [s + round(float_dot(row, pull)) for s, row in zip(state, inverse)]
            elif least <= self.program.n:  # steps of the grid
                break
            else:
                state, plain, pause = best, pause, 2 * pause
        signs = tuple(row.piece(s)[0] for row, s in zip(self.clip, best))
        self.inverse(signs, near)
        return best, missed, signs

    def room(self, offs: Iterable[float], reach: Iterable[int]) -> list[Fraction | float]:
        """How far a state may be from where it is thought, in the norm, until a row that moves is as far off."""
        lines = zip(offs, reach, self.duals)
        return [inf if off == inf else Fraction(2 * int(off) - r, 2 << CELL_BITS) / dual for off, r, dual in lines]

    def around(self, part: Part, state: Vector, missed: Vector, signs: tuple[int, ...]) -> Around | None:
        """Theorem 17, first half: which rows stay on their side all over a box; None where too many may not."""
        mismatch, fine, unknown = self.mismatch, self.bits + CELL_BITS + 1, list[int]()
        widths, twice = list(map(sub, part.high, part.low)), [*map(add, part.low, part.high), 2]
        values = [row.prox(s) for row, s in zip(self.clip, state)]
        left = [2 * dot(n, values) + (dot(c, twice) << CELL_BITS) for n, c in zip(self.N, self.C)]
        # The sum of the float network's values, by the norm alone, and what its grids change in a row's input.
        apart, moved = self.norm(missed, fine), half(widths, self.columns)
        size = Fraction(sum(map(abs, values)), 1 << CELL_BITS)
        pushed = self.push * self.input_grid + self.bend
        size = (size + self.every * self.gain * (apart + moved + pushed) + sum(self.ends)) / (1 - self.share)
        off = self.value_grid * size + self.input_grid
        pushed = self.push * off + self.bend
        base = self.norm(left, fine) + half(widths, self.inputs) + pushed
        offs, tops = [row.piece(s)[1] for row, s in zip(self.clip, state)], [self.top - abs(s) for s in state]
        while True:
            ends = product(*((signs[i], -signs[i]) for i in unknown))
            patterns = [(each, self.piece(each, signs)) for each in (flipped(signs, unknown, end) for end in ends)]
            moves = zip(*(piece.moves for _, piece in patterns))
            reach = [max(dot(map(abs, row), widths) for row in rows) for rows in moves]
            lost = self.gain * (max(half(widths, piece.missed) for _, piece in patterns) + apart + pushed)
            far = [Fraction(r, 2 << CELL_BITS) + dual * lost for r, dual in zip(reach, self.duals)]
            residual = base + self.kappa * mismatch.norm(far)
            margin = lost + residual * self.errors
            known = {i: x for i, x in enumerate(self.room(offs, reach)) if i not in unknown}
            more = [i for i, x in known.items() if x <= margin + self.radius]
            if len(unknown) + len(more) > MOST_UNKNOWN:
                return None
            if not more:
                break
            unknown += more
        room = min([*self.room(tops, reach), *known.values()]) - margin
        if room <= self.radius:
            return None
        return Around(widths, signs, unknown, values, left, patterns, size, off, margin, residual, room)

    def bounds(self, part: Part, enough: Sequence[Fraction]) -> tuple[list[Fraction] | None, list[Part]]:
        """Theorem 17: bounds all over a box, less what the line adds to all; and the halves of the box, if it has any.

        None where too many sides are unknown.  Rounding is followed back where a bound is not enough otherwise.
        """
        P, mismatch, (state, missed, signs) = self.program, self.mismatch, self.settled(part)
        around, found = self.around(part, state, missed, signs), list[Fraction]()
        if around is None:
            return None, self.halves(part, state, signs)
        # How z moves by the middle's own slopes, and how much others differ from that.
        first = [x if s > 0 else [0] * P.d for x, s in zip(around.patterns[0][1].moves, signs)]
        spread, columns = [0] * P.n, transposed(first)
        for slopes, piece in around.patterns[1:]:
            ends = (map(sub, x, y) if s > 0 else y for x, y, s in zip(piece.moves, first, slopes))
            spread = [max(most, dot(map(abs, end), around.widths)) for most, end in zip(spread, ends)]
        for k, row in enumerate(P.readout):
            worst = max(self.affine(around, k, piece.outputs[k], columns, spread) for _, piece in around.patterns)
            seen = [0 if s < 0 and i not in around.unknown else x for i, (s, x) in enumerate(zip(signs, row))]
            rounding = mismatch.shown(seen, mismatch.contraction.radius)
            worst += (around.size + 1) / (2 * Fraction(2) ** mismatch.model.output.bits) - self.added[k]
            if worst + rounding > enough[k] and not around.unknown:
                rounding = min(rounding, self.tail(k, signs, around.room))
            found.append(worst + rounding)
        return found, self.halves(part, state, signs)

    def affine(self, around: Around, k: int, shown: Shown, columns: Matrix, spread: Vector) -> Fraction:
        """Theorem 17, (14): what one pattern of slopes of the difference makes of an output, all over a box."""
        centre = (dot(self.change[k], around.values) << CELL_BITS + 1) + (self.offsets[k] << 2 * CELL_BITS + 1)
        moving = (abs(dot(shown.values, x) + (y << CELL_BITS)) for x, y in zip(columns, shown.inputs))
        largest = abs(centre - dot(shown.slopes, around.left)) + dot(moving, around.widths)
        largest += dot(map(abs, shown.values), spread)
        rest = shown.turned * around.margin + shown.pushed * around.off + shown.bent
        rest += shown.missed * self.gain * around.residual * (1 + self.kappa * self.errors)
        return Fraction(largest, 1 << self.bits + 2 * CELL_BITS + 1) + rest

    def halves(self, part: Part, state: Vector, signs: tuple[int, ...]) -> list[Part]:
        """A box cut between two words of the input along which the state moves most."""
        low, high = part.low, part.high
        axis = argmax([(b - a) * column for a, b, column in zip(low, high, self.columns)])
        if low[axis] == high[axis]:
            return []
        middle = (low[axis] + high[axis]) // 2
        upper, lower = [*low[:axis], middle + 1, *low[axis + 1 :]], [*high[:axis], middle, *high[axis + 1 :]]
        return [Part(low, lower, state, signs), Part(upper, high, state, signs)]

    # Rounding, followed back through the last updates.

    @cached_property
    def before(self) -> list[Fraction]:
        """How far the device's state is from its equilibrium so many updates before its last, and after."""
        P, found = self.program, self.mismatch.contraction
        starts = [(found.start, P.iterations + 1)]
        if P.warm:
            starts.append((found.radius + found.change, P.warm))
        count, most, bounds = min(MOST_TAIL, *(updates for _, updates in starts)), 0, list[Fraction]()
        for back in range(count + 1):
            ends = [found._updated(start, found.rounding, updates - back) for start, updates in starts]
            most = max(most, *ends)
            bounds.append(Fraction(most, 1 << BOUND_BITS))
        return bounds

    def tail(self, k: int, signs: tuple[int, ...], room: Fraction | float) -> Fraction:
        """What rounding changes in an output where no row leaves its side while the state is within the room."""
        if signs not in self.followed:
            self.followed[signs] = self._tails(signs)
        within = [value for value, far in zip(self.followed[signs][k], self.before) if far / self.program.unit < room]
        return min(within, default=self.mismatch.rounding[k])

    def _tails(self, signs: tuple[int, ...]) -> list[list[Fraction]]:
        """The same for each output and each number of updates that are followed."""
        P, (M, G), worst = self.program, self.program.common, max(self.mismatch.contraction.errors)
        unit, dual = Fraction(2) ** (TAIL_BITS + P.output_shift + P.f), self.mismatch.dual
        rows = [[x << TAIL_BITS if s > 0 else 0 for x, s in zip(row, signs)] for row in P.readout]
        sums, found = [Fraction(0)] * P.k, [list[Fraction]() for _ in rows]
        for far, farther in zip(self.before, [*self.before[1:], Fraction(0)]):
            for k, row in enumerate(rows):
                found[k].append(sums[k] + dual(row, unit) * far)
                # An update's own rounding, and what is cut off on the way to the one before.
                sums[k] += sum(map(abs, row)) * worst / unit + self.every * farther / unit
            rows = [[s * (x >> G) for x, s in zip(row, signs)] for row in times(rows, M)]
        return found


def dot_of(row: Iterable[int], sizes: Iterable[Fraction]) -> Fraction:
    """What a row can make of numbers of such sizes."""
    return sum(map(mul, map(abs, row), sizes), Fraction(0))


def half(widths: Iterable[int], norms: Iterable[Fraction]) -> Fraction:
    """Half the sum of widths times norms."""
    return sum(map(mul, norms, widths), Fraction(0)) / 2


def flipped(signs: tuple[int, ...], rows: Iterable[int], ends: Iterable[int]) -> tuple[int, ...]:
    """Signs, others in some rows."""
    found = list(signs)
    for i, end in zip(rows, ends):
        found[i] = end
    return tuple(found)


def by_pieces(mismatch: Mismatch, witness: Plain) -> list[Fraction]:
    """Theorem 17: halve the box of all inputs until every part is within the bounds that are claimed."""
    fields(witness, ("bounds",), "distance by pieces")
    pieces, bounds, visited = Pieces(mismatch), list(map(rational, witness["bounds"])), 0
    need(len(bounds) == mismatch.program.k, "a bound for each output")
    parts = [pieces.whole]
    while parts:
        found, halves = pieces.bounds(parts.pop(), bounds)
        visited += 1
        if found is None or any(map(gt, found, bounds)):
            need(bool(halves), "the distance at a single input is above the bound")
            need(visited < MOST_PIECES, "too many boxes to check")
            parts += halves
    return bounds


# ----------------------------------------------------------------------------------
# Section 13: the same distance by a semidefinite program
# ----------------------------------------------------------------------------------

#: A linear form: integers at places of ``x = (1, theta, ..)``, then of the dense rows.
Form = dict[int, int]
RANGE, CUT_BELOW, CUT_ABOVE, MONOTONE, MONOTONE_BACK, COMPLEMENTARY, PINNED, PINNED_DIFFERENCE, PRODUCT, SIDE = range(
    10
)
#: Bits of a factor that this checker finds itself, and what it takes off a unit diagonal before it seeks one.
PROGRAM_FACTOR_BITS, PROGRAM_SHIFT = 50, 2.0**-37


def plus(*terms: tuple[int, Form]) -> Form:
    """A sum of multiples of forms."""
    total: Form = {}
    for factor, form in terms:
        for place, value in form.items():
            total[place] = total.get(place, 0) + factor * value
    return total


class Interval(NamedTuple):
    """One row of an inclusion: ``a`` in ``[low, high]``, ``b`` in its normal cone; ``da``, ``db`` of a second one."""

    a: Form
    b: Form
    low: int | None
    high: int | None
    da: Form
    db: Form
    second: Form  # b + db, times a positive number

    @property
    def end(self) -> int | None:
        """The only end, where there is one."""
        return (self.low if self.high is None else self.high) if (self.low is None) != (self.high is None) else None

    @property
    def endless(self) -> bool:
        """Whether there is no end."""
        return self.low is None and self.high is None

    def pinned(self) -> Form:
        """What is zero: ``b`` without an end, ``a`` less both ends where they are equal."""
        if self.endless:
            return self.b
        need(self.low is not None and self.low == self.high, "a fact that is not one: nothing is pinned")
        return plus((1, self.a), (-1, {0: self.low or 0}))


class Relaxation:
    """Products of two forms that are not negative at any ``x`` of an equilibrium; Lemma 13 proves each family."""

    def __init__(self, size: int, inputs: int, rows: list[Interval], dense: Matrix, unit: int) -> None:
        self.size, self.inputs, self.rows, self.dense, self.unit = size, inputs, rows, dense, unit

    def bounded(self, k: int) -> tuple[Form, int]:
        """Twice quantity ``k`` less the sum of its ends, and their difference; inputs first, then the rows' ``a``."""
        if k < self.inputs:
            return {1 + k: 2}, 2
        row = self.rows[k - self.inputs]
        low, high = row.low, row.high
        need(low is not None and high is not None and low < high, "a fact about a quantity without two ends")
        assert low is not None and high is not None
        return plus((2, row.a), (-1, {0: low + high})), high - low

    def nonnegative(self, k: int) -> Form:
        """Form ``k``: one for -1, then two a quantity."""
        if k < 0:
            return {0: 1}
        upper, row = k % 2 == 0, None if k // 2 < self.inputs else self.rows[k // 2 - self.inputs]
        if row is None or row.end is None:
            form, width = self.bounded(k // 2)
            return plus((1, {0: width}), (-1 if upper else 1, form))
        if upper == (row.high is not None):
            return plus((-1 if upper else 1, row.a), (1 if upper else -1, {0: row.end}))
        return plus((-1 if upper else 1, row.b))

    def product(self, family: int, i: int, j: int, objective: Form) -> tuple[Form, Form]:
        """The two forms of a fact; one of a side holds where the objective, without zeros, is positive."""
        if family == RANGE:
            self.bounded(i)
            return self.nonnegative(2 * i), self.nonnegative(2 * i + 1)
        if family == PRODUCT:
            return self.nonnegative(i), self.nonnegative(j)
        row = self.rows[i]
        if family == SIDE:
            self.bounded(self.inputs + i)
            ratios = {Fraction(objective.get(k, 0), x) for k, x in row.da.items()}
            need(len(ratios) == 1 and row.da.keys() == objective.keys(), "a fact of another objective")
            sides = [plus((sign if min(ratios) > 0 else -sign, form)) for sign, form in ((-1, row.b), (1, row.second))]
            return ({0: 1}, sides[j % 2]) if j < 2 else (sides[0], sides[1])
        if family in (CUT_BELOW, CUT_ABOVE):
            (own, width), (other, breadth) = self.bounded(self.inputs + i), self.bounded(j)
            return row.b, plus((breadth, own), (-width if family == CUT_BELOW else width, other))
        if family == COMPLEMENTARY:
            need(row.end is not None, "a fact that is not one: complementarity of a row without one end")
            return row.b, plus((1, row.a), (-1, {0: row.end or 0}))
        if family in (PINNED, PINNED_DIFFERENCE):
            pinned = (row.pinned(), row.db if row.endless else row.da)[family == PINNED_DIFFERENCE]
            return plus((-1, pinned)), pinned
        need(family in (MONOTONE, MONOTONE_BACK) and not row.endless, "an unknown fact")
        return (plus((-1, row.da)), row.b) if family == MONOTONE else (row.da, row.second)

    def prove(self, objective: Form, plain: Plain, what: str) -> Fraction:
        """Theorem 13: the bound of an objective at every ``x`` at which it is positive."""
        plain = fields(plain, ("bits", "bound", "facts"), what)
        bits, bound = whole(plain["bits"], 0, MOST_BITS), whole(plain["bound"])
        core: dict[tuple[int, int], int] = {(0, 0): 2 * bound}

        def _add(r: int, c: int, value: int) -> None:
            core[r, c] = core.get((r, c), 0) + value
            core[c, r] = core.get((c, r), 0) + value

        for place, value in objective.items():
            _add(0, place, -value << bits)
        last = 2 * (self.inputs + len(self.rows)) - 1
        for fact in plain["facts"]:
            family, i, j, multiplier = vector(fact, 4)
            whole(i, 0, last), whole(j, -1, last)
            need(multiplier >= 0 or family == COMPLEMENTARY, f"{what}: a negative multiplier")
            left, right = self.product(family, i, j, {k: x for k, x in objective.items() if x})
            for r, x in left.items():
                for c, y in right.items():
                    _add(r, c, -multiplier * x * y)
        dominant(self._expanded(core), what)
        return Fraction(bound, 1 << bits)

    def _expanded(self, core: dict[tuple[int, int], int]) -> Matrix:
        """The quadratic form in ``x`` alone, its dense rows written out: ``B' core B``."""
        size, one = self.size, 1 << self.unit
        gap = [[0] * size for _ in range(size)]
        halves: dict[int, Vector] = {}  # of a dense row: what it is multiplied with, from one side
        for (r, c), value in core.items():
            if r < size and c < size:
                gap[r][c] += value << (2 * self.unit)
            elif r >= size:
                half = halves.setdefault(r, [0] * size)
                if c < size:
                    half[c] += 2 * value * one
                else:
                    for k, entry in enumerate(self.dense[c - size]):
                        half[k] += value * entry
        rows = [self.dense[r - size] for r in halves]
        left, right = list(zip(*rows)), list(zip(*halves.values()))
        for r in range(size):
            for c in range(r + 1):
                # Half of each order: core is symmetric, and so is the result.
                entry = 2 * gap[r][c] + (dot(left[r], right[c]) + dot(left[c], right[r]) if rows else 0)
                gap[r][c] = gap[c][r] = entry
        return gap


def dominant(P: Matrix, what: str) -> None:
    """Theorem 2, by a factor found in floating point here: nothing about how it was found matters."""
    n, bits = len(P), PROGRAM_FACTOR_BITS
    need(all(P[i][i] > 0 for i in range(n)), f"{what}: not positive definite")
    exponents = [(P[i][i].bit_length() + 1) // 2 for i in range(n)]
    entries: Matrix = []
    for row, exponent in zip(P, exponents):
        shifts = [2 * bits - exponent - other for other in exponents[: len(entries) + 1]]
        entries.append([x << shift if shift >= 0 else x >> -shift for x, shift in zip(row, shifts)])
    factor: list[list[float]] = []
    for i, row in enumerate(entries):
        found: list[float] = []
        for j in range(i + 1):
            value = (row[j] >> bits) / 2.0**bits - float_dot(found, factor[j] if j < i else found)
            if j < i:
                found.append(value / factor[j][j])
            else:
                need(value > PROGRAM_SHIFT, f"{what}: not positive definite")
                found.append((value - PROGRAM_SHIFT) ** 0.5)
        factor.append(found)
    whole_factor = [[round(x * 2.0**bits) for x in row] for row in factor]
    diagonal, others = [0] * n, [0] * n
    for i, row in enumerate(entries):
        for j, entry in enumerate(row):
            rest = entry - dot(whole_factor[j], whole_factor[i])  # up to the end of the shorter row
            if i == j:
                diagonal[i] = rest
            else:
                others[i], others[j] = others[i] + abs(rest), others[j] + abs(rest)
    good = all(diagonal[i] > others[i] + n for i in range(n))
    need(good, f"{what}: not positive definite beyond doubt")


def centred(rows: Matrix, unit: Fraction, words: tuple[int, int]) -> tuple[Matrix, int]:
    """Affine rows of words, the constant last, as rows of ``(1, theta)``, inputs from -1 to 1; their fraction bits."""
    total, width = sum(words), words[1] - words[0]
    found = [[2 * row[-1] + total * sum(row[:-1]), *(width * x for x in row[:-1])] for row in rows]
    return found, exponent(unit) + 1


def exponent(unit: Fraction) -> int:
    """``k`` of ``2^k``."""
    bits = unit.numerator.bit_length() - unit.denominator.bit_length()
    need(unit == Fraction(2) ** bits, "a step size that is not dyadic")
    return bits


class Comparison:
    """The two relaxations of a program: of its own equilibrium, and of the float network's beside it."""

    def __init__(self, mismatch: Mismatch) -> None:
        self.mismatch, self.program = mismatch, mismatch.program
        self.n, self.d, self.reflects = self.program.n, self.program.d, mismatch.reflects

    def stored(self) -> Relaxation:
        """``x = (1, theta, phi(s))``; the dense rows are ``s``, unsaturated."""
        P, (M, G) = self.program, self.program.common
        top = max(self.mismatch.grids)
        rows = zip(P.drive, P.drive_bias, self.mismatch.grids)
        drive = [[x << (P.left + top - e) for x in row] + [bias << (top - e)] for row, bias, e in rows]
        inputs, bits = centred(drive, Fraction(2) ** top, P.x_range)
        unit = max(bits, G)
        dense = [[x << (unit - bits) for x in a] + [x << (unit - G) for x in b] for a, b in zip(inputs, M)]
        found = []
        for i, row in enumerate(P.clip):
            phi, s = 1 + self.d + i, 1 + self.d + self.n + i
            z = {s: 1, phi: 1} if self.reflects else {phi: 1}  # twice z where phi reflects
            found.append(self._interval(row, z, {s: 1, phi: -1}, 1 + self.reflects, {}, {}, 0))
        return Relaxation(1 + self.d + self.n, self.d, found, dense, unit)

    def difference(self, scale: int) -> Relaxation:
        """``x = (1, theta, z, v)``; dense rows: ``g = s - z`` of the float network, differences of ``s``."""
        P, mismatch, (M, G) = self.program, self.mismatch, self.program.common
        n, p, q = self.n, mismatch.alpha.numerator, exponent(Fraction(mismatch.alpha.denominator))
        U = mismatch.model.input
        wanted = [[p * x for x in row] + [p * offset] for row, offset in zip(U.matrix, U.offset)]
        cone, cone_bits = centred(wanted, Fraction(2) ** (U.bits + q), P.x_range)
        (N, N_unit), (c, c_unit) = mismatch.matrix, mismatch.input
        inputs, bits = centred(c, c_unit, P.x_range)
        A_bits, N_bits = mismatch.model.grid_bits + q, exponent(N_unit)
        unit = max(cone_bits, A_bits, bits, N_bits, G)
        dense = []
        for row, A in zip(cone, mismatch.model.monotone):
            dense.append([x << (unit - cone_bits) for x in row] + [-p * x << (unit - A_bits) for x in A] + [0] * n)
        for row, moved, last in zip(inputs, N, M):
            left = [-x << (unit - bits + scale) for x in row] + [-x << (unit - N_bits + scale) for x in moved]
            dense.append(left + [x << (unit - G) for x in last])
        found = []
        for i, clip in enumerate(P.clip):
            z, v, g, e = (1 + self.d + n * block + i for block in range(4))
            dz = {e: 1, v: 1} if self.reflects else {v: 1}
            found.append(self._interval(clip, {z: 1}, {g: 1}, 1, dz, {e: 1, v: -1}, scale))
        return Relaxation(1 + self.d + 2 * n, self.d, found, dense, unit)

    def _interval(self, row: Row, z: Form, g: Form, ends: int, dz: Form, dg: Form, scale: int) -> Interval:
        """The row of values ``z`` and ``g = s - z``, whose differences are ``2^scale`` (or twice that) too large."""
        a, b, da, db = (g, z, dg, dz) if row.complement else (z, g, dz, dg)
        one, whole = self.program.unit.numerator, self.program.unit.denominator
        low, high = (None if end is None else ends * end * whole for end in (row.lower, row.upper))
        second = plus((1 << (scale + self.reflects), b), (1, db))
        return Interval(plus((one, a)), b, low, high, da, db, second)

    def output(self, k: int, scale: int) -> tuple[Form, int]:
        """Stored output less the float network's, and the fraction bits of its unit."""
        (changes, change_unit), offset = self.mismatch.readout_change, self.mismatch.offset_change[k]
        change_bits = exponent(change_unit)
        bits = max(change_bits, exponent(Fraction(offset.denominator))) + self.reflects + scale
        form: Form = {0: int(offset * 2**bits)}
        for i, (x, change) in enumerate(zip(self.program.readout[k], changes[k])):
            z, v, _, e = (1 + self.d + self.n * block + i for block in range(4))
            moved = x << (bits - self.program.output_shift - self.reflects - scale)
            form[z], form[v] = change << (bits - change_bits), moved
            if self.reflects:
                form[e] = moved
        return form, bits


def by_semidefinite(mismatch: Mismatch, witness: Plain) -> list[Fraction]:
    """Theorem 13: ``|y~ - y*|`` by products of forms, the stored equilibrium inside the state's range."""
    witness = fields(witness, ("scale", "states", "outputs"), "distance by a semidefinite program")
    P, compared, scale = mismatch.program, Comparison(mismatch), whole(witness["scale"], 0, 64)
    need(len(witness["states"]) == P.n and len(witness["outputs"]) == P.k, "a bound is missing")
    need(all(len(pair) == 2 for pair in witness["states"] + witness["outputs"]), "a bound has not two sides")
    relaxation = compared.stored()
    for i, pair in enumerate(witness["states"]):
        for sign, plain in zip((1, -1), pair):
            most = relaxation.prove({1 + P.d + P.n + i: sign}, plain, f"range of state {i}")
            need(most <= P.top / P.unit, f"state {i} may saturate")
    relaxation, found = compared.difference(scale), []
    for k, (pair, clip) in enumerate(zip(witness["outputs"], mismatch.output_clip_changes())):
        form, bits = compared.output(k, scale)
        bounds = [
            relaxation.prove(plus((sign, form)), plain, f"distance of output {k}") for sign, plain in zip((1, -1), pair)
        ]
        found.append(max(Fraction(0), *bounds) / (1 << bits) + clip)
    return found


def by_joint_form(mismatch: Mismatch, witness: Plain) -> list[Fraction]:
    """Theorem 16: ``|y^ - y*|`` by one form of float equilibrium and difference; ``y^`` of no state that saturates."""
    witness = fields(witness, ("scale", "penalties", "values", "weights", "shape"), "distance by a joint form")
    P, n, compared, scale = mismatch.program, mismatch.program.n, Comparison(mismatch), whole(witness["scale"], 0, 64)
    relaxation, inputs = compared.difference(scale), P.d
    dense, unit = relaxation.dense, relaxation.unit
    if witness["shape"] is not None:
        H, inputs = shaped(witness["shape"], [row[1 : 1 + P.d] for row in dense], True), 2 * n
        dense = [[row[0], *shape, *row[1 + P.d :]] for row, shape in zip(dense, H)]
    penalties, values = vector(witness["penalties"], 1 + inputs, 1), vector(witness["values"], n, 1)
    weights = vector(witness["weights"], n, 1)
    # Twice: the penalties, less the facts z_i g_i >= 0, less those of the differences.
    kept = [2 * x << 2 * unit for x in [*penalties, *[0] * n, *weights]]
    half = [[0] * len(kept) for _ in range(1 + inputs)]
    half += [[-x * y << unit for x in row] for y, row in zip(values, dense)] + [[0] * len(kept)] * n
    moved = quadratic(kept, dense[n:], [y << mismatch.reflects for y in weights], unit, bool(mismatch.reflects))
    total = penalties[0] + (sum(penalties[1:]) if inputs == P.d else max(penalties[1:]))
    form = FormBound(add_matrices(moved, add_matrices(half, transposed(half))), 2 * total << 2 * unit)
    outputs, found = [compared.output(k, scale) for k in range(P.k)], []
    mixed = times([[plain.get(1 + P.d + 2 * n + i, 0) for i in range(2 * n)] for plain, _ in outputs], dense)
    for row, (plain, _) in zip(mixed, outputs):
        row[0] += plain[0] << unit
        for i in range(2 * n):
            row[1 + inputs + i] += plain.get(1 + P.d + i, 0) << unit
    over = max((-least for least in mismatch.unsaturated.rest), default=0) if mismatch.unsaturated else 0
    changes = mismatch.output_clip_changes(max(Fraction(0), Fraction(over)))
    for image, (_, bits), clip in zip(form.images(mixed), outputs, changes):
        found.append(form.most(image, Fraction(2) ** (unit + bits)) + clip)
    return found


#: What may bound the distance of the outputs at the exact equilibrium of the integers from the float network's.
DISTANCES: dict[str, Callable[[Mismatch, Plain], list[Fraction]]] = {
    "ellipsoids": by_ellipsoids,
    "joint": by_joint_form,
    "norm": by_norm,
    "pieces": by_pieces,
    "ranges": by_ranges,
    "semidefinite": by_semidefinite,
}


# ----------------------------------------------------------------------------------
# Section 14: how far the outputs move with the input
# ----------------------------------------------------------------------------------

#: Coordinates of a form: so many take half a minute.  Its digits that count, and bits of spreads.
MOST_FORM, FORM_DIGITS, SPREAD_BITS = 800, 72, 30
#: Norms of a change of the input, and whether its unit ball is a box.
NORMS = {"infinity_norm": True, "two_norm": False}


class FormBound:
    """Theorem 14: ``|q x| <= sqrt(total q F^-1 q')`` wherever ``x' F x <= total``, in integers."""

    def __init__(self, F: Matrix, total: int) -> None:
        m = len(F)
        need(m <= MOST_FORM, "a form is too large to check")
        need(all(F[i][i] > 0 for i in range(m)), "a form that is not positive definite")
        sizes = [F[i][i].bit_length() for i in range(m)]
        self.shifts = [(max(sizes) - size) // 2 for size in sizes]
        # Digits that are cut off are below one each, so that the form is more than what is left less ``m`` times one.
        cut = max(0, max(sizes) - FORM_DIGITS)
        left = [[x << a + b >> cut for x, b in zip(row, self.shifts)] for row, a in zip(F, self.shifts)]
        self.R, eta = inverse_factor(diagonal_plus([-m] * m, left), 1 << max(sizes) - cut)
        self.gain = Fraction(total, 1 << max(sizes) + 2 * FACTOR_BITS) / (1 - eta)

    def images(self, forms: Matrix) -> Matrix:
        """``R q`` of forms, on which :meth:`most` is a norm."""
        columns = [[x << shift for x in column] for column, shift in zip(zip(*forms), self.shifts)]
        return transposed(times(self.R, columns))

    def most(self, image: Iterable[int], unit: Fraction) -> Fraction:
        """Bound on ``|q x|`` of a form in the unit, from its image."""
        square = self.gain * sum(x * x for x in image) / unit**2
        return Fraction(root_up(ceil(square * 4**BOUND_BITS)), 1 << BOUND_BITS)


def quadratic(kept: Vector, rows: Matrix, weights: Vector, bits: int, reflects: bool) -> Matrix:
    """The diagonal ``kept`` less the weighted facts of rows ``e``, each of whose ``v`` is one of the last places.

    A fact is ``e_i^2`` where ``phi`` reflects, else ``2 v_i e_i``; what it has of ``v_i^2`` is in ``kept``.
    """
    if reflects:
        return diagonal_plus(kept, scaled(-1, gram(rows, weights)))
    half = [[0] * len(kept) for _ in range(len(kept) - len(rows))]
    half += [[y * x << bits for x in row] for y, row in zip(weights, rows)]
    return diagonal_plus(kept, scaled(-1, add_matrices(half, transposed(half))))


def shaped(plain: Plain, rows: Matrix, box: bool) -> Matrix:
    """``H`` with ``rows x`` in ``{H u : ||u|| <= 1}`` of a change; ``H H' - rows diag(spreads) rows' > 0``."""
    plain = fields(plain, ("spreads", "factor"), "shape")
    n, spreads = len(rows), vector(plain["spreads"], len(rows[0]), 1)
    good = sum(Fraction(1 << SPREAD_BITS, x) for x in spreads) <= 1 if box else min(spreads) >= 1 << SPREAD_BITS
    need(good, "spreads that do not hold every change of the input")
    need(type(plain["factor"]) is list and len(plain["factor"]) == n, f"shape: expected {n} rows")
    H = [vector(row, i + 1) + [0] * (n - i - 1) for i, row in enumerate(plain["factor"])]
    outer = [[dot(a, b) << SPREAD_BITS for b in H] for a in H]
    dominant(difference(outer, gram(transposed(rows), spreads)), "shape of the inputs")
    return H


class Gains:
    """Theorem 15: how far exact equilibria and their outputs move, for a change of the input of at most one word."""

    def __init__(self, contraction: Contraction, plain: Plain | None, box: bool) -> None:
        self.program, self.contraction, self.box = contraction.program, contraction, box
        P = self.program
        grids = [r + g + P.f for r, g in zip(P.right, P.g)]
        self.bits, self.words = max(*P.g, *grids), (P.x_range[1] - P.x_range[0]).bit_length()
        # Of inputs in units of 2^words words, so that all coordinates are of a size.
        self.finer = [P.left + self.bits - e + self.words for e in grids]
        sizes = [self._size(row, finer) / self._unit(0) for row, finer in zip(P.drive, self.finer)]
        self.reach = Fraction(contraction.metric.norm_up(sizes), 1 << BOUND_BITS) / (1 - contraction.rho)
        finest = max(P.direct_grids)
        self.direct = [[x << finest - e for x in row] for row, e in zip(P.direct, P.direct_grids)]
        self.direct_unit = Fraction(2) ** finest
        self.form = None if plain is None else self._form(fields(plain, ("weights", "penalties", "shape"), "gain"))
        if self.form is not None:
            self.states = [self.form.most(image, self._unit(0)) for image in self.form.images(self.rows)]
            self.images = self.form.images(self._outputs())

    def _size(self, row: Sequence[int], finer: int = 0) -> Fraction:
        """Largest ``2^finer row x`` over changes whose norm is at most one."""
        most = sum(map(abs, row)) << finer if self.box else root_up(dot(row, row) << 2 * (BOUND_BITS + finer))
        return Fraction(most, self._scale)

    @property
    def _scale(self) -> int:
        return 1 if self.box else 1 << BOUND_BITS

    def _unit(self, bits: int) -> Fraction:
        return Fraction(2) ** (self.bits + self.words + bits)

    def _form(self, plain: Plain) -> FormBound:
        P, (N, G) = self.program, self.program.common
        drive = [[x << finer for x in row] for row, finer in zip(P.drive, self.finer)]
        weights = vector(plain["weights"], P.n, 1)
        columns, box = drive, self.box
        if plain["shape"] is not None:
            columns, box = shaped(plain["shape"], drive, self.box), False
        penalties = vector(plain["penalties"], len(columns[0]), 1)
        self.rows: Matrix = [[*a, *(x << self.bits - G for x in b)] for a, b in zip(columns, N)]
        total, twice = sum(penalties) if box else max(penalties), 1 + int(P.solver == FORWARD_BACKWARD)
        kept = [twice * x << 2 * self.bits for x in [*penalties, *weights]]
        return FormBound(quadratic(kept, self.rows, weights, self.bits, twice == 1), twice * total << 2 * self.bits)

    def _outputs(self) -> Matrix:
        """Twice each output's change, on the outputs' grid: of ``e + v`` where ``phi`` reflects, else of ``2 v``."""
        P, k = self.program, len(self.rows[0]) - self.program.n
        if P.solver == FORWARD_BACKWARD:
            return [[0] * k + [x << self.bits + 1 for x in row] for row in P.readout]
        alone = [[0] * k + [x << self.bits for x in row] for row in P.readout]
        return add_matrices(times(P.readout, self.rows), alone)

    # Changes of an output, or of a difference of two, for one word.

    def saturating(self, a: int, b: int | None = None) -> Fraction:
        """By the contraction's norm, whatever saturates."""
        rows = self.program.readout
        row = rows[a] if b is None else list(map(sub, rows[a], rows[b]))
        dual = Fraction(self.contraction.metric.dual_norm_up(row), 1 << BOUND_BITS)
        return dual / Fraction(2) ** self.program.output_shift * self.reach + self.fed(a, b)

    def unsaturated(self, a: int, b: int | None = None) -> Fraction:
        """By the form, where neither of the two equilibria saturates."""
        assert self.form is not None
        image = self.images[a] if b is None else list(map(sub, self.images[a], self.images[b]))
        return self.form.most(image, self._unit(self.program.output_shift + 1)) + self.fed(a, b)

    def fed(self, a: int, b: int | None = None) -> Fraction:
        """What the feed-through adds."""
        row = self.direct[a] if b is None else list(map(sub, self.direct[a], self.direct[b]))
        return self._size(row) / self.direct_unit

    @cached_property
    def pairs(self) -> list[list[tuple[Fraction, Fraction | None]]]:
        """Both bounds on every difference of two outputs."""
        k = range(self.program.k)
        return [[(self.saturating(a, b), self.unsaturated(a, b) if self.form else None) for b in k] for a in k]

    def radius(self, best: int, slacks: Sequence[Fraction], room: Sequence[Fraction]) -> Fraction:
        """Theorem 15c: the class stays where a change is smaller; of whole words, at most this, where it is a box."""
        width, rivals = self.program.x_range[1] - self.program.x_range[0], [i for i in range(len(slacks)) if i != best]
        most = Fraction(width + 1 if self.box else root_up(width**2 * self.program.d))
        found = least(most, ((slacks[i], self.pairs[best][i][0]) for i in rivals))
        if self.form is not None:
            moves = [(slacks[i], self.pairs[best][i][1] or Fraction(0)) for i in rivals]
            found = max(found, least(most, [*moves, *zip(room, self.states)]))
        return Fraction(max(0, ceil(found) - 1)) if self.box else found


class Unsaturated:
    """Theorem 15b: equilibria of the stored recurrence without saturation, from that at the middle of all inputs."""

    def __init__(self, contraction: Contraction, gains: Gains) -> None:
        P, self.contraction, self.gains = contraction.program, contraction, gains
        middle = sum(P.x_range) // 2
        self.words, self.reach = [middle] * P.d, P.x_range[1] - middle
        exact = [[(sum(row) * middle << P.left) + bias] for row, bias in zip(P.drive, P.drive_bias)]
        ((self.state, self.radius),) = P.settled(contraction, [[0]] * P.n, exact)
        self.room = rooms(contraction, self.state, self.radius)
        self.rest = [room - moved * self.reach for room, moved in zip(self.room, gains.states)]

    @property
    def inside(self) -> bool:
        """Whether no equilibrium reaches the saturation level."""
        return min(self.rest) > 0

    def apart(self, k: int) -> Fraction:
        """How far output ``k`` at the equilibrium that may saturate is from that at the one that does not."""
        P, found = self.contraction.program, self.contraction
        if self.inside:
            return Fraction(0)
        over = Fraction(found.metric.norm_up([max(Fraction(0), -least) for least in self.rest]), 1 << BOUND_BITS)
        dual = Fraction(found.metric.dual_norm_up(P.readout[k]), 1 << BOUND_BITS) / Fraction(2) ** P.output_shift
        if min(self.room) <= 0:
            return dual * over / (1 - found.rho)
        low, high = P.shown(k)
        z, unit = P.prox(self.state, FINE_BITS), Fraction(2) ** (P.f + P.output_shift)
        middle = (Fraction(dot(P.readout[k], z), 1 << FINE_BITS) + P.output_bias[k]) / unit
        off = dual * Fraction(self.radius, P.unit * (1 << FINE_BITS + BOUND_BITS))
        moved = (self.gains.unsaturated(k) - self.gains.fed(k)) * self.reach + off
        return min(dual * over / (1 - found.rho), max(high - middle, middle - low) + moved)


def least(most: Fraction, pairs: Iterable[tuple[Fraction, Fraction]]) -> Fraction:
    """Up to which change every quantity stays within its slack: pairs of slacks and gains."""
    top, bottom = most.numerator, most.denominator  # compared as integers: there are many pairs, and few lower it
    for slack, gain in pairs:
        if slack.numerator <= 0:
            return Fraction(0)
        room, moved = slack.numerator * gain.denominator, slack.denominator * gain.numerator
        if room * bottom < top * moved:
            top, bottom = room, moved
    return Fraction(top, bottom)


# ----------------------------------------------------------------------------------
# The proved lines: each function proves its claim again and returns the values
# ----------------------------------------------------------------------------------


class Evidence:
    """Everything in the certificate that proves something, read once it is needed."""

    def __init__(self, program: Plain, plain: Plain) -> None:
        self.program, self.plain, self.alpha = Program(program), plain, rational(plain["step_size"])
        dyadic = self.program.solver != FORWARD_BACKWARD or self.alpha == Fraction(1, 1 << self.program.leak_shift)
        need(self.alpha > 0 and dyadic, "step size and leak do not belong together")
        self.contraction = Contraction(self.program, plain["contraction"])

    @property
    def has_samples(self) -> bool:
        """Whether there are calibration samples."""
        return "samples" in self.plain

    @property
    def has_model(self) -> bool:
        """Whether the float model's integers are there, and with them its margin."""
        return "operator" in self.plain

    @cached_property
    def samples(self) -> Samples:
        """The calibration samples."""
        return Samples(self.program, self.plain["samples"])

    @cached_property
    def model(self) -> FloatModel:
        """The float model."""
        return FloatModel(self.program, self.plain["operator"])

    @cached_property
    def points(self) -> Points:
        """Points near the float model's equilibria."""
        return Points(self.model, self.samples)

    @cached_property
    def mismatch(self) -> Mismatch:
        """The stored recurrence at the float model's equilibria."""
        return Mismatch(self.contraction, self.model, self.alpha, self.unsaturated)

    @cached_property
    def settled(self) -> list[tuple[Vector, int]]:
        """Of every sample its deployed state continued with more bits, and how far that is from the equilibrium."""
        samples = self.samples
        return self.program.settled(self.contraction, transposed(samples.states), samples.exact_drives)

    @cached_property
    def gains(self) -> dict[str, Gains]:
        """How far outputs move, in both norms of the input."""
        plain = fields(self.plain["gain"], NORMS, "gain")
        return {name: Gains(self.contraction, plain[name], box) for name, box in NORMS.items()}

    @cached_property
    def unsaturated(self) -> Unsaturated | None:
        """Equilibria without saturation, where a form bounds how they move."""
        gains = self.gains["infinity_norm"]
        return None if gains.form is None else Unsaturated(self.contraction, gains)

    @property
    def inside(self) -> bool:
        """Whether no equilibrium reaches the saturation level."""
        return self.unsaturated is not None and self.unsaturated.inside


def check_contraction(evidence: Evidence) -> Plain:
    """Section 3, Theorems 1 and 2."""
    found = evidence.contraction
    found.prove()
    return {"contraction_factor": found.factor, "metric": found.metric.name, "weighting": found.weighting}


def check_implied_operator(evidence: Evidence) -> Plain:
    """Section 4, Theorem 3 (Cayley)."""
    low, high = 1 - evidence.contraction.rho, 1 + evidence.contraction.rho
    if evidence.program.solver == PEACEMAN_RACHFORD:
        margin, lipschitz = low / high / evidence.alpha, high / low / evidence.alpha
    else:
        margin, lipschitz = low / evidence.alpha, high / evidence.alpha
    bounds = {"margin_bound": float_down(margin), "lipschitz_bound": float_up(lipschitz)}
    return {**bounds, "weighting": evidence.contraction.weighting}


def check_iterations(evidence: Evidence) -> Plain:
    """Section 5, Theorem 4: the start."""
    found = evidence.contraction
    return {
        "iterations": evidence.program.iterations,
        "transient": in_steps(found.transient),
        "start_bound": in_steps(found.start),
        "rounding_bound": in_steps(found.rounding),
    }


def check_radius(evidence: Evidence) -> Plain:
    """Section 5, Theorem 4, in three norms."""
    found = evidence.contraction
    return {
        "weighted_norm": in_steps(found.radius),
        "two_norm": float_up(found.two_norm(found.radius)),
        "infinity_norm": float_up(found.infinity_norm(found.radius)),
    }


def check_logit_radius(evidence: Evidence) -> Plain:
    """Section 5, outputs."""
    P, found = evidence.program, evidence.contraction
    unit = Fraction(2) ** (P.output_shift + P.f) * 4**BOUND_BITS
    rows = [(found.metric.dual_norm_up(row) * found.radius, half) for row, half in zip(P.readout, P.direct_rounding)]
    return {"radii": [float_up((state + half * 4**BOUND_BITS) / unit) for state, half in rows]}


def shown(row: Row, gain: Fraction, offset: Fraction) -> tuple[Fraction | None, Fraction | None]:
    """Ends of ``gain z + offset`` over the interval of a clip."""
    low, high = (None if end is None else gain * end + offset for end in (row.lower, row.upper))
    return (low, high) if gain > 0 else (high, low)


def check_hard_bounds(evidence: Evidence) -> Plain:
    """Section 7: outputs that show one bounded row, by the clip and the readout alone."""
    P = evidence.program
    found: dict[str, list[Any]] = {"lower": [], "upper": [], "inside": []}
    unit = Fraction(2) ** (P.f + P.output_shift)
    for k, (row, bias) in enumerate(zip(P.readout, P.output_bias)):
        low, high, inside, i = None, None, None, P.bounded_row(k)
        if i is not None:
            low, high = shown(P.clip[i], row[i] / unit, bias / unit)
            inside = within_network(evidence.model, k, i, low, high) if evidence.has_model else None
        found["lower"].append(None if low is None else float_down(low))
        found["upper"].append(None if high is None else float_up(high))
        found["inside"].append(inside)
    return found


def within_network(model: FloatModel, k: int, i: int, low: Fraction | None, high: Fraction | None) -> bool | None:
    """Whether an interval is inside that of the network's own output; None where this shows more than row ``i``."""
    gains, unit = model.output.matrix[k], Fraction(2) ** model.output.bits
    if [j for j, gain in enumerate(gains) if gain] != [i]:
        return None
    ends = shown(model.clip[i], gains[i] / unit / (1 << model.clip_bits), model.output.offset[k] / unit)
    above = ends[0] is None or (low is not None and low >= ends[0])
    return above and (ends[1] is None or (high is not None and high <= ends[1]))


def check_carried_contraction(evidence: Evidence) -> Plain:
    """Section 12, Theorems 12a and 12b."""
    found = Carried(evidence.contraction, evidence.plain["carried"])
    found.prove()
    return {"contraction_factor": evidence.plain["carried"]["factor"], "radii": found.radii()}


def check_warm_start(evidence: Evidence) -> Plain:
    """Section 5, Theorem 4': a warm start ends within the radius again."""
    found, P = evidence.contraction, evidence.program
    need(found.warm_radius <= found.radius, "a warm start ends beyond the radius")
    return {"iterations": P.warm, "rate": P.rate, "change": in_steps(found.change)}


def check_carried_gain(evidence: Evidence) -> Plain:
    """Section 12, Theorem 12c."""
    P = evidence.program
    plain = fields(
        evidence.plain["carried_gain"], ("square", "form", "multipliers", "weight", "witness", "form_witness"), "gain"
    )
    square, m = rational(plain["square"]), P.carried
    form, multipliers, weight = (
        symmetric(plain["form"], m),
        vector(plain["multipliers"], P.n, 0),
        whole(plain["weight"], 1),
    )
    p, q = square.numerator, square.denominator
    need(p > 0, "a gain that is not positive")
    kept = with_diagonal(scaled(q, form), p * weight, P.d - m)
    gap = Loop(P, True).gap(q, kept, with_diagonal(form, weight, P.k - m), multipliers)
    positive_definite(gap, plain["witness"], "gain of the carried state")
    positive_definite(form, plain["form_witness"], "form of the gain")
    return {"gain": float_up(Fraction(root_up(ceil(square * 4**BOUND_BITS)), 1 << BOUND_BITS))}


def with_diagonal(form: Matrix, entry: int, more: int) -> Matrix:
    """A matrix with so many rows and columns more, of the entry on the diagonal."""
    size = len(form) + more
    rows = [[*row, *[0] * more] for row in form]
    return rows + [[entry if i == j else 0 for j in range(size)] for i in range(len(form), size)]


def check_class_a_priori(evidence: Evidence) -> Plain:
    """Section 5: samples whose class the radius alone decides."""
    classes, samples, radius = ExactClasses(evidence.contraction), evidence.samples, evidence.contraction.radius
    equal = sum(classes.of(state, 0, radius, x) >= 0 for state, x in zip(samples.states, samples.words))
    return {"samples": samples.count, "equal": equal}


def check_class_a_posteriori(evidence: Evidence) -> Plain:
    """Section 6, Lemma 2: at the deployed state, and at its continuation with more bits."""
    P, samples, classes = evidence.program, evidence.samples, ExactClasses(evidence.contraction)
    drives = [[(v << FINE_BITS) >> r for v in row] for row, r in zip(samples.exact_drives, P.right)]
    fine = [[v << FINE_BITS for v in row] for row in transposed(samples.states)]
    largest = max(residual_radii(evidence.contraction, fine, drives))
    found = [classes.of(state, FINE_BITS, radius, x) for (state, radius), x in zip(evidence.settled, samples.words)]
    return {**samples.verdicts(found), "largest_distance": in_steps((largest >> FINE_BITS) + 1)}


def check_accumulators(evidence: Evidence) -> Plain:
    """Section 7: the interval of every sum, and the width that holds it."""
    P = evidence.program
    sums = P.drive_spans + (P.direct_spans if any(P.direct) else [])
    right = P.right + P.direct_right
    inputs = [(low, high + ((1 << r) >> 1)) for (low, high), r in zip(sums, right)]
    words = [(rounded(low, r), rounded(high, r)) for (low, high), r in zip(sums, right)]
    phi, prox = P.operand_spans
    updates = zip((span_over(row, phi) for row in P.stored), words, P.g)
    states = [(low + d, high + e + ((1 << g) >> 1)) for (low, high), (d, e), g in updates]
    rows = zip((span_over(row, prox) for row in P.readout), words[P.n :] or [(0, 0)] * P.k, P.align, P.output_bias)
    outputs = [(low + (u << shift) + bias, high + (v << shift) + bias) for (low, high), (u, v), shift, bias in rows]
    named = {"drive_accumulator": [(0, 0), *inputs], "drive": words, "state_accumulator": states, "output": outputs}
    ranges = {name: (min(low for low, _ in rows), max(high for _, high in rows)) for name, rows in named.items()}
    return {name: {"low": low, "high": high, "bits": _width(low, high)} for name, (low, high) in ranges.items()}


def _width(low: int, high: int) -> int:
    """Bits of the smallest two's complement word that holds an interval."""
    return max((v if v >= 0 else -v - 1).bit_length() for v in (low, high)) + 1


def check_state_range(evidence: Evidence) -> Plain:
    """Section 7: every state before saturation."""
    found, (N, G) = evidence.contraction, evidence.program.common
    unit, rows = Fraction(2) ** (G + 2 * BOUND_BITS), zip(N, found.drives, found.errors)
    most = max(found.metric.dual_norm_up(row) * found.reach / unit + drive + error for row, drive, error in rows)
    verdict = "may saturate, harmless" if most >= evidence.program.top else "never saturates"
    return {"bound": float_up(most), "saturation_level": evidence.program.top, "verdict": verdict}


def check_state_saturation(evidence: Evidence) -> Plain:
    """Section 7: samples that end at the saturation level."""
    top, samples = evidence.program.top, evidence.samples
    return {"samples": samples.count, "saturated": sum(max(map(abs, state)) >= top for state in samples.states)}


def check_adjoint(evidence: Evidence) -> Plain:
    """Section 8: the dual norm of the transposed matrix is the norm of the matrix."""
    return {"contraction_factor": evidence.contraction.factor}


def check_original_operator(evidence: Evidence) -> Plain:
    """Section 9: margin and Lipschitz constant of the float model."""
    model = evidence.model
    model.prove_margin()
    model.prove_lipschitz()
    m, L = model.margin, model.lipschitz
    return {"margin_bound": float_down(m), "lipschitz_bound": float_up(L), "condition_bound": float_up(L / m)}


def check_displacement_a_posteriori(evidence: Evidence) -> Plain:
    """Section 9, (7): by the point of each sample."""
    P, points = evidence.program, evidence.points
    shift, unit, found = points.bits - P.f, Fraction(2) ** (BOUND_BITS + points.bits), []
    for state, point in zip(evidence.samples.states, points.all):
        square = sum(((z << shift) - p) ** 2 for z, p in zip(P.prox(state, 0), point.z))
        found.append(root_up(square << 2 * BOUND_BITS) / unit + point.radius)
    mean = sum(found, Fraction(0)) / len(found)
    return {"samples": len(found), "largest": float_up(max(found)), "mean": float_up(mean)}


def check_class_of_float_model(evidence: Evidence) -> Plain:
    """Section 9: the class at a point, where its radius and the rounding of the readout decide it."""
    _, rows, offset = evidence.model.output
    unit, extra, found = Fraction(2) ** evidence.points.bits, root_up(evidence.program.n), []
    duals = [[root_up(sum((x - y) ** 2 for x, y in zip(a, b))) + extra for b in rows] for a in rows]
    direct = evidence.model.direct
    direct_unit = Fraction(2) ** (evidence.model.output.bits - direct.bits)
    for (z, radius), x in zip(evidence.points.all, evidence.samples.words):
        fed = [dot(row, x) * direct_unit for row in direct.matrix]
        outputs = [dot(row, z) / unit + c + u for row, c, u in zip(rows, offset, fed)]
        # Half a unit of every entry of both rows of a difference.
        half = sum(map(abs, z)) / unit + 1 + (sum(map(abs, x)) * direct_unit if any(direct.matrix) else 0)
        found.append(decided(outputs, duals, radius, half))
    return evidence.samples.verdicts(found)


def check_displacement_a_priori(evidence: Evidence) -> Plain:
    """Section 9, every input: one residual for matrix, drive, clip and rounding."""
    P, model, found = evidence.program, evidence.model, evidence.contraction
    every = EveryInput(P, model, evidence.alpha)
    start = found.two_norm(found.start)
    residual = (every.matrix_norm() * start + every.input_norm()) / every.gain
    # W, U and b are off by at most half a unit each.
    inputs = P.d * P.x_top + 1
    grids = P.n * start / 2**model.grid_bits + root_up(P.n) * inputs / Fraction(2) ** model.input.bits
    values, cones = clip_change(model, P, evidence.alpha)
    rows = model.lipschitz * values + cones / evidence.alpha
    bound = (residual + grids / 2 + rows) / model.margin + values + found.two_norm(found.radius)
    return {"bound": float_up(bound)}


def check_output_distance(evidence: Evidence) -> Plain:
    """Section 11: the tightest bound of each output, plus what rounding, the end of the iteration and grids add."""
    mismatch, witnesses = evidence.mismatch, evidence.plain["distance"]
    need(set(witnesses) <= set(DISTANCES), "an unknown method bounds the distance")
    found = {name: method(mismatch, witnesses[name]) for name, method in DISTANCES.items() if name in witnesses}
    joint, other = found.pop("joint", None), evidence.unsaturated
    need(joint is None or other is not None, "a joint form without a bound on the states")
    if joint is not None and other is not None:
        found["joint"] = [value + other.apart(k) for k, value in enumerate(joint)]
    P, rounding = evidence.program, mismatch.rounding
    rest = [sum(each) for each in zip(rounding, mismatch.grid_errors(), mismatch.feedthrough_errors())]
    best = [min((values[k], name) for name, values in found.items()) for k in range(P.k)]
    plain = {"bounds": [float_up(value + more) for (value, _), more in zip(best, rest)]}
    if joint is not None and not evidence.inside:
        plain["unsaturated"] = [float_up(value + more) for value, more in zip(joint, rest)]
    return {**plain, "rounding": list(map(float_up, rounding)), "methods": [name for _, name in best]}


def check_gain(evidence: Evidence) -> Plain:
    """Section 14: by how much outputs move at most, in output units for one input unit, and by rounding beside that."""
    found: Plain = {}
    for name, gains in evidence.gains.items():
        moved = [gains.saturating(k) for k in range(evidence.program.k)]
        if evidence.inside and gains.form is not None:
            moved = [min(most, gains.unsaturated(k)) for k, most in enumerate(moved)]
        found[name] = [float_up(most * Fraction(2) ** evidence.program.input_f) for most in moved]
    found["rounding"] = [2 * radius for radius in check_logit_radius(evidence)["radii"]]
    return {**found, "states": "never saturate" if evidence.inside else "may saturate"}


def check_robustness(evidence: Evidence) -> Plain:
    """Section 14: up to which change of each sample's input its deployed class stays."""
    P, found, samples = evidence.program, evidence.contraction, evidence.samples
    radii: dict[str, list[Fraction]] = {name: [] for name in NORMS}
    duals, unit = ExactClasses(found).duals, Fraction(2) ** (P.f + P.output_shift)
    for (fine, radius), best, x in zip(evidence.settled, samples.deployed_classes, samples.words):
        distance = Fraction(radius + (found.radius << FINE_BITS), 4**BOUND_BITS)
        outputs, half = P.outputs(fine, FINE_BITS, P.fed_exactly(x)), P.direct_rounding
        above = [(outputs[best] - y - dual * distance) / (1 << FINE_BITS) for y, dual in zip(outputs, duals[best])]
        slacks = [(most - half[best] - other) / unit for most, other in zip(above, half)]
        room = rooms(found, fine, radius)
        for name, gains in evidence.gains.items():
            radii[name].append(gains.radius(best, slacks, room))
    return {"samples": samples.count, **{name: shares(evidence, name, found) for name, found in radii.items()}}


def shares(evidence: Evidence, name: str, radii: list[Fraction]) -> Plain:
    """Eleven quantiles of radii in words, in input units, and how many hold a change of each size that is asked for."""
    word, last = Fraction(2) ** evidence.program.input_f, len(radii) - 1
    ordered, asked = sorted(radii), list(map(rational, evidence.plain["robustness"][name]))
    if NORMS[name]:
        certified = [sum(radius >= floor(eps * word) for radius in radii) for eps in asked]
    else:
        certified = [sum(radius > eps * word for radius in radii) for eps in asked]
    quantiles = [float_down(ordered[last * tenth // 10] / word) for tenth in range(11)]
    return {"quantiles": quantiles, "eps": list(map(float, asked)), "certified": certified}


# ----------------------------------------------------------------------------------
# Section 10: the certificate as a whole
# ----------------------------------------------------------------------------------

PROVED: dict[str, Callable[[Evidence], Plain]] = {
    "output_distance": check_output_distance,
    "gain": check_gain,
    "robustness": check_robustness,
    "carried_contraction": check_carried_contraction,
    "carried_gain": check_carried_gain,
    "warm_start": check_warm_start,
    "hard_bounds": check_hard_bounds,
    "contraction": check_contraction,
    "implied_operator": check_implied_operator,
    "iterations": check_iterations,
    "radius": check_radius,
    "logit_radius": check_logit_radius,
    "class_a_priori": check_class_a_priori,
    "class_a_posteriori": check_class_a_posteriori,
    "accumulators": check_accumulators,
    "state_range": check_state_range,
    "state_saturation": check_state_saturation,
    "adjoint": check_adjoint,
    "original_operator": check_original_operator,
    "displacement_a_posteriori": check_displacement_a_posteriori,
    "class_of_float_model": check_class_of_float_model,
    "displacement_a_priori": check_displacement_a_priori,
}
#: Lines of floating point; nothing here can confirm them.
MEASURED = {"output_distance_found", "original_figures", "deployed_figures", "iteration_norms", "displacement"}
#: Lines that need calibration samples, and lines that need the float model's integers.
COMPARED = {"displacement_a_posteriori", "class_of_float_model"}
SAMPLED = {"robustness", "class_a_priori", "class_a_posteriori", "state_saturation", "displacement"} | COMPARED
MODELLED = {"output_distance", "original_operator", "displacement_a_priori"} | COMPARED
#: SHA-256 of the names, words and sources of all claims, for each task: a claim is its words as well as its numbers.
CLAIMS = {
    "classes": "f3135d3a1b16f57470894db9e016f880af74dcab097127d05aa846a8a1fb1f6d",
    "values": "e60457d8a114a5f938a5d1ae43372c08fbfe127191938cb863e9f6c3c3e614bc",
}
#: The same of the claims of a program that carries a state, beside those.
CARRIED_CLAIMS = {"carried_contraction": "carried", "carried_gain": "carried_gain"}  # and their evidence
CARRIED_DIGESTS = {
    False: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",  # of none
    True: "36c551417ae30573d660d6be9d9ec01e0c27cb0ca52913556b80c22753c8bab0",
}
#: The same of a program with a warm start.
WARM_CLAIMS = ("warm_start",)
WARM_DIGESTS = {
    False: CARRIED_DIGESTS[False],
    True: "ada4203f4c200101499b52b48551053b6f1dbcbc8ff795ccad7fbd192cf99ee9",
}
#: The same of outputs that show bounded rows.
BOUNDED_CLAIMS = ("hard_bounds",)
BOUNDED_DIGESTS = {
    False: CARRIED_DIGESTS[False],
    True: "b333b006a93b06457af72ac46924f8a4cfa73807c4f912dabb50725a99d5bac6",
}
FIELDS = ("version", "task", "lines", "program", "program_digest", "model_digest", "evidence", "digest")
LINE_FIELDS = ("name", "statement", "values", "status", "source")


class Checker:
    """A certificate whose seals and words are right; :meth:`run` proves its lines."""

    def __init__(self, plain: Plain) -> None:
        need(plain["version"] == 2, f"version is {plain['version']!r:.60}, expected 2")
        plain = fields(plain, FIELDS, "certificate")
        body = {key: value for key, value in plain.items() if key != "digest"}
        need(plain["digest"] == digest(body), "the digest does not match: the file was changed")
        need(plain["program_digest"] == digest(plain["program"]), "the program's digest does not match its integers")
        need(plain["program"]["certified"] is True, "the program is marked uncertified: nothing proves its convergence")
        need(plain["task"] in CLAIMS, f"unknown task {plain['task']!r:.60}")
        self.lines = [fields(line, LINE_FIELDS, "line") for line in plain["lines"]]
        claims = {line["name"]: [line["statement"], line["source"]] for line in self.lines}
        need(len(claims) == len(self.lines), "a line occurs twice")
        carried = {name: claims.pop(name) for name in CARRIED_CLAIMS if name in claims}
        warm = {name: claims.pop(name) for name in WARM_CLAIMS if name in claims}
        bounded = {name: claims.pop(name) for name in BOUNDED_CLAIMS if name in claims}
        self.evidence = Evidence(plain["program"], plain["evidence"])
        known = (
            digest(claims) == CLAIMS[plain["task"]]
            and digest(carried) == CARRIED_DIGESTS["carried" in plain["program"]]
            and digest(warm) == WARM_DIGESTS["warm" in plain["program"]]
            and digest(bounded) == BOUNDED_DIGESTS[self.evidence.program.shows_bounded_rows]
        )
        need(known, "a claim is missing, unknown or differently worded")

    def run(self) -> Iterator[tuple[str, str]]:
        """Check every line; yield its name and status."""
        for line in self.lines:
            name, status = line["name"], self._status(line["name"])
            if name in MEASURED and line["status"] == "not covered":
                status = "not covered"  # floating point may fail; that claims nothing
            need(line["status"] == status, f"{name}: the status is {line['status']!r}, the evidence says {status!r}")
            if status == "not covered":
                need(set(line["values"]) == {"reason"}, f"{name}: claimed without evidence")
            if status == "proved":
                found = PROVED[name](self.evidence)
                good = canonical(found) == canonical(line["values"])
                need(good, f"{name}: the proof gives {found!r:.300}, not {line['values']!r:.300}")
            yield name, status

    def _status(self, name: str) -> str:
        """What the evidence allows a line to be."""
        unsampled = name in SAMPLED and not self.evidence.has_samples
        unmodelled = name in MODELLED and not self.evidence.has_model
        uncarried = name in CARRIED_CLAIMS and CARRIED_CLAIMS[name] not in self.evidence.plain
        no_product = name == "implied_operator" and self.evidence.contraction.metric.name != TwoNorm.name
        if unsampled or unmodelled or uncarried or no_product:
            return "not covered"
        return "measured" if name in MEASURED else "proved"


def unique(pairs: list[tuple[str, Any]]) -> Plain:
    """An object of the file, no key of it twice."""
    need(len({key for key, _ in pairs}) == len(pairs), "a key occurs twice")
    return dict(pairs)


def check(path: str) -> str | None:
    """Check a file; print its lines, and return what is wrong with it, if anything."""
    try:
        with open(path, encoding="utf-8") as file:
            plain = json.load(file, object_pairs_hook=unique)
        for name, status in Checker(plain).run():
            print(f"ok    {name}: {status}")
    except CertificateError as error:
        return str(error)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    except Exception as error:  # whatever else a malformed file provokes
        return f"malformed certificate: {type(error).__name__}: {error!s:.200}"
    return None


def main(arguments: list[str]) -> int:
    """The program: exit code 0 where every proved line holds."""
    if len(arguments) != 1:
        print("usage: check_certificate.py certificate.json")
        return 1
    failure = check(arguments[0])
    print("certificate accepted: every proved line holds" if failure is None else f"FAIL  {failure}")
    return int(failure is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
