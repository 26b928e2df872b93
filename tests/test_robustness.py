"""Proved changes of the input and proved gains: no input beats them, and no forger."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from forgeries import Plain, sealed
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_clip, random_model, random_words

from mondeq_hw import Project, compile
from mondeq_hw.base import FixedPointFormat
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, MonDEQ
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.proof import Changes, check_certificate, unpacked
from mondeq_hw.proof.certificate import Certificate
from mondeq_hw.proof.certify import certify, choose_iterations
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.options import LoweringOptions

pytestmark = pytest.mark.slow

BENCHMARK = Path(__file__).resolve().parent.parent / "benchmarks" / "robustness.py"
NORMS = check_certificate.NORMS


def certified(
    model: MonDEQ, changes: Changes | None = None, **options: Any
) -> tuple[SolverProgram, Certificate] | None:
    lowered = lower(model, LoweringOptions(rounding="nearest", **options))
    if lowered.proof is None:
        return None
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    words = random_words(0, program, 12)
    return program, certify(program, lowered.proof, model, lowered.step_size, words, changes=changes)


def sample_radii(certificate: Certificate) -> dict[str, list[Fraction]]:
    """Of every sample, in words, as the checker has them."""
    found: dict[str, list[Fraction]] = {}
    plain = certificate.to_dict()
    evidence = check_certificate.Evidence(plain["program"], plain["evidence"])
    kept = check_certificate.shares
    try:
        check_certificate.shares = lambda evidence, name, radii: found.setdefault(name, radii)
        check_certificate.check_robustness(evidence)
    finally:
        check_certificate.shares = kept
    return found


def around(
    program: SolverProgram, word: np.ndarray, radius: Fraction, box: bool, rng: np.random.Generator
) -> np.ndarray:
    """Words within a change of one sample's input: corners of a box and points all over, of a ball its surface."""
    d, form = program.d, program.input_format
    if box:
        corners = np.array(list(product((-1, 0, 1), repeat=d))) * int(radius)
        moves = np.concatenate([corners, rng.integers(-int(radius), int(radius) + 1, size=(60, d))])
    else:
        directions = rng.normal(size=(150, d))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        moves = np.trunc(directions * float(radius)).astype(np.int64)
        moves = moves[(moves**2).sum(axis=1) < radius**2]
    return np.clip(word + moves, form.min_word, form.max_word)


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 7),
    d=st.integers(1, 9),
    bits=st.integers(4, 12),
    state_bits=st.integers(8, 18),
    solver=st.sampled_from([PEACEMAN_RACHFORD, PEACEMAN_RACHFORD, FORWARD_BACKWARD]),
    clipped=st.booleans(),
    feedthrough=st.booleans(),
)
def test_no_input_within_the_change_has_another_class(
    seed: int, n: int, d: int, bits: int, state_bits: int, solver: str, clipped: bool, feedthrough: bool
) -> None:
    """Nor do two inputs differ by more than the gain; more inputs than states and fewer, all solvers and rows."""
    model = random_model(np.random.default_rng(seed), n, min(d, 4) if d < 7 else d, 3, 0.8, feedthrough=feedthrough)
    model = replace(model, clip=random_clip(seed, n)) if clipped else model
    found = certified(model, bits=bits, solver=solver, state_bits=state_bits, readout_bits=bits)
    if found is None:
        return
    program, certificate = found
    golden, rng = GoldenModel(program), np.random.default_rng(seed)
    outputs = lambda words: np.ldexp(golden.predict_raw(words).astype(float), -program.output_fractional_bits)  # noqa: E731
    values, words = certificate.line("gain").values, random_words(0, program, 12)
    for name, radii in sample_radii(certificate).items():
        for word, radius in zip(words, radii, strict=True):
            nearby = (
                around(program, word, radius, NORMS[name], rng) if program.d <= 4 or not NORMS[name] else word[None]
            )
            own = outputs(word[None])
            assert (outputs(nearby).argmax(axis=1) == own.argmax()).all(), name
        others = random_words(seed + 1, program, 12)
        change = np.abs(words - others).max(axis=1) if NORMS[name] else np.linalg.norm(words - others, axis=1)
        moved = np.abs(outputs(words) - outputs(others))
        step = program.input_format.step
        assert (moved <= np.outer(change * step, values[name]) + values["rounding"]).all(), name


