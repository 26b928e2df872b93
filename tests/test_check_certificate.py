"""The independent checker: accepts what was certified, rejects whatever was tampered with."""

from __future__ import annotations

import ast
import base64
import copy
import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from certificates import certificate_text
from forgeries import sealed
from random_models import random_model, random_words

from mondeq_hw.base import DenseOperator, canonical_digest, gram
from mondeq_hw.problem import CLASSES, FORWARD_BACKWARD, PEACEMAN_RACHFORD, SOLVERS, TASKS, VALUES
from mondeq_hw.program import MOST_ITERATIONS
from mondeq_hw.proof import check_certificate
from mondeq_hw.proof import plain as plain_values
from mondeq_hw.proof.certify import MOST_MULTIPLICATIONS, certify
from mondeq_hw.proof.claims import ABOUT_CLASSES, CLAIMS_OF
from mondeq_hw.proof.contraction import iteration_integers
from mondeq_hw.proof.enclosure import FINE_BITS
from mondeq_hw.proof.exact import prove_positive_definite
from mondeq_hw.proof.metric import BOUND_BITS, contraction_gap
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.options import LoweringOptions

Plain = dict[str, Any]
#: Options of :func:`certificate_text` whose proof is in the infinity-norm, and with every kind of row.
IN_INFINITY_NORM: Plain = {"n": 4, "seed": 4}
WITH_CLIP: Plain = {"n": 9, "seed": 3, "clipped": True}
SOURCE = Path(check_certificate.__file__).read_text()


def fresh(**options: Any) -> Plain:
    return json.loads(certificate_text(**options))


def line(plain: Plain, name: str) -> Plain:
    return next(entry for entry in plain["lines"] if entry["name"] == name)


