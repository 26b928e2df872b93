"""Levels, scales and the roundings' optimality claims."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mondeq_hw.base import DenseOperator, max_level
from mondeq_hw.base.errors import InputError
from mondeq_hw.rounding.calibrate import feedback_factor, round_feedback
from mondeq_hw.rounding.quantize import CLIP_OCTAVES, MAX_SHIFT, choose_shifts, quantize_nearest, to_levels
from mondeq_hw.rounding.spectral import contraction_estimate, round_spectral


def matrix_of(seed, rows=5, columns=7, spread=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, columns)) * np.exp(spread * rng.normal(size=(rows, 1)))


def error(matrix: np.ndarray, rounded: DenseOperator) -> np.ndarray:
    return ((matrix - rounded.values) ** 2).sum(axis=1)


@pytest.mark.parametrize(
    "bits, levels", [(1, {-1, 1}), (2, {-1, 0, 1}), (3, set(range(-3, 4))), (4, set(range(-7, 8)))]
)
def test_levels_of_a_word(bits, levels):
    assert set(to_levels(np.linspace(-20, 20, 4001), bits).tolist()) == levels


@given(st.integers(1, 16), st.floats(-1e6, 1e6))
def test_nearest_level(bits, value):
    level = int(to_levels(np.array([value]), bits)[0])
    top = max_level(bits)
    allowed = [-1, 1] if bits == 1 else [max(-top, level - 1), level, min(top, level + 1)]
    assert level in allowed
    assert abs(level - value) == min(abs(other - value) for other in allowed)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 16), st.sampled_from(["row", "tensor"]))
def test_scale_has_the_least_error_of_all_powers_of_two(seed, bits, granularity):
    matrix = matrix_of(seed)
    chosen = quantize_nearest(matrix, bits, granularity, -MAX_SHIFT)
    others = []
    for shift in range(-12, 30):
        shifts = np.full(len(matrix), shift)
        rounded = DenseOperator(to_levels(np.ldexp(matrix, shifts[:, None]), bits), shifts, bits)
        others.append(error(matrix, rounded))
    if granularity == "tensor":
        assert len(set(chosen.shifts.tolist())) == 1
        assert error(matrix, chosen).sum() <= min(e.sum() for e in others) + 1e-12
    else:
        assert (error(matrix, chosen) <= np.min(others, axis=0) + 1e-12).all()


def test_a_clipped_outlier_costs_less_than_a_coarse_grid():
    row = np.append(np.full(60, 0.11), 0.9)[None]
    fits = np.floor(np.log2(max_level(3) / 0.9))
    assert choose_shifts(row, 3, "row", 0)[0] > fits


def test_column_weight_moves_the_scale():
    row = np.append(np.full(60, 0.11), 0.9)[None]
    weight = np.append(np.full(60, 1e-6), 1.0)
    assert choose_shifts(row, 3, "row", 0, weight)[0] < choose_shifts(row, 3, "row", 0)[0]


def test_shifts_stay_in_range():
    matrix = np.array([[0.0, 0.0], [1e-30, 0.0], [1e9, 0.0]])
    shifts = choose_shifts(matrix, 4, "row", 2)
    assert shifts.min() >= 2 and shifts.max() <= MAX_SHIFT
    assert CLIP_OCTAVES > 0


@pytest.mark.parametrize("bits", [0, 19, -1])
def test_word_length_out_of_range(bits):
    with pytest.raises(InputError, match="1 to 18"):
        quantize_nearest(np.ones((1, 1)), bits)


def test_unknown_granularity():
    with pytest.raises(InputError, match="granularity"):
        quantize_nearest(np.ones((1, 1)), 4, "column")


@pytest.mark.parametrize("bits", [1, 2, 3, 5])
def test_feedback_beats_nearest_where_the_moments_say_so(bits):
    rng = np.random.default_rng(bits)
    target = rng.normal(size=(8, 40))
    v = rng.normal(size=(400, 6)) @ rng.normal(size=(6, 40)) + 0.1 * rng.normal(size=(400, 40))
    moments = v.T @ v / len(v)
    nearest = quantize_nearest(target, bits)
    feedback = round_feedback(target, feedback_factor(moments), nearest.shifts, bits)

    def loss(rounded):
        return float(((v @ (target - rounded.values).T) ** 2).mean())

    assert loss(feedback) < 0.7 * loss(nearest)
    assert np.abs(feedback.integers).max() <= max_level(bits)


def test_feedback_with_white_moments_is_nearest():
    target = np.random.default_rng(0).normal(size=(6, 9))
    nearest = quantize_nearest(target, 4)
    feedback = round_feedback(target, np.eye(9), nearest.shifts, 4)
    np.testing.assert_array_equal(feedback.integers, nearest.integers)


def contractive(seed, n=24, norm=0.95):
    """A multiple of an orthogonal matrix: no weighting lowers its norm."""
    return norm * np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


@pytest.mark.parametrize("seed", range(6))
def test_spectral_rounding_certifies_where_nearest_fails(seed):
    target = contractive(seed)
    nearest = quantize_nearest(target, 4)
    assert contraction_estimate(nearest.values) >= 1
    after = round_spectral(target, nearest, 0.0, 0.98)
    assert contraction_estimate(after.values) < 1
    # Every entry is one of the target's two neighbours, or clipped as it was.
    moved = after.integers != nearest.integers
    assert moved.any()
    assert np.abs(np.ldexp(target, after.shifts[:, None]) - after.integers)[moved].max() <= 1


def test_spectral_rounding_stops_at_its_limit():
    target = contractive(1, norm=0.5)
    nearest = quantize_nearest(target, 8)
    np.testing.assert_array_equal(round_spectral(target, nearest, 0.0, 0.9).integers, nearest.integers)


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_spectral_rounding_keeps_the_word(bits):
    target = contractive(3, norm=0.98)
    rounded = round_spectral(target, quantize_nearest(target, bits), 0.0, 0.5)
    assert np.abs(rounded.integers).max() <= max_level(bits)
    assert bits > 1 or rounded.integers.all()
