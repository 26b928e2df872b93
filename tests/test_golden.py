"""The golden model against the numerics contract evaluated in plain Python integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_program, random_words

from mondeq_hw.base.errors import InputError
from mondeq_hw.problem import PEACEMAN_RACHFORD, SOLVERS
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram


def half_up(value: int, shift: int) -> int:
    return (value + ((1 << shift) >> 1)) >> shift


def by_the_contract(program: SolverProgram, x: list[int]) -> tuple[list[list[int]], list[int]]:
    """All states and the outputs of one sample, as ``program.py`` states them."""
    drive, matrix, readout = (m.integers.tolist() for m in (program.drive, program.matrix, program.readout))
    top = program.state_format.max_word
    shifts, leak = program.matrix.shifts.tolist(), program.leak.tolist()

    def saturate(value):
        return max(-top, min(top, value))

    d = [
        half_up((sum(w * v for w, v in zip(row, x, strict=True)) << program.drive_left_shift) + bias, right)
        for row, bias, right in zip(drive, program.drive_bias.tolist(), program.drive_right_shift.tolist(), strict=True)
    ]
    phi = abs if program.solver == PEACEMAN_RACHFORD else lambda s: max(s, 0)
    states = [[saturate(half_up(d[i], shifts[i])) for i in range(program.n)]]
    for _ in range(program.iterations):
        f = [phi(s) for s in states[-1]]
        states.append(
            [
                saturate(
                    half_up(d[i] + sum(w * v for w, v in zip(matrix[i], f, strict=True)) + leak[i] * f[i], shifts[i])
                )
                for i in range(program.n)
            ]
        )
    z = [max(s, 0) for s in states[-1]]
    outputs = [
        (sum(w * v for w, v in zip(row, z, strict=True)) << left) + bias
        for row, left, bias in zip(
            readout, program.readout_left_shift.tolist(), program.readout_bias.tolist(), strict=True
        )
    ]
    return states, outputs


programs = st.builds(
    random_program,
    seed=st.integers(0, 10**6),
    n=st.integers(1, 24),
    d=st.integers(1, 12),
    k=st.integers(1, 5),
    bits=st.integers(1, 16),
    solver=st.sampled_from(SOLVERS),
    granularity=st.sampled_from(["row", "tensor"]),
    state_bits=st.integers(3, 24),
    state_integer_bits=st.integers(-2, 6),
    drive_bits=st.integers(1, 16),
    readout_bits=st.integers(1, 16),
    input_bits=st.integers(1, 16),
    input_signed=st.booleans(),
    iterations=st.integers(1, 9),
)


@settings(max_examples=150, deadline=None)
@given(programs, st.integers(0, 10**6))
def test_golden_is_the_contract(program, seed):
    words = random_words(seed, program, 3)
    golden = GoldenModel(program)
    trace = golden.trace(words)
    np.testing.assert_array_equal(golden.predict_raw(words), trace.outputs)
    np.testing.assert_array_equal(golden.iterations(words), trace.iterations)
    for sample, x in enumerate(words.tolist()):
        states, outputs = by_the_contract(program, x)
        assert trace.states[:, sample].tolist() == states
        assert trace.outputs[sample].tolist() == outputs
        repeats = [k for k in range(1, len(states)) if states[k] == states[k - 1]]
        assert trace.iterations[sample] == (repeats[0] if repeats else program.iterations)


@settings(max_examples=60, deadline=None)
@given(programs, st.integers(0, 10**6))
def test_no_accumulator_leaves_its_proved_width(program, seed):
    words = random_words(seed, program, 8)
    trace = GoldenModel(program).trace(words)
    for sums, bits in ((trace.drive, program.drive_bits), (trace.outputs, program.output_bits)):
        assert -(2 ** (bits - 1)) <= sums.min() and sums.max() < 2 ** (bits - 1)
    assert np.abs(trace.states).max() <= program.state_format.max_word


@pytest.mark.parametrize("state_bits, kind", [(6, "f"), (40, "i"), (48, "O")])
def test_the_type_follows_from_the_bounds(state_bits, kind):
    """Wide states leave float64 for int64 and then for Python integers, and stay exact."""
    program = random_program(3, bits=16, state_bits=state_bits, state_integer_bits=4)
    golden = GoldenModel(program)
    assert np.dtype(golden._state_type).kind == kind
    words = random_words(4, program, 2)
    states, outputs = by_the_contract(program, words[0].tolist())
    assert golden.trace(words).states[:, 0].tolist() == states
    assert golden.predict_raw(words)[0].tolist() == outputs


def test_batches_do_not_matter():
    program = random_program(5)
    words = random_words(6, program, 2500)
    golden = GoldenModel(program)
    whole = golden.predict_raw(words)
    np.testing.assert_array_equal(whole, np.concatenate([golden.predict_raw(words[:7]), golden.predict_raw(words[7:])]))
    assert golden.predict_raw(words[:0]).shape == (0, program.k)
    scaled = np.ldexp(whole.astype(float), -program.output_fractional_bits)
    np.testing.assert_array_equal(golden.predict(words), scaled)


@pytest.mark.parametrize(
    "words", [np.zeros((2, 4), int), np.zeros(5, int), np.full((1, 5), 256), np.full((1, 5), -1), np.zeros((1, 5))]
)
def test_wrong_words_are_refused(words):
    with pytest.raises(InputError):
        GoldenModel(random_program(1)).predict_raw(words)


def test_outputs_wider_than_their_states_stay_integers():
    """States in float32 and outputs in Python integers: none of them may become a Python float on the way."""
    program = random_program(3, k=1)
    program = program.replace(readout_bias=np.array([2**63 - 1 - program.output_bound]))
    words = random_words(1, program, 5)
    outputs = GoldenModel(program).predict_raw(words)
    assert outputs.tolist() == [by_the_contract(program, x)[1] for x in words.tolist()]
    assert all(type(value) is int for value in outputs.flat)


@pytest.mark.parametrize("seed", [2, 3, 14, 19, 23])
def test_a_state_that_comes_again_decides_the_rest(seed: int) -> None:
    """Cycles of one to six states: as many updates as the hardware counts end where one after the other would."""
    program = random_program(seed, n=5, iterations=700, state_bits=10)
    words = random_words(seed, program, 6)
    states = GoldenModel(program).trace(words).states
    assert (states[700 - 60] == states[700]).all() and (states[698] != states[700]).any()
    fixed = (states[700] == states[699]).all(axis=1)
    for updates in (255, 256, 257, 300, 512, 513, 699, 65535):
        golden = GoldenModel(program.replace(iterations=updates))
        same = updates if updates < 700 else 600 + (updates - 600) % 60  # 60: every length of a cycle divides it
        np.testing.assert_array_equal(golden.final_states(words), states[same])
        assert ((golden.iterations(words) < updates) == fixed).all()
