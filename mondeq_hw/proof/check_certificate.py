#!/usr/bin/env python3
"""Check a certificate of mondeq-hw: ``python check_certificate.py certificate.json``.

Standard library only, and nothing of the package that wrote the certificate: every line marked
*proved* is proved again from the integers in the file, by exact arithmetic, and its values must
come out the same.  What is proved, and why, is in ``docs/mathematics.md``.  Lines marked *measured*
cannot be checked without the float model, and may not be marked otherwise.  Exit code 0 when
everything holds, 1 when anything does not.
"""

# ruff: noqa: B905 - every length is checked before lists are zipped
import base64
import hashlib
import json
import struct
import sys
import zlib
from fractions import Fraction
from functools import cached_property
from math import inf, isqrt, nextafter
from operator import eq, mul, sub

B = 64  # error bounds are integers in units of 2^-B of a state step, rounded up
FINE = 16  # fractional bits that the continuation of a sample adds to the state
MOST_WORK = 2_000_000_000  # multiplications; more than this is not a certificate but an attack
MEASURED = {"original_figures", "deployed_figures", "iteration_norms", "displacement"}
COMPARED = {"displacement_a_posteriori", "class_of_float_model"}
SAMPLED = {"class_a_priori", "class_a_posteriori", "state_saturation", "displacement"} | COMPARED
MODELLED = {"original_operator", "displacement_a_priori"} | COMPARED
#: SHA-256 of the names, words and sources of all claims: a claim is its words as well as its numbers.
CLAIMS = "f72e960980ada9cd4d129aff461e041f3efb95e5c60b8796237593834889b9b4"


class CertificateError(Exception):
    """The certificate claims something that is not so."""


def need(condition, message):
    if not condition:
        raise CertificateError(message)


def whole(value, low=-inf, high=inf):
    need(type(value) is int and low <= value <= high, f"expected an integer from {low} to {high}, got {value!r:.60}")
    return value


def vector(values, length, low=-inf, high=inf):
    need(type(values) is list and len(values) == length, f"expected a list of {length} integers")
    return [whole(value, low, high) for value in values]


def grid(values, rows, columns, low=-inf, high=inf):
    need(type(values) is list and len(values) == rows, f"expected {rows} rows")
    return [vector(row, columns, low, high) for row in values]


def unpacked(text, rows, columns, low=-inf, high=inf):
    """A matrix of 64-bit integers, compressed."""
    size, unpacker = 8 * rows * columns, zlib.decompressobj()
    raw = unpacker.decompress(base64.b64decode(text, validate=True), size + 1)
    need(len(raw) == size and unpacker.eof, "packed integers have not the stated size")
    values = vector(list(struct.unpack(f"<{rows * columns}q", raw)), rows * columns, low, high)
    return [values[i : i + columns] for i in range(0, rows * columns, columns)]


def affine(plain, rows, columns):
    """Matrix and offset on the grid of ``2^-bits``."""
    matrix = unpacked(plain["matrix"], rows, columns)
    return whole(plain["bits"], -(10**4), 10**4), matrix, vector(plain["offset"], rows)


def ratio(text):
    numerator, denominator = text.split("/")
    return Fraction(int(numerator), int(denominator))


def canonical(plain):
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def digest(plain):
    return hashlib.sha256(canonical(plain).encode()).hexdigest()


def dot(a, b):
    return sum(map(mul, a, b))


def times(rows, matrix):
    columns = list(zip(*matrix))
    return [[dot(row, column) for column in columns] for row in rows]


def span(row, top, offset):
    """Smallest and largest ``row x + offset`` over words up to ``top``."""
    low, high = (sum(x for x in row if (x < 0) == negative) * top for negative in (True, False))
    return low + offset, high + offset


def gram(rows, weights):
    """``rows' W rows``."""
    columns = list(zip(*rows))
    weighted = [list(map(mul, column, weights)) for column in columns]
    lower = [[dot(weighted[i], columns[j]) for j in range(i + 1)] for i in range(len(columns))]
    return [[lower[max(i, j)][min(i, j)] for j in range(len(columns))] for i in range(len(columns))]


def less(diagonal, matrix):
    """``diag(diagonal) - matrix``."""
    return [[(diagonal[i] if i == j else 0) - x for j, x in enumerate(row)] for i, row in enumerate(matrix)]


