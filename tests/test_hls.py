"""The emitted C++ against the golden model, word for word, with the vendor's integer types."""

from __future__ import annotations

import ctypes
import filecmp
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from long_set import one_in
from random_models import random_program, random_words, with_random_clip
from shell import Shell, compiled, expected_beats, passes_over_broken_frames

from mondeq_hw.base.errors import InputError, MissingToolError
from mondeq_hw.hardware import hls
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.hardware.hls import include_folders
from mondeq_hw.hardware.schedule import EngineFolding, Schedule
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.verification.csim import COMPILER_FLAGS, CSimulation, CSimulationError

pytestmark = pytest.mark.slow

SAMPLES = 12


@dataclass(frozen=True)
class Case:
    """A random program, pe x simd of its drive and solve engines, and simd of its readout."""

    name: str
    drive: tuple[int, int]
    solve: tuple[int, int]
    readout: int
    program: dict[str, Any] = field(default_factory=dict)

    def build(self) -> tuple[SolverProgram, Schedule]:
        options = {"seed": 7, **self.program}
        clip_seed = options.pop("clip_seed", None)
        program = random_program(**options)
        if clip_seed is not None:
            program = with_random_clip(clip_seed, program)
        folded = Schedule(
            reuse_factor=1,
            drive=EngineFolding(program.n, program.d, *self.drive),
            solve=EngineFolding(program.n, program.n, *self.solve),
            readout=EngineFolding(program.k, program.n, 1, self.readout),
            slots=2,
        )
        return program, folded


FB, PR = {"solver": FORWARD_BACKWARD}, {"solver": PEACEMAN_RACHFORD}
TENSOR = {"granularity": "tensor"}

# Every word length from 1 to 16, and 18, for the matrix, the drive, the readout and the input; primes; foldings that
# do and do not divide the sizes; from one multiplier to fully parallel.
CASES = [
    Case("scalar", (1, 1), (1, 1), 1, {**PR, "n": 1, "d": 1, "k": 1, "bits": 1, "input_bits": 1}),
    Case("scalar_fb", (1, 1), (1, 1), 1, {**FB, "n": 1, "d": 3, "k": 2, "bits": 2, "drive_bits": 1}),
    Case("sign_bits", (2, 3), (3, 4), 5, {**PR, "n": 7, "d": 5, "k": 3, "bits": 1, "drive_bits": 1}),
    Case("ternary", (3, 2), (4, 3), 2, {**PR, "n": 11, "d": 7, "bits": 2, "drive_bits": 2, "readout_bits": 2}),
    Case("sign_bits_fb", (4, 4), (5, 2), 3, {**FB, **TENSOR, "n": 13, "d": 9, "bits": 1, "readout_bits": 1}),
    Case("three", (24, 17), (24, 24), 24, {**PR, **TENSOR, "n": 24, "d": 17, "k": 10, "bits": 3}),
    Case("four_tall", (1, 16), (1, 19), 1, {**PR, "n": 19, "d": 40, "k": 1, "bits": 4, "input_bits": 2}),
    Case("five", (5, 7), (3, 8), 2, {**PR, "n": 23, "d": 31, "bits": 5, "state_bits": 12, "input_bits": 5}),
    Case("six_fb", (4, 1), (1, 4), 1, {**FB, "n": 8, "d": 6, "k": 4, "bits": 6, "input_bits": 3}),
    Case("seven", (2, 5), (6, 1), 3, {**PR, "n": 12, "d": 10, "k": 5, "bits": 7, "readout_bits": 3}),
    Case("eight_fb", (3, 3), (3, 3), 3, {**FB, **TENSOR, "n": 9, "d": 9, "bits": 8, "drive_bits": 11}),
    Case("nine", (2, 4), (5, 5), 3, {**PR, "n": 17, "d": 12, "bits": 9, "drive_bits": 3, "readout_bits": 9}),
    Case("ten_fb", (1, 2), (2, 1), 1, {**FB, "n": 5, "d": 4, "bits": 10, "iterations": 40, "input_bits": 11}),
    Case("eleven", (6, 6), (4, 6), 6, {**PR, **TENSOR, "n": 6, "d": 6, "bits": 11, "drive_bits": 5}),
    Case("twelve", (7, 1), (1, 14), 7, {**PR, "n": 14, "d": 1, "bits": 12, "state_bits": 16, "input_bits": 12}),
    Case("thirteen_fb", (2, 2), (2, 2), 2, {**FB, "n": 3, "d": 3, "bits": 13, "readout_bits": 13}),
    Case("fourteen_one", (5, 3), (2, 7), 4, {**PR, "n": 16, "d": 8, "bits": 14, "iterations": 1}),
    Case("fifteen", (1, 1), (3, 5), 5, {**PR, "n": 10, "d": 2, "bits": 15, "drive_bits": 15, "input_bits": 15}),
    Case("sixteen", (2, 3), (4, 4), 2, {**FB, "n": 4, "d": 3, "bits": 16, "drive_bits": 16, "input_bits": 16}),
    Case("eighteen", (3, 2), (2, 3), 2, {**PR, "n": 5, "d": 3, "bits": 18, "drive_bits": 18, "readout_bits": 18}),
    Case("two_bit_state", (2, 2), (2, 3), 3, {**PR, "n": 6, "bits": 4, "state_bits": 2, "state_integer_bits": 2}),
    Case("saturating", (2, 2), (3, 2), 2, {**PR, "n": 9, "bits": 5, "state_bits": 6, "state_integer_bits": 0}),
    # Rows of several kinds, operands with a sign.
    Case("clips", (2, 3), (3, 4), 5, {**PR, "n": 11, "bits": 5, "state_bits": 7, "clip_seed": 1}),
    Case("clips_fb", (2, 3), (4, 3), 4, {**FB, "n": 10, "bits": 2, "readout_bits": 2, "clip_seed": 2}),
    Case("clips_of_signs", (3, 2), (2, 4), 2, {**PR, "n": 7, "bits": 1, "readout_bits": 1, "clip_seed": 4}),
    Case(
        "clips_wide",
        (1, 2),
        (2, 2),
        3,
        {**PR, "n": 6, "bits": 16, "state_bits": 52, "state_integer_bits": 20, "clip_seed": 5},
    ),
    # Every sum beyond 64 bits: the headers' multi-word integers.
    Case(
        "wide",
        *((2, 2), (3, 2), 3),
        {**PR, "n": 5, "bits": 16, "state_bits": 64, "state_integer_bits": 24, "drive_bits": 16}
        | {"readout_bits": 16, "input_bits": 48},
    ),
    Case(
        "wide_fb",
        *((1, 3), (2, 2), 2),
        {**FB, **TENSOR, "n": 4, "bits": 12, "state_bits": 60, "state_integer_bits": 30, "input_bits": 60},
    ),
]


