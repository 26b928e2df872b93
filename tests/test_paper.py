"""The published checkpoint on all of MNIST: accuracy without retraining, each word length proved."""

import numpy as np
import pytest
from builds import emitted

import mondeq_hw
from mondeq_hw.problem import MNIST_PREPROCESSING
from mondeq_hw.problem.data import mnist
from mondeq_hw.problem.load import load
from mondeq_hw.problem.reference import preactivation
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.proof.certify import choose_iterations
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.options import LoweringOptions
from mondeq_hw.verification.csim import CSimulation
from mondeq_hw.verification.verify import verify

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(shared):
    return load(shared / "checkpoints" / "li_2026_mnist_mondeq.pt", preprocessing=MNIST_PREPROCESSING)


@pytest.fixture(scope="module")
def train(shared):
    return mnist(shared / "data" / "mnist", "train").words[:10_000]


@pytest.fixture(scope="module")
def test(shared):
    return mnist(shared / "data" / "mnist", "test")


def test_float_accuracy(model, test):
    logits = np.maximum(preactivation(model, test.words), 0) @ model.O.T + model.c
    assert (logits.argmax(axis=1) == test.targets).mean() == pytest.approx(0.9825, abs=0.0004)


def rounded(model, train, bits):
    """All weights quantised, raw 8-bit pixels, calibrated on training images only."""
    lowered = lower(model, LoweringOptions(bits), train)
    assert lowered.proof is not None and lowered.proof.contraction_factor < 1
    assert lowered.state_format.word_length <= 12
    draft = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    return draft.replace(iterations=choose_iterations(draft, lowered.proof))


def accuracy(golden, test):
    return (golden.predict_raw(golden.words(test.words)).argmax(axis=1) == test.targets).mean()


def test_accuracy_without_retraining(model, train, test):
    assert accuracy(GoldenModel(rounded(model, train, 2)), test) >= 0.95


def test_golden_is_the_cpp_on_real_images(model, train, test, tmp_path):
    """No mismatch, at the accuracy that the pages state."""
    golden = GoldenModel(rounded(model, train, 5))
    assert accuracy(golden, test) >= 0.982
    words = golden.words(test.words[:300])
    outputs = CSimulation(emitted(golden.program, tmp_path / "build"), tmp_path / "work").predict_raw(words)
    np.testing.assert_array_equal(outputs, golden.predict_raw(words))


def test_spectral_rounding_proves_a_word_length_where_nearest_cannot(model):
    assert lower(model, LoweringOptions(2, "forward_backward", "nearest")).proof is None
    lowered = lower(model, LoweringOptions(2, "forward_backward"))
    assert lowered.proof is not None and lowered.rounding == "spectral"


@pytest.mark.long
def test_golden_is_the_hardware_on_real_images(shared, tmp_path, test):
    """As compile leaves it: all test images through the C++, 40 through the RTL and the C++ in the simulator."""
    checkpoint = shared / "checkpoints" / "li_2026_mnist_mondeq.pt"
    project = mondeq_hw.compile(checkpoint, tmp_path / "build", bits=5, data_dir=shared / "data" / "mnist")
    words = project.golden.words(test.words)
    report = verify(project.folder, words, rtl_samples=40, simulators=("verilator",))
    assert [(b.name, b.samples, b.wrong_samples, b.tests_failed) for b in report.backends] == [
        ("c++", 10_000, 0, ()),
        ("rtl on verilator", 40, 0, ()),
        ("c++ on verilator", 40, 0, ()),
    ]
    cycles = report.backends[1].cycles
    assert (cycles.simulated_first, cycles.simulated_per_sample) == (
        cycles.predicted_first,
        cycles.predicted_per_sample,
    )
    assert (project.predict(test.words).argmax(axis=1) == test.targets).mean() >= 0.982