def ceil(value):
    return -((-value.numerator) // value.denominator)


def root_up(square):
    return isqrt(square - 1) + 1 if square > 0 else 0


def float_up(value):
    rounded = float(value)
    return rounded if Fraction(rounded) >= value else nextafter(rounded, inf)


def steps(bound):
    return float_up(Fraction(bound, 1 << B))


def rounded(value, shift):
    return (value + ((1 << shift) >> 1)) >> shift


def clip(value, top):
    return max(-top, min(top, value))


def argmax(y):
    return y.index(max(y))


def decided(y, reach):
    """The largest of ``y``, or -1 where another lies within reach of it."""
    best = argmax(y)
    return best if all(y[best] - y[i] > reach(best, i) for i in range(len(y)) if i != best) else -1


def positive_definite(P, witness, what):
    """Symmetric ``P``, scaled by powers of two, is ``L L'`` plus a strictly diagonally dominant rest."""
    n, L = len(P), witness["cholesky"]
    k, t = vector(witness["exponents"], n, 0, 10**4), whole(witness["bits"], 1, 64)
    need(type(L) is list and len(L) == n, f"{what}: the factor has not {n} rows")
    L = [vector(row, i + 1) for i, row in enumerate(L)]
    rest, off = [0] * n, [0] * n
    for i in range(n):
        for j in range(i + 1):
            shift = k[i] + k[j] - 2 * t
            entry = P[i][j] >> shift if shift >= 0 else P[i][j] << -shift
            entry -= dot(L[i], L[j])  # the sum stops at the shorter row: L is lower triangular
            rest[i] = entry
            off[i], off[j] = (off[i] + abs(entry), off[j] + abs(entry)) if i != j else (off[i], off[j])
    need(all(rest[i] > off[i] + n for i in range(n)), f"{what}: the witness does not prove positive definiteness")


class Program:
    """The deployed integers, checked for shape and range, and the contract that they obey."""

    def __init__(self, plain):
        need(plain["version"] == 2 and len(plain["stages"]) == 1, "expected one stage of program version 2")
        plain = {**plain, **plain["stages"][0]}
        self.plain, self.K, self.solver = plain, whole(plain["iterations"], 1), plain["solver"]
        need(self.solver in ("peaceman_rachford", "forward_backward"), "unknown solver")
        state, words, self.a = plain["state_format"], plain["input_format"], whole(plain["leak_shift"], 0, 64)
        need(self.a == 0 or self.solver == "forward_backward", "a leak without forward-backward")
        good = state["signed"] is True and state["rounding"] == "AP_RND" and state["overflow"] == "AP_SAT_SYM"
        need(good and words["signed"] is False, "state or input format is not what the proofs are about")
        self.f = whole(state["word_length"], 2, 64) - whole(state["integer_bits"], -(10**4), 10**4)
        input_fraction = whole(words["word_length"], 1, 64) - whole(words["integer_bits"], -(10**4), 10**4)
        self.top, self.x_top = (1 << (state["word_length"] - 1)) - 1, (1 << words["word_length"]) - 1
        self.n = n = len(plain["matrix"])
        self.bounds(plain["clip"])
        self.d, self.k = len(plain["drive"][0]), len(plain["readout"])
        self.matrix, self.g = self.levels("matrix", n, n)
        self.drive, drive_shift = self.levels("drive", n, self.d)
        readout, readout_shift = self.levels("readout", self.k, n)
        self.left, self.bias = whole(plain["drive_left_shift"], 0, 10**4), vector(plain["drive_bias"], n)
        self.right = [e + input_fraction + self.left - self.f - g for e, g in zip(drive_shift, self.g)]
        need(min(self.g) >= self.a and min(self.right) >= 0, "a leak or a drive that is not on the accumulator's grid")
        self.leak = [(1 << g) - (1 << (g - self.a)) for g in self.g]
        self.stored = less(self.leak, [[-x for x in row] for row in self.matrix])
        self.out_shift, self.c = max(readout_shift), vector(plain["readout_bias"], self.k)
        self.O = [[x << (self.out_shift - e) for x in row] for row, e in zip(readout, readout_shift)]
        self.G = max(self.g)  # the iteration matrix is exactly 2^-G N
        self.N = [[x << (self.G - g) for x in row] for row, g in zip(self.stored, self.g)]
        self.extremes = [span(row, self.x_top << self.left, b) for row, b in zip(self.drive, self.bias)]

    def levels(self, name, rows, columns):
        top = max(1, (1 << (whole(self.plain[name + "_word_length"], 1, 16) - 1)) - 1)
        shifts = vector(self.plain[name + "_shifts"], rows, -(10**4), 10**4)
        return grid(self.plain[name], rows, columns, -top, top), shifts

    def bounds(self, clip):
        """Bounds of each row in state steps; beyond the saturation level is no bound at all."""
        lower, upper, complement = clip["lower"], clip["upper"], clip["complement"]
        need(len(lower) == len(upper) == len(complement), "a clip whose lists differ in length")
        kinds = [
            (
                -self.top if low is None else whole(low, -self.top, 0),
                self.top if high is None else whole(high, 0, self.top),
                flipped is True,
            )
            for low, high, flipped in zip(lower, upper, complement)
        ]
        need(all(type(flipped) is bool for flipped in complement), "a complement that is neither true nor false")
        self.clip = [kinds[row] for row in vector(clip["rows"], self.n, 0, len(kinds) - 1)]

    def prox(self, s, extra):
        """The proximal operator of a state with so many extra fractional bits."""
        found = []
        for v, (low, high, flipped) in zip(s, self.clip):
            kept = max(low << extra, min(high << extra, v))
            found.append(v - kept if flipped else kept)
        return found

    def accumulate(self, s, drive, extra):
        z = self.prox(s, extra)
        if self.solver == "peaceman_rachford":
            z = [2 * kept - v for kept, v in zip(z, s)]
        return [dot(row, z) + v for row, v in zip(self.stored, drive)]

    def iterate(self, s, drive, extra):
        """Up to ``K`` updates; a fixed point ends them."""
        top = self.top << extra
        for _ in range(self.K):
            following = [clip(rounded(v, g), top) for v, g in zip(self.accumulate(s, drive, extra), self.g)]
            if following == s:
                break
            s = following
        return s

    def logits(self, s, extra):
        z = self.prox(s, extra)
        return [dot(row, z) + (c << extra) for row, c in zip(self.O, self.c)]


class Checker:
    def __init__(self, plain):
        need(plain["version"] == 1, f"version is {plain['version']!r}, expected 1")
        body = {key: value for key, value in plain.items() if key != "digest"}
        need(plain["digest"] == digest(body), "the digest does not match: the file was changed")
        need(plain["program_digest"] == digest(plain["program"]), "the program's digest does not match its integers")
        need(plain["program"]["certified"] is True, "the program is marked uncertified: nothing proves its convergence")
        self.lines = {line["name"]: line for line in plain["lines"]}
        need(len(self.lines) == len(plain["lines"]), "a line occurs twice")
        claims = {name: [line["statement"], line["source"]] for name, line in self.lines.items()}
        need(digest(claims) == CLAIMS, "a claim is missing, unknown or differently worded")
        self.program, self.evidence = Program(plain["program"]), plain["evidence"]
        self.w = vector(self.evidence["contraction"]["weights"], self.program.n, 1)
        self.weighting = "identity" if set(self.w) == {1} else "diagonal"
        self.rho, self.alpha = ratio(self.evidence["contraction"]["factor"]), ratio(self.evidence["step_size"])
        dyadic = self.program.solver != "forward_backward" or self.alpha == Fraction(1, 1 << self.program.a)
        need(self.alpha > 0 and dyadic, "step size and leak do not belong together")

    def run(self):
        """Check every line; yield its name and what was found."""
        without = set() if "samples" in self.evidence else SAMPLED
        without = without if "operator" in self.evidence else without | MODELLED
        for name, line in self.lines.items():
            status = "not covered" if name in without else "measured" if name in MEASURED else "proved"
            need(line["status"] == status, f"{name}: the status is {line['status']!r}, the evidence says {status!r}")
            need(len(line) == 5, f"{name}: unknown fields")
            if status == "proved":
                found = getattr(self, name)()
                good = canonical(found) == canonical(line["values"])
                need(good, f"{name}: the proof gives {found!r:.300}, not {line['values']!r:.300}")
            if status == "not covered":
                need(set(line["values"]) == {"reason"}, f"{name}: claimed without evidence")
            yield name, status

    @cached_property
    def model(self):
        """``I - W``, margin, drive and readout of the float model, and the grid of the first."""
        plain, P = self.evidence["operator"], self.program
        bits, m = whole(plain["grid_bits"], 1, 64), whole(plain["margin"]["bound"], 1)
        V = less([1 << bits] * P.n, grid(plain["W"], P.n, P.n))
        return V, Fraction(m, 1 << bits), affine(plain["input"], P.n, P.d), affine(plain["output"], P.k, P.n), bits

    def original_operator(self):
        (V, m, *_, bits), n, plain = self.model, self.program.n, self.evidence["operator"]
        twice = [[-x - y for x, y in zip(row, column)] for row, column in zip(V, zip(*V))]
        bound, L = int(m * (1 << bits)), whole(plain["lipschitz"]["bound"], n + 1)
        positive_definite(less([-2 * (bound + n)] * n, twice), plain["margin"], "margin of the float model")
        square = less([(L - n) ** 2] * n, gram(V, [1] * n))
        positive_definite(square, plain["lipschitz"], "Lipschitz constant of the float model")
        L = Fraction(L, 1 << bits)
        return {"margin_bound": -float_up(-m), "lipschitz_bound": float_up(L), "condition_bound": float_up(L / m)}

    def contraction(self):
        p, q = self.rho.numerator, self.rho.denominator
        need(0 < self.rho < 1, f"the contraction factor {self.rho} is not between 0 and 1")
        square = [[q * q * x for x in row] for row in gram(self.program.N, self.w)]
        gap = less([(p * p * w) << (2 * self.program.G) for w in self.w], square)
        positive_definite(gap, self.evidence["contraction"], "contraction")
        return {"contraction_factor": f"{p}/{q}", "weighting": self.weighting}

    def adjoint(self):
        return {"contraction_factor": f"{self.rho.numerator}/{self.rho.denominator}"}

    def implied_operator(self):
        low, high, cayley = 1 - self.rho, 1 + self.rho, self.program.solver == "peaceman_rachford"
        m, L = (low / high / self.alpha, high / low / self.alpha) if cayley else (low / self.alpha, high / self.alpha)
        return {"margin_bound": -float_up(-m), "lipschitz_bound": float_up(L), "weighting": self.weighting}

    def norm_up(self, values):
        return root_up(ceil(sum((w * v * v for v, w in zip(values, self.w)), Fraction(0)) * 4**B))

    def dual_up(self, row):
        return root_up(sum(-(((-x * x) << 2 * B) // w) for x, w in zip(row, self.w)))

    @cached_property
    def errors(self):
        """Half a step of the state and half a step of the drive, per row, in state steps."""
        return [Fraction((1 << g) + 1, 1 << (g + 1)) for g in self.program.g]

    @cached_property
    def drives(self):
        """Largest drive of each row over every input, up to the saturation level, in state steps."""
        rows = zip(self.program.extremes, self.program.right, self.program.g)
        return [min(Fraction(self.program.top), Fraction(max(map(abs, e)), 1 << (r + g))) for e, r, g in rows]

    @cached_property
    def start(self):
        """Bound on the norm of the exact equilibrium."""
        saturated = self.norm_up([Fraction(self.program.top)] * self.program.n)
        return min(saturated, ceil(Fraction(self.norm_up(self.drives)) / (1 - self.rho)))

    def after(self, rounding):
        """``e <- rho e + rounding``, rounded up, once for the start and once for each iteration."""
        bound = self.start
        for _ in range(self.program.K + 1):
            following = -((-bound * self.rho.numerator) // self.rho.denominator) + rounding
            if following == bound:
                break
            bound = following
        return bound

    def iterations(self):
        values = {"iterations": self.program.K, "transient": steps(self.after(0))}
        return {**values, "start_bound": steps(self.start), "rounding_bound": steps(self.norm_up(self.errors))}

    @cached_property
    def distance(self):
        return self.after(self.norm_up(self.errors))

    def two_norm(self, weighted):
        """In units of the state."""
        return Fraction(root_up(ceil(Fraction(weighted**2, min(self.w)))), 1 << B) / Fraction(2) ** self.program.f

    def radius(self):
        two = float_up(self.two_norm(self.distance))
        return {"weighted_norm": steps(self.distance), "two_norm": two, "infinity_norm": two}

    def logit_radius(self):
        unit = Fraction(2) ** (self.program.out_shift + self.program.f) * 4**B
        return {"radii": [float_up(self.dual_up(row) * self.distance / unit) for row in self.program.O]}

    def accumulators(self):
        P, ends = self.program, zip(self.program.extremes, self.program.right)
        ends = [(a, b + ((1 << r) >> 1), rounded(a, r), rounded(b, r)) for (a, b), r in ends]
        drive = max(max(abs(a), abs(b)) for *_, a, b in ends)
        rows = zip(P.matrix, P.leak, P.g, ends)
        state = max((sum(map(abs, r)) + k) * P.top + max(map(abs, e[2:])) + ((1 << g) >> 1) for r, k, g, e in rows)
        output = max(sum(map(abs, row)) * P.top + abs(c) for row, c in zip(P.O, P.c))
        ranges = {"drive_accumulator": (min(0, *(e[0] for e in ends)), max(0, *(e[1] for e in ends)))}
        ranges.update(drive=(-drive, drive), state_accumulator=(-state, state), output=(-output, output))
        bits = {name: max((v if v >= 0 else -v - 1).bit_length() for v in r) + 1 for name, r in ranges.items()}
        return {name: {"low": r[0], "high": r[1], "bits": bits[name]} for name, r in ranges.items()}

    def state_range(self):
        reach = ceil(Fraction(self.norm_up(self.drives) + self.norm_up(self.errors)) / (1 - self.rho))
        unit, rows = Fraction(2) ** (self.program.G + 2 * B), zip(self.program.N, self.drives, self.errors)
        most, top = max(self.dual_up(row) * reach / unit + v + e for row, v, e in rows), self.program.top
        verdict = "may saturate, harmless" if most >= top else "never saturates"
        return {"bound": float_up(most), "saturation_level": top, "verdict": verdict}

    @cached_property
    def samples(self):
        """Input words of every sample."""
        P, plain = self.program, self.evidence["samples"]
        count = whole(plain["count"], 1)
        need(count * P.n * (P.d + (2 * P.K + 2) * P.n + P.k) <= MOST_WORK, "too many samples to check")
        return unpacked(plain["words"], count, P.d, 0, P.x_top)

    @cached_property
    def drive_words(self):
        """Exact drive of every sample, on the drive accumulator's grid."""
        P = self.program
        return [[(dot(row, x) << P.left) + b for row, b in zip(P.drive, P.bias)] for x in self.samples]

    @cached_property
    def states(self):
        """Final state of every sample, by the numerics contract."""
        P, states = self.program, []
        for exact in self.drive_words:
            drive = [rounded(v, r) for v, r in zip(exact, P.right)]
            states.append(P.iterate([clip(rounded(v, g), P.top) for v, g in zip(drive, P.g)], drive, 0))
        return states

    def enclosed(self, fine, drive):
        """Bound on the distance of a fine state from the exact equilibrium, by its residual."""
        P, square = self.program, 0
        for v, s, g, w in zip(P.accumulate(fine, drive, FINE), fine, P.g, self.w):
            residual = ((abs(clip(v, P.top << (FINE + g)) - (s << g)) + 1) >> g) + 1
            square += w * residual * residual
        return ceil(Fraction(root_up(square << 2 * B)) / (1 - self.rho))

    @cached_property
    def duals(self):
        return [[self.dual_up([x - y for x, y in zip(a, b)]) for b in self.program.O] for a in self.program.O]

    def decided(self, y, distance):
        """The class of the exact equilibrium, -1 where another lies within the distance."""
        return decided(y, lambda best, i: Fraction(self.duals[best][i] * distance, 4**B))

    def verdicts(self, found):
        """Proved classes against the deployed ones."""
        deployed = [argmax(self.program.logits(s, 0)) for s in self.states]
        n, equal, undecided = len(found), sum(map(eq, found, deployed)), found.count(-1)
        return {"samples": n, "equal": equal, "different": n - equal - undecided, "undecided": undecided}

    def class_a_priori(self):
        equal = sum(self.decided(self.program.logits(s, 0), self.distance) >= 0 for s in self.states)
        return {"samples": len(self.states), "equal": equal}

    def class_a_posteriori(self):
        P, found, largest = self.program, [], 0
        for s, exact in zip(self.states, self.drive_words):
            drive, fine = [(v << FINE) >> r for v, r in zip(exact, P.right)], [v << FINE for v in s]
            largest = max(largest, self.enclosed(fine, drive))
            fine = P.iterate(fine, drive, FINE)
            found.append(self.decided(P.logits(fine, FINE), self.enclosed(fine, drive)))
        return {**self.verdicts(found), "largest_distance": steps((largest >> FINE) + 1)}

    @cached_property
    def points(self):
        """A point for each sample, and a bound on its distance from the float model's equilibrium."""
        (V, m, (grid_bits, U, b), _, bits), P, found = self.model, self.program, []
        Z = P.f + FINE
        T = max(bits + Z, grid_bits)
        left, right = T - bits - Z, T - grid_bits
        points = unpacked(self.evidence["samples"]["equilibria"], len(self.samples), P.n, 0)
        for x, z in zip(self.samples, points):
            pull = [((dot(u, x) + o) << right) - (dot(v, z) << left) for u, o, v in zip(U, b, V)]  # q - (I - W) z
            half = ((sum(z) << left) + ((sum(x) + 1) << right) + 1) >> 1  # W, U and b are off by half a unit
            square = sum((abs(e if s else max(e, 0)) + half) ** 2 for e, s in zip(pull, z))
            found.append((z, root_up(square) / (m * Fraction(2) ** T)))
        return found

    def displacement_a_posteriori(self):
        unit, found = Fraction(2) ** (B + self.program.f + FINE), []
        for state, (z, r) in zip(self.states, self.points):
            square = sum(((s << FINE) - v) ** 2 for s, v in zip(self.program.prox(state, 0), z))
            found.append(root_up(square << 2 * B) / unit + r)
        return {"samples": len(found), "largest": float_up(max(found)), "mean": float_up(sum(found) / len(found))}

    def class_of_float_model(self):
        (*_, (_, rows, c), _), unit, found = self.model, Fraction(2) ** (self.program.f + FINE), []
        dual = [
            [root_up(sum((x - y) ** 2 for x, y in zip(a, b))) + root_up(self.program.n) for b in rows] for a in rows
        ]
        for z, r in self.points:
            y, half = [dot(row, z) / unit + o for row, o in zip(rows, c)], sum(z) / unit + 1
            found.append(decided(y, lambda best, i, r=r, half=half: dual[best][i] * r + half))
        return self.verdicts(found)

    def displacement_a_priori(self):
        (V, m, (grid_bits, U, b), _, bits), P, n = self.model, self.program, self.program.n
        gain, one = self.alpha.numerator, self.alpha.denominator << bits
        A = [[gain * v for v in row] for row in V]  # alpha (I - W), in units of 1 / one
        X, Y = less([one] * n, [[0] * n] * n), less([one << P.G] * n, [[v << P.G for v in row] for row in A])
        if P.solver == "peaceman_rachford":
            gain, X = 2 * gain, less([one] * n, [[-v for v in row] for row in A])
        R = [list(map(sub, *rows)) for rows in zip(times(X, P.N), Y)]
        norm = root_up(root_up(sum(dot(row, row) for row in gram(R, [1] * n))))
        grids = [r + g + P.f for r, g in zip(P.right, P.g)]
        E, square = max(grids), 0
        H, rows = max(bits + E, grid_bits), zip(P.drive, P.bias, grids)
        drive = [[x << (P.left + E - e) for x in row] + [o << (E - e)] for row, o, e in rows]
        for row, u, o in zip(times(X, drive), U, b):
            *row, o = [(x << (H - bits - E)) - (gain * y << (H - grid_bits)) for x, y in zip(row, [*u, o])]
            square += max(map(abs, span(row, P.x_top, o))) ** 2
        S = self.two_norm(self.start)
        moved = (norm * S / Fraction(2) ** (bits + P.G) + root_up(square) / Fraction(2) ** H) / gain
        half = n * S / 2**bits + root_up(n) * (P.d * P.x_top + 1) / Fraction(2) ** grid_bits
        return {"bound": float_up((moved + half / 2) / m + self.two_norm(self.distance))}

    def state_saturation(self):
        saturated = sum(max(map(abs, s)) >= self.program.top for s in self.states)
        return {"samples": len(self.states), "saturated": saturated}


def unique(pairs):
    need(len({key for key, _ in pairs}) == len(pairs), "a key occurs twice")
    return dict(pairs)


def main(arguments):
    if len(arguments) != 1:
        print("usage: check_certificate.py certificate.json")
        return 1
    failure = None
    try:
        with open(arguments[0], encoding="utf-8") as file:
            plain = json.load(file, object_pairs_hook=unique)
        for name, status in Checker(plain).run():
            print(f"ok    {name}: {status}")
    except CertificateError as error:
        failure = str(error)
    except OSError as error:
        failure = f"{arguments[0]} cannot be read: {error.strerror}"
    except Exception as error:  # whatever else a malformed file provokes
        failure = f"malformed certificate: {type(error).__name__}: {error!s:.200}"
    print("certificate accepted: every proved line holds" if failure is None else f"FAIL  {failure}")
    return int(failure is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
