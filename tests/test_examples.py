"""The committed MNIST checkpoints: small, certified, and what they say they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builds import emitted
from scipy.ndimage import zoom

from mondeq_hw.pipeline import compile
from mondeq_hw.problem.data import digits, mnist
from mondeq_hw.problem.load import load_checkpoint
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.proof.contraction import choose_iterations
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.lowered import Lowered
from mondeq_hw.rounding.options import LoweringOptions
from mondeq_hw.verification.csim import CSimulation

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"
BITS = [1, 2, 4]


def checkpoint_file(bits: int) -> Path:
    return EXAMPLES / f"mnist_{bits}bit.pt"


def lowered_and_program(bits: int) -> tuple[Lowered, SolverProgram]:
    lowered = lower(load_checkpoint(checkpoint_file(bits)).model, LoweringOptions(bits))
    assert lowered.proof is not None

    def program(iterations: int) -> SolverProgram:
        return assemble(lowered.quantized, lowered.input_format, lowered.state_format, iterations, certified=True)

    return lowered, program(choose_iterations(program(1), lowered.proof))


def digits_as_mnist() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits enlarged to 18 by 18 pixels in a frame of 28 by 28: no MNIST is needed."""
    test = digits("test")
    images = np.zeros((len(test), 28, 28))
    images[:, 5:23, 5:23] = [zoom(image.reshape(8, 8) / 16, 18 / 8, order=1) for image in test.words]
    return np.rint(255 * images).reshape(-1, 784).astype(np.int64), test.targets


@pytest.mark.parametrize("bits", BITS)
def test_a_checkpoint_is_small_and_within_its_word_lengths(bits):
    assert checkpoint_file(bits).stat().st_size < 150_000
    stored = load_checkpoint(checkpoint_file(bits)).model.stored
    assert stored.matrix.word_length == bits
    assert stored.drive.word_length <= 4
    assert stored.readout.word_length <= 6
    assert stored.state_format.word_length <= 12


@pytest.mark.parametrize("bits", BITS)
def test_a_checkpoint_is_certified_and_reads_digits_it_has_never_seen(bits):
    lowered, program = lowered_and_program(bits)
    training = load_checkpoint(checkpoint_file(bits)).training
    assert lowered.proof.contraction_factor <= 0.95
    assert float(lowered.proof.contraction_factor) == pytest.approx(training.metrics["contraction_factor"], abs=0.01)
    words, labels = digits_as_mnist()
    # Another camera, another resolution: far from chance is all that can be asked.
    assert (GoldenModel(program).predict_raw(words).argmax(axis=1) == labels).mean() > 0.7


@pytest.mark.parametrize("bits", BITS)
def test_a_checkpoints_accuracy_is_what_it_says(bits, shared):
    test = mnist(shared / "data" / "mnist", "test")
    _, program = lowered_and_program(bits)
    accuracy = 100.0 * float((GoldenModel(program).predict_raw(test.words).argmax(axis=1) == test.targets).mean())
    assert accuracy == pytest.approx(load_checkpoint(checkpoint_file(bits)).training.metrics["test_accuracy"], abs=0.05)
    assert accuracy >= 98.3


@pytest.mark.long
@pytest.mark.parametrize("bits", BITS)
def test_a_checkpoint_compiles_to_the_same_integers(bits, tmp_path):
    project = compile(checkpoint_file(bits), tmp_path / "build")
    _, program = lowered_and_program(bits)
    for name in ("matrix", "drive", "readout"):
        np.testing.assert_array_equal(getattr(project.program, name).integers, getattr(program, name).integers)


@pytest.mark.parametrize("bits", [2, *(pytest.param(bits, marks=pytest.mark.long) for bits in (1, 4))])
def test_a_checkpoints_cpp_agrees(bits, tmp_path):
    _, program = lowered_and_program(bits)
    words = digits_as_mnist()[0][:100]
    outputs = CSimulation(emitted(program, tmp_path / "build"), tmp_path / "work").predict_raw(words)
    np.testing.assert_array_equal(outputs, GoldenModel(program).predict_raw(words))


@pytest.mark.long
def test_a_checkpoint_verifies_down_to_the_rtl(tmp_path):
    project = compile(checkpoint_file(1), tmp_path / "build")
    report = project.verify(digits_as_mnist()[0][:3], rtl_samples=2)
    assert report.ok, report.mismatches
    assert [backend.samples for backend in report.backends] == [3, 2, 2]
