"""The Python API, and the choices that the pipeline makes itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import parameters, plain, write_npz
from mnist_files import write_mnist
from random_models import random_model

import mondeq_hw
from mondeq_hw import InputError, MonDEQ, NotCertifiedError, Preprocessing, pipeline
from mondeq_hw.cli import main
from mondeq_hw.config import CompileConfig
from mondeq_hw.pipeline import STEPS
from mondeq_hw.problem import CLASSES
from mondeq_hw.problem.data import digits
from mondeq_hw.problem.load import Checkpoint, Training
from mondeq_hw.problem.reference import preactivation
from mondeq_hw.proof import Certificate, certify
from mondeq_hw.steps import UNCERTIFIED_ITERATIONS, Data, choose_data


def model(n: int = 6, d: int = 5, k: int = 3, seed: int = 0, margin: float = 0.5) -> MonDEQ:
    return random_model(np.random.default_rng(seed), n, d, k, margin)


@pytest.mark.parametrize(
    ("n", "solver"), [(1, "peaceman_rachford"), (2, "forward_backward"), (13, "peaceman_rachford")]
)
def test_compile_a_model_in_memory(n: int, solver: str, tmp_path: Path) -> None:
    """At 16 bits the integers are the float network's equilibrium to within the proved radius."""
    network = model(n=n)
    wide = {"bits": 16, "drive_bits": 16, "readout_bits": 16, "state_bits": 24}
    project = mondeq_hw.compile(network, tmp_path / "build", solver=solver, **wide)
    assert isinstance(project, mondeq_hw.Project)
    words = np.random.default_rng(1).integers(0, 256, size=(20, 5))
    expected = np.maximum(preactivation(network, words), 0) @ network.O.T + network.c
    np.testing.assert_allclose(project.predict(words), expected, atol=0.02 * max(1.0, np.abs(expected).max()))
    assert project.program.certified and project.check_certificate().accepted
    trace = project.trace(words)
    np.testing.assert_array_equal(trace.outputs, project.predict_raw(words))


def test_steps_run_in_order_and_are_all_announced(tmp_path: Path) -> None:
    events = []

    @contextmanager
    def progress(name: str) -> Iterator[None]:
        events.append(f"+{name}")
        yield
        events.append(f"-{name}")

    mondeq_hw.compile(model(), tmp_path / "build", bits=5, progress=progress)
    assert events == [mark + name for name in STEPS for mark in "+-"]


def test_config_or_options(tmp_path: Path) -> None:
    config = CompileConfig(bits=7)
    assert mondeq_hw.compile(model(), tmp_path / "a", config).program.matrix.word_length == 7
    with pytest.raises(InputError, match="'bits'"):
        mondeq_hw.compile(model(), tmp_path / "b", config, bits=5)
    with pytest.raises(InputError, match="did you mean 'bits'"):
        mondeq_hw.compile(model(), tmp_path / "b", bitz=5)
    assert not (tmp_path / "b").exists()


def test_nothing_is_computed_for_a_place_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    with pytest.raises(InputError, match="exists already"):
        mondeq_hw.compile(tmp_path / "no model", tmp_path / "build", bits=5)


def test_models_without_a_margin_are_refused(tmp_path: Path) -> None:
    network = model()
    broken = MonDEQ(2 * np.eye(6), network.U, network.b, network.O, network.c, 0.5)
    with pytest.raises(InputError, match="monotonicity margin -1"):
        mondeq_hw.compile(broken, tmp_path / "build", bits=5)


# -- data --------------------------------------------------------------------


