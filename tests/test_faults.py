"""Networks on which figures were once wrong or commands broke: large and small rows, wide words, slow convergence."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simulator
from random_models import random_model, random_program, random_words, with_random_clip

import mondeq_hw
from mondeq_hw.base import Clip, InputError, Interval, NotCertifiedError
from mondeq_hw.cli import main
from mondeq_hw.commands.compile import _distance
from mondeq_hw.problem import CLASSES, SOLVERS, MonDEQ, Preprocessing, logits
from mondeq_hw.problem.reference import preactivation
from mondeq_hw.profile.profile import profile
from mondeq_hw.program import MOST_ITERATIONS, GoldenModel
from mondeq_hw.proof import certify, check, error_bound, worst_input
from mondeq_hw.proof.vacuous import constant_for_every_input
from mondeq_hw.rounding import LoweringOptions, assemble, lower, with_state_bits

RNG = np.random.default_rng(0)
SKEW = np.array([[0.3, 0.2, -0.1], [-0.2, 0.1, 0.2], [0.1, -0.2, 0.2]])
U, READOUT = RNG.normal(size=(3, 4)), RNG.normal(size=(2, 3))
X = RNG.integers(0, 256, (40, 4))


def network(W: np.ndarray = SKEW, **changes: Any) -> MonDEQ:
    """Three states, four inputs, two outputs."""
    margin = float(np.linalg.eigvalsh(np.eye(len(W)) - (W + W.T) / 2)[0])
    parts = {"U": U, "b": np.array([0.1, -0.2, 0.3]), "O": READOUT, "c": np.array([0.1, -0.2]), **changes}
    return MonDEQ(W=W, monotonicity_margin=margin, preprocessing=Preprocessing(scale=1 / 255), **parts)


def simulated(project: mondeq_hw.Project, words: np.ndarray) -> list[list[int]]:
    """Outputs by the independent simulator."""
    return [simulator.outputs(project.program.to_plain(), sample)[2] for sample in words.tolist()]


def test_readout_rows_eighty_octaves_apart(tmp_path: Path) -> None:
    model = network(O=READOUT * np.array([[1e12], [1e-12]]))
    project = mondeq_hw.compile(model, tmp_path / "build", bits=8)
    assert project.program.readout_left_shift.max() > 63
    assert project.predict_raw(X).tolist() == simulated(project, X)
    exact = np.maximum(preactivation(model, X), 0) @ model.O.T + model.c
    np.testing.assert_allclose(project.predict(X)[:, 0], exact[:, 0], rtol=0.05, atol=1e10)


def test_a_readout_coarser_than_one_is_certified_on_samples(tmp_path: Path) -> None:
    """Its grid is above one: the checker, which compile runs, once shifted by a negative number there."""
    model = network(O=READOUT * 1e6)
    project = mondeq_hw.compile(model, tmp_path / "build", bits=8, calibration=X)
    assert project.program.readout.shifts.max() + project.program.state_format.fractional_bits < 0
    assert project.certificate.line("robustness").values["samples"] == len(X)


def test_no_found_error_is_below_that_of_the_samples(tmp_path: Path) -> None:
    """The search starts from samples, too, and counts them; once it found less on digits than they show."""
    model, samples = network(), X[:4]
    project = mondeq_hw.compile(model, tmp_path / "build", bits=4, calibration=samples)
    found = project.certificate.line("output_distance_found").values
    errors = np.abs(project.predict(samples) - logits(model, samples)).max(axis=0)
    assert found["calibrated"] == pytest.approx(errors.tolist())
    assert all(most >= seen for most, seen in zip(found["largest"], found["calibrated"], strict=True))
    (_, proved), (_, shown) = _distance(project.report)
    assert proved.endswith("from the float network, every input: proved")
    assert shown.endswith(f"; outputs move by {max(found['span']):.4g}")
    program, step_size = project.program, float(Fraction(project.certificate.evidence["step_size"]))
    words = GoldenModel(program).words(samples)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worst_input, "_climbed", lambda pair, known: known[0][:1])  # a search that finds nothing
        states = GoldenModel(program).final_states(words)
        largest, calibrated, span = worst_input.largest_errors(model, program, step_size, (words, states))
    assert largest.tolist() == calibrated.tolist() == found["calibrated"]
    assert span == pytest.approx(np.ptp(logits(model, samples), axis=0)) and (span <= found["span"]).all()


def test_output_words_beyond_64_bits_are_written(tmp_path: Path) -> None:
    model = network(O=READOUT * np.array([[1e3], [1e-3]]))
    project = mondeq_hw.compile(model, tmp_path / "build", bits=8, state_bits=32, readout_bits=16)
    assert project.program.output_bits > 64
    words, expected = (np.load(project.folder / "sim" / name) for name in ("words.npy", "expected.npy"))
    assert [[int(word) for word in row] for row in expected.tolist()] == simulated(project, words)


def test_profile_of_words_beyond_64_bits() -> None:
    program = random_program(1, n=3, d=4, k=2, bits=16, state_bits=32, state_integer_bits=2, drive_bits=16)
    program = program.replace(drive_left_shift=program.drive_left_shift + 30, drive_bias=program.drive_bias << 30)
    assert program.drive_accumulator_bits > 64
    words = random_words(0, program, 5)
    seen = profile(program, words, 0, None, CLASSES).quantity("drive accumulator")
    sums = [(sum(x * y for x, y in zip(row, sample, strict=True)) << program.drive_left_shift) + bias
            for sample in words.tolist()
            for row, bias in zip(program.drive.rows(), program.drive_bias.tolist(), strict=True)]  # fmt: skip
    assert (seen.low, seen.high) == (min(sums), max(sums))


def test_trace_beside_a_network_of_subnormal_inputs(tmp_path: Path) -> None:
    """The certificate holds ``U`` on a grid of more than a thousand bits, ``b`` on the same."""
    project = mondeq_hw.compile(network(U=U * 1e-310), tmp_path / "build", bits=8, allow_vacuous=True)
    assert project.certificate.evidence["operator"]["input"]["bits"] > 1023
    traced = project.trace(X[:3])
    assert traced.floating is not None and traced.equilibrium_distances[-1].max() < 0.01


def test_a_network_whose_output_is_constant_is_doubted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is what the float network does, too, so that its distance is worth something; but hardly what was trained."""
    mondeq_hw.save(network(O=READOUT * np.array([[1.0], [0.0]])), tmp_path / "one.pt")
    mondeq_hw.save(network(b=np.full(3, -1e3)), tmp_path / "all.pt")
    for name, named, loose in (
        ("one", "output 1 of 2, counted from 0, is", "loose for 1 of 2"),
        ("all", "outputs 0, 1 of 2, counted from 0, are", "loose"),
    ):
        command = ["compile", str(tmp_path / f"{name}.pt"), "--bits", "8", "--out", str(tmp_path / name)]
        assert main(command) == 0
        printed = capsys.readouterr()
        assert f"warning: {named} proved to be the same for every input" in printed.err
        assert f"every input ({loose}: outputs move by less): proved" in printed.out


