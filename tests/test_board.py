"""A board's logic: frames, clock, timing, host software, and everything from serial pin to serial pin."""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from corner_programs import CORNERS, Corner, slow_core
from lint import lint
from random_models import random_program, random_words

import mondeq_hw
from mondeq_hw import hls_templates
from mondeq_hw.base.errors import EXIT_BAD_INPUT, InputError, MissingToolError
from mondeq_hw.boards import board_rtl
from mondeq_hw.boards.board import BOARDS, find_board
from mondeq_hw.boards.board_rtl import line_timing
from mondeq_hw.boards.frames import SYNC, Frame, FrameReader, Kind, Reason, identity, pack_sample, unpack_result
from mondeq_hw.boards.host import LinkError, SerialSolver
from mondeq_hw.boards.pll import Pll, find_pll
from mondeq_hw.problem.data import digits, mnist
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.rtl_tests.board_runner import QUICK, run_board_bench, write_design

pytestmark = pytest.mark.slow

# -- frames ----------------------------------------------------------------------


def test_frame_is_what_the_page_says() -> None:
    """Byte for byte, with the CRC's published check value."""
    assert zlib.crc32(b"123456789") == 0xCBF43926
    covered = bytes((0x01, 0x2A, 3, 0)) + b"\x10\x20\x30"
    assert Frame(Kind.INFER, 0x2A, b"\x10\x20\x30").encode() == (
        bytes((0xA5,)) + covered + zlib.crc32(covered).to_bytes(4, "little")
    )


def test_reader_finds_frames_in_any_pieces_and_passes_over_the_rest() -> None:
    frames = [Frame(Kind.RESULT, 1, bytes((SYNC,)) * 5), Frame(Kind.ERROR, 2, b"\x01"), Frame(Kind.IDENTITY, 3, b"")]
    damaged = bytearray(frames[0].encode())
    damaged[6] ^= 1
    data = b"\x00\xa5" + frames[0].encode() + bytes(damaged) + frames[1].encode() + b"junk" + frames[2].encode()
    for size in (1, 2, 3, 7, len(data)):
        reader, found = FrameReader(largest=64), []
        for at in range(0, len(data), size):
            found += reader.feed(data[at : at + size])
            assert reader.wanted >= 1
        assert found == frames