def test_the_gain_of_a_network_without_feedback_is_its_readout_times_its_drive() -> None:
    """``z = relu(U x + b)``: nothing else moves, so the bounds are within a few per cent of what is so."""
    rng = np.random.default_rng(4)
    model = replace(random_model(rng, 1, 3, 1), W=np.zeros((1, 1)), monotonicity_margin=1.0)
    found = certified(model, bits=8, solver=FORWARD_BACKWARD, step_size=1.0, drive_bits=12, readout_bits=12)
    assert found is not None
    program, certificate = found
    drive = np.ldexp(
        program.drive.integers.astype(float), program.drive_left_shift - program.drive_fractional_bits[:, None]
    )
    exact = abs(program.readout.values[0, 0]) * drive[0] / program.input_format.step
    values = certificate.line("gain").values
    assert values["two_norm"][0] == pytest.approx(np.linalg.norm(exact), rel=0.05)
    assert values["infinity_norm"][0] == pytest.approx(np.abs(exact).sum(), rel=0.05)
    assert values["two_norm"][0] >= np.linalg.norm(exact) and values["infinity_norm"][0] >= np.abs(exact).sum()


# -- the digits --------------------------------------------------------------------


@pytest.fixture(scope="module")
def benchmark_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("robustness_benchmark", BENCHMARK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_attack_never_beats_a_certified_change(digits_build: Path, benchmark_module: ModuleType) -> None:
    """Steps against the slopes of every pair of outputs; what is proved is not far from what they find."""
    project = Project.load(digits_build)
    evidence = project.certificate.evidence["samples"]
    words = unpacked(evidence["words"], evidence["count"])[:40]
    attack = benchmark_module.Attack(project.program)
    for name, radii in sample_radii(project.certificate).items():
        found = attack.least(words, NORMS[name])
        proved = np.array([float(radius) for radius in radii[:40]])
        assert np.isfinite(found).mean() > 0.9, name
        # A box holds its whole words, a ball what is smaller.
        assert (found > proved).all() if NORMS[name] else (found >= proved).all(), name
        print(f"{name}: attacked over certified, median {np.median(found / np.maximum(proved, 1)):.3g}")
    assert np.median(found / proved) < 2.5


def test_shares_are_counted_for_the_changes_that_are_named() -> None:
    """A change below one word reaches no other word, so that every class stays."""
    model = random_model(np.random.default_rng(5), 5, 3, 4, 0.8)
    changes = Changes.of(FixedPointFormat.parse("ap_ufixed<8,8>"), (0.5, 3), 2.5)
    found = certified(model, changes, bits=10, state_bits=16)
    assert found is not None
    line, radii = found[1].line("robustness").values, sample_radii(found[1])
    assert line["infinity_norm"]["eps"] == [0.5, 3.0] and line["two_norm"]["eps"] == [2.5]
    assert line["infinity_norm"]["certified"] == [12, sum(radius >= 3 for radius in radii["infinity_norm"])]
    assert line["two_norm"]["certified"] == [sum(radius > 2.5 for radius in radii["two_norm"])]
    assert 0 < line["two_norm"]["certified"][0] < 12
    quantiles = line["two_norm"]["quantiles"]
    assert quantiles == pytest.approx([float(sorted(radii["two_norm"])[11 * i // 10]) for i in range(11)])


def test_gains_of_a_large_form_are_sought_only_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mondeq_hw.pipeline.LARGE_FORM", 7)  # the network has eight
    model = random_model(np.random.default_rng(5), 5, 3, 4, 0.8)
    for options, sought in (({}, False), ({"eps": 3.0}, True), ({"state_range": "box"}, True)):
        project = compile(model, tmp_path / "build", bits=10, state_bits=16, force=True, **options)
        assert project.check_certificate().accepted
        witnesses = json.loads((project.folder / "certificate.json").read_text())["evidence"]["gain"]
        assert [each is not None for each in witnesses.values()] == [sought] * len(NORMS)


def test_without_names_the_changes_are_shares_of_the_range() -> None:
    usual = Changes.of(FixedPointFormat.parse("ap_ufixed<8,6>"), None, None)
    assert usual.infinity_norm == pytest.approx([0.01 * 63.75, 0.02 * 63.75, 0.05 * 63.75, 0.1 * 63.75])


def _line(plain: Plain, name: str) -> Plain:
    return next(entry for entry in plain["lines"] if entry["name"] == name)


def _more_certified(plain: Plain) -> None:
    _line(plain, "robustness")["values"]["two_norm"]["certified"][1] += 1


def _longer(plain: Plain) -> None:
    _line(plain, "robustness")["values"]["infinity_norm"]["quantiles"][-1] += 1.0


def _lower_gain(plain: Plain) -> None:
    values = _line(plain, "gain")["values"]["two_norm"]
    values[0] = float(np.nextafter(values[0], 0))


def _lower_penalties(plain: Plain) -> None:
    """The form is no longer positive definite."""
    for witness in plain["evidence"]["gain"].values():
        witness["penalties"] = [1] * len(witness["penalties"])


def _no_weight(plain: Plain) -> None:
    plain["evidence"]["gain"]["two_norm"]["weights"][0] = 0


def _unequal_rows(plain: Plain) -> None:
    weights = plain["evidence"]["gain"]["two_norm"]["weights"]
    weights[0] <<= 60


def _fewer_norms(plain: Plain) -> None:
    del plain["evidence"]["gain"]["two_norm"]


def _no_multipliers(plain: Plain) -> None:
    """Without them only the contraction's norm is left, which proves less."""
    plain["evidence"]["gain"]["two_norm"] = None


@pytest.mark.parametrize(
    "change",
    [
        _more_certified,
        _longer,
        _lower_gain,
        _lower_penalties,
        _no_weight,
        _unequal_rows,
        _fewer_norms,
        _no_multipliers,
    ],
)
def test_forgeries_are_rejected(small_robust: Plain, change: Any, tmp_path: Path) -> None:
    plain = json.loads(json.dumps(small_robust))
    change(plain)
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(sealed(plain)))
    assert check_certificate.check(str(path)) is not None


@pytest.fixture(scope="module")
def small_robust() -> Plain:
    """A certificate with more inputs than states, so that its inputs have a shape."""
    found = certified(random_model(np.random.default_rng(5), 5, 9, 4, 0.8), bits=10, state_bits=16)
    assert found is not None
    return found[1].to_dict()


def test_the_small_certificate_is_accepted(small_robust: Plain, tmp_path: Path) -> None:
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(sealed(small_robust)))
    assert check_certificate.check(str(path)) is None
    assert small_robust["evidence"]["gain"]["infinity_norm"]["shape"] is not None


def _smaller_shape(plain: Plain) -> None:
    factor = plain["factor"]
    factor[-1][-1] //= 2


def _smaller_spread(plain: Plain) -> None:
    plain["spreads"][0] //= 2


@pytest.mark.parametrize("change", [_smaller_shape, _smaller_spread])
@pytest.mark.parametrize("name", NORMS)
def test_a_shape_that_does_not_hold_every_change_is_rejected(small_robust: Plain, change: Any, name: str) -> None:
    plain = json.loads(json.dumps(small_robust["evidence"]))
    change(plain["gain"][name]["shape"])
    evidence = check_certificate.Evidence(small_robust["program"], plain)
    with pytest.raises(check_certificate.CertificateError):
        check_certificate.Gains(evidence.contraction, plain["gain"][name], NORMS[name])
