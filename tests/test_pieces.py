"""The distance by pieces of few inputs: what it says of a box holds at every word of it, and is near."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from certificates import at_its_bound, certificate_of

from mondeq_hw import from_qp
from mondeq_hw.problem import MonDEQ, logits
from mondeq_hw.program import GoldenModel, WarmStart
from mondeq_hw.proof import check_certificate, choose_iterations
from mondeq_hw.proof.cells import Recurrence
from mondeq_hw.proof.contraction import error_bound
from mondeq_hw.proof.float_model import FloatModel
from mondeq_hw.proof.mismatch import Mismatch, checked
from mondeq_hw.proof.perturbation import prove_operator
from mondeq_hw.proof.pieces import by_pieces
from mondeq_hw.rounding import LoweringOptions, assemble, lower

#: The float reference is a float itself.
REFERENCE_ERROR = 1e-9


def problem(seed: int, n: int, d: int, soft: int, limit: float, input_bits: int = 6) -> MonDEQ:
    """A QP of ``n`` variables in a box, one of them free, and soft rows of one end and of two, in turn."""
    rng = np.random.default_rng(seed)
    root, rows = rng.normal(size=(n, n)), rng.normal(size=(soft, n))
    ends = np.full(n, limit)
    ends[-1] = np.inf
    below = np.where(np.arange(soft) % 2 == 0, -np.inf, -0.3)
    return from_qp(
        root @ root.T + 0.5 * np.eye(n), rng.normal(size=n), np.vstack([np.eye(n), rows]),
        np.concatenate([-ends, below]), np.concatenate([ends, np.full(soft, 0.2)]),
        theta=(-np.ones(d), np.ones(d)), Q=2 * rng.normal(size=(n, d)),
        delta=np.concatenate([np.zeros(n), np.full(soft, 0.3)]), input_bits=input_bits,
    )  # fmt: skip


def mismatch_of(model: MonDEQ, bits: int = 8, state_bits: int = 18, fewer: int = 0) -> Mismatch:
    """Of a state whose range is a power of two smaller than it should be, so often."""
    lowered = lower(model, LoweringOptions(bits=bits, state_bits=state_bits, drive_bits=bits + 4))
    operator = prove_operator(model.W)
    assert lowered.proof is not None and operator is not None
    words = lowered.state_format
    words = replace(words, word_length=words.word_length - fewer, integer_bits=words.integer_bits - fewer)
    program = assemble(lowered.quantized, lowered.input_format, words, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    floating = FloatModel.of(model, operator, program)
    return Mismatch(program, floating, Fraction(lowered.step_size), lowered.proof, error_bound(program, lowered.proof))


def errors_of(model: MonDEQ, mismatch: Mismatch, words: np.ndarray) -> np.ndarray:
    """``|y - y*|`` (samples, k)."""
    program = mismatch.program
    outputs = np.ldexp(GoldenModel(program).predict_raw(words).astype(float), -program.output_fractional_bits)
    return np.asarray(np.abs(outputs - logits(model, words)))


def every_word(mismatch: Mismatch) -> np.ndarray:
    ends = mismatch.program.input_format
    words = np.arange(ends.min_word, ends.max_word + 1)
    return np.stack(np.meshgrid(*[words] * mismatch.program.d), axis=-1).reshape(-1, mismatch.program.d)


def claimed(mismatch: Mismatch, bounds: Any) -> np.ndarray:
    added = check_certificate.Pieces(checked(mismatch)).added
    return np.array([float(bound + more) for bound, more in zip(bounds, added, strict=True)])


@pytest.mark.parametrize(
    ("seed", "n", "d", "soft"), [(0, 1, 1, 0), (1, 3, 2, 0), (2, 3, 2, 2), (3, 2, 1, 3), (4, 4, 2, 1)]
)
def test_no_word_of_all_is_further_off_and_some_word_is_nearly_so_far(seed: int, n: int, d: int, soft: int) -> None:
    model = problem(seed, n, d, soft, limit=0.6)
    mismatch = mismatch_of(model)
    largest = errors_of(model, mismatch, every_word(mismatch)).max(axis=0)
    proved = by_pieces(mismatch, list(map(float, largest)))
    assert proved is not None
    bounds = claimed(mismatch, proved.bounds)
    assert (largest <= bounds + REFERENCE_ERROR).all()
    assert bounds.max() < 4 * largest.max()
    assert check_certificate.by_pieces(checked(mismatch), proved.witness) == list(proved.bounds)


@pytest.mark.parametrize(("bits", "state_bits", "fewer"), [(6, 18, 0), (14, 9, 0), (12, 14, 2)])
def test_rows_stay_on_their_side_all_over_a_box_and_bounds_hold_there(bits: int, state_bits: int, fewer: int) -> None:
    """Of the float network, of the stored equilibrium and of the device's last states, in boxes of every size."""
    rng, known, unknown, followed = np.random.default_rng(0), 0, 0, 0
    for seed in range(4):
        model = problem(seed, 3, 2, 3, limit=0.6)
        mismatch = mismatch_of(model, bits, state_bits, fewer)
        recurrence, program = Recurrence.of(mismatch), mismatch.program
        pieces, clip = check_certificate.Pieces(checked(mismatch)), program.clip.scaled(program.state_format.step)
        part = pieces.whole
        while part.low != part.high:
            halves = pieces.halves(part, *pieces.settled(part)[::2])
            part = halves[rng.integers(2)]
            around = pieces.around(part, *pieces.settled(part))
            bounds, _ = pieces.bounds(part, [Fraction(0)] * program.rows)
            assert (around is None) == (bounds is None)
            if around is None or bounds is None:
                continue
            words = rng.integers(part.low, np.array(part.high) + 1, size=(40, 2))
            exact, real = np.zeros((40, program.n)), np.zeros((40, program.n))
            for _ in range(150):
                z = recurrence.prox(exact)
                exact = (
                    (2 * z - exact) @ recurrence.M.T + words @ recurrence.stored[:, :-1].T + recurrence.stored[:, -1]
                )
                z = recurrence.prox(real)
                drive = words @ recurrence.drive[:, :-1].T + recurrence.drive[:, -1]
                real = (2 * z - real) @ recurrence.M.T + z @ recurrence.N.T + drive
            for states in (real, exact, program.state_format.to_float(GoldenModel(program).final_states(words))):
                moves = ((states > clip.lower) & (states < clip.upper)) != clip.complement
                for i, (sign, column) in enumerate(zip(around.signs, moves.T, strict=True)):
                    assert i in around.unknown or (column == (sign > 0)).all()
            worst = errors_of(model, mismatch, words).max(axis=0)
            assert (worst <= claimed(mismatch, bounds) + REFERENCE_ERROR).all()
            plain, _ = pieces.bounds(part, [Fraction(10)] * program.rows)  # whose rounding is not followed back
            assert plain is not None and all(a <= b for a, b in zip(bounds, plain, strict=True))
            known, unknown, followed = known + 1, unknown + bool(around.unknown), followed + (bounds != plain)
    assert known > 6 and unknown + followed > 6, (known, unknown, followed)