def test_states_below_the_range_of_floating_point_are_zero(tmp_path: Path) -> None:
    """Without a bias: 2 to the bits after their point was an OverflowError."""
    tiny = network(U=U * 1e-310, b=np.zeros(3), c=np.zeros(2))
    with pytest.raises(NotCertifiedError, match="the proof of convergence says nothing"):
        mondeq_hw.compile(tiny, tmp_path / "build", bits=8)
    project = mondeq_hw.compile(tiny, tmp_path / "build", bits=8, allow_vacuous=True)
    assert not project.program.drive.integers.any()
    bounds = project.certificate.line("output_distance").values["bounds"]
    assert (np.abs(project.predict(X) - logits(tiny, X)) <= bounds).all()


def test_a_step_far_too_large(tmp_path: Path) -> None:
    """Refused with the shorter word length that is proved, as not every longer one is; else compiled where told to."""
    options: dict[str, Any] = {"bits": 2, "rounding": "nearest", "step_size": 64.0}
    with pytest.raises(NotCertifiedError, match=r"[Uu]se bits=1, the smallest certified word length"):
        mondeq_hw.compile(network(), tmp_path / "build", **options)
    assert mondeq_hw.compile(
        network(), tmp_path / "short", **options | {"bits": 1}, allow_vacuous=True
    ).program.certified
    project = mondeq_hw.compile(network(), tmp_path / "build", **options, allow_uncertified=True)
    assert not project.program.certified and not project.check_certificate().accepted


@pytest.mark.parametrize("state_bits", [24, 30, 32])
def test_a_row_far_below_the_others(state_bits: int, tmp_path: Path) -> None:
    """On its grid the state is larger than any sum, and must not wrap."""
    W = SKEW.copy()
    W[1, :] *= 2.0**-8
    W[:, 1] *= 2.0**-8
    scale = np.array([1.0, 2.0**-8, 1.0])
    model = network(W, U=U * scale[:, None], b=np.array([0.1, -0.2, 0.3]) * scale)
    project = mondeq_hw.compile(model, tmp_path / "build", bits=16, state_bits=state_bits, calibration=X)
    assert project.check_certificate().accepted
    assert project.certificate.line("class_a_posteriori").values["undecided"] == 0


# -- how many updates ---------------------------------------------------------------


def slow(factor: float) -> MonDEQ:
    """Forward-backward with the step one is ``W`` itself."""
    return network(np.diag([factor, 0.5, 0.5]), U=U * 1e-3)


