"""Compilations of random networks at random options, against the independent simulator and the independent checker.

``scripts/test tests/test_random_compiles.py --models 500`` runs as many as one likes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import simulator
from random_models import random_compile, random_model, random_words

import mondeq_hw
from mondeq_hw import InputError
from mondeq_hw.problem import logits

#: Models whose compilation, or whose certificate in the checker, once failed.
FOUND = (47, 88, 121, 238, 290)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """As many models as asked for."""
    if "seed" not in metafunc.fixturenames:
        return
    models = range(metafunc.config.getoption("models"))
    metafunc.parametrize("seed", [*models, *(seed for seed in FOUND if seed not in models)])


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_is_compiled_is_right(seed: int, tmp_path: Path) -> None:
    model, options = random_compile(seed)
    try:
        project = mondeq_hw.compile(model, tmp_path / "build", **options)
    except InputError as refused:  # a bias of a thousand times its drive's rows
        assert (
            "needs more than 62 bits on its grid; rescale the network or the problem, or lower the word lengths"
            in str(refused)
        )
        assert not list(tmp_path.iterdir())
        return
    program = json.loads(json.dumps(project.program.to_plain()))
    words = random_words(seed, project.program, 6)
    runs = [simulator.run(program, sample) for sample in words.tolist()]
    assert project.golden.predict_raw(words).tolist() == [run.outputs for run in runs]
    assert project.golden.final_states(words).tolist() == [run.state for run in runs]
    assert project.golden.iterations(words).tolist() == [run.updates for run in runs]
    for name, interval in project.certificate.line("accumulators").values.items():
        seen = [value for run in runs for value in run.sums[name]]
        assert interval["low"] <= min(seen) and max(seen) <= interval["high"], name
    assert project.check_certificate().accepted == project.program.certified


@pytest.mark.parametrize("margin", [0.5, 0.05, *(pytest.param(m, marks=pytest.mark.long) for m in (0.9, 0.2))])
def test_an_ordinary_forward_backward_compile_says_something(margin: float, tmp_path: Path) -> None:
    """At default options; once a fifth of these were certified with one update, and of the wrong classes."""
    rng = np.random.default_rng(round(100 * margin))
    model, X = random_model(rng, 6, 4, 4, margin, gain=float(rng.choice([0.3, 1, 3]))), rng.integers(0, 256, (200, 4))
    project = mondeq_hw.compile(model, tmp_path / "build", bits=8, solver="forward_backward")
    wanted, outputs = logits(model, X), project.predict(X)
    assert project.program.certified and project.program.iterations > 1
    assert (outputs.argmax(axis=1) == wanted.argmax(axis=1)).mean() > 0.95
    assert (np.abs(outputs - wanted).max(axis=0) < 0.2 * np.ptp(wanted, axis=0)).all()
