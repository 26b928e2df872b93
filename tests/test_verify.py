"""Verification of whole build folders: it passes right ones and locates what is wrong in tampered ones."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builds import emitted
from random_models import random_program, random_words

from mondeq_hw.base.errors import InputError, MissingToolError
from mondeq_hw.problem import FORWARD_BACKWARD
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.rtl_tests.runner import run_bench
from mondeq_hw.verification.locate import Mismatch, first_wrong_sample, locate, read_trace
from mondeq_hw.verification.verify import VerifyReport, verify

pytestmark = pytest.mark.slow

PROGRAM = random_program(11, n=6, d=5, k=3, bits=4, iterations=9)
WORDS = random_words(3, PROGRAM, 20)
GOLDEN = GoldenModel(PROGRAM)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return emitted(PROGRAM, tmp_path_factory.mktemp("verify") / "build")


@pytest.fixture
def copy(build: Path, tmp_path: Path) -> Path:
    """A build folder to tamper with."""
    return Path(shutil.copytree(build, tmp_path / "copied build"))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled simulations, shared by the tests: what was not tampered with is not compiled again."""
    return tmp_path_factory.mktemp("work")


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)


# -- right folders -----------------------------------------------------------------


@pytest.fixture(scope="module")
def report(build: Path, work: Path) -> VerifyReport:
    return verify(build, WORDS, rtl_samples=7, simulators=("verilator", "icarus"), exact_widths=True, work=work)


def test_a_right_folder_passes_on_every_backend(report: VerifyReport) -> None:
    assert report.ok and report.mismatches == ()
    assert [backend.name for backend in report.backends] == [
        *("c++", "c++, exact widths", "rtl on verilator", "c++ on verilator", "rtl on icarus"),
    ]
    assert [backend.samples for backend in report.backends] == [20, 7, 7, 7, 7]
    for backend in report.backends:
        assert backend.wrong_samples == 0 and backend.tests_failed == () and backend.log is None
        assert re.fullmatch(r"(g\+\+|verilator|icarus) \d+(\.\d+)+", backend.tool)
        assert bool(backend.tests_passed) == (" on " in backend.name)


def test_predicted_and_simulated_cycles_are_told_apart(report: VerifyReport) -> None:
    cycles = [backend.cycles for backend in report.backends]
    assert [index for index, measured in enumerate(cycles) if measured is None] == [0, 1, 3]
    for measured in (cycles[2], cycles[4]):
        assert measured is not None
        assert measured.simulated_first == measured.predicted_first > 0
        assert measured.simulated_per_sample == measured.predicted_per_sample is not None


def test_the_report_is_json_and_names_what_was_checked(report: VerifyReport, build: Path) -> None:
    plain = json.loads(json.dumps(report.to_plain()))
    assert plain["ok"] is True and plain["samples"] == 20 and plain["certified"] is False
    assert plain["program_digest"] == PROGRAM.digest
    names = set(plain["sources"])
    assert {"program.json", "program.npz", "rtl/src/mondeq_top.sv", "hls/mondeq_top.cpp"} <= names
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in plain["sources"].values())