def test_more_updates_than_the_hardware_counts_are_refused(tmp_path: Path) -> None:
    model = slow(1 - 2.0**-15)
    options: dict[str, Any] = {"bits": 16, "solver": "forward_backward", "step_size": 1.0, "rounding": "nearest",
                               "state_bits": 32}  # fmt: skip
    with pytest.raises(NotCertifiedError, match=r"more than the 65535 updates.*iterations=65535"):
        mondeq_hw.compile(model, tmp_path / "build", **options)
    assert not (tmp_path / "build").exists()
    lowered = lower(model, LoweringOptions(**options))
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, MOST_ITERATIONS, True)
    certificate = certify(program, lowered.proof, model, lowered.step_size, None)
    certificate.save(tmp_path / "certificate.json")
    assert check(tmp_path / "certificate.json").accepted
    line = certificate.line("iterations").values
    assert line["iterations"] == MOST_ITERATIONS and line["transient"] > line["rounding_bound"]


# -- which network a certificate is about ---------------------------------------------


def test_a_certificate_beside_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = network()
    mondeq_hw.save(model, tmp_path / "model.pt")
    project = mondeq_hw.compile(tmp_path / "model.pt", tmp_path / "build", bits=8)
    assert project.check_model(model).accepted
    W, digest = model.W.copy(), model.digest()
    W[0, 1] += 2.0**-30
    changed = {
        "W is another": replace(model, W=W),
        "U, b or the preprocessing is another": replace(model, b=model.b + 2.0**-20),
        "O or c is another": replace(model, O=2 * model.O),
        "the proximal operator is another": replace(model, clip=Clip.uniform(Interval(0.0, 9.0), 3)),
        "its digest is": replace(model, W=np.nextafter(model.W, 1)),
        "states, inputs, outputs and carried words": replace(model, O=model.O[:1], c=model.c[:1]),
    }
    for reason, other in changed.items():
        verdict = project.check_model(other)
        assert not verdict.accepted and reason in verdict.reason
    build = str(tmp_path / "build")
    assert main(["certificate", build, "--model", str(tmp_path / "model.pt")]) == 0
    assert f"the certificate is about this network, digest {digest}" in capsys.readouterr().out
    mondeq_hw.save(changed["W is another"], tmp_path / "other.pt")
    assert main(["certificate", build, "--model", str(tmp_path / "other.pt")]) == 4
    assert "W is another; its digest is" in capsys.readouterr().err


# -- proofs that say nothing ------------------------------------------------------------

VACUOUS: dict[str, tuple[MonDEQ, dict[str, Any], str]] = {
    "coarse state": (network(), {"state_bits": 2}, r"stalls.*state_bits=3, or go on"),
    "few updates": (
        network(),
        {"iterations": 1, "solver": "forward_backward", "step_size": 2.0**-7},
        r"1 updates are too few. Use iterations=\d+, or use step_size=1,",
    ),
    "drive": (network(U=U * 2.0**-50), {}, r"drive rounds to the same word for every input.*Rescale the network"),
    "readout": (network(O=READOUT * 2.0**-50), {}, r"readout rounds to zero.*Rescale the network"),
    "constant on samples": (
        network(U=U * 2.0**-10, b=np.ones(3)),
        {"state_bits": 8, "calibration": X % 4},
        r"output 0 of 2, counted from 0, is the same for all of 40 calibration samples. Use state_bits=\d+",
    ),
    "another network": (
        network((1 - 1e-6) * np.eye(3)),
        {"solver": "forward_backward", "task": "values"},
        r"is no nearer to the float network's than a constant: 9\.\d+e\+05 off, where that varies by 4\.\d+e\+05 "
        r".* over 64 random inputs\). Use solver peaceman-rachford, or go on",
    ),
    "constant over the box": (
        network(U=U * 2.0**-12, b=np.ones(3)),
        {"state_bits": 6, "calibration": X},
        r"output 0 of 2, counted from 0, is the same word for every input. Use state_bits=\d+",
    ),
}


@pytest.mark.parametrize("name", VACUOUS)
def test_a_proof_that_says_nothing_is_refused(name: str, tmp_path: Path) -> None:
    model, options, reason = VACUOUS[name]
    with pytest.raises(NotCertifiedError, match=reason) as refused:
        mondeq_hw.compile(model, tmp_path / "build", bits=8, **options)
    assert refused.value.exit_code == 3 and not (tmp_path / "build").exists()
    asked = re.search(r"(state_bits|iterations)=(\d+)", str(refused.value))
    if asked is not None:
        helps = options | {asked[1].replace("-", "_"): int(asked[2])}
        assert mondeq_hw.compile(model, tmp_path / "helped", bits=8, **helps).program.certified
    project = mondeq_hw.compile(model, tmp_path / "build", bits=8, allow_vacuous=True, **options)
    assert project.check_certificate().accepted


