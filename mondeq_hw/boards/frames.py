"""Frames on the serial line between a host and a board, and the words in them.

One definition for both ends: :mod:`mondeq_hw.boards.host` uses it, and
:mod:`mondeq_hw.boards.board_rtl` writes its constants into the hardware's package.
The format is described in ``docs/bitstream.md``.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ..base import InputError
from ..program import SolverProgram

SYNC = 0xA5
PROTOCOL = 1
#: Bytes of a frame beside its payload: sync, kind, sequence number, length (2), CRC-32 (4).
OVERHEAD = 9
MAX_PAYLOAD = 2**16 - 1
_HEADER = 5


class Kind(IntEnum):
    """What a frame is: two requests, three answers."""

    INFER = 0x01
    IDENTIFY = 0x02
    RESULT = 0x81
    IDENTITY = 0x82
    ERROR = 0x83


class Reason(IntEnum):
    """Why a frame was refused: the payload of an error answer."""

    NONE = 0
    CRC = 1
    LENGTH = 2
    KIND = 3
    LINE = 4
    TIMEOUT = 5
    BUSY = 6
    STRAY = 7


@dataclass(frozen=True)
class Frame:
    """One frame.

    Parameters
    ----------
    kind : int
        A :class:`Kind`.
    sequence : int
        0 to 255; an answer carries that of its request.
    payload : bytes
    """

    kind: int
    sequence: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """As it goes over the line."""
        covered = bytes((self.kind, self.sequence)) + len(self.payload).to_bytes(2, "little") + self.payload
        return bytes((SYNC,)) + covered + zlib.crc32(covered).to_bytes(4, "little")


class FrameReader:
    """Finds frames in received bytes, and passes over what is none.

    Parameters
    ----------
    largest : int
        Payload of the largest frame that can come; what announces more is none.
    """

    def __init__(self, largest: int = MAX_PAYLOAD) -> None:
        self.largest = largest
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes as they come; returns the frames that they complete."""
        self._bytes += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    @property
    def wanted(self) -> int:
        """Bytes that may be waited for before :meth:`feed` can return anything new; at least 1."""
        if len(self._bytes) < _HEADER:
            return OVERHEAD - len(self._bytes)
        return OVERHEAD + int.from_bytes(self._bytes[3:_HEADER], "little") - len(self._bytes)

    def forget(self) -> None:
        """Drop an unfinished frame: the line was quiet."""
        self._bytes.clear()

    def _next(self) -> Frame | None:
        while True:
            start = self._bytes.find(SYNC)
            del self._bytes[: start if start >= 0 else len(self._bytes)]
            if len(self._bytes) < _HEADER:
                return None
            size = int.from_bytes(self._bytes[3:_HEADER], "little")
            if size <= self.largest:
                if self.wanted > 0:
                    return None
                end = OVERHEAD + size
                covered, checksum = bytes(self._bytes[1 : end - 4]), bytes(self._bytes[end - 4 : end])
                if zlib.crc32(covered).to_bytes(4, "little") == checksum:
                    del self._bytes[:end]
                    return Frame(covered[0], covered[1], covered[4:])
            del self._bytes[0]


# -- payloads --------------------------------------------------------------------


def word_bytes(bits: int) -> int:
    """Bytes of a word on the line."""
    return -(-bits // 8)


def sample_bytes(program: SolverProgram) -> int:
    """Payload of an inference request.

    Raises
    ------
    InputError
        When a frame cannot hold a sample.
    """
    size = program.d * word_bytes(program.input_format.word_length)
    if size > MAX_PAYLOAD:
        raise InputError(f"a sample has {size} bytes; a frame holds {MAX_PAYLOAD}: reduce the inputs or their bits")
    return size


def largest_answer(program: SolverProgram) -> int:
    """Bytes of the largest payload that a board sends."""
    return max(program.k * word_bytes(program.output_bits), len(identity(program)))


def identity(program: SolverProgram) -> bytes:
    """Payload of an identity answer: the protocol's version and the program's SHA-256."""
    return bytes((PROTOCOL,)) + bytes.fromhex(program.digest)


def pack_sample(program: SolverProgram, words: np.ndarray) -> bytes:
    """Input words (d,) as the payload of a request: each sign-extended to whole bytes, low byte first."""
    size, signed = word_bytes(program.input_format.word_length), program.input_format.signed
    return b"".join(int(word).to_bytes(size, "little", signed=signed) for word in words)


def unpack_result(program: SolverProgram, payload: bytes) -> list[int]:
    """Output words (k,) of a result's payload: each sign-extended to whole bytes, low byte first.

    Raises
    ------
    InputError
        The payload has another length.
    """
    size = word_bytes(program.output_bits)
    if len(payload) != size * program.k:
        raise InputError(f"a result has {len(payload)} bytes; expected {program.k} words of {size}")
    return [int.from_bytes(payload[at : at + size], "little", signed=True) for at in range(0, len(payload), size)]