def test_nothing_is_left_behind(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(build.rglob("*"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert verify(build, WORDS[:3], simulators=("icarus",)).ok
    assert list(tmp_path.iterdir()) == [] and sorted(build.rglob("*")) == before


@pytest.mark.long
def test_forward_backward_with_leak(tmp_path: Path) -> None:
    program = random_program(5, n=7, d=3, k=1, bits=6, solver=FORWARD_BACKWARD, granularity="tensor", iterations=12)
    assert program.leak.any()
    assert verify(emitted(program, tmp_path / "b", 5), random_words(1, program, 6), simulators=("icarus",)).ok


# -- tampered folders --------------------------------------------------------------


def _flip_memory(folder: Path, name: str) -> None:
    """Change the lowest bit of a weight memory's first word."""
    edit(
        folder / "rtl" / "mem" / f"{name}.mem",
        lambda text: re.sub(r"^(\w*)(\w)", lambda found: found[1] + f"{int(found[2], 16) ^ 1:x}", text, count=1),
    )


def _expected_word(mismatch: Mismatch) -> int:
    assert mismatch.sample is not None and mismatch.iteration is not None and mismatch.row is not None
    return int(GOLDEN.trace(WORDS).states[mismatch.iteration, mismatch.sample, mismatch.row])


def test_a_width_that_only_a_synthesiser_sees_is_located_by_exact_widths(copy: Path, work: Path) -> None:
    """Native integers hold what products of three bits less do not."""
    exact = "struct Signed {\n    typedef ap_int<BITS> word;"
    narrow = exact.replace("BITS", "BITS - 3")
    edit(copy / "hls" / "mondeq_engine.h", lambda text: text.replace(exact, narrow, 1))
    report = verify(copy, WORDS, rtl_samples=20, simulators=(), exact_widths=True, work=work)
    assert [(backend.name, backend.mismatch is None) for backend in report.backends] == [
        *(("c++", True), ("c++, exact widths", False)),
    ]
    (found,) = report.mismatches
    assert found.kind == "state" and found.expected == _expected_word(found) and found.received != found.expected


def test_a_tampered_drive_memory_is_located_at_the_start(copy: Path, work: Path) -> None:
    """A bias bit above the rounding shows in the start of row 0 of the first sample."""
    shift = int(PROGRAM.drive_right_shift[0] + PROGRAM.matrix.shifts[0])

    def add(text: str) -> str:
        first, rest = text.split("\n", 1)
        return f"{(int(first, 16) ^ (1 << shift)):0{len(first)}x}\n{rest}"

    edit(copy / "rtl" / "mem" / "drive_bias.mem", add)
    report = verify(copy, WORDS, rtl_samples=4, simulators=("icarus",), work=work)
    assert not report.ok and [mismatch.backend for mismatch in report.mismatches] == ["rtl on icarus"]
    (found,) = report.mismatches
    assert (found.kind, found.sample, found.iteration, found.row) == ("state", 0, 0, 0)
    assert found.expected == _expected_word(found) and found.received != found.expected
    assert found.message == (
        f"rtl on icarus: sample 0, iteration 0, row 0: received {found.received}, expected {found.expected}"
    )
    log = report.backends[1].log
    assert log is not None and Path(log).is_file()


def test_a_tampered_iteration_matrix_is_located_after_the_start(copy: Path, work: Path) -> None:
    _flip_memory(copy, "matrix")
    report = verify(copy, WORDS, rtl_samples=6, simulators=("verilator",), work=work)
    mismatches = {mismatch.backend: mismatch for mismatch in report.mismatches}
    assert set(mismatches) == {"rtl on verilator"}
    found = mismatches["rtl on verilator"]
    assert found.kind == "state" and found.iteration is not None and found.iteration >= 1
    assert found.expected == _expected_word(found) != found.received


def test_a_tampered_readout_is_located_in_the_output(copy: Path, work: Path) -> None:
    edit(
        copy / "rtl" / "mem" / "readout_bias.mem",
        lambda text: re.sub(r"(\w)\s*\Z", lambda found: f"{int(found[1], 16) ^ 1:x}\n", text),
    )
    (found,) = verify(copy, WORDS, rtl_samples=3, simulators=("icarus",), work=work).mismatches
    expected = GOLDEN.predict_raw(WORDS)
    assert (found.kind, found.sample, found.iteration, found.row) == ("output", 0, None, 2)
    assert found.expected == expected[0, 2] and abs(found.received - expected[0, 2]) == 1  # type: ignore[operator]


def test_a_tampered_weight_header_is_found_in_both_runs_of_the_c_code(copy: Path, work: Path) -> None:
    tables = sorted((copy / "hls").rglob("matrix_weights.inc"))
    assert tables
    edit(tables[0], lambda text: re.sub(r"-?\d+", lambda found: str(-int(found[0]) or 1), text, count=1))
    report = verify(copy, WORDS, rtl_samples=6, work=work)
    mismatches = {mismatch.backend: mismatch for mismatch in report.mismatches}
    assert set(mismatches) == {"c++", "c++ on verilator"}
    for found in mismatches.values():
        assert found.kind == "state" and found.iteration is not None and found.iteration >= 1
        assert found.expected == _expected_word(found) != found.received
    # The same sample's same word, found by two ways of running the code.
    one, other = mismatches["c++"], mismatches["c++ on verilator"]
    assert (one.sample, one.iteration, one.row) == (other.sample, other.iteration, other.row)


def test_a_missing_update_is_located(copy: Path, work: Path) -> None:
    """One iteration less: the states of the last one never come."""
    sample = int(np.argmax(GOLDEN.iterations(WORDS) == PROGRAM.iterations))
    assert GOLDEN.iterations(WORDS)[sample] == PROGRAM.iterations
    words = WORDS[sample:]
    edit(
        copy / "rtl" / "src" / "mondeq_pkg.sv",
        lambda text: re.sub(r"(Iterations = )\d+", rf"\g<1>{PROGRAM.iterations - 1}", text),
    )
    report = verify(copy, words, rtl_samples=8, simulators=("icarus",), work=work)
    (found,) = report.mismatches
    if report.backends[1].wrong_samples:
        assert (found.kind, found.iteration, found.received) == ("state", PROGRAM.iterations, None)
    else:  # the last update changed no output: the cycles tell
        assert found.kind == "behaviour" and "predicted" in found.message


def test_other_cycles_than_predicted_are_a_mismatch(copy: Path, work: Path) -> None:
    """A schedule of another readout engine than the one that was emitted."""

    def fold(text: str) -> str:
        plan = json.loads(text)
        plan["readout"]["simd"] = 1 if plan["readout"]["simd"] > 1 else 2
        return json.dumps(plan)

    edit(copy / "rtl" / "schedule.json", fold)
    report = verify(copy, WORDS, rtl_samples=12, simulators=("icarus",), work=work)
    (found,) = report.mismatches
    assert found.kind == "behaviour" and "back_to_back" in found.message and "predicted" in found.message
    cycles = report.backends[1].cycles
    assert cycles is not None and cycles.predicted_first != cycles.simulated_first


def test_sources_that_do_not_compile_are_a_mismatch(copy: Path, work: Path) -> None:
    edit(copy / "rtl" / "src" / "mondeq_top.sv", lambda text: text.replace("endmodule", ""))
    edit(copy / "hls" / "mondeq_top.cpp", lambda text: text + "}\n")
    report = verify(copy, WORDS[:2], simulators=("icarus",), work=work)
    assert [found.kind for found in report.mismatches] == ["behaviour", "behaviour"]
    assert [backend.wrong_samples for backend in report.backends] == [2, 2]


def test_a_testbench_that_answers_nonsense_is_a_mismatch(copy: Path, work: Path) -> None:
    edit(copy / "hls" / "mondeq_tb.cpp", lambda text: text.replace("int main(", "int unused_main("))
    with (copy / "hls" / "mondeq_tb.cpp").open("a") as stream:
        stream.write('int main() { std::puts("none"); }\n')
    (found,) = verify(copy, WORDS[:2], simulators=(), work=work).mismatches
    assert (found.backend, found.kind) == ("c++", "behaviour") and "--sizes answers" in found.message


def test_a_tampered_program_is_refused(copy: Path) -> None:
    edit(copy / "program.json", lambda text: text.replace(f'"iterations": {PROGRAM.iterations}', '"iterations": 8'))
    with pytest.raises(InputError, match="do not match its digest"):
        verify(copy, WORDS)


# -- bad arguments and missing tools -------------------------------------------------


def test_bad_arguments(build: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected one of verilator, icarus"):
        verify(build, WORDS, simulators=("xsim",))
    with pytest.raises(InputError, match="at least 1"):
        verify(build, WORDS[:0])
    with pytest.raises(InputError, match="at least 1"):
        verify(build, WORDS, rtl_samples=0)
    with pytest.raises(InputError, match=r"expected \(samples, 5\)"):
        verify(build, WORDS[:, :4])
    with pytest.raises(InputError, match="mondeq-hw compile"):
        verify(tmp_path, WORDS)


@pytest.mark.parametrize(("present", "missing"), [((), "g++"), (("g++",), "perl"), (("g++", "perl"), "make")])
def test_missing_tools_are_named_before_anything_runs(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...], missing: str
) -> None:
    for tool in present:
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=rf"{re.escape(missing)} is not on PATH.*apt install"):
        verify(build, WORDS)


# -- traces ----------------------------------------------------------------------


@pytest.mark.parametrize(("design", "simulator"), [("rtl", "icarus"), ("rtl", "verilator"), ("hls", "verilator")])
def test_traces_are_the_golden_model_s(build: Path, tmp_path: Path, design: str, simulator: str) -> None:
    """Every state of every executed update, and no other, is reported."""
    path = tmp_path / "trace.txt"
    result = run_bench(
        build,
        tmp_path,
        words=WORDS,
        design=design,
        simulator=simulator,
        tests=["back_to_back"],
        defines=["MONDEQ_TRACE"],
        plusargs=[f"+mondeq_trace={path}"],
    )
    assert result.ok
    trace, golden = read_trace(path, PROGRAM.iterations, len(WORDS), PROGRAM.n), GOLDEN.trace(WORDS)
    executed = np.arange(PROGRAM.iterations + 1)[:, None] <= golden.iterations
    np.testing.assert_array_equal(trace.written, np.broadcast_to(executed[..., None], trace.written.shape))
    np.testing.assert_array_equal(trace.states[trace.written], golden.states[trace.written])
    assert trace.beyond is None


def _trace_lines() -> list[str]:
    golden = GOLDEN.trace(WORDS[:2])
    return [
        f"{sample} {iteration} {row} {golden.states[iteration, sample, row]}"
        for sample in range(2)
        for iteration in range(int(golden.iterations[sample]) + 1)
        for row in range(PROGRAM.n)
    ]


def _located(lines: list[str], path: Path, wrong_output: bool = True) -> Mismatch:
    path.write_text("\n".join(lines) + "\n")
    trace = read_trace(path, PROGRAM.iterations, 2, PROGRAM.n)
    outputs = GOLDEN.predict_raw(WORDS[:2])[1] + np.array([0, int(wrong_output), 0])
    return locate("x", GOLDEN.trace(WORDS[:2]), trace, outputs, first_sample=40)


def test_locate_takes_the_first_word(tmp_path: Path) -> None:
    lines, path = _trace_lines(), tmp_path / "trace.txt"
    found = _located(lines, path)
    assert (found.kind, found.sample, found.iteration, found.row) == ("output", 41, None, 1)

    def changed(*places: tuple[int, int, int]) -> list[str]:
        return [
            f"{line.rsplit(' ', 1)[0]} 99" if tuple(map(int, line.split()[:3])) in places else line for line in lines
        ]

    found = _located(changed((1, 2, 0), (0, 3, 1), (0, 2, 4)), path)
    assert (found.sample, found.iteration, found.row, found.received) == (40, 2, 4, 99)
    unknown = [line.replace(line.split()[3], "x") if line.startswith("0 1 3 ") else line for line in lines]
    found = _located(unknown, path)
    assert (found.sample, found.iteration, found.row, found.received) == (40, 1, 3, None)
    assert "received nothing" in found.message
    found = _located([*lines, f"1 {PROGRAM.iterations + 1} 2 7"], path)
    assert (found.sample, found.iteration, found.row, found.expected) == (41, PROGRAM.iterations + 1, 2, None)
    assert "expected no such update" in found.message


def test_first_wrong_sample() -> None:
    expected = np.arange(8).reshape(4, 2)
    assert first_wrong_sample(expected, expected) == (0, None)
    assert first_wrong_sample(expected[:1], expected) == (3, 1)
    assert first_wrong_sample(expected + np.array([[0, 0], [0, 0], [0, 1], [1, 0]]), expected) == (2, 2)
    assert first_wrong_sample(expected[:0], expected) == (4, 0)
