"""Automatic choices of the compiler, and what the calibrated rounding claims about itself."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from random_models import random_model

from mondeq_hw.base.errors import InputError
from mondeq_hw.base.numerics import FixedPointFormat, Overflow, Rounding
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, SOLVERS, SPLITTINGS, reformulate
from mondeq_hw.problem.data import digits
from mondeq_hw.problem.load import load
from mondeq_hw.problem.reference import preactivation
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.rounding import step_size
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.options import ROUNDINGS, LoweringOptions
from mondeq_hw.rounding.quantize import GRANULARITIES, quantize_nearest
from mondeq_hw.rounding.spectral import contraction_estimate
from mondeq_hw.rounding.step_size import StepSearch


@pytest.fixture(scope="module")
def model():
    return random_model(np.random.default_rng(0), n=12, d=9, k=4)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (300, 9)) * (rng.random((300, 9)) < 0.7)


def logits_error(model, lowered, words, iterations=300) -> float:
    """Root mean square difference between the integers' outputs and the float network's."""
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, iterations, False)
    golden = GoldenModel(program).predict(words)
    return float(np.sqrt(((golden - np.maximum(preactivation(model, words), 0) @ model.O.T - model.c) ** 2).mean()))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_option_lowers_to_a_proved_program(model, images, solver, granularity, rounding):
    lowered = lower(model, LoweringOptions(7, solver, rounding, granularity), images)
    assert lowered.proof is not None
    assert lowered.contraction_estimate < 1
    assert lowered.rounding == ("calibrated" if rounding == "auto" else rounding)
    assert lowered.quantized.recurrence.splitting.name == solver
    scale = np.abs(np.maximum(preactivation(model, images), 0) @ model.O.T).mean()
    assert logits_error(model, lowered, images) < 0.1 * scale


@pytest.mark.parametrize("bits", range(1, 17))
def test_word_lengths_are_kept(model, bits):
    options = LoweringOptions(bits, drive_bits=17 - bits, readout_bits=bits, state_bits=bits + 5, input_bits=5)
    lowered = lower(model, options)
    quantized = lowered.quantized
    assert (quantized.matrix.word_length, quantized.drive.word_length) == (bits, 17 - bits)
    assert quantized.readout.word_length == bits
    assert lowered.state_format.word_length == bits + 5
    assert lowered.input_format == FixedPointFormat(5, 8, False, Rounding.RND, Overflow.SAT)


def test_more_bits_less_error(model, images):
    errors = [
        logits_error(
            model, lower(model, LoweringOptions(b, drive_bits=b, readout_bits=b, state_bits=20), images), images
        )
        for b in (4, 7, 10, 13)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.02 * errors[0]


def test_step_size_has_the_least_quantised_factor_of_its_neighbours(model):
    lowered = lower(model, LoweringOptions(4, rounding="nearest"))
    chosen = lowered.quantized.recurrence.step_size

    def factor(step):
        recurrence = reformulate(model, SPLITTINGS[PEACEMAN_RACHFORD], step)
        return contraction_estimate(quantize_nearest(recurrence.matrix, 4).values, 1.0)

    assert factor(chosen) <= min(factor(chosen * 2**0.25), factor(chosen / 2**0.25)) + 1e-12


def test_step_size_given_is_kept(model):
    assert lower(model, LoweringOptions(6, step_size=0.7)).quantized.recurrence.step_size == 0.7
    lowered = lower(model, LoweringOptions(8, FORWARD_BACKWARD, step_size=1 / 32))
    assert lowered.quantized.recurrence.leak_shift == 5


def test_state_range_holds_every_equilibrium(model, images):
    lowered = lower(model, LoweringOptions(8, state_bits=16), images)
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 60, False)
    states = GoldenModel(program).trace(images).states[-1]
    top = lowered.state_format.max_word
    assert top / 4 < np.abs(states).max() <= top


def test_of_few_inputs_the_states_at_the_corners_fit():
    """Samples from the middle of the box alone would let them saturate."""
    model = random_model(np.random.default_rng(4), 8, 3, 2)
    corners = np.array(np.meshgrid(*[[0, 255]] * 3)).reshape(3, -1).T
    middle = np.random.default_rng(0).integers(100, 156, size=(50, 3))
    lowered = lower(model, LoweringOptions(bits=6), middle)
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 60, True)
    states = np.abs(GoldenModel(program).final_states(corners))
    assert states.max() < program.state_format.max_word


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_scale_of_the_model_does_not_matter(images, scale):
    base = random_model(np.random.default_rng(0), n=12, d=9, k=4)
    scaled = replace(base, U=base.U * scale, b=base.b * scale)
    lowered = lower(scaled, LoweringOptions(6), images)
    reference = lower(base, LoweringOptions(6), images)
    relative = logits_error(scaled, lowered, images) / scale
    # The readout bias is not scaled, so compare the part that is.
    assert relative < 3 * logits_error(base, reference, images) + 1e-3


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_calibrated_beats_nearest_on_unseen_digits(digits_model, bits):
    model = load(digits_model)
    train, test = digits("train"), digits("test")
    calibrated = lower(model, LoweringOptions(bits, rounding="calibrated"), train.words)
    spectral = lower(model, LoweringOptions(bits, rounding="spectral"), train.words)
    assert calibrated.proof is not None
    assert logits_error(model, calibrated, test.words) < 0.7 * logits_error(model, spectral, test.words)


def test_constant_inputs_calibrate(model):
    """A dead pixel, and images that are all the same, leave the moments singular."""
    images = np.zeros((50, 9), dtype=np.int64)
    assert lower(model, LoweringOptions(5), images).proof is not None
    images[:, 3] = np.arange(50)
    assert lower(model, LoweringOptions(5), images).proof is not None
    assert lower(model, LoweringOptions(5), images[:1]).proof is not None


@pytest.mark.parametrize(
    "options, message",
    [
        (LoweringOptions(0), "1 to 18"),
        (LoweringOptions(19), "1 to 18"),
        (LoweringOptions(4, solver="newton"), "peaceman_rachford"),
        (LoweringOptions(4, rounding="up"), "nearest"),
        (LoweringOptions(4, granularity="column"), "row"),
        (LoweringOptions(4, drive_bits=20), "1 to 18"),
        (LoweringOptions(4, state_bits=1), "2 to 32"),
        (LoweringOptions(4, input_bits=9), "1 to 8"),
        (LoweringOptions(4, step_size=-1.0), "positive"),
        (LoweringOptions(4, step_size=float("nan")), "positive"),
        (LoweringOptions(4, solver=FORWARD_BACKWARD, step_size=0.3), "power of two"),
        (LoweringOptions(4, rounding="calibrated"), "no calibration samples"),
    ],
)
def test_bad_options_are_refused(model, options, message):
    with pytest.raises(InputError, match=message):
        lower(model, options)


def test_images_of_another_size_are_refused(model):
    with pytest.raises(InputError, match="expects"):
        lower(model, LoweringOptions(4, PEACEMAN_RACHFORD), np.zeros((3, 8), dtype=np.int64))


@pytest.mark.parametrize("seed", (0, 2, 6))
def test_a_search_from_coarse_to_fine_ends_where_all_steps_do(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among seventeen step sizes it tries nine."""
    A, B = np.random.default_rng(seed).normal(size=(2, 24, 24)) / np.sqrt(24)
    search = StepSearch(-A.T @ A / 2 + (B - B.T) / 2, SPLITTINGS[PEACEMAN_RACHFORD], 6, GRANULARITIES[0], 1)
    steps = (0.5 * 2.0 ** (np.arange(-8, 9) / 4)).tolist()
    best = search.fastest(steps)
    assert best.step_size not in steps[::4]
    tried: list[float] = []
    monkeypatch.setattr(step_size, "LARGE", 24)
    trial = StepSearch._trial
    monkeypatch.setattr(
        StepSearch, "_trial", lambda self, step, enough: tried.append(step) or trial(self, step, enough)
    )
    found = search.fastest(steps)
    assert found.step_size == best.step_size and len(tried) == 9
    # Large matrices are looked at in single precision, in which a few entries round to another level.
    assert found.factor == pytest.approx(best.factor, rel=1e-5)
    assert found.stored_factor == pytest.approx(best.stored_factor, rel=1e-3) and found.stored_factor != best.factor


def test_step_sizes_of_a_large_network_are_short_and_hardly_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that products of them and of the network's integers fit 64 bits."""
    lowering, model = sys.modules[lower.__module__], random_model(np.random.default_rng(0), 24, 5, 3)
    long = lower(model, LoweringOptions(8)).step_size
    monkeypatch.setattr(lowering, "LARGE", 24)
    short = lower(model, LoweringOptions(8)).step_size
    steps = lowering._step_sizes(model, LoweringOptions(8), lowering.STEP_OCTAVES)
    assert short in steps and all(step * 2.0**10 % 2.0 ** np.floor(np.log2(step) + 3) == 0 for step in steps)
    assert long not in steps and min(abs(step / long - 1) for step in steps) <= 2.0**-8
    assert lowering._shortened(2.0**-5) == 2.0**-5
