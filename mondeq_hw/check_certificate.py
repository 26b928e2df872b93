#!/usr/bin/env python3
"""Check a certificate of mondeq-hw: ``python check_certificate.py certificate.json``.

Standard library only, and nothing of the package that wrote the certificate:
every line marked *proved* is proved again from the integers in the file, by
exact integer and rational arithmetic, and its value must come out the same.
What is proved, and why, is in ``docs/mathematics.md``.  Lines marked
*measured* cannot be checked without the float model; they may not be marked
otherwise.  Exit code 0 when everything holds, 1 when anything does not.
"""

import base64
import hashlib
import json
import struct
import sys
import zlib
from fractions import Fraction
from math import inf, isqrt, nextafter
from operator import mul

B = 64  # error bounds are integers in units of 2^-B of a state step, rounded up
FINE = 16  # fractional bits that the continuation of a sample adds to the state
MOST_WORK = 2_000_000_000  # multiplications; more than this is not a certificate but an attack

MEASURED = {"original_figures", "deployed_figures", "iteration_norms", "displacement", "displacement_a_priori"}
NEEDS_SAMPLES = {"class_a_priori", "class_a_posteriori", "state_saturation", "displacement"}
#: The first 16 hex digits of the SHA-256 of each claim's words: a claim is its words as well as its numbers.
WORDS = {
    "original_figures": "ac6bb93a3446526b",
    "original_operator": "a1ec0d928c919c51",
    "deployed_figures": "37969a88c0e4cc54",
    "accumulators": "123e689980c17cf0",
    "iteration_norms": "59f38ea3d123eb93",
    "contraction": "3b15155778982f7d",
    "implied_operator": "7605c84518cff9ba",
    "iterations": "dceee9053ad1aed2",
    "radius": "3e5c79d43c0f26fd",
    "logit_radius": "db1843487d23eb35",
    "state_range": "41e8617c5a8682b0",
    "adjoint": "c7d801813d870d20",
    "class_a_priori": "bd46757950a7bb09",
    "class_a_posteriori": "dd68ae064a77c48a",
    "state_saturation": "4c06db2469a9d96d",
    "displacement": "7cd5c2516060e331",
    "displacement_a_priori": "41e482f630230330",
}


class Rejected(Exception):
    """The certificate claims something that is not so."""


def need(condition, message):
    if not condition:
        raise Rejected(message)


def whole(value, low=-inf, high=inf):
    need(type(value) is int and low <= value <= high, f"expected an integer from {low} to {high}, got {value!r:.60}")
    return value


def vector(values, length, low=-inf, high=inf):
    need(type(values) is list and len(values) == length, f"expected a list of {length} integers")
    return [whole(value, low, high) for value in values]


def grid(values, rows, columns, low=-inf, high=inf):
    need(type(values) is list and len(values) == rows, f"expected {rows} rows")
    return [vector(row, columns, low, high) for row in values]


def digest(plain):
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def dot(a, b):
    return sum(map(mul, a, b))


def gram(rows, weights):
    """``rows' W rows``."""
    columns = [list(column) for column in zip(*rows)]
    weighted = [list(map(mul, column, weights)) for column in columns]
    lower = [[dot(weighted[i], columns[j]) for j in range(i + 1)] for i in range(len(columns))]
    return [[lower[max(i, j)][min(i, j)] for j in range(len(columns))] for i in range(len(columns))]