def test_no_data_unless_named_or_known(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    network = model(d=16, k=10)
    unknown, trained = Checkpoint(network), Checkpoint(network, Training(dataset="mnist"))
    assert choose_data(CompileConfig(), unknown) == Data(CLASSES)
    assert choose_data(CompileConfig(), trained) == Data(CLASSES)
    data = choose_data(CompileConfig(data_dir=tmp_path), unknown)
    assert data.name == "mnist" and data.calibration is not None and data.calibration.shape == (6, 16)


def test_digits_come_by_themselves_for_their_model() -> None:
    network = model(d=64, k=10)
    scaled = MonDEQ(network.W, network.U, network.b, network.O, network.c, 0.5, Preprocessing(1 / 16, input_bits=5))
    checkpoint = Checkpoint(scaled, Training(dataset="digits"))
    data = choose_data(CompileConfig(calibration_samples=100), checkpoint)
    assert data.name == "digits" and data.test is not None and data.calibration is not None
    # Calibration on training images only, accuracy on test images only.
    np.testing.assert_array_equal(data.calibration, digits("train").words[:100])
    np.testing.assert_array_equal(data.test.words, digits("test").words)


def test_images_must_fit_the_model() -> None:
    small = Preprocessing(1 / 16, input_bits=4)
    network = model(d=64, k=10)
    for broken, message in (
        (model(d=63, k=10), "64 inputs"),
        (model(d=64, k=9), "10 classes"),
        (
            MonDEQ(network.W, network.U, network.b, network.O, network.c, 0.5, small),
            "lie outside, from 16 to 16; expected whole numbers from 0 to 15",
        ),
    ):
        with pytest.raises(InputError, match=message):
            choose_data(CompileConfig(data="digits"), Checkpoint(broken))


# -- proof -------------------------------------------------------------------


def test_refusal_carries_its_figures(tmp_path: Path) -> None:
    p = parameters(seed=1, n=12, m=0.05)
    file = write_npz(tmp_path / "stiff.npz", {**plain(p), "B": 2 * p.B})
    options = {"bits": 1, "solver": "forward_backward", "rounding": "nearest"}
    with pytest.raises(NotCertifiedError) as caught:
        mondeq_hw.compile(file, tmp_path / "build", **options)
    smallest = caught.value.smallest_certified_bits
    assert smallest is not None and smallest > 1
    assert caught.value.contraction_factor is not None and caught.value.contraction_factor >= 1
    assert [path.name for path in tmp_path.iterdir()] == ["stiff.npz"]
    project = mondeq_hw.compile(file, tmp_path / "build", **options, allow_uncertified=True)
    assert not project.program.certified
    assert project.program.iterations == UNCERTIFIED_ITERATIONS


def test_iterations_of_the_user(tmp_path: Path, small_model: Path) -> None:
    """Fewer updates than the certificate would choose: still proved, with the radius that they leave."""
    chosen = mondeq_hw.compile(small_model, tmp_path / "chosen", bits=5)
    fewer = mondeq_hw.compile(small_model, tmp_path / "fewer", bits=5, iterations=4)
    assert fewer.program.iterations == 4 < chosen.program.iterations
    assert fewer.check_certificate().accepted
    radius = [project.certificate.line("radius").values["two_norm"] for project in (chosen, fewer)]
    assert radius[1] > 2 * radius[0]


def test_refusal_of_a_retrained_network(tmp_path: Path) -> None:
    """Its integers are fixed: there is no other word length to name."""
    from mondeq_hw.base.numerics import FixedPointFormat, Overflow
    from mondeq_hw.problem import FORWARD_BACKWARD, SPLITTINGS, network_of, reformulate
    from mondeq_hw.problem.model import StoredRecurrence
    from mondeq_hw.rounding.quantize import quantize_nearest

    # Monotone, but a whole step is too long: W is far from a contraction.
    skew = np.array([[0.0, 3.0], [-3.0, 0.0]])
    network = MonDEQ(skew, np.ones((2, 1)), np.zeros(2), np.eye(2), np.zeros(2), 1.0, Preprocessing(1 / 255))
    real = reformulate(network, SPLITTINGS[FORWARD_BACKWARD], 1.0)
    stored = StoredRecurrence(
        solver=FORWARD_BACKWARD,
        step_size=1.0,
        matrix=quantize_nearest(real.matrix, 4, min_shift=0),
        drive=quantize_nearest(real.drive, 6, min_shift=-40),
        readout=quantize_nearest(real.readout, 6, min_shift=-40),
        drive_bias=real.drive_bias,
        readout_bias=real.readout_bias,
        input_format=FixedPointFormat(8, 8, signed=False, overflow=Overflow.SAT),
        state_format=FixedPointFormat(10, 4),
    )
    network = network_of(stored, Preprocessing(1 / 255), "retrained")
    with pytest.raises(NotCertifiedError, match=r"factor is 3\.0+, expected below 1\. Retrain") as caught:
        mondeq_hw.compile(network, tmp_path / "build", solver=FORWARD_BACKWARD)
    assert caught.value.smallest_certified_bits is None
    assert list(tmp_path.iterdir()) == []


def test_what_the_checker_rejects_is_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault of the compiler itself: a bound that is drawn up too small, and an old folder that stays as it was."""
    network = model()
    mondeq_hw.save(network, tmp_path / "model.pt")
    command = ["compile", str(tmp_path / "model.pt"), "--bits", "6", "--out", str(tmp_path / "new" / "build")]
    assert main(command) == 0
    capsys.readouterr()
    before = {path: path.read_bytes() for path in (tmp_path / "new").rglob("*") if path.is_file()}

    def too_small(*arguments: Any) -> Certificate:
        found = certify(*arguments)
        radius = found.line("radius")
        small = replace(radius, values={**radius.values, "two_norm": radius.values["two_norm"] / 2})
        return replace(found, lines=tuple(small if line is radius else line for line in found.lines))

    monkeypatch.setattr(pipeline, "certify", too_small)
    assert main([*command, "--force"]) == 1
    assert re.search(
        r"^mondeq-hw: the independent checker rejects the certificate.*radius: the proof gives .* This is a bug",
        capsys.readouterr().err,
    )
    assert {path: path.read_bytes() for path in (tmp_path / "new").rglob("*") if path.is_file()} == before
    command[-1] = str(tmp_path / "other" / "build")
    assert main(command) == 1 and not (tmp_path / "other").exists()
    # Of so many rows that the check would take long it is left to the user, who is told.
    monkeypatch.setattr(pipeline, "CHECKED_ROWS", network.n - 1)
    capsys.readouterr()
    assert main(command) == 0
    assert f"has not seen this certificate, which takes it long at {network.n} rows: run" in capsys.readouterr().err
    assert main(["certificate", str(tmp_path / "other" / "build")]) == 3
