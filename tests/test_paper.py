"""The published checkpoint on all of MNIST: accuracy without retraining, each word length proved."""

import numpy as np
import pytest

from mondeq_hw.certify import choose_iterations
from mondeq_hw.data import mnist
from mondeq_hw.golden import GoldenModel
from mondeq_hw.load import load
from mondeq_hw.lower import LoweringOptions, lower
from mondeq_hw.program import assemble
from mondeq_hw.reference import preactivation


@pytest.fixture(scope="module")
def model(shared):
    return load(shared / "checkpoints" / "li_2026_mnist_mondeq.pt")


@pytest.fixture(scope="module")
def train(shared):
    return mnist(shared / "data" / "mnist", "train").words[:10_000]


@pytest.fixture(scope="module")
def test(shared):
    return mnist(shared / "data" / "mnist", "test")


def test_float_accuracy(model, test):
    logits = np.maximum(preactivation(model, test.words), 0) @ model.O.T + model.c
    assert (logits.argmax(axis=1) == test.labels).mean() == pytest.approx(0.9825, abs=0.0004)


@pytest.mark.parametrize("bits, accuracy", [(5, 0.982), (4, 0.981), (3, 0.978), (2, 0.95), (1, 0.95)])
def test_accuracy_without_retraining(model, train, test, bits, accuracy):
    """All weights quantised, raw 8-bit pixels, calibrated on training images only."""
    lowered = lower(model, LoweringOptions(bits), train)
    assert lowered.proof is not None and lowered.proof.contraction_factor < 1
    assert lowered.state_format.word_length <= 12
    draft = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = assemble(
        lowered.quantized, lowered.input_format, lowered.state_format, choose_iterations(draft, lowered.proof), True
    )
    golden = GoldenModel(program)
    predicted = golden.predict_raw(golden.words(test.words)).argmax(axis=1)
    assert (predicted == test.labels).mean() >= accuracy


def test_spectral_rounding_proves_a_word_length_where_nearest_cannot(model):
    assert lower(model, LoweringOptions(2, "forward_backward", "nearest")).proof is None
    lowered = lower(model, LoweringOptions(2, "forward_backward"))
    assert lowered.proof is not None and lowered.rounding == "spectral"