def test_a_variable_at_its_bound_all_over_the_box_shows_no_error(tmp_path: Path) -> None:
    """The semidefinite program, whose bound is of a row that might bind, was 300 times above the error found."""
    path = tmp_path / "certificate.json"
    path.write_text(certificate_of(at_its_bound(), 14))
    lines = {line["name"]: line["values"] for line in json.loads(path.read_text())["lines"]}
    distance, found = lines["output_distance"], lines["output_distance_found"]["largest"]
    assert distance["methods"] == ["pieces"] * 2 and found[0] == 0
    assert distance["bounds"][0] < 1e-6 * distance["rounding"][0]
    assert max(distance["bounds"]) < 6 * max(found)
    assert check_certificate.check(str(path)) is None


def test_forged_bounds_are_refused() -> None:
    model = problem(2, 3, 2, 2, limit=0.6)
    mismatch = mismatch_of(model)
    largest = errors_of(model, mismatch, every_word(mismatch)).max(axis=0)
    proved, found = by_pieces(mismatch, list(map(float, largest))), checked(mismatch)
    assert proved is not None
    added, bounds = check_certificate.Pieces(found).added, proved.bounds
    least = [str(Fraction(float(most)) * Fraction(9, 10) - more) for most, more in zip(largest, added, strict=True)]
    for witness in ({"bounds": least}, {"bounds": proved.witness["bounds"][1:]}, {**proved.witness, "boxes": 3}, {}):
        with pytest.raises((check_certificate.CertificateError, KeyError)):
            check_certificate.by_pieces(found, witness)
    assert all(bound is not None for bound in bounds)