def ceil(value):
    return -((-value.numerator) // value.denominator)


def root_up(square):
    root = isqrt(square)
    return root + (root * root < square)


def float_up(value):
    rounded = float(value)
    return rounded if Fraction(rounded) >= value else nextafter(rounded, inf)


def steps(bound):
    return float_up(Fraction(bound, 1 << B))


def half(shift):
    return (1 << shift) >> 1


def positive_definite(P, witness, what):
    """Symmetric ``P`` scaled by powers of two is ``L L'`` plus a strictly diagonally dominant rest."""
    n = len(P)
    k, t, L = vector(witness["exponents"], n, 0, 10**4), whole(witness["bits"], 1, 64), witness["factor"]
    need(type(L) is list and len(L) == n, f"{what}: the factor has not {n} rows")
    L = [vector(row, i + 1) for i, row in enumerate(L)]
    rest, off = [0] * n, [0] * n
    for i in range(n):
        for j in range(i + 1):
            shift = k[i] + k[j] - 2 * t
            entry = P[i][j] >> shift if shift >= 0 else P[i][j] << -shift
            entry -= dot(L[i], L[j])  # zip of map stops at the shorter row: L is lower triangular
            if i == j:
                rest[i] = entry
            else:
                off[i] += abs(entry)
                off[j] += abs(entry)
    need(all(rest[i] > off[i] + n for i in range(n)), f"{what}: the witness does not prove positive definiteness")


class Program:
    """The deployed integers, checked for shape and range."""

    def __init__(self, plain):
        self.plain = plain
        self.K = whole(plain["iterations"], 1)
        self.solver, self.phi = plain["solver"], plain["phi"]
        pairs = {"peaceman_rachford": "abs", "forward_backward": "relu"}
        need(pairs.get(self.solver) == self.phi, "solver and phi do not belong together")
        self.a = whole(plain["leak_shift"], 0, 64)
        need(self.a == 0 or self.solver == "forward_backward", "a leak without forward-backward")
        state, words = plain["state_format"], plain["input_format"]
        good = state["signed"] is True and state["rounding"] == "AP_RND" and state["overflow"] == "AP_SAT_SYM"
        need(good and words["signed"] is False, "state or input format is not what the proofs are about")
        self.f = whole(state["word_length"], 2, 64) - whole(state["integer_bits"])
        self.top = (1 << (state["word_length"] - 1)) - 1
        input_fraction = whole(words["word_length"], 1, 64) - whole(words["integer_bits"])
        self.x_top = (1 << words["word_length"]) - 1
        self.n = n = len(plain["matrix"])
        self.d, self.outputs = len(plain["drive"][0]), len(plain["readout"])
        self.matrix, self.g = self.levels("matrix", n, n)
        self.drive, drive_shift = self.levels("drive", n, self.d)
        self.readout, readout_shift = self.levels("readout", self.outputs, n)
        need(min(self.g) >= self.a, "a leak that is not an integer")
        self.left = whole(plain["drive_left_shift"], 0, 10**4)
        fine = [e + input_fraction + self.left for e in drive_shift]
        self.right = [e - self.f - g for e, g in zip(fine, self.g)]
        need(min(self.right) >= 0, "a drive grid that is too coarse")
        self.drive_bias = vector(plain["drive_bias"], n)
        self.leak = [(1 << g) - (1 << (g - self.a)) for g in self.g]
        self.stored = [[*row[:i], row[i] + self.leak[i], *row[i + 1 :]] for i, row in enumerate(self.matrix)]
        self.out_shift = max(readout_shift)
        self.O = [[x << (self.out_shift - e) for x in row] for row, e in zip(self.readout, readout_shift)]
        self.c = vector(plain["readout_bias"], self.outputs)
        # The iteration matrix is exactly 2^-G N.
        self.G = max(self.g)
        self.N = [[x << (self.G - g) for x in row] for row, g in zip(self.stored, self.g)]
        sums = [(sum(x for x in row if x < 0), sum(x for x in row if x > 0)) for row in self.drive]
        top = self.x_top
        self.extremes = [
            (((low * top) << self.left) + b, ((high * top) << self.left) + b)
            for (low, high), b in zip(sums, self.drive_bias)
        ]

    def levels(self, name, rows, columns):
        bits = whole(self.plain[name + "_word_length"], 1, 16)
        top = max(1, (1 << (bits - 1)) - 1)
        return grid(self.plain[name], rows, columns, -top, top), vector(self.plain[name + "_shifts"], rows, -(10**4), 10**4)

    def run(self, words):
        """Final state of a sample, and its exact drive, by the numerics contract."""
        exact = [(dot(row, words) << self.left) + b for row, b in zip(self.drive, self.drive_bias)]
        drive = [(v + half(r)) >> r for v, r in zip(exact, self.right)]
        s = [max(-self.top, min(self.top, (v + half(g)) >> g)) for v, g in zip(drive, self.g)]
        for _ in range(self.K):
            following = self.update(s, drive, self.top)
            if following == s:
                break
            s = following
        return s, exact

    def accumulate(self, s, drive):
        z = [abs(v) for v in s] if self.phi == "abs" else [max(v, 0) for v in s]
        return [dot(row, z) + v for row, v in zip(self.stored, drive)]

    def update(self, s, drive, top):
        return [max(-top, min(top, (v + half(g)) >> g)) for v, g in zip(self.accumulate(s, drive), self.g)]

    def logits(self, s, extra):
        z = [max(v, 0) for v in s]
        return [dot(row, z) + (c << extra) for row, c in zip(self.O, self.c)]


class Checker:
    def __init__(self, plain):
        need(plain["version"] == 1, f"version is {plain['version']!r}, expected 1")
        body = {key: value for key, value in plain.items() if key != "digest"}
        need(plain["digest"] == digest(body), "the digest does not match: the file was changed")
        need(plain["program_digest"] == digest(plain["program"]), "the program's digest does not match its integers")
        need(plain["program"]["certified"] is True, "the program is marked uncertified: nothing proves its convergence")
        self.program, self.evidence = Program(plain["program"]), plain["evidence"]
        names = [line["name"] for line in plain["lines"]]
        need(len(set(names)) == len(names), "a line occurs twice")
        self.lines = {line["name"]: line for line in plain["lines"]}
        need(set(names) == set(WORDS), f"lines missing or unknown: {sorted(set(names) ^ set(WORDS))}")
        p, q = self.lines["contraction"]["values"]["contraction_factor"].split("/")
        self.rho = Fraction(int(p), int(q))
        self.w = vector(self.evidence["contraction"]["weights"], self.program.n, 1)
        p, q = self.evidence["step_size"].split("/")
        self.alpha = Fraction(int(p), int(q))
        need(self.alpha > 0, "the step size is not positive")
        if self.program.solver == "forward_backward":
            need(self.alpha == Fraction(1, 1 << self.program.a), "step size and leak do not belong together")

    def run(self):
        """Check every line; yield its name and what was found."""
        for name, line in self.lines.items():
            open_names = NEEDS_SAMPLES if "samples" not in self.evidence else set()
            if "operator" not in self.evidence:
                open_names = open_names | {"original_operator"}
            if name in open_names:
                need(line["status"] == "not covered" and line["values"] == {}, f"{name}: claimed without evidence")
                yield name, "not covered: " + str(line["source"])
                continue
            words = digest([line["statement"], line["source"]])[:16]
            need(words == WORDS[name], f"{name}: the words of the claim were changed")
            need(set(line) == {"name", "statement", "values", "status", "source"}, f"{name}: unknown fields")
            if name in MEASURED:
                need(line["status"] == "measured", f"{name}: this is measured, it cannot be {line['status']}")
                self.plausible(name, line["values"])
                yield name, "measured, not checked"
                continue
            need(line["status"] == "proved", f"{name}: the status is {line['status']!r}, expected 'proved'")
            found = getattr(self, "line_" + name)()
            need(same(found, line["values"]), f"{name}: the proof gives {found!r:.300}, not {line['values']!r:.300}")
            yield name, "proved"

    def plausible(self, name, values):
        """A measured figure may not contradict a proved one."""
        if name == "original_figures" and "operator" in self.evidence:
            m, L = self.lines["original_operator"]["values"].values() if False else (values["m"], values["L"])
            proved = self.lines["original_operator"]["values"]
            need(m >= proved["margin_bound"] and L <= proved["lipschitz_bound"], f"{name}: contradicts the proved bounds")
        if name == "iteration_norms":
            need(values["weighted_norm"] < self.rho, f"{name}: contradicts the proved contraction")

    # -- the operator ----------------------------------------------------------

    def line_original_operator(self):
        n, plain = self.program.n, self.evidence["operator"]
        bits = whole(plain["grid_bits"], 1, 64)
        W, one = grid(plain["W"], n, n), 1 << bits
        m, L = whole(plain["margin"]["bound"], 1), whole(plain["lipschitz"]["bound"], 1)
        need(L > n, "the Lipschitz bound is below the rounding of W")
        V = [[(one if i == j else 0) - x for j, x in enumerate(row)] for i, row in enumerate(W)]
        P = [[V[i][j] + V[j][i] - (2 * (m + n) if i == j else 0) for j in range(n)] for i in range(n)]
        positive_definite(P, plain["margin"], "margin of the float model")
        square = gram(V, [1] * n)
        P = [[((L - n) ** 2 if i == j else 0) - x for j, x in enumerate(row)] for i, row in enumerate(square)]
        positive_definite(P, plain["lipschitz"], "Lipschitz constant of the float model")
        m, L = Fraction(m, one), Fraction(L, one)
        return {"margin_bound": -float_up(-m), "lipschitz_bound": float_up(L), "condition_bound": float_up(L / m)}

    def weighting(self):
        return "identity" if set(self.w) == {1} else "diagonal"

    def line_contraction(self):
        P, p, q = self.program, self.rho.numerator, self.rho.denominator
        need(0 < self.rho < 1, f"the contraction factor {self.rho} is not between 0 and 1")
        gap = [[-q * q * x for x in row] for row in gram(P.N, self.w)]
        for i, w in enumerate(self.w):
            gap[i][i] += (p * p * w) << (2 * P.G)
        positive_definite(gap, self.evidence["contraction"], "contraction")
        return {"contraction_factor": f"{p}/{q}", "weighting": self.weighting()}

    def line_implied_operator(self):
        low, high = 1 - self.rho, 1 + self.rho
        cayley = self.program.solver == "peaceman_rachford"
        m, L = (low / high, high / low) if cayley else (low, high)
        m, L = m / self.alpha, L / self.alpha
        return {"margin_bound": -float_up(-m), "lipschitz_bound": float_up(L), "weighting": self.weighting()}

    def line_adjoint(self):
        return {"contraction_factor": f"{self.rho.numerator}/{self.rho.denominator}"}

    # -- iterations and error -----------------------------------------------------

    def norm_up(self, values):
        return root_up(ceil(sum((w * v * v for v, w in zip(values, self.w)), Fraction(0)) * 4**B))

    def dual_up(self, row):
        return root_up(sum(-(((-x * x) << 2 * B) // w) for x, w in zip(row, self.w)))

    def bounds(self):
        """``start, rounding, drive``: norms of the equilibrium, of one update's rounding, of the saturated drive."""
        P = self.program
        self.eps = [Fraction((1 << g) + 1, 1 << (g + 1)) for g in P.g]
        reach = [Fraction(max(map(abs, e)), 1 << (r + g)) for e, r, g in zip(P.extremes, P.right, P.g)]
        self.sat_drive = [min(Fraction(P.top), v) for v in reach]
        drive = self.norm_up(self.sat_drive)
        start = min(self.norm_up([Fraction(P.top)] * P.n), ceil(Fraction(drive) / (1 - self.rho)))
        return start, self.norm_up(self.eps), drive

    def after(self, bound, rounding):
        """``K + 1`` times ``e <- rho e + rounding``, rounded up."""
        for _ in range(self.program.K + 1):
            following = -((-bound * self.rho.numerator) // self.rho.denominator) + rounding
            if following == bound:
                break
            bound = following
        return bound

    def line_iterations(self):
        start, rounding, _ = self.bounds()
        values = {"iterations": self.program.K, "transient": steps(self.after(start, 0))}
        return {**values, "start_bound": steps(start), "rounding_bound": steps(rounding)}

    def radius(self):
        start, rounding, _ = self.bounds()
        return self.after(start, rounding)

    def line_radius(self):
        r = self.radius()
        two = Fraction(root_up(-(-(r * r) // min(self.w))), 1 << B) / Fraction(2) ** self.program.f
        return {"weighted_norm": steps(r), "two_norm": float_up(two), "infinity_norm": float_up(two)}

    def line_logit_radius(self):
        P, r = self.program, self.radius()
        unit = Fraction(2) ** (P.out_shift + P.f) * 4**B
        return {"radii": [float_up(self.dual_up(row) * r / unit) for row in P.O]}

    # -- ranges ---------------------------------------------------------------------

    def line_accumulators(self):
        P = self.program
        low = min(0, *(e[0] for e in P.extremes))
        high = max(0, *(e[1] + half(r) for e, r in zip(P.extremes, P.right)))
        ends = [((e[0] + half(r)) >> r, (e[1] + half(r)) >> r) for e, r in zip(P.extremes, P.right)]
        most = [max(map(abs, e)) for e in ends]
        rows = zip(P.matrix, P.leak, most, P.g)
        state = max((sum(map(abs, row)) + leak) * P.top + m + half(g) for row, leak, m, g in rows)
        output = max(sum(map(abs, row)) * P.top + abs(c) for row, c in zip(P.O, P.c))
        ranges = {"drive_accumulator": (low, high), "drive": (-max(most), max(most))}
        ranges.update({"state_accumulator": (-state, state), "output": (-output, output)})
        width = {name: max(a.bit_length() if a >= 0 else (-a - 1).bit_length() for a in r) + 1 for name, r in ranges.items()}
        return {name: {"low": r[0], "high": r[1], "bits": width[name]} for name, r in ranges.items()}

    def line_state_range(self):
        P = self.program
        _, rounding, drive = self.bounds()
        reach, unit = ceil(Fraction(drive + rounding) / (1 - self.rho)), Fraction(2) ** (P.G + 2 * B)
        most = max(self.dual_up(row) * reach / unit + v + e for row, v, e in zip(P.N, self.sat_drive, self.eps))
        verdict = "may saturate, harmless" if most >= P.top else "never saturates"
        return {"bound": float_up(most), "saturation_level": P.top, "verdict": verdict}

    # -- single samples ---------------------------------------------------------------

    def samples(self):
        """Every sample run, continued on the fine grid and enclosed; once."""
        if hasattr(self, "results"):
            return self.results
        P, plain = self.program, self.evidence["samples"]
        count = whole(plain["count"], 1)
        need(count * P.n * (P.d + (2 * P.K + 2) * P.n + P.outputs) <= MOST_WORK, "too many samples to check")
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(base64.b64decode(plain["words"], validate=True), 8 * count * P.d + 1)
        need(len(raw) == 8 * count * P.d, "the samples have not the stated size")
        words = struct.unpack(f"<{count * P.d}q", raw)
        need(0 <= min(words) and max(words) <= P.x_top, "a sample lies outside the input format")
        self.results = [self.sample(words[i : i + P.d]) for i in range(0, count * P.d, P.d)]
        return self.results

    def sample(self, words):
        P = self.program
        s, exact = P.run(words)
        drive = [(v << FINE) >> r for v, r in zip(exact, P.right)]
        fine = [v << FINE for v in s]
        here = self.enclosed(fine, drive)
        for _ in range(P.K):
            following = P.update(fine, drive, P.top << FINE)
            if following == fine:
                break
            fine = following
        return s, here, self.decided(P.logits(s, 0), self.radius_once()), self.decided(
            P.logits(fine, FINE), self.enclosed(fine, drive)
        )

    def enclosed(self, fine, drive):
        """Bound on the distance of a fine state from the exact equilibrium, by its residual."""
        P, square = self.program, 0
        for v, s, g, w in zip(P.accumulate(fine, drive), fine, P.g, self.w):
            top = P.top << (FINE + g)
            residual = ((abs(max(-top, min(top, v)) - (s << g)) + 1) >> g) + 1
            square += w * residual * residual
        return ceil(Fraction(root_up(square << 2 * B)) / (1 - self.rho))

    def radius_once(self):
        if not hasattr(self, "radius_value"):
            self.radius_value = self.radius()
            O = self.program.O
            self.dual = [[self.dual_up([x - y for x, y in zip(a, b)]) for b in O] for a in O]
        return self.radius_value

    def decided(self, y, radius):
        """The class, or -1 where another lies within the radius."""
        best = y.index(max(y))
        rivals = (i for i in range(len(y)) if i != best)
        return best if all((y[best] - y[i]) << 2 * B > self.dual[best][i] * radius for i in rivals) else -1

    def line_class_a_priori(self):
        return {"samples": len(self.samples()), "equal": sum(prior >= 0 for _, _, prior, _ in self.samples())}

    def line_class_a_posteriori(self):
        rows = self.samples()
        ours = [self.program.logits(s, 0) for s, *_ in rows]
        verdicts = [-1 if c < 0 else int(c == y.index(max(y))) for y, (*_, c) in zip(ours, rows)]
        counts = {"equal": verdicts.count(1), "different": verdicts.count(0), "undecided": verdicts.count(-1)}
        return {"samples": len(rows), **counts, "largest_distance": steps((max(r[1] for r in rows) >> FINE) + 1)}

    def line_state_saturation(self):
        states = [s for s, *_ in self.samples()]
        return {"samples": len(states), "saturated": sum(max(map(abs, s)) >= self.program.top for s in states)}


def same(a, b):
    """Equal, types included (JSON has no rational numbers and Python's True is 1)."""
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def unique(pairs):
    need(len({key for key, _ in pairs}) == len(pairs), "a key occurs twice")
    return dict(pairs)


def main(arguments):
    if len(arguments) != 1:
        print("usage: check_certificate.py certificate.json")
        return 1
    try:
        with open(arguments[0], encoding="utf-8") as file:
            plain = json.load(file, object_pairs_hook=unique)
        for name, found in Checker(plain).run():
            print(f"ok    {name}: {found}")
    except Rejected as error:
        print(f"FAIL  {error}")
        return 1
    except OSError as error:
        print(f"FAIL  {arguments[0]} cannot be read: {error.strerror}")
        return 1
    except Exception as error:  # whatever else a malformed file provokes
        print(f"FAIL  malformed certificate: {type(error).__name__}: {error!s:.200}")
        return 1
    print("certificate accepted: every proved line holds")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