def test_words_on_the_line() -> None:
    program = random_program(17, n=3, d=9, k=2, bits=16, input_bits=12)
    assert pack_sample(program, np.array([0x123, 0xFFF])) == b"\x23\x01\xff\x0f"
    size = -(-program.output_bits // 8)
    payload = (-2).to_bytes(size, "little", signed=True) + (5).to_bytes(size, "little")
    assert unpack_result(program, payload) == [-2, 5]
    with pytest.raises(InputError, match="expected 2 words"):
        unpack_result(program, payload[1:])


def test_sample_beyond_a_frame_is_refused(tmp_path: Path) -> None:
    program = random_program(1, n=1, d=32768, k=1, bits=2, input_bits=9)
    with pytest.raises(InputError, match="65536 bytes; a frame holds 65535"):
        board_rtl.emit(program, QUICK, None, tmp_path)


# -- clock and board ----------------------------------------------------------------


@pytest.mark.parametrize("wanted", [25.0, 50.0, 60.0, 75.0, 99.9, 100.0, 118.75, 133.3])
def test_pll_keeps_the_devices_limits(wanted: float) -> None:
    pll = find_pll(25.0, wanted)
    assert pll.output_mhz == pytest.approx(wanted, rel=0.005)
    assert 400 <= pll.oscillator_mhz <= 800 and 25.0 / pll.input_divider >= 3.125
    assert max(pll.input_divider, pll.output_divider) <= 128 and pll.feedback_divider <= 80


def test_pll_is_ecpplls() -> None:
    """What Project Trellis' own tool chose for these (``ecppll -i 25 -o MHZ``)."""
    assert find_pll(25.0, 100.0) == Pll(25.0, 1, 4, 6)
    assert find_pll(25.0, 50.0) == Pll(25.0, 1, 2, 12)


def test_clock_that_no_divider_makes_is_refused() -> None:
    with pytest.raises(InputError, match=r"no PLL setting makes 7 MHz of 25 MHz; the nearest is 10"):
        find_pll(25.0, 7.0)


def test_line_timing() -> None:
    timing = line_timing(25e6, 1_000_000)
    assert (timing.clocks_per_bit, timing.timeout_clocks, timing.reset_clocks) == (25, 500_000, 25_000)
    with pytest.raises(InputError, match=r"expected 1 to 3125000, an eighth of the clock"):
        line_timing(25e6, 4_000_000)
    with pytest.raises(InputError, match=r"25 MHz makes 3125000 baud of 3000000, \+4\.2 %"):
        line_timing(25e6, 3_000_000)
    with pytest.raises(InputError, match="baud is 0"):
        line_timing(25e6, 0)


def test_boards_pins() -> None:
    """Every port of the top has one pin, and no ball is used twice."""
    top = (Path(hls_templates.__file__).parent / "board" / "mondeq_board.sv").read_text()
    ports = set(re.findall(r"^  (?:input|output)\s+logic\s+(?:\[.*?\])?\s*(\w+)", top, re.MULTILINE))
    for board in BOARDS:
        assert {pin.port.split("[")[0] for pin in board.pins} == ports
        assert len({pin.site for pin in board.pins}) == len({pin.port for pin in board.pins}) == len(board.pins)
    with pytest.raises(InputError, match="expected one of ulx3s-25f, ulx3s-45f, ulx3s-85f"):
        find_board("icestick")


@pytest.mark.parametrize("name", ["single", "one_bit", "wide"])
def test_lint_is_clean(name: str, tmp_path: Path) -> None:
    corner = CORNERS[name]()
    write_design(corner.build(tmp_path / "build"), line_timing(25e6, 1_000_000), tmp_path)
    sources = [
        f"{folder}/{line}"
        for folder in ("rtl", "board")
        for line in (tmp_path / folder / "sources.f").read_text().split()
    ]
    assert lint(tmp_path, f"{corner.program.name}_board", sources) == ""


# -- host software on a port without a board -----------------------------------------


class Echo:
    """A port with a perfect board behind it, and whatever a test does to its answers."""

    def __init__(self, program: SolverProgram, spoil: Callable[[int, Frame], bytes | None] = lambda index, frame: None):
        self.program, self.golden, self.spoil = program, GoldenModel(program), spoil
        self.reader, self.waiting, self.count = FrameReader(), bytearray(), 0

    def write(self, data: bytes) -> None:
        for frame in self.reader.feed(data):
            answer = Frame(Kind.IDENTITY, frame.sequence, identity(self.program))
            if frame.kind == Kind.INFER:
                words = np.frombuffer(frame.payload, dtype=np.uint8)[None]
                size = -(-self.program.output_bits // 8)
                raw = self.golden.predict_raw(words.astype(np.int64))[0]
                payload = b"".join(int(word).to_bytes(size, "little", signed=True) for word in raw)
                answer = Frame(Kind.RESULT, frame.sequence, payload)
            spoilt = self.spoil(self.count, answer)
            self.waiting += answer.encode() if spoilt is None else spoilt
            self.count += 1

    def read(self, size: int) -> bytes:
        taken = bytes(self.waiting[:size])
        del self.waiting[:size]
        return taken


PROGRAM = random_program(3, n=8, d=6, k=3)
WORDS = random_words(3, PROGRAM, 9)


def test_host_gives_golden_words_and_real_outputs() -> None:
    solver, golden = SerialSolver(Echo(PROGRAM), PROGRAM), GoldenModel(PROGRAM)
    assert solver.identify() == PROGRAM.digest
    assert (solver.predict_raw(WORDS) == golden.predict_raw(WORDS)).all()
    assert solver.predict_raw(WORDS).dtype == np.int64
    assert (solver.predict(WORDS.reshape(9, 2, 3)) == golden.predict(WORDS)).all()
    assert solver.predict_raw(WORDS[:0]).shape == (0, 3)


def test_host_asks_again_for_what_is_lost_refused_or_damaged() -> None:
    def spoil(index: int, answer: Frame) -> bytes | None:
        damaged = bytearray(answer.encode())
        damaged[-1] ^= 1
        refusal = Frame(Kind.ERROR, answer.sequence, bytes((Reason.CRC,))).encode()
        stale = Frame(answer.kind, answer.sequence ^ 0x80, answer.payload[::-1]).encode()
        return {2: b"", 5: bytes(damaged), 7: refusal, 9: answer.encode()[:4], 12: stale + answer.encode()}.get(index)

    port = Echo(PROGRAM, spoil)
    assert (SerialSolver(port, PROGRAM).predict_raw(WORDS) == GoldenModel(PROGRAM).predict_raw(WORDS)).all()
    assert port.count > 12


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "the board did not answer, 3 times in a row; check the cable"),
        (Frame(Kind.ERROR, 1, bytes((Reason.LINE,))).encode(), r"the board refused a frame \(LINE\), 3 times in a row"),
    ],
)
def test_host_gives_up_with_the_reason(answer: bytes, message: str) -> None:
    with pytest.raises(LinkError, match=message):
        SerialSolver(Echo(PROGRAM, lambda index, frame: answer), PROGRAM, retries=2)