@pytest.mark.parametrize("bits", [3, 6])
def test_a_single_row_that_does_not_stay_on_its_side(bits: int) -> None:
    """All rows are such then, and there was no least of none."""
    model = from_qp([[1.3]], [0.2], [[1.0]], [-0.3], [2.0], theta=([-1.0], [1.0]), Q=[[1.7]], input_bits=6)
    mismatch = mismatch_of(model, bits)
    errors = errors_of(model, mismatch, every_word(mismatch)).max(axis=0)
    found = by_pieces(mismatch, errors.tolist())
    assert found is not None
    bounds = claimed(mismatch, found.bounds)
    assert (errors <= bounds + REFERENCE_ERROR).all() and (bounds <= 6 * errors).all()


def test_a_warm_start_is_not_taken_for_a_cold_one() -> None:
    """Its last updates are fewer, and begin where the sample before ended."""
    mismatch = mismatch_of(problem(2, 3, 2, 2, limit=0.6))
    warm = WarmStart(max(2, mismatch.program.iterations // 2), np.full(mismatch.program.d, 3))
    cold, found = (check_certificate.Pieces(checked(each)) for each in (mismatch, with_warm(mismatch, warm)))
    contraction = found.mismatch.contraction
    assert found.before[0] * 2**64 == max(contraction.radius, contraction.warm_radius)
    assert len(found.before) <= warm.iterations + 1 and found.before[warm.iterations] * 2**64 >= contraction.change
    assert found.before[warm.iterations] > cold.before[warm.iterations]


def with_warm(mismatch: Mismatch, warm: WarmStart) -> Mismatch:
    return Mismatch(mismatch.program, mismatch.floating, mismatch.step_size, mismatch.proof, mismatch.bound, warm=warm)


def test_an_end_beyond_the_last_word_is_charged_where_the_network_may_reach_it() -> None:
    """The stored clip has none there; the network's states are no nearer to it than the two equilibria are."""
    found = checked(mismatch_of(problem(1, 3, 2, 0, limit=0.6)))
    top, grid = found.program.top / found.program.unit, 2**found.model.clip_bits
    far = found.residual_norm / (1 - found.contraction.rho)  # of weights of one
    for beyond, charged in ((far / 2, True), (2 * found.dual([1, 1, 1], Fraction(1)) * far, False)):
        end, (free, *_) = int((top + beyond) * grid), found.program.clip[-1:]
        assert free == check_certificate.Row(None, None, False)
        found.model.clip[-1] = check_certificate.Row(-end, end, False)
        same = [check_certificate.bound_change(*rows, found.alpha, Fraction(grid), found.program.unit, top)
                for rows in zip(found.model.clip, found.program.clip, strict=True)]  # fmt: skip
        assert same[-1] == 0
        found.model.clip[0], found.program.clip[0] = (check_certificate.Row(None, None, False),) * 2
        found.model.clip[1], found.program.clip[1] = (check_certificate.Row(None, None, False),) * 2
        assert (max(found.output_clip_changes()) > 0) == charged