def verdict(plain: Plain | str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    path = tmp_path / "certificate.json"
    path.write_text(plain if isinstance(plain, str) else json.dumps(plain))
    code = check_certificate.main([str(path)])
    return code, capsys.readouterr().out


# -- accepted --------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("options", [{}, {"samples": None}, {"n": 1}, {"seed": 1, "bits": 16}, {"n": 13, "seed": 2}])
def test_accepts(solver: str, options: Plain, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = verdict(certificate_text(solver=solver, **options), tmp_path, capsys)
    assert code == 0, text
    assert text.splitlines()[-1] == "certificate accepted: every proved line holds"
    bounded = text.count("hard_bounds: proved")  # where an output shows a bounded row
    assert text.count("ok ") == 23 + bounded
    assert text.count(": proved") == (18 if options.get("samples", 1) else 12) + bounded


@pytest.mark.parametrize(
    "solver,options", [(PEACEMAN_RACHFORD, IN_INFINITY_NORM), (FORWARD_BACKWARD, {"n": 2, "seed": 3})]
)
def test_accepts_a_proof_in_the_infinity_norm(
    solver: str, options: Plain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = fresh(solver=solver, **options)
    assert plain["evidence"]["contraction"].keys() == {"factor", "metric", "weights"}
    assert line(plain, "contraction")["values"]["metric"] == "infinity-norm"
    assert "inner product" in line(plain, "implied_operator")["values"]["reason"]
    code, text = verdict(plain, tmp_path, capsys)
    assert code == 0 and text.count(": proved") == 17 and "implied_operator: not covered" in text


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", range(4))
def test_accepts_any_clip(solver: str, seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = verdict(certificate_text(solver=solver, seed=seed, n=9, clipped=True), tmp_path, capsys)
    assert code == 0 and "class_of_float_model: proved" in text, text


def test_a_network_of_values_claims_nothing_about_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = fresh(task=VALUES)
    assert not any(entry["name"] in ABOUT_CLASSES for entry in plain["lines"]) and len(plain["lines"]) == 19
    assert verdict(plain, tmp_path, capsys)[0] == 0
    assert verdict(sealed({**fresh(), "task": VALUES.name}), tmp_path, capsys)[0] == 1
    assert verdict(sealed({**plain, "task": CLASSES.name}), tmp_path, capsys)[0] == 1
    assert verdict(sealed({**plain, "task": "control"}), tmp_path, capsys)[0] == 1


@pytest.mark.parametrize("name", ["original_figures", "deployed_figures", "displacement"])
def test_figures_that_floating_point_could_not_find_are_open(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = fresh()
    line(plain, name).update(status="not covered", values={"reason": "floating point fails"})
    assert verdict(sealed(plain), tmp_path, capsys)[0] == 0
    line(plain, name)["values"]["ratio"] = 0.1
    assert verdict(sealed(plain), tmp_path, capsys)[0] == 1


def test_accepts_what_is_open_because_the_float_model_has_no_proved_margin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = random_model(np.random.default_rng(0), 6, 5, 4, margin=0.8)
    lowered = lower(model, LoweringOptions(bits=9, rounding="nearest", state_bits=10))
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 20, True)
    other = replace(model, W=2 * np.eye(6))
    step_size = lowered.step_size
    certificate = certify(program, lowered.proof, other, step_size, random_words(0, program, 3))
    code, text = verdict(certificate.to_json(), tmp_path, capsys)
    assert code == 0 and text.count(": not covered") == 7, text


def test_runs_alone_with_the_standard_library(tmp_path: Path) -> None:
    """As a script, isolated from every installed package."""
    path = tmp_path / "certificate.json"
    path.write_text(certificate_text())
    command = [sys.executable, "-I", "-S", check_certificate.__file__, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr


def test_imports_nothing_but_the_standard_library() -> None:
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Import):
            assert all(alias.name in sys.stdlib_module_names for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0 and str(node.module).split(".")[0] in sys.stdlib_module_names


def test_a_person_can_read_it() -> None:
    """Short functions, each with its types and a sentence that says what it is."""
    functions = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.FunctionDef)]
    assert len(functions) > 80
    for function in functions:
        length = (function.end_lineno or 0) - function.lineno + 1
        arguments = [*function.args.args, *function.args.kwonlyargs]
        assert length <= 40, function.name
        assert function.returns is not None, function.name
        assert all(argument.annotation or argument.arg == "self" for argument in arguments), function.name
        assert ast.get_docstring(function) or function.name.startswith("_"), function.name
    assert len(SOURCE.splitlines()) < 3200


def test_knows_the_words_of_every_claim() -> None:
    for task, known in check_certificate.CLAIMS.items():
        assert canonical_digest({name: list(claim) for name, claim in CLAIMS_OF[task].items()}) == known
    assert check_certificate.CLAIMS.keys() == TASKS.keys()


# -- rejected ----------------------------------------------------------------------


def set_value(name: str, key: str, change: Callable[[Any], Any]) -> Callable[[Plain], None]:
    def tamper(plain: Plain) -> None:
        values = line(plain, name)["values"]
        values[key] = change(values[key])

    return tamper


def set_in(*path: Any, change: Callable[[Any], Any]) -> Callable[[Plain], None]:
    def tamper(plain: Plain) -> None:
        target = plain
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = change(target[path[-1]])

    return tamper


def set_status(name: str, status: str) -> Callable[[Plain], None]:
    return lambda plain: line(plain, name).update(status=status)


def drop_line(plain: Plain) -> None:
    plain["lines"] = [entry for entry in plain["lines"] if entry["name"] != "contraction"]


def repeat_line(plain: Plain) -> None:
    plain["lines"].append(copy.deepcopy(line(plain, "radius")))


def drop_samples(plain: Plain) -> None:
    del plain["evidence"]["samples"]


def lower_factor_everywhere(plain: Plain) -> None:
    for name in ("contraction", "adjoint"):
        line(plain, name)["values"]["contraction_factor"] = "1/10"
    plain["evidence"]["contraction"]["factor"] = "1/10"


def factor_of_one(plain: Plain) -> None:
    for name in ("contraction", "adjoint"):
        line(plain, name)["values"]["contraction_factor"] = "1/1"
    plain["evidence"]["contraction"]["factor"] = "1/1"


def bigger_entry(plain: Plain) -> None:
    row = plain["program"]["stages"][0]["matrix"][0]
    row[0] += 1 if row[0] < 100 else -1


def next_up(value: float) -> float:
    return float(np.nextafter(value, np.inf))


def next_down(value: float) -> float:
    return float(np.nextafter(value, -np.inf))


def repacked(text: str, index: int, change: int = 2**20) -> str:
    """Packed integers with one of them changed."""
    integers = np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype="<i8").copy()
    integers[index] += change
    return base64.b64encode(zlib.compress(integers.tobytes())).decode()


FORGERIES = {
    "lower factor": lower_factor_everywhere,
    "factor one": factor_of_one,
    "factor of one line": set_value("contraction", "contraction_factor", lambda _: "1/2"),
    "factor of the adjoint": set_value("adjoint", "contraction_factor", lambda _: "1/2"),
    "weight": set_in("evidence", "contraction", "weights", 0, change=lambda w: 100 * w),
    "negative weight": set_in("evidence", "contraction", "weights", 0, change=lambda w: -w),
    "witness": set_in("evidence", "contraction", "cholesky", 0, 0, change=lambda x: x // 2),
    "witness exponent": set_in("evidence", "contraction", "exponents", 0, change=lambda k: k - 1),
    "witness precision": set_in("evidence", "contraction", "bits", change=lambda t: t + 1),
    "model witness": set_in("evidence", "operator", "margin", "cholesky", 0, 0, change=lambda x: x // 2),
    "model margin": set_in("evidence", "operator", "margin", "bound", change=lambda x: 2 * x),
    "model Lipschitz bound": set_in("evidence", "operator", "lipschitz", "bound", change=lambda x: x // 2),
    "model matrix": set_in("evidence", "operator", "W", 0, 0, change=lambda x: x + 2**33),
    "model drive": set_in("evidence", "operator", "input", "matrix", change=lambda text: repacked(text, 0)),
    "model drive bias": set_in("evidence", "operator", "input", "offset", 0, change=lambda x: x + 2**20),
    "model drive grid": set_in("evidence", "operator", "input", "bits", change=lambda bits: bits + 1),
    "model drive cut": set_in("evidence", "operator", "input", "matrix", change=lambda text: text[:-8]),
    "model readout": set_in("evidence", "operator", "output", "matrix", change=lambda text: repacked(text, 0, 2**40)),
    "model readout bias": set_in("evidence", "operator", "output", "offset", 0, change=lambda x: x + 2**40),
    "model readout grid": set_in("evidence", "operator", "output", "bits", change=lambda _: 10**5),
    "model gone": lambda plain: plain["evidence"].pop("operator"),
    "model equilibria": set_in("evidence", "samples", "equilibria", change=lambda text: repacked(text, -1)),
    "negative equilibria": set_in("evidence", "samples", "equilibria", change=lambda text: repacked(text, 0, -(2**40))),
    "equilibria gone": lambda plain: plain["evidence"]["samples"].pop("equilibria"),
    "proved distance": set_value("displacement_a_posteriori", "largest", next_down),
    "proved mean distance": set_value("displacement_a_posteriori", "mean", next_down),
    "samples of the distance": set_value("displacement_a_posteriori", "samples", lambda x: x + 1),
    "distance for every input": set_value("displacement_a_priori", "bound", next_down),
    "classes of the model": set_value("class_of_float_model", "equal", lambda x: x + 1),
    "differing classes": set_value("class_of_float_model", "different", lambda x: x + 1),
    "margin line": set_value("original_operator", "margin_bound", next_up),
    "Lipschitz line": set_value("original_operator", "lipschitz_bound", next_down),
    "condition line": set_value("original_operator", "condition_bound", next_down),
    "matrix entry": bigger_entry,
    "matrix shift": set_in("program", "stages", 0, "matrix_shifts", 0, change=lambda g: g - 1),
    "drive entry": set_in("program", "stages", 0, "drive", 0, 0, change=lambda x: x - 1 if x > 0 else x + 1),
    "drive bias": set_in("program", "stages", 0, "drive_bias", 0, change=lambda x: 3 * x + 10**6),
    "drive shift": set_in("program", "stages", 0, "drive_shifts", 0, change=lambda x: x + 1),
    "readout entry": set_in("program", "readout", 0, 0, change=lambda x: x - 1 if x > 0 else x + 1),
    "readout bias": set_in("program", "readout_bias", 0, change=lambda x: x + 10**7),
    "iterations of the line": set_value("iterations", "iterations", lambda k: k - 1),
    "iterations of the program": set_in("program", "stages", 0, "iterations", change=lambda k: max(1, k // 2)),
    "endless iterations": set_in("program", "stages", 0, "iterations", change=lambda _: 10**15),
    "transient": set_value("iterations", "transient", next_down),
    "start bound": set_value("iterations", "start_bound", next_down),
    "rounding bound": set_value("iterations", "rounding_bound", next_down),
    "radius": set_value("radius", "weighted_norm", next_down),
    "euclidean radius": set_value("radius", "two_norm", next_down),
    "infinity radius": set_value("radius", "infinity_norm", next_down),
    "logit radius": set_value("logit_radius", "radii", lambda radii: [next_down(radii[0]), *radii[1:]]),
    "implied margin": set_value("implied_operator", "margin_bound", next_up),
    "implied Lipschitz constant": set_value("implied_operator", "lipschitz_bound", next_down),
    "step size": set_in("evidence", "step_size", change=lambda _: "1/1024"),
    "weighting": set_value("implied_operator", "weighting", lambda _: "other"),
    "drive width": set_value("accumulators", "drive_accumulator", lambda r: {**r, "bits": r["bits"] - 1}),
    "state width": set_value("accumulators", "state_accumulator", lambda r: {**r, "bits": r["bits"] - 1}),
    "output range": set_value("accumulators", "output", lambda r: {**r, "high": r["high"] - 1}),
    "drive range": set_value("accumulators", "drive", lambda r: {**r, "low": r["low"] + 1}),
    "state bound": set_value("state_range", "bound", next_down),
    "state verdict": set_value("state_range", "verdict", lambda _: "never saturates, ever"),
    "state format": set_in("program", "stages", 0, "state_format", "integer_bits", change=lambda x: x - 1),
    "state overflow": set_in("program", "stages", 0, "state_format", "overflow", change=lambda _: "AP_WRAP"),
    "state rounding": set_in("program", "stages", 0, "state_format", "rounding", change=lambda _: "AP_TRN"),
    "a priori count": set_value("class_a_priori", "equal", lambda x: x + 1),
    "a posteriori count": set_value("class_a_posteriori", "equal", lambda x: x + 1),
    "undecided": set_value("class_a_posteriori", "undecided", lambda x: x - 1),
    "distance": set_value("class_a_posteriori", "largest_distance", next_down),
    "saturated": set_value("state_saturation", "saturated", lambda x: x - 1),
    "sample count": set_in("evidence", "samples", "count", change=lambda x: x - 1),
    "sample words": set_in("evidence", "samples", "words", change=lambda text: text[:-8]),
    "samples gone": drop_samples,
    "line gone": drop_line,
    "line twice": repeat_line,
    "measured called proved": set_status("displacement", "proved"),
    "proved called measured": set_status("contraction", "measured"),
    "proved called not covered": set_status("radius", "not covered"),
    "words of a claim": lambda plain: line(plain, "radius").update(statement="The error is zero."),
    "source of a claim": lambda plain: line(plain, "radius").update(source="folklore"),
    "another claim": lambda plain: line(plain, "radius").update(name="perfection"),
    "extra field": lambda plain: line(plain, "radius").update(remark="and more"),
    "uncertified mark": set_in("program", "certified", change=lambda _: False),
    "solver": set_in("program", "stages", 0, "solver", change=lambda _: FORWARD_BACKWARD),
    "leak": set_in("program", "stages", 0, "leak_shift", change=lambda _: 1),
    "word length": set_in("program", "stages", 0, "matrix_word_length", change=lambda _: 3),
    "version": set_in("version", change=lambda _: 1),
    "boolean for one": set_in("program", "stages", 0, "matrix_shifts", 0, change=lambda _: True),
    "float for an integer": set_in("program", "stages", 0, "drive_bias", 0, change=float),
}


CLIP_FORGERIES = {
    "stored upper bound": set_in("program", "stages", 0, "clip", "upper", change=lambda b: [x and x - 1 for x in b]),
    "stored lower bound": set_in("program", "stages", 0, "clip", "lower", change=lambda b: [x and x + 1 for x in b]),
    "stored bound gone": set_in("program", "stages", 0, "clip", "upper", change=lambda b: [None] * len(b)),
    "stored complements": set_in("program", "stages", 0, "clip", "complement", change=lambda c: [not x for x in c]),
    "one stored complement": set_in("program", "stages", 0, "clip", "complement", 0, change=lambda c: not c),
    "stored rows": set_in("program", "stages", 0, "clip", "rows", change=lambda rows: rows[::-1]),
    "stored rows turned": set_in("program", "stages", 0, "clip", "rows", change=lambda rows: rows[1:] + rows[:1]),
    "no such row": set_in("program", "stages", 0, "clip", "rows", 0, change=lambda _: 99),
    "zero outside": set_in("program", "stages", 0, "clip", "lower", 0, change=lambda _: 1),
    "beyond the words": set_in("program", "stages", 0, "clip", "upper", 0, change=lambda _: 10**6),
    "complement by a number": set_in("program", "stages", 0, "clip", "complement", 0, change=int),
    "upper bounds": set_in("evidence", "operator", "clip", "upper", change=lambda b: [x and x // 2 for x in b]),
    "lower bounds": set_in("evidence", "operator", "clip", "lower", change=lambda b: [x and x // 2 for x in b]),
    "bounds gone": set_in("evidence", "operator", "clip", "upper", change=lambda b: [None] * len(b)),
    "grid": set_in("evidence", "operator", "clip", "bits", change=lambda bits: bits + 1),
    "complements": set_in("evidence", "operator", "clip", "complement", change=lambda c: [not x for x in c]),
    "one complement": set_in("evidence", "operator", "clip", "complement", 0, change=lambda c: not c),
    "rows": set_in("evidence", "operator", "clip", "rows", change=lambda rows: rows[::-1]),
    "rows turned": set_in("evidence", "operator", "clip", "rows", change=lambda rows: rows[1:] + rows[:1]),
    "clip gone": lambda plain: plain["evidence"]["operator"].pop("clip"),
    "a point of no prox": set_in("evidence", "samples", "equilibria", change=lambda text: repacked(text, 0, 2**50)),
    "a field more": lambda plain: plain["program"]["stages"][0].update(prox="relu"),
}


@pytest.mark.parametrize("name", CLIP_FORGERIES)
def test_rejects_every_forged_clip(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = fresh(**WITH_CLIP)
    CLIP_FORGERIES[name](plain)
    assert json.dumps(plain) != json.dumps(fresh(**WITH_CLIP))
    code, text = verdict(sealed(plain), tmp_path, capsys)
    assert code == 1 and "digest" not in text, text


METRIC_FORGERIES = {
    "a weight": set_in("evidence", "contraction", "weights", 0, change=lambda w: 3 * w),
    "no weights": set_in("evidence", "contraction", "weights", change=lambda w: [1] * len(w)),
    "weights turned": set_in("evidence", "contraction", "weights", change=lambda w: w[1:] + w[:1]),
    "a negative weight": set_in("evidence", "contraction", "weights", 0, change=lambda w: -w),
    "a weight of zero": set_in("evidence", "contraction", "weights", 0, change=lambda _: 0),
    "the other norm": set_in("evidence", "contraction", "metric", change=lambda _: "2-norm"),
    "no norm": set_in("evidence", "contraction", "metric", change=lambda _: "1-norm"),
    "the line's norm": set_value("contraction", "metric", lambda _: "2-norm"),
    "a smaller factor": lower_factor_everywhere,
    "a factor of one": factor_of_one,
    "an implied operator": lambda plain: line(plain, "implied_operator").update(
        status="proved", values={"margin_bound": 0.1, "lipschitz_bound": 9.0, "weighting": "diagonal"}
    ),
    "radius": set_value("radius", "weighted_norm", next_down),
    "euclidean radius": set_value("radius", "two_norm", next_down),
    "infinity radius": set_value("radius", "infinity_norm", next_down),
    "logit radius": set_value("logit_radius", "radii", lambda radii: [next_down(radii[0]), *radii[1:]]),
    "state bound": set_value("state_range", "bound", next_down),
    "distance": set_value("class_a_posteriori", "largest_distance", next_down),
    "distance for every input": set_value("displacement_a_priori", "bound", next_down),
}


@pytest.mark.parametrize("name", METRIC_FORGERIES)
def test_rejects_every_forgery_in_the_infinity_norm(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = fresh(**IN_INFINITY_NORM)
    METRIC_FORGERIES[name](plain)
    assert json.dumps(plain) != json.dumps(fresh(**IN_INFINITY_NORM))
    code, text = verdict(sealed(plain), tmp_path, capsys)
    assert code == 1 and "digest" not in text and "Traceback" not in text, text


def test_the_compiler_writes_no_more_samples_than_are_checked() -> None:
    assert check_certificate.MOST_WORK == MOST_MULTIPLICATIONS
    assert check_certificate.MOST_ITERATIONS == MOST_ITERATIONS
    assert check_certificate.BOUND_BITS == BOUND_BITS and check_certificate.FINE_BITS == FINE_BITS


@pytest.mark.parametrize(
    "n,iterations,samples", [(6, 1, True), (6, MOST_ITERATIONS, True), (32, MOST_ITERATIONS, False)]
)
def test_any_number_of_iterations_is_checked(
    n: int,
    iterations: int,
    samples: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sooner = {"MOST_MULTIPLICATIONS": MOST_MULTIPLICATIONS // 20, "MAX_MULTIPLICATIONS": 10**6}
    for name, amount in sooner.items():
        monkeypatch.setattr(sys.modules[certify.__module__], name, amount)
    model = random_model(np.random.default_rng(0), n, 5, 4, margin=0.8)
    lowered = lower(model, LoweringOptions(bits=9, rounding="nearest", state_bits=10))
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, iterations, True)
    words = random_words(0, program, 3)
    certificate = certify(program, lowered.proof, model, lowered.step_size, words)
    assert ("samples" in certificate.evidence) == samples
    reasons = {str(entry.values.get("reason")) for entry in certificate.lines if entry.status == "not covered"}
    assert samples or reasons == {"with so many iterations not one sample can be checked in reasonable time"}
    assert verdict(certificate.to_json(), tmp_path, capsys)[0] == 0


@pytest.mark.parametrize("seal", [True, False], ids=["digests recomputed", "digests left"])
@pytest.mark.parametrize("name", FORGERIES)
def test_rejects_every_forgery(name: str, seal: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = fresh()
    FORGERIES[name](plain)
    assert json.dumps(plain) != json.dumps(fresh())
    code, text = verdict(sealed(plain) if seal else plain, tmp_path, capsys)
    assert code == 1 and text.splitlines()[-1].startswith("FAIL  "), text
    assert "Traceback" not in text
    if seal:
        assert "the digest does not match" not in text


def test_an_open_line_claims_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for change in ({"values": {"samples": 9, "equal": 9}}, {"status": "proved"}):
        plain = fresh(samples=None)
        line(plain, "class_a_priori").update(change)
        assert verdict(sealed(plain), tmp_path, capsys)[0] == 1


def test_many_integers_are_packed_and_checked_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_values, "MOST_NUMBERS", 8)
    plain = json.loads(certificate_text.__wrapped__(samples=None))
    operator = plain["evidence"]["operator"]
    assert all(type(text) is str for text in (operator["W"], operator["margin"]["cholesky"]))
    assert verdict(sealed(plain), tmp_path, capsys)[0] == 0
    n = len(operator["input"]["offset"])
    network = plain_values.model_from_plain(operator, 8)
    assert np.array_equal(np.ldexp(plain_values.unpacked(operator["W"], n), -operator["grid_bits"]), network.W)
    for holder, key in ((operator, "W"), (operator["lipschitz"], "cholesky")):
        kept = holder[key]
        changed = plain_values.unpacked(kept, n).copy()
        changed[0, 0] //= 2
        for wrong in (plain_values.packed(changed), plain_values.packed(changed[:-1]), kept[:-4]):
            holder[key] = wrong
            assert verdict(sealed(plain), tmp_path, capsys)[0] == 1
        holder[key] = kept


def test_a_true_factor_above_one_is_no_contraction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a witness that fits: the norm really is below 3/2, which proves nothing."""
    plain = fresh()
    integers, shifts = (np.array(plain["program"]["stages"][0][key]) for key in ("matrix", "matrix_shifts"))
    N, grid = iteration_integers(DenseOperator(integers, shifts, 9), 0)
    weights = plain["evidence"]["contraction"]["weights"]
    witness = prove_positive_definite(contraction_gap(gram(N, np.array(weights)), grid, weights, Fraction(3, 2)))
    assert witness is not None
    plain["evidence"]["contraction"] = {
        "factor": "3/2",
        "metric": "2-norm",
        "weights": weights,
        "exponents": list(witness.exponents),
        "bits": witness.bits,
        "cholesky": [row[: i + 1] for i, row in enumerate(witness.factor.tolist())],
    }
    for name in ("contraction", "adjoint"):
        line(plain, name)["values"]["contraction_factor"] = "3/2"
    code, text = verdict(sealed(plain), tmp_path, capsys)
    assert code == 1 and "3/2 is not between 0 and 1" in text


def test_a_point_that_no_relu_reaches_proves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = fresh()
    packed = plain["evidence"]["samples"]["equilibria"]
    plain["evidence"]["samples"]["equilibria"] = repacked(packed, 0, -(2**60))
    code, text = verdict(sealed(plain), tmp_path, capsys)
    assert code == 1 and "expected an integer from 0 to" in text


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in leaves(item, (*path, index))]
    return [path]


def test_without_new_digests_no_single_change_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sample of every kind of leaf, measured figures and names included."""
    paths = leaves(fresh(solver=FORWARD_BACKWARD, n=1))
    for path in paths[:: max(1, len(paths) // 150)]:
        plain = fresh(solver=FORWARD_BACKWARD, n=1)
        bump = {bool: lambda v: not v, int: lambda v: v + 1, float: lambda v: v + 1.0, str: lambda v: v + "x"}
        bump[type(None)] = lambda _: 0
        set_in(*path, change=lambda v, bump=bump: bump[type(v)](v))(plain)
        assert verdict(plain, tmp_path, capsys)[0] == 1, path


def test_one_proof_does_not_serve_another_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain, other = fresh(), fresh(seed=1)
    plain["program"] = other["program"]
    assert verdict(sealed(plain), tmp_path, capsys)[0] == 1
    plain = fresh()
    plain["evidence"]["contraction"] = other["evidence"]["contraction"]
    assert verdict(sealed(plain), tmp_path, capsys)[0] == 1


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", "{}", '{"version": 2}', '{"a": 1, "a": 2}', "\x00", "NaN", "[" * 100_000],
    ids=["empty", "cut", "list", "null", "number", "object", "version only", "twice", "binary", "NaN", "deep"],
)
def test_malformed_files_are_one_clear_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = verdict(text, tmp_path, capsys)
    assert code == 1 and len(out.splitlines()) == 1 and out.startswith("FAIL  ")


@pytest.mark.parametrize("key", ["version", "lines", "program", "program_digest", "evidence", "digest"])
@pytest.mark.parametrize("value", [None, [], {}, "x", -1, 1.5])
def test_wrong_types_anywhere_are_rejected(
    key: str, value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = fresh()
    plain[key] = value
    code, out = verdict(plain if key == "digest" else sealed_loosely(plain), tmp_path, capsys)
    assert code == 1 and "Traceback" not in out


def sealed_loosely(plain: Plain) -> Plain:
    plain = {name: value for name, value in plain.items() if name != "digest"}
    return {**plain, "digest": canonical_digest(plain)}


def test_missing_file_and_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_certificate.main([str(tmp_path / "none.json")]) == 1
    assert "cannot be read: No such file" in capsys.readouterr().out
    assert check_certificate.main([]) == 1
    assert "usage" in capsys.readouterr().out


def test_decompression_is_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = fresh()
    plain["evidence"]["samples"]["words"] = base64.b64encode(zlib.compress(bytes(50_000_000))).decode()
    code, out = verdict(sealed(plain), tmp_path, capsys)
    assert code == 1 and "not the stated size" in out