def test_host_refuses_another_program_or_protocol() -> None:
    with pytest.raises(LinkError, match=f"holds the program {PROGRAM.digest}, not .*load its own bitstream"):
        SerialSolver(Echo(PROGRAM), random_program(4, n=8, d=6, k=3))
    other = Echo(PROGRAM, lambda index, frame: Frame(Kind.IDENTITY, frame.sequence, b"\x63" + bytes(32)).encode())
    with pytest.raises(LinkError, match="version 63 of the protocol; expected 01"):
        SerialSolver(other, PROGRAM)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (WORDS[:, :5], r"shape \(9, 5\); expected \(samples, 6\)"),
        (WORDS + 1, "integers from 0 to 255"),
        (WORDS / 2, "integers from 0 to 255"),
        (-1 - WORDS, "integers from 0 to 255"),
    ],
)
def test_host_refuses_words_that_are_not_the_programs(words: np.ndarray, message: str) -> None:
    solver = SerialSolver(Echo(PROGRAM), PROGRAM)
    with pytest.raises(InputError, match=message):
        solver.predict_raw(words)


def test_serial_device_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="cannot be opened at 1000000 baud"):
        SerialSolver.open(str(tmp_path / "ttyUSB0"), 1_000_000, PROGRAM)
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(MissingToolError, match=r"pyserial is not installed; pip install .*\[host\]"):
        SerialSolver.open("/dev/ttyUSB0", 1_000_000, PROGRAM)


# -- pin to pin ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [CORNERS["wide"], pytest.param(slow_core, marks=pytest.mark.long)], ids=["wide", "slow"]
)
def test_pin_to_pin(make: Callable[[], Corner], tmp_path: Path) -> None:
    """Words of two bytes, nine a beat, sums beyond 64 bits; a core slower than the line."""
    corner = make()
    words = random_words(3, corner.program, 6)
    result = run_board_bench(corner.build(tmp_path / "build"), tmp_path / "work", words=words)
    assert result.ok, result.failures
    assert (result.outputs == GoldenModel(corner.program).predict_raw(words)).all()


@pytest.mark.long
def test_images_pin_to_pin(digits_model: Path, tmp_path: Path) -> None:
    """The embedded model compiled, and scikit-learn's digits through the pins."""
    project = mondeq_hw.compile(digits_model, tmp_path / "build", bits=3, rounding="nearest", reuse_factor=64)
    test = digits("test").first(20)
    words = project.golden.words(test.words)
    result = run_board_bench(project.folder, tmp_path / "work", words=words)
    assert result.ok, result.failures
    assert np.mean(result.outputs.argmax(axis=1) == test.targets) > 0.8


@pytest.mark.long
def test_mnist_pin_to_pin(shared: Path, tmp_path: Path) -> None:
    """The published checkpoint at four bits, and MNIST's first test images through the pins."""
    model = shared / "checkpoints" / "li_2026_mnist_mondeq.pt"
    mnist_pixels = {"input_scale": 1 / 255, "input_mean": 0.1307, "input_std": 0.3081}
    project = mondeq_hw.compile(model, tmp_path / "build", bits=4, rounding="nearest", **mnist_pixels)
    test = mnist(shared / "data" / "mnist", "test").first(6)
    result = run_board_bench(project.folder, tmp_path / "work", words=test.words, tests=["samples"])
    assert result.ok, result.failures
    assert (result.outputs.argmax(axis=1) == test.targets).all()


def test_bench_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from mondeq_hw.rtl_tests.__main__ import main

    build = CORNERS["single"]().build(tmp_path / "build")
    main(build, design="board", samples=2, test=["samples", "cut_short"], work=tmp_path / "work")
    assert re.findall(r"(\w+) +│ passed", capsys.readouterr().out) == ["samples", "cut_short"]
    with pytest.raises(InputError) as caught:
        run_board_bench(build, tmp_path / "work", words=np.zeros((1, 9)))
    assert caught.value.exit_code == EXIT_BAD_INPUT
