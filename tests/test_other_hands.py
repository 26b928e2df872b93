"""The certificate in other hands: another Python, and another algorithm for the contraction."""

from __future__ import annotations

import ast
import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import ceil
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import rens
from certificates import at_its_bound, certificate_of, certificate_text
from forgeries import Plain, sealed
from random_models import random_model
from second_opinion import contracts, is_positive_definite, stored_matrix

from mondeq_hw import from_qp
from mondeq_hw.base import gram, integers
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, SOLVERS, VALUES
from mondeq_hw.proof import check_certificate
from mondeq_hw.proof.check_certificate import CertificateError, InfinityNorm, TwoNorm
from mondeq_hw.proof.exact import prove_positive_definite
from mondeq_hw.proof.metric import contraction_gap

#: Another minor version each; PyPy's is 3.9 or 3.10.
OTHER_PYTHONS = ("pypy3", "python3.9", "python3.10", "python3.12", "python3.13", "python3.14")
KINDS: dict[str, dict[str, Any]] = {
    "classes": {},
    "forward-backward": {"solver": FORWARD_BACKWARD},
    "infinity-norm": {"n": 4, "seed": 4},
    "clip": {"n": 9, "seed": 3, "clipped": True},
    "values": {"task": VALUES},
}


def run(python: str, path: Path) -> subprocess.CompletedProcess[str]:
    command = [python, "-I", "-S", str(check_certificate.__file__), str(path)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module", params=OTHER_PYTHONS)
def other_python(request: pytest.FixtureRequest) -> str:
    """One that is on PATH, or that pyenv installed."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for program in (shutil.which(request.param), *map(str, versions.glob(f"*/bin/{request.param}"))):
        # A shim of pyenv's may have nothing behind it.
        if program is not None and subprocess.run([program, "--version"], capture_output=True).returncode == 0:
            return program
    pytest.skip(f"{request.param} is not installed")


@cache
def certificates() -> dict[str, str]:
    """One of every kind of evidence: norms, clips, tasks, programs, ellipsoids and pieces, a carried state."""
    return dict(_certificates())


def _certificates() -> Iterator[tuple[str, str]]:
    for name, options in KINDS.items():
        yield name, certificate_text(**options)
    box = from_qp(
        np.eye(2) + 0.2, [0.0, 0.0], np.eye(2), [-0.3] * 2, [0.7] * 2, theta=([-2.0], [2.0]), Q=np.ones((2, 1))
    )
    yield "semidefinite", certificate_of(box, 8)
    with patch("mondeq_hw.proof.semidefinite.MOST_RELU_ROWS", 0):
        yield "ellipsoids", certificate_of(random_model(np.random.default_rng(1), 3, 2, 2, margin=0.8), 9)
    yield "pieces", certificate_of(at_its_bound(), 12)
    yield "carried", certificate_of(rens.network(), 12)


#: A Python 3.8 to the script that it runs: its version, and what it lacks.
OLD_PYTHON = """
import math, runpy, sys
sys.version, sys.version_info = "3.8.20 (default)", (3, 8, 20)
del math.nextafter
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_python_that_is_too_old_is_told_so(tmp_path: Path) -> None:
    """It can read the file, but not run it: an ImportError would be taken for a certificate that does not hold."""
    source = Path(check_certificate.__file__).read_text()
    ast.parse(source, feature_version=(3, 7))
    command = [sys.executable, "-I", "-S", "-c", OLD_PYTHON, str(check_certificate.__file__), str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "nothing was checked: this is Python 3.8.20; expected 3.9 or later\n"


@pytest.mark.slow
def test_another_python_accepts_and_rejects(other_python: str, tmp_path: Path) -> None:
    for name, text in certificates().items():
        path = tmp_path / f"{name}.json"
        path.write_text(text)
        assert f'"{name}"' in text or name in KINDS
        done = run(other_python, path)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
        forged = json.loads(text)
        forged["evidence"]["contraction"]["factor"] = "1/1000"
        path.write_text(json.dumps(sealed(forged)))
        done = run(other_python, path)
        assert done.returncode == 1 and "Traceback" not in done.stderr, name


def factored() -> str:
    """What floating point proposes for a quadratic form of eight rows, whole numbers in the end."""
    random = Random(0)
    rows = [[random.randrange(-(2**20), 2**20) for _ in range(12)] for _ in range(8)]
    form = [[sum(x * y for x, y in zip(a, b, strict=True)) for b in rows] for a in rows]
    return repr(check_certificate.inverse_factor(form, 2**70))


def test_floating_point_is_the_same_in_another_python(other_python: str) -> None:
    """From 3.12 on ``sum`` of floats is more exact than it was, and figures that follow from one are others."""
    names = ["from __future__ import annotations", "import sys", "from random import Random"]
    load = [
        "import importlib.util as u",
        f"spec = u.spec_from_file_location('check_certificate', {str(check_certificate.__file__)!r})",
        "check_certificate = sys.modules['check_certificate'] = u.module_from_spec(spec)",
        "spec.loader.exec_module(check_certificate)",
    ]
    source = inspect.getsource(factored).replace(", strict=True", "")  # since Python 3.10
    script = "\n".join([*names, *load, source, "print(factored())"])
    done = subprocess.run([other_python, "-I", "-S", "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == factored(), done.stderr


#: Leaves of the proved lines of a certificate that are changed, drawn at random.
LEAVES = 12


@pytest.mark.slow
def test_no_figure_of_a_proved_line_can_be_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In any kind of evidence, all digests made to fit; nor can a line that is not proved be called so."""
    noise, path = Random(0), tmp_path / "certificate.json"

    def accepts(plain: Plain) -> bool:
        path.write_text(json.dumps(sealed(plain)))
        return check_certificate.main([str(path)]) == 0

    for name, text in certificates().items():
        plain = json.loads(text)
        assert accepts(plain), (name, capsys.readouterr().out)
        leaves = [each for line in plain["lines"] if line["status"] == "proved" for each in numbers(line["values"])]
        for holder, key in noise.sample(leaves, min(LEAVES, len(leaves))):
            figure = holder[key]
            holder[key] = not figure if isinstance(figure, bool) else figure * 0.999 if figure else 1
            assert not accepts(plain), (name, key, figure)
            holder[key] = figure
        for line in (line for line in plain["lines"] if line["status"] != "proved"):
            status, line["status"] = line["status"], "proved"
            assert not accepts(plain), (name, line["name"], status)
            line["status"] = status


def numbers(values: Any) -> Iterator[tuple[Any, Any]]:
    """Where the numbers are: each the holder and its key."""
    for key, each in values.items() if isinstance(values, dict) else enumerate(values):
        if isinstance(each, dict | list):
            yield from numbers(each)
        elif isinstance(each, int | float):
            yield values, key


def cases() -> list[dict[str, Any]]:
    sizes = [(n, seed) for seed, n in enumerate((1, 2, 3, 5, 8))]
    return [{"n": n, "seed": seed, "solver": solver, "samples": None} for solver in SOLVERS for n, seed in sizes]


@pytest.mark.parametrize("options", cases(), ids=lambda options: "-".join(map(str, options.values())))
def test_both_say_the_same_of_a_contraction(options: dict[str, Any]) -> None:
    """At the proved factor, and just below and above the norm, which is found here by bisection."""
    plain = json.loads(certificate_text(**options))
    found = plain["evidence"]["contraction"]
    numerator, denominator = map(int, found["factor"].split("/"))
    rows, weights, metric = stored_matrix(plain), found["weights"], found["metric"]
    proved = Fraction(numerator, denominator)
    assert contracts(rows, metric, weights, proved)

    low, high = Fraction(0), proved
    while high - low > proved / 2**30:
        middle = (low + high) / 2
        low, high = (low, middle) if contracts(rows, metric, weights, middle) else (middle, high)
    norm = np.linalg.norm(np.sqrt(weights)[:, None] * np.array(rows, dtype=float) / np.sqrt(weights), 2)
    if metric == "2-norm":
        assert float(high) == pytest.approx(norm, rel=1e-6)
    assert proved <= high * Fraction(101, 100) + Fraction(1, 1000)  # the proof gives away no more than its last digit
    program = check_certificate.Program(plain["program"])
    for factor, holds in ((low * Fraction(999, 1000), False), (high * Fraction(1001, 1000), True)):
        assert contracts(rows, metric, weights, factor) == holds == checker_says(program, metric, weights, factor)


def checker_says(program: check_certificate.Program, metric: str, weights: list[int], factor: Fraction) -> bool:
    """What the checker makes of the best witness that the compiler finds."""
    N, grid = program.common
    if metric == InfinityNorm.name:
        judge, witness = InfinityNorm(weights), {}
    else:
        proof = prove_positive_definite(contraction_gap(gram(integers(N), integers(weights)), grid, weights, factor))
        if proof is None:
            return False
        judge = TwoNorm(weights)
        rows = [row[: i + 1] for i, row in enumerate(proof.factor.tolist())]
        witness = {"bits": proof.bits, "exponents": list(proof.exponents), "cholesky": rows}
    try:
        judge.prove(N, grid, factor, witness)
    except CertificateError:
        return False
    return True


@pytest.mark.parametrize("seed", range(20))
def test_positive_definite_is_what_the_eigenvalues_say(seed: int) -> None:
    noise = np.random.default_rng(seed)
    n = int(noise.integers(1, 7))
    half = noise.integers(-9, 10, size=(n, n))
    matrix = half + half.T + ceil(noise.uniform(0, 30)) * np.eye(n, dtype=int)
    least = float(np.linalg.eigvalsh(matrix).min())
    expected = least > 0 if abs(least) > 1e-9 else round(float(np.linalg.det(matrix))) != 0 and least > 0
    assert is_positive_definite([[Fraction(int(x)) for x in row] for row in matrix]) == expected
    assert not is_positive_definite([[Fraction(0)]]) and is_positive_definite([[Fraction(1, 3)]])


def test_a_solver_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="unknown metric"):
        contracts([[Fraction(0)]], "1-norm", [1], Fraction(1, 2))
    assert PEACEMAN_RACHFORD in SOLVERS