def test_slow_convergence_gets_a_finer_state(tmp_path: Path) -> None:
    options: dict[str, Any] = {"bits": 12, "solver": "forward_backward", "step_size": 2.0**-9}
    model = network()
    assert lower(model, LoweringOptions(bits=8)).state_format.word_length == 12
    lowered = lower(model, LoweringOptions(**options))
    assert lowered.state_format.word_length == 16
    bounds = []
    for bits in (15, 16):
        finer = with_state_bits(lowered, bits)
        program = assemble(finer.quantized, finer.input_format, finer.state_format, 1, True)
        bound = error_bound(program, lowered.proof)
        bounds.append(bound.rounding / (1 - bound.contraction_factor) / bound.start)
    assert bounds[1] <= 1 / 64 < bounds[0]


def test_a_network_that_ignores_its_input_is_no_fault(tmp_path: Path) -> None:
    assert mondeq_hw.compile(network(U=np.zeros((3, 4))), tmp_path / "build", bits=8).program.certified


@pytest.mark.parametrize(("margin", "gain"), [(1e-2, 30.0), (1e-5, 100.0)])
def test_forward_backward_has_a_step_size_for_stiff_networks(margin: float, gain: float, tmp_path: Path) -> None:
    """What its theorem asks for is below the smallest step of the hardware, which is tried and judged by its proof."""
    model = random_model(np.random.default_rng(2), 5, 3, 2, margin, gain)
    options: dict[str, Any] = {"bits": 12, "solver": "forward_backward", "iterations": 40}
    project = mondeq_hw.compile(model, tmp_path / "build", **options, allow_uncertified=True, allow_vacuous=True)
    assert project.program.leak_shift == 20
    assert project.predict_raw(X[:3, :3]).tolist() == simulated(project, X[:3, :3])


# -- entries that no grid holds ----------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "scale", "reason"),
    [
        ("U", 1e200, r"U has an entry of .*e\+200; expected at most 1e\+100"),
        ("O", 1e200, r"O has an entry of .*e\+200; expected at most 1e\+100"),
        ("b", 1e101, r"b has an entry of .*e\+100; expected at most 1e\+100"),
        ("U", 1e30, r"a matrix beside W has an entry of .*the largest level of 8 bits on the coarsest grid"),
        ("O", 1e15, r"a matrix beside W has an entry of .*the largest level of 8 bits on the coarsest grid"),
    ],
)
def test_entries_beyond_every_grid_are_refused(part: str, scale: float, reason: str, tmp_path: Path) -> None:
    """They once saturated: a compiled network, certified, of other outputs."""
    model = network()
    with pytest.raises(InputError, match=reason):
        mondeq_hw.compile(replace(model, **{part: getattr(model, part) * scale}), tmp_path / "build", bits=8)
    assert not (tmp_path / "build").exists()


def test_large_entries_within_the_grids_are_right(tmp_path: Path) -> None:
    model = network(U=U * 1e13, b=np.array([1e12, -2e12, 3e12]), O=READOUT * 1e-9)
    project = mondeq_hw.compile(model, tmp_path / "build", bits=8)
    exact = logits(model, X)
    assert np.abs(project.predict(X) - exact).max() < 0.05 * np.abs(exact).max()


# -- outputs that are constant ------------------------------------------------------------


def test_intervals_prove_only_what_every_input_confirms() -> None:
    """Of networks of few inputs, every one of them is tried."""
    words, proved, constant = np.stack(np.meshgrid(np.arange(8), np.arange(8)), -1).reshape(-1, 2), 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n, bits, solver = int(rng.integers(1, 5)), int(rng.integers(1, 9)), SOLVERS[seed % 2]
        program = random_program(seed, n=n, d=2, bits=bits, solver=solver, input_bits=3, iterations=1 + 9 * (seed % 9))
        program = with_random_clip(seed, program)
        kept = program.drive.integers * (np.arange(n)[:, None] == rng.integers(-1, n))
        program = program.replace(drive=replace(program.drive, integers=kept))
        outputs = GoldenModel(program).predict_raw(words)
        same, found = (outputs == outputs[:1]).all(axis=0), constant_for_every_input(program)
        assert (same | ~found).all()
        proved, constant = proved + found.sum(), constant + same.sum()
    assert 0.8 * constant < proved < constant


def test_one_output_that_is_constant_is_refused(tmp_path: Path) -> None:
    """Of two outputs one has lost its readout, and the other has not."""
    model = network(O=READOUT * np.array([[1.0], [2.0**-50]]))
    with pytest.raises(NotCertifiedError, match="output 1 of 2, counted from 0, is the same word for every input"):
        mondeq_hw.compile(model, tmp_path / "build", bits=8)
    assert mondeq_hw.compile(model, tmp_path / "build", bits=8, allow_vacuous=True).program.certified
