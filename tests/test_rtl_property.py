"""Property: for any program the simulated RTL is the golden model, whatever its sizes, word lengths and stalls."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_models import random_program, random_words, with_random_clip

from mondeq_hw.hardware import Design, rtl
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.rounding.quantize import GRANULARITIES
from mondeq_hw.rtl_tests.runner import run_bench

pytestmark = pytest.mark.slow

SIZES: dict[str, Any] = {
    "n": st.integers(1, 14),
    "d": st.integers(1, 14),
    "k": st.integers(1, 6),
    "solver": st.sampled_from([PEACEMAN_RACHFORD, FORWARD_BACKWARD]),
    "granularity": st.sampled_from(GRANULARITIES),
    "state_bits": st.integers(2, 14),
    "state_integer_bits": st.integers(-1, 4),
    "drive_bits": st.integers(1, 16),
    "readout_bits": st.integers(1, 16),
    "input_bits": st.integers(1, 12),
    "input_signed": st.booleans(),
    "iterations": st.integers(1, 12),
}


@pytest.mark.parametrize("bits", range(1, 17))
@given(seed=st.integers(0, 2**32 - 1), sizes=st.fixed_dictionaries(SIZES), share=st.floats(0, 1))
@settings(max_examples=1, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
def test_any_program_is_exact(bits: int, seed: int, sizes: dict[str, Any], share: float) -> None:
    program = with_random_clip(seed, random_program(seed, bits=bits, **sizes))
    words = random_words(seed, program, 6)
    # From fully parallel to about three rows' cycles; fully serial has a test of its own.
    plan = schedule(program, 1 + int(share * (min(program.n**2, 3 * program.n) - 1)))
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder)
        program.save(build)
        rtl.emit(Design.searched(program, plan), build)
        result = run_bench(
            build, build / "work", words=words, seed=seed, simulator="icarus", tests=["back_to_back", "random_stalls"]
        )
    assert result.ok, result.failures
    np.testing.assert_array_equal(result.outputs, GoldenModel(program).predict_raw(words))
