"""The host's end of the serial line: a board as a solver.

::

    solver = SerialSolver.open("/dev/ttyUSB0", 1_000_000, project.program)
    y = solver.predict(X)

Every answer is bound to its request by a sequence number, to its content by a
CRC-32, and to the program by the SHA-256 that the board gives when it is
opened.  What is lost or damaged on the line is sent again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from ..base import InputError, MissingToolError, MondeqError
from ..problem import ERROR, InputWords
from ..program import SolverProgram
from .frames import (
    OVERHEAD,
    Frame,
    FrameReader,
    Kind,
    Reason,
    identity,
    largest_answer,
    pack_sample,
    sample_bytes,
    unpack_result,
)

#: Requests under way: the next is received while the board computes.
WINDOW = 4
#: Seconds without an answer that mean none will come; far above the board's own time-out, which ends damaged frames.
ANSWER_SECONDS = 0.25

_REASONS = {reason.value: reason.name for reason in Reason}
_ANSWER_TO = {Kind.INFER: Kind.RESULT, Kind.IDENTIFY: Kind.IDENTITY}


class LinkError(MondeqError):
    """The board does not answer as it should."""


class SerialPort(Protocol):
    """What is needed of a port; ``serial.Serial`` with a time-out is one."""

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; fewer when the time-out passes first."""

    def write(self, data: bytes) -> Any:
        """Send all of them."""


class SerialSolver:
    """A board with the bitstream of a program.

    Parameters
    ----------
    port : SerialPort
        Its time-out must be longer than the board's (20 ms) and than the
        longest wait for an answer: :meth:`open` chooses it.
    program : SolverProgram
    retries : int
        How often what is missing is asked for again without any progress.
    inputs : InputWords, optional
        Which values the input words stand for, ``project.preprocessing.words``; where absent, those of their format.

    Raises
    ------
    LinkError
        Nothing answers, or the board holds another program.
    """

    def __init__(self, port: SerialPort, program: SolverProgram, retries: int = 3, inputs: InputWords | None = None):
        self.port, self.program, self.retries = port, program, retries
        self.inputs = InputWords.kept(program.input_format) if inputs is None else inputs
        self._reader = FrameReader(largest_answer(program))
        self._sequence = 0
        sample_bytes(program)
        self._settle({}, {})
        found = self.identify()
        if found != program.digest:
            raise LinkError(f"the board holds the program {found}, not {program.digest}; load its own bitstream")

    @staticmethod
    def open(
        device: str, baud: int, program: SolverProgram, retries: int = 3, inputs: InputWords | None = None
    ) -> SerialSolver:
        """Open a serial device by pyserial.

        Raises
        ------
        MissingToolError, InputError, LinkError
        """
        try:
            import serial
        except ImportError:
            raise MissingToolError(
                "pyserial is not installed; pip install -c constraints.txt -e '.[host]' in the repository"
            ) from None
        seconds = ANSWER_SECONDS + WINDOW * 10 * (sample_bytes(program) + OVERHEAD) / baud
        try:
            port = serial.Serial(device, baud, timeout=seconds)
        except (OSError, ValueError) as error:
            raise InputError(f"{device}: cannot be opened at {baud} baud ({error})") from None
        return SerialSolver(port, program, retries, inputs)

    def identify(self) -> str:
        """SHA-256 of the program on the board, as in ``program.json``."""
        (answer,) = self._exchange([(Kind.IDENTIFY, b"")])
        version = identity(self.program)[:1]
        if answer[:1] != version:
            raise LinkError(f"the board speaks version {answer[:1].hex()} of the protocol; expected {version.hex()}")
        return answer[1:].hex()

    def predict(self, X: np.ndarray, on_overflow: str = ERROR) -> np.ndarray:
        """Outputs (samples, k) as real numbers, of values (samples, d) as :meth:`Project.predict` takes them.

        Of whole samples, of which the network keeps some values, ``project.preprocessing.kept.of(samples)``.
        """
        values = np.asarray(X)
        raw = self.inputs.raw(values.reshape(len(values), -1), on_overflow).announced().raw
        words = self.predict_raw(self.program.input_format.quantize(raw))
        return np.ldexp(words.astype(np.float64), -self.program.output_fractional_bits)

    def predict_raw(self, words: np.ndarray) -> np.ndarray:
        """Output words (samples, k) of input words (samples, d).

        Raises
        ------
        InputError
            The words are not the program's.
        LinkError
            The board does not answer.
        """
        words, form = np.asarray(words), self.program.input_format
        if words.ndim != 2 or words.shape[1] != self.program.d:
            raise InputError(f"input words have shape {words.shape}; expected (samples, {self.program.d})")
        if words.dtype.kind not in "iu" or (
            words.size and not form.min_word <= words.min() <= words.max() <= form.max_word
        ):
            raise InputError(f"input words are not all integers from {form.min_word} to {form.max_word}")
        payloads = self._exchange([(Kind.INFER, pack_sample(self.program, sample)) for sample in words])
        rows = [unpack_result(self.program, payload) for payload in payloads]
        dtype = np.int64 if self.program.output_bits < 64 else object
        return np.array(rows, dtype=dtype).reshape(len(words), self.program.k)

    # -- the line ------------------------------------------------------------------

    def _exchange(self, requests: list[tuple[Kind, bytes]]) -> list[bytes]:
        """Payloads of the answers, in the order of the requests."""
        answers: dict[int, bytes] = {}
        failures, trouble = 0, ""
        while len(answers) < len(requests):
            if failures > self.retries:
                raise LinkError(
                    f"{trouble}, {failures} times in a row; check the cable, the baud rate and the bitstream"
                )
            before = len(answers)
            trouble = self._attempt(requests, answers)
            failures = 0 if len(answers) > before else failures + 1
        return [answers[index] for index in range(len(requests))]

    def _attempt(self, requests: list[tuple[Kind, bytes]], answers: dict[int, bytes]) -> str:
        """Ask for what is missing until something goes wrong; returns what did."""
        todo = deque(index for index in range(len(requests)) if index not in answers)
        waiting: dict[int, tuple[int, Kind]] = {}
        while todo or waiting:
            while todo and len(waiting) < WINDOW:
                index = todo.popleft()
                kind, payload = requests[index]
                self._sequence = (self._sequence + 1) % 256
                waiting[self._sequence] = index, _ANSWER_TO[kind]
                self.port.write(Frame(kind, self._sequence, payload).encode())
            data = self.port.read(self._reader.wanted)
            if not data:
                self._reader.forget()
                return "the board did not answer"
            refused = self._take(self._reader.feed(data), waiting, answers)
            if refused:
                self._settle(waiting, answers)
                return f"the board refused a frame ({refused})"
        return ""

    def _take(self, frames: Iterable[Frame], waiting: dict[int, tuple[int, Kind]], answers: dict[int, bytes]) -> str:
        """Keep the answers that are waited for; returns the reason of an error answer."""
        refused = ""
        for frame in frames:
            if frame.kind == Kind.ERROR:
                refused = _REASONS.get(int.from_bytes(frame.payload, "little"), "unknown reason")
            elif frame.sequence in waiting and waiting[frame.sequence][1] == frame.kind:
                answers[waiting.pop(frame.sequence)[0]] = frame.payload
        return refused

    def _settle(self, waiting: dict[int, tuple[int, Kind]], answers: dict[int, bytes]) -> None:
        """Read until the line is quiet: then no answer is under way, and the board waits for a new frame."""
        while data := self.port.read(self._reader.wanted):
            self._take(self._reader.feed(data), waiting, answers)
        self._reader.forget()