def emitted(case: Case, folder: Path) -> SolverProgram:
    program, folded = case.build()
    hls.emit(program, folded, folder)
    return program


def compile_and_run(folder: Path, program: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Build the testbench with further flags and let it check the emitted vectors, as Vitis HLS does."""
    sources = folder / "hls"
    headers = [argument for path in include_folders() for argument in ("-isystem", str(path))]
    files = [str(sources / "mondeq_top.cpp"), str(sources / "mondeq_tb.cpp")]
    build = subprocess.run(
        ["g++", *COMPILER_FLAGS, *flags, *headers, "-o", str(program), *files], text=True, stderr=subprocess.PIPE
    )
    assert build.returncode == 0 and build.stderr == ""
    return check_vectors(folder, program)


def check_vectors(folder: Path, program: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    vectors = folder / "hls" / "vectors"
    command = [str(program), "--check", str(vectors / "words.txt"), str(vectors / "outputs.txt")]
    return subprocess.run(command, text=True, capture_output=True, env={**os.environ, **environment})


@pytest.mark.parametrize("case", one_in(4, CASES))
def test_outputs_and_every_state_equal_the_golden_model(case: Case, tmp_path: Path) -> None:
    program = emitted(case, tmp_path)
    words = random_words(3, program, SAMPLES)
    simulation = CSimulation(tmp_path, tmp_path / "work")
    trace = GoldenModel(program).trace(words)
    states, updates = simulation.trace(words)
    np.testing.assert_array_equal(states, trace.states)
    np.testing.assert_array_equal(updates, trace.iterations)
    outputs = simulation.predict_raw(words)
    np.testing.assert_array_equal(outputs, trace.outputs)
    assert outputs.shape == (SAMPLES, program.k)
    (log,) = (tmp_path / "work").glob("*.log")
    assert len(log.read_text().splitlines()) == 1, "the log holds the command and no warning"


def test_the_cases_reach_what_they_are_there_for() -> None:
    programs = {case.name: case.build()[0] for case in CASES}
    assert {program.matrix.word_length for program in programs.values()} == {*range(1, 17), 18}
    wide = programs["wide"]
    assert min(wide.drive_accumulator_bits, wide.drive_bits, wide.accumulator_bits, wide.output_bits) > 64
    traces = {name: GoldenModel(program).trace(random_words(3, program, SAMPLES)) for name, program in programs.items()}
    assert traces["wide"].outputs.dtype == object
    assert traces["saturating"].saturations.any(axis=1).all(), "some state saturates in every update"
    assert any((trace.iterations < programs[name].iterations).any() for name, trace in traces.items()), "early exits"
    assert any(program.drive_left_shift for program in programs.values())
    assert any(program.readout_left_shift.any() for program in programs.values())


@pytest.mark.parametrize("name", one_in(3, ["wide_fb", "sign_bits", "ternary", "clips", "clips_fb"], str))
def test_types_of_the_synthesiser_give_the_same_words(name: str, tmp_path: Path) -> None:
    """Vitis HLS sees exact widths in the multiply-accumulate array and no trace."""
    (case,) = (case for case in CASES if case.name == name)
    emitted(case, tmp_path)
    done = compile_and_run(tmp_path, tmp_path / "tb", "-DMONDEQ_EXACT_WIDTHS", "-O1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{hls.VECTORS} samples, 0 mismatches\n"


ROUNDING = """
#include "mondeq_engine.h"
#include <cstdio>
// What a width holds together with its rounding constant, by every shift of such values, that of all its bits too.
template <int W> long wrong() {
    long count = 0;
    for (int shift = 0; shift <= W; shift++)
        for (long value = -(1L << (W - 1)); value + ((1L << shift) >> 1) < 1L << (W - 1); value++) {
            const long expected = (value + ((1L << shift) >> 1)) >> shift;
            count += mondeq::round_shift<W>(value, shift).to_int64() != expected;
        }
    return count;
}
int main() {
    std::printf("%ld\\n", wrong<1>() + wrong<2>() + wrong<3>() + wrong<8>() + wrong<11>());
    const ap_int<64> least = ap_int<64>(1) << 63;
    return !(mondeq::round_shift<64>(least, 64) == 0 && mondeq::round_shift<64>(least + 1, 63) == -1);
}
"""


def test_values_next_to_zero_round_by_shifts_of_the_whole_width(tmp_path: Path) -> None:
    emitted(CASES[0], tmp_path)
    source, program = tmp_path / "rounding.cpp", tmp_path / "rounding"
    source.write_text(ROUNDING)
    headers = [argument for path in (*include_folders(), tmp_path / "hls") for argument in ("-isystem", str(path))]
    subprocess.run(["g++", *COMPILER_FLAGS, *headers, "-o", str(program), str(source)], check=True)
    done = subprocess.run([str(program)], text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (0, "0\n")


def sanitizers_complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """But for those of the vendor's headers, whose shifts of negative words GCC defines."""
    found = re.findall(r"^.*(?:runtime error|ERROR: AddressSanitizer).*$", done.stderr, re.MULTILINE)
    return [line for line in found if "ap_types" not in line]


def test_sanitizers_and_the_testbench_see_what_is_wrong(tmp_path: Path) -> None:
    """One build: as it is, with a row beyond its table, and with a wrong word expected."""
    emitted(CASES[1], tmp_path)
    path = tmp_path / "hls" / "mondeq_solver.h"
    text = path.read_text()
    assert text.count("readout_bias[row]") == 1
    beyond = 'readout_bias[row + (std::getenv("BEYOND") ? readout_rows : 0)]'
    path.write_text("#include <cstdlib>\n" + text.replace("readout_bias[row]", beyond))
    done = compile_and_run(tmp_path, tmp_path / "tb", "-O0", "-fsanitize=address,undefined")
    assert done.returncode == 0 and sanitizers_complaints(done) == []
    assert any(
        "mondeq_solver.h" in line and "out of bounds" in line
        for line in sanitizers_complaints(check_vectors(tmp_path, tmp_path / "tb", BEYOND="1"))
    )
    path = tmp_path / "hls" / "vectors" / "outputs.txt"
    lines = path.read_text().splitlines()
    lines[5] = lines[5][:-1] + ("0" if lines[5][-1] != "0" else "1")
    path.write_text("\n".join(lines) + "\n")
    done = check_vectors(tmp_path, tmp_path / "tb")
    assert done.returncode == 1
    assert "sample 5" in done.stderr and "1 mismatches" in done.stdout


def test_default_schedule(tmp_path: Path) -> None:
    program = random_program(seed=2, n=6, d=30, k=2)
    hls.emit(program, schedule(program), tmp_path)
    words = random_words(0, program, 5)
    outputs = CSimulation(tmp_path, tmp_path / "work").predict_raw(words)
    np.testing.assert_array_equal(outputs, GoldenModel(program).predict_raw(words))


def test_beat_beyond_the_default_limit_of_the_headers(tmp_path: Path) -> None:
    """A beat of 300 words of 8 bits has more than ``AP_INT_MAX_W``'s 1024 bits."""
    case = Case("whole_sample", (2, 300), (1, 1), 1, {"n": 3, "d": 300, "k": 2})
    program = emitted(case, tmp_path)
    words = random_words(0, program, 5)
    outputs = CSimulation(tmp_path, tmp_path / "work").predict_raw(words)
    np.testing.assert_array_equal(outputs, GoldenModel(program).predict_raw(words))


def test_beat_wider_than_any_integer_is_refused(tmp_path: Path) -> None:
    program = random_program(seed=2, n=2, d=4096, k=1)
    folded = Schedule(1, EngineFolding(2, 4096, 1, 4096), EngineFolding(2, 2, 1, 1), EngineFolding(1, 2, 1, 1), 2)
    with pytest.raises(InputError, match="raise reuse_factor"):
        hls.emit(program, folded, tmp_path)
    assert not (tmp_path / "hls").exists()


def test_emission_is_deterministic(tmp_path: Path) -> None:
    for name in ("first", "second"):
        emitted(CASES[3], tmp_path / name)
    first, second = ({p.relative_to(f): p for p in f.rglob("*") if p.is_file()} for f in tmp_path.iterdir())
    assert first.keys() == second.keys() and len(first) > 15
    assert all(filecmp.cmp(first[name], second[name], shallow=False) for name in first)


@pytest.mark.parametrize("certified", [False, True])
def test_headers_carry_the_digest_and_the_certificate(certified: bool, tmp_path: Path) -> None:
    program, folded = CASES[0].build()
    program = program.replace(certified=certified)
    hls.emit(program, folded, tmp_path)
    for name in ("mondeq_params.h", "dpi/mondeq_dpi_pkg.sv"):
        text = (tmp_path / "hls" / name).read_text()
        assert program.digest in text
        assert ("UNCERTIFIED" in text) is not certified
        assert ("contraction proved" in text) is certified


def test_moved_folder_compiles_and_the_cache_follows_the_sources(tmp_path: Path) -> None:
    program = emitted(CASES[1], tmp_path / "here")
    words = random_words(1, program, 4)
    expected = CSimulation(tmp_path / "here", tmp_path / "work").predict_raw(words)
    shutil.move(tmp_path / "here", tmp_path / "there")
    moved = CSimulation(tmp_path / "there", tmp_path / "work")
    np.testing.assert_array_equal(moved.predict_raw(words), expected)
    assert len(list((tmp_path / "work").glob("*.log"))) == 1, "same sources, same executable"
    top = tmp_path / "there" / "hls" / "mondeq_top.cpp"
    top.write_text(top.read_text() + "// touched\n")
    CSimulation(tmp_path / "there", tmp_path / "work")
    assert len(list((tmp_path / "work").glob("*.log"))) == 2


def test_no_samples_and_a_relative_work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = emitted(CASES[1], tmp_path)
    monkeypatch.chdir(tmp_path)
    simulation = CSimulation(Path(), Path())
    none = np.zeros((0, program.d), dtype=np.int64)
    assert simulation.predict_raw(none).shape == (0, program.k)
    assert simulation.trace(none)[0].shape == (program.iterations + 1, 0, program.n)


# -- errors --------------------------------------------------------------------------


def test_wrong_words_are_refused(tmp_path: Path) -> None:
    program = emitted(CASES[1], tmp_path)
    simulation = CSimulation(tmp_path, tmp_path / "work")
    words = np.zeros((2, program.d), dtype=np.int64)
    with pytest.raises(InputError, match=rf"expected integers \(samples, {program.d}\)"):
        simulation.predict_raw(words[:, 1:])
    for outside in (-1, program.input_format.max_word + 1):
        with pytest.raises(InputError, match=f"expected 0 to {program.input_format.max_word}"):
            simulation.predict_raw(words + outside)


def test_folder_without_sources_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mondeq-hw compile"):
        CSimulation(tmp_path, tmp_path / "work")


def test_missing_compiler_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emitted(CASES[1], tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"apt install g\+\+"):
        CSimulation(tmp_path, tmp_path / "work")


def test_missing_headers_name_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emitted(CASES[1], tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install hls4ml"):
        CSimulation(tmp_path, tmp_path / "work")


def test_compile_error_names_the_log(tmp_path: Path) -> None:
    emitted(CASES[1], tmp_path)
    (tmp_path / "hls" / "mondeq_params.h").write_text("#error broken\n")
    with pytest.raises(CSimulationError, match=r"csim-\w+\.log") as error:
        CSimulation(tmp_path, tmp_path / "work")
    assert "broken" in str(error.value)


# -- DPI-C shell ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def shell_parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ctypes.CDLL, SolverProgram, int]:
    """The shell of a program whose beats (60 bits) and outputs (over 64 bits) are several words of a simulator."""
    folder = tmp_path_factory.mktemp("shell")
    program, folded = next(case for case in CASES if case.name == "wide").build()
    hls.emit(program, folded, folder)
    return ctypes.CDLL(str(compiled(folder, "-Werror"))), program, folded.words_per_beat


def test_shell_instances_share_nothing(shell_parts: tuple[ctypes.CDLL, SolverProgram, int]) -> None:
    program = shell_parts[1]
    words = random_words(5, program, 6)
    first, second = Shell(*shell_parts), Shell(*shell_parts)
    for one, other in zip(words[:3], words[3:], strict=True):
        frames = first.beats(one), second.beats(other)
        for index, (beat, another) in enumerate(zip(*frames, strict=True)):
            first.push(beat, index == len(frames[0]) - 1)
            second.push(another, index == len(frames[0]) - 1)
    assert second.drain() == expected_beats(program, words[3:])
    assert first.drain() == expected_beats(program, words[:3])


def test_shell_reset_drops_what_is_in_flight(shell_parts: tuple[ctypes.CDLL, SolverProgram, int]) -> None:
    program = shell_parts[1]
    words = random_words(6, program, 3)
    shell = Shell(*shell_parts)
    shell.send(words[0])  # one answer waiting, one sample in mid-frame
    shell.send(words[1], beats=1)
    shell.reset()
    assert shell.drain() == []
    assert not any(shell.send(words[2]))
    assert shell.drain() == expected_beats(program, words[2:])


def test_shell_stalls_the_source_until_answers_are_taken(
    shell_parts: tuple[ctypes.CDLL, SolverProgram, int],
) -> None:
    program = shell_parts[1]
    words = random_words(7, program, 4)
    shell = Shell(*shell_parts)
    accepted = 0
    while shell.ready:
        shell.send(words[accepted])
        accepted += 1
    assert accepted == 2
    assert [shell.pop()] == expected_beats(program, words[:1])[:1]
    assert shell.ready


def test_shell_passes_over_broken_frames(shell_parts: tuple[ctypes.CDLL, SolverProgram, int]) -> None:
    assert passes_over_broken_frames(Shell(*shell_parts), shell_parts[1])


def test_flags_of_broken_frames_are_forgotten(tmp_path: Path) -> None:
    """TUSER is of the sample's own words: neither of a frame that was cut off, nor of one that went on too long."""
    program = random_program(4, d=5, input_bits=4)
    plan = schedule(program)
    plan = replace(plan, flags_ends=True, drive=replace(plan.drive, pe=1, simd=2))
    hls.emit(program, plan, tmp_path)
    shell = Shell(ctypes.CDLL(str(compiled(tmp_path, "-Werror"))), program, plan.words_per_beat)
    inner, ends = np.full(5, 7), np.full(5, 15)
    shell.push(shell.beats(ends)[0], last=True)
    assert shell.send(inner)[-1]  # the cut one is reported
    for beat in shell.beats(ends):
        shell.push(beat, last=False)
    shell.push(0, last=True)
    for sample in (inner, np.append(inner[:4], 15), np.append(0, inner[:4]), inner):
        shell.send(sample)
    shell.drain()
    assert shell.flags == [flag for flag in (False, False, True, True, False) for _ in range(program.k)]
