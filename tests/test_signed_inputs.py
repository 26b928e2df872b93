"""Signed and fractional input words through every implementation, against plain Python integers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forgeries import sealed
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_model, random_program, random_words

from mondeq_hw.base import FixedPointFormat, InputError, Overflow
from mondeq_hw.boards.frames import pack_sample
from mondeq_hw.hardware import Design, emit_hls, emit_rtl, schedule, unrolled
from mondeq_hw.problem import SATURATE, SOLVERS, InputWords, Preprocessing
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.proof import certify, check_certificate, choose_iterations
from mondeq_hw.rounding import LoweringOptions, assemble, lower
from mondeq_hw.rtl_tests import run_bench
from mondeq_hw.verification import CSimulation

PLAIN = {
    "ap_fixed<10,3>": {"seed": 1, "input_bits": 10, "input_signed": True, "input_integer_bits": 3},
    "ap_fixed<2,2>, one-bit weights": {"seed": 2, "bits": 2, "drive_bits": 1, "input_bits": 2, "input_signed": True},
    "ap_fixed<9,-1>, ternary weights": {
        "seed": 3, "drive_bits": 2, "input_bits": 9, "input_signed": True, "input_integer_bits": -1,
    },
    "ap_fixed<16,16>, feed-through": {"seed": 5, "drive_bits": 9, "input_bits": 16, "input_signed": True,
                                      "feedthrough": True, "readout_bits": 4},
}  # fmt: skip


def by_hand(program: SolverProgram, sample: list[int]) -> list[int]:
    """The contract of ``program/``, in plain Python."""

    def rounded(value: int, shift: int) -> int:
        return (value + ((1 << shift) >> 1)) >> shift

    def rows(matrix: np.ndarray) -> list[list[int]]:
        return [[int(x) for x in row] for row in matrix]

    def product(row: list[int], x: list[int]) -> int:
        return sum(a * b for a, b in zip(row, x, strict=True))

    top, left = program.state_format.max_word, program.drive_left_shift
    shifts = program.matrix.shifts.tolist()
    drive = [
        rounded((product(row, sample) << left) + int(bias), int(right))
        for row, bias, right in zip(
            rows(program.drive.integers), program.drive_bias, program.drive_right_shift, strict=True
        )
    ]
    matrix = rows(program.stage.iteration_matrix(np.int64))

    def saturated(values: list[int]) -> list[int]:
        return [max(-top, min(top, rounded(v, g))) for v, g in zip(values, shifts, strict=True)]

    state = saturated(drive)
    for _ in range(program.iterations):
        phi = [abs(s) for s in state]
        state = saturated([product(row, phi) + d for row, d in zip(matrix, drive, strict=True)])
    z = [max(0, s) for s in state]
    direct = [0] * program.k
    if program.feedthrough is not None:
        fed = zip(rows(program.feedthrough.integers), program.feedthrough_right_shift, strict=True)
        direct = [rounded(product(row, sample) << left, int(right)) for row, right in fed]
    readout = zip(rows(program.readout.integers), direct, program.readout_left_shift, program.readout_bias, strict=True)
    return [((product(row, z) + u) << int(shift)) + int(bias) for row, u, shift, bias in readout]


@pytest.fixture(scope="module", params=PLAIN)
def program(request: pytest.FixtureRequest) -> SolverProgram:
    return random_program(**PLAIN[request.param])


@pytest.fixture(scope="module")
def words(program: SolverProgram) -> np.ndarray:
    return random_words(0, program, 24)


@pytest.fixture(scope="module")
def expected(program: SolverProgram, words: np.ndarray) -> np.ndarray:
    return np.array([by_hand(program, sample) for sample in words.tolist()])


def test_golden_model(program: SolverProgram, words: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    np.testing.assert_array_equal(GoldenModel(program).predict_raw(words), expected)
    program.save(tmp_path)
    assert SolverProgram.load(tmp_path).digest == program.digest
    low, top = program.input_format.min_word, program.input_format.max_word
    for outside in (low - 1, top + 1):
        with pytest.raises(InputError, match=f"integers from {low} to {top}"):
            GoldenModel(program).predict_raw(np.full((1, program.d), outside))


@pytest.mark.slow
def test_cpp(program: SolverProgram, words: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    emit_hls(program, schedule(program, 4), tmp_path)
    simulation = CSimulation(tmp_path, tmp_path)
    np.testing.assert_array_equal(simulation.predict_raw(words), expected)
    np.testing.assert_array_equal(simulation.trace(words)[0], GoldenModel(program).trace(words).states)
    low, top = program.input_format.min_word, program.input_format.max_word
    with pytest.raises(InputError, match=f"expected {low} to {top}"):
        simulation.predict_raw(np.full((1, program.d), low - 1))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["resource", "unrolled"])
def test_rtl(strategy: str, program: SolverProgram, words: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    program.save(tmp_path)
    design = Design(program, schedule(program, 3)) if strategy == "resource" else unrolled(program, ("drive",), 3)[0]
    emit_rtl(design, tmp_path)
    tests = ("back_to_back", "extremes")
    result = run_bench(tmp_path, tmp_path / "work", simulator="icarus", words=words[:12], tests=tests)
    assert result.ok, result.failures
    np.testing.assert_array_equal(result.outputs, expected[:12])


def test_onnx(program: SolverProgram, words: np.ndarray, expected: np.ndarray) -> None:
    ort = pytest.importorskip("onnxruntime")
    from mondeq_hw.export import onnx

    def run(model: Any, inputs: np.ndarray) -> np.ndarray:
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        (source,) = session.get_inputs()
        kind = {"tensor(float)": np.float32}.get(source.type, source.type[7:-1])
        result: np.ndarray = session.run(None, {source.name: inputs.astype(kind)})[0]
        return result

    np.testing.assert_array_equal(run(onnx.integer_model(program), words), expected)
    real = np.ldexp(words.astype(np.float64), -program.input_format.fractional_bits)
    found = run(onnx.qdq_model(program), real)
    np.testing.assert_allclose(found, np.ldexp(expected.astype(float), -program.output_fractional_bits), atol=0.5)


def test_frames(program: SolverProgram, words: np.ndarray) -> None:
    size = -(-program.input_format.word_length // 8)
    payload = pack_sample(program, words[1])
    read = [
        int.from_bytes(payload[at : at + size], "little", signed=program.input_format.signed)
        for at in range(0, len(payload), size)
    ]
    assert read == words[1].tolist()


# -- certificate -------------------------------------------------------------------


def certificate(solver: str, form: str) -> dict[str, Any]:
    model = random_model(np.random.default_rng(7), 6, 5, 4, margin=0.8)
    model = replace(model, preprocessing=Preprocessing(1.0, 0.3, 0.7, input_format=form))
    lowered = lower(model, LoweringOptions(bits=9, solver=solver, rounding="nearest", state_bits=10))
    assert lowered.proof is not None and str(lowered.input_format).startswith(form[:-1])
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    found = certify(program, lowered.proof, model, lowered.step_size, random_words(3, program, 12))
    return json.loads(found.to_json())


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("form", ["ap_fixed<7,2>", "ap_fixed<6,6>", "ap_ufixed<6,0>"])
def test_the_checker_proves_it_again(
    solver: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = certificate(solver, form)
    assert not any(line["status"] == "not covered" for line in plain["lines"])
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(plain))
    assert check_certificate.main([str(file)]) == 0, capsys.readouterr().out
    # Words of the other sign are another program: its ranges are not those that the lines state.
    word = plain["program"]["input_format"]
    word["signed"] = not word["signed"]
    file.write_text(json.dumps(sealed(plain)))
    assert check_certificate.main([str(file)]) == 1


# -- values and words --------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(
    low=st.floats(-1e3, 1e3), width=st.floats(1e-3, 1e3), bits=st.integers(1, 16),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=9),
)  # fmt: skip
def test_real_to_word_to_real_within_half_a_step(low: float, width: float, bits: int, shares: list[float]) -> None:
    words = InputWords.over(low, low + width, bits)
    values = np.clip(low + width * np.array([shares]), low, low + width)
    found = words.raw(values)
    assert found.raw.dtype == np.int64 and (found.saturated, found.rounded) == (0, 0)
    step = width / (2**bits - 2 if low < 0 and bits > 1 else 2**bits - 1)
    assert np.abs(words.values(found.raw) - values).max() <= step / 2 * (1 + 1e-6) + 1e-12
    first, last = words.ends
    np.testing.assert_allclose(words.values(np.array([[first], [last]])), [[low], [low + width]], atol=1e-9)


@settings(deadline=None, max_examples=150)
@given(bits=st.integers(2, 16), integer_bits=st.integers(-4, 20), data=st.data())
def test_every_word_of_a_format_stands_for_itself(bits: int, integer_bits: int, data: st.DataObject) -> None:
    form = FixedPointFormat(bits, integer_bits, data.draw(st.booleans()), overflow=Overflow.SAT)
    words = data.draw(st.lists(st.integers(form.min_word, form.max_word), min_size=1, max_size=9))
    values = np.array([[word * 2.0 ** (integer_bits - bits) for word in words]])
    found = InputWords(form).raw(values)
    np.testing.assert_array_equal(found.raw, values)
    np.testing.assert_array_equal(form.quantize(found.raw), [words])


PIXELS = InputWords(FixedPointFormat(8, 8, signed=False, overflow=Overflow.SAT))
SIGNED = InputWords(FixedPointFormat(10, 3, overflow=Overflow.SAT))


@pytest.mark.parametrize(
    "words,value,message,saturated,rounded,taken",
    [
        (
            PIXELS, 0.37, r"1 of 2 values are no words, the first 0.37 \(input 0 of sample 0, from 0\); expected whole "
            "numbers from 0 to 255", 0, 1, 0,
        ),
        (SIGNED, 0.3712, r"are no words, the first 0.3712 .*; expected multiples of 0.0078125 from -4", 0, 1, 48 / 128),
        (SIGNED, -4.003, "1 of 2 values are no words", 0, 1, -4),
        (PIXELS, 300, "1 of 2 values lie outside, from 300 to 300; expected whole numbers from 0 to 255", 1, 0, 255),
        (PIXELS, -1, "1 of 2 values lie outside, from -1 to -1", 1, 0, 0),
        (SIGNED, 4.0, r"expected multiples of 0.0078125 from -4 to 3.9921875 \(ap_fixed<10,3>\)", 1, 0, 3.9921875),
        (SIGNED, -4.01, "1 of 2 values lie outside", 1, 0, -4),
        (InputWords.over(-1, 3, 6), 3.2, "expected real numbers from -1 to 3 in 6 bits", 1, 0, 31),
        (InputWords.over(-1, 3, 6), 3.001, "1 of 2 values lie outside, from 3.001", 1, 0, 31),  # not by half a step
        (InputWords.over(0.5, 0.5, 6), 0.6, "expected real numbers from 0.5 to 0.5", 1, 0, 63),
    ],
)  # fmt: skip
def test_what_no_word_stands_for(
    words: InputWords, value: float, message: str, saturated: int, rounded: int, taken: float
) -> None:
    inside = words.values(np.array([[words.ends[0]]]) * words.format.step)
    values = np.array([[value, inside[0, 0]]])
    with pytest.raises(InputError, match=message):
        words.raw(values)
    found = words.raw(values, SATURATE)
    assert (found.saturated, found.rounded, found.raw[0, 0]) == (saturated, rounded, taken)


def test_numbers_of_a_range_are_rounded_and_that_is_no_overflow() -> None:
    each = InputWords.over([-1.0, 0.0], [1.0, 10.0], 8)
    assert each.format.signed and each.raw([[-1.0, 10.0], [0.0, 5.0]]).raw.tolist() == [[-127, 127], [0, 0]]
    ends = np.float32([[-3.15, 3.15]])  # float32's 3.15 lies beyond the declared one
    assert float(ends[0, 1]) > 3.15 and InputWords.over(-3.15, 3.15, 10).raw(ends).raw.tolist() == [[-511, 511]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_never_taken(bad: float) -> None:
    for words in (PIXELS, SIGNED):
        with pytest.raises(InputError, match="values hold NaN or infinity"):
            words.raw([[bad]], SATURATE)
