"""C simulation: a build folder's HLS C++, compiled with g++ and run.

The headers are the open ``ap_types`` that hls4ml installs, so the arithmetic
is that of the vendor's types, bit for bit, and not a re-implementation of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base import InputError, MissingToolError, MondeqError, computed, digests, is_stamped, run, stamp
from ..hardware import include_folders
from ..rtl_tests import at_fault, toolchain

#: The language is the one Vitis HLS defaults to; ``#pragma HLS`` is for another compiler; and the default
#: constructors of ``ap_types`` mask the unused bits of what nobody has set yet.
COMPILER_FLAGS = (
    *("-std=c++14", "-O3", "-Wall", "-Wextra"),
    *("-Wno-unknown-pragmas", "-Wno-uninitialized", "-Wno-maybe-uninitialized"),
)


#: What the compiled programs also define: native integers where they hold every value, or the synthesiser's types.
NATIVE_TYPES: tuple[str, ...] = ()
EXACT_WIDTHS = ("-DMONDEQ_EXACT_WIDTHS",)

#: A run that takes longer than this hangs: some hundred times what a slow machine needs.
LEAST_SECONDS = 120.0
SECONDS_PER_PRODUCT = 5e-7


PROBE = '#include "ap_fixed.h"\nint main() { return ap_int<4>(1) == 1 ? 0 : 1; }\n'


class CSimulationError(MondeqError):
    """The emitted C++ does not compile, or its testbench failed."""

    __str__ = MondeqError.in_shell  # a tool's own words stay as they are


class RefusedCppError(CSimulationError):
    """It does not compile."""


@dataclass(frozen=True)
class Sizes:
    """What the compiled program says of itself."""

    inputs: int
    input_bits: int
    outputs: int
    states: int
    iterations: int
    input_signed: int = 0
    flags: int = 0

    @property
    def input_range(self) -> tuple[int, int]:
        """Smallest and largest input word."""
        half = self.input_signed << (self.input_bits - 1)
        return -half, (1 << self.input_bits) - 1 - half


class CSimulation:
    """The C++ of a build folder as a callable model.

    Parameters
    ----------
    folder : Path
        Build folder; its ``hls`` is compiled.
    work : Path
        Where the executable and its log go; compiled again only when a
        source, the compiler, the headers or the types change.
    types : {NATIVE_TYPES, EXACT_WIDTHS}
        Of the multiply-accumulate array; exact widths take g++ some ten times as long.

    Raises
    ------
    MissingToolError
        Without g++ or hls4ml.
    InputError
        When ``folder`` holds no emitted C++.
    CSimulationError
        When the C++ does not compile; names the log.
    BrokenToolError
        When g++ does not compile a program of one line either, or the machine ended it.
    """

    def __init__(self, folder: Path, work: Path, types: tuple[str, ...] = NATIVE_TYPES):
        with _design_at_fault():
            self._program = _compiled(folder / "hls", work.resolve(), types)
            answer = _run([str(self._program), "--sizes"])
        try:
            self.sizes = Sizes(*map(int, answer.split()))
        except (TypeError, ValueError):
            raise CSimulationError(f"{self._program}: --sizes answers {answer!r}; compile the model again") from None

    def predict_raw(self, words: np.ndarray) -> np.ndarray:
        """Output words (samples, k) of input words (samples, d).

        int64, or Python integers (object) when an output word has more than
        63 bits, as in the golden model.
        """
        return self.run(words)[0]

    def run(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Those, and TUSER of each sample (samples,), bool, where the outputs carry it."""
        with tempfile.TemporaryDirectory() as scratch, _design_at_fault():
            outputs, flags, _ = self._simulate(words, Path(scratch), traced=False)
        return outputs, flags if self.sizes.flags else None

    def trace(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """States and updates that the C++ makes.

        Returns
        -------
        states : ndarray of int64 (iterations + 1, samples, n)
            They repeat where a sample makes none, as in ``Trace``.
        updates : ndarray of int64 (samples,)
            Number of each sample's last update.
        """
        with tempfile.TemporaryDirectory() as scratch, _design_at_fault():
            _, _, lines = self._simulate(words, Path(scratch), traced=True)
        updates = np.zeros(len(words), dtype=np.int64)
        np.maximum.at(updates, lines[:, 0], lines[:, 1])
        return _states(lines, len(words), self.sizes), updates

    def _simulate(self, words: np.ndarray, scratch: Path, traced: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        words = self._checked(words)
        files = [scratch / name for name in ("words.txt", "outputs.txt", "trace.txt")]
        files[0].write_text("\n".join(" ".join(map(str, row)) for row in words.tolist()))
        size = self.sizes
        products = size.states * (size.inputs + size.iterations * size.states + size.outputs)
        seconds = LEAST_SECONDS + SECONDS_PER_PRODUCT * products * len(words)
        _run([str(self._program), *map(str, files if traced else files[:2])], seconds)
        rows = [line.split() for line in files[1].read_text().splitlines()]
        outputs = _words([row[: size.outputs] for row in rows], size.outputs)
        flags = np.array([row[size.outputs :] == ["1"] for row in rows], dtype=bool)
        if len(outputs) != len(words):
            raise CSimulationError(f"{self._program}: {len(words)} samples went in, {len(outputs)} came out")
        lines = np.array(files[2].read_text().split() if traced else [], dtype=np.int64)
        return outputs, flags, lines.reshape(-1, 4)

    def _checked(self, words: np.ndarray) -> np.ndarray:
        words = np.asarray(words)
        if words.ndim != 2 or words.shape[1] != self.sizes.inputs or words.dtype.kind not in "iu":
            raise InputError(
                f"input words are {words.dtype}{words.shape}; expected integers (samples, {self.sizes.inputs})"
            )
        low, top = self.sizes.input_range
        if words.size and (words.min() < low or words.max() > top):
            raise InputError(f"input words reach from {words.min()} to {words.max()}; expected {low} to {top}")
        return words


# -- results -----------------------------------------------------------------------


def _words(rows: list[list[str]], size: int) -> np.ndarray:
    """Two's complement hexadecimal words of equal width to integers."""
    if not rows:
        return np.zeros((0, size), dtype=np.int64)
    bits = 4 * len(rows[0][0])
    unsigned = [[int(word, 16) for word in row] for row in rows]
    signed = [[word - (word >> (bits - 1) << bits) for word in row] for row in unsigned]
    exact = np.array(signed, dtype=object)
    small = all(-(2**63) < word < 2**63 for row in signed for word in row)
    return exact.astype(np.int64) if small else exact


def _states(lines: np.ndarray, samples: int, sizes: Sizes) -> np.ndarray:
    """States of the trace's lines ``sample iteration row value``, repeated until the next, also of the next sample."""
    states = np.zeros((sizes.iterations + 1, samples, sizes.states), dtype=np.int64)
    written = np.zeros(states.shape, dtype=bool)
    sample, iteration, row, value = lines.T
    states[iteration, sample, row] = value
    written[iteration, sample, row] = True
    last = np.zeros(sizes.states, dtype=np.int64)
    for each in range(samples):
        for index in range(len(states)):
            last = states[index, each] = np.where(written[index, each], states[index, each], last)
    return states


# -- compilation -------------------------------------------------------------------


def _compiled(sources: Path, work: Path, types: tuple[str, ...]) -> Path:
    """Executable testbench of the sources, from the cache of ``work`` when nothing has changed."""
    if not (sources / "mondeq_top.cpp").is_file():
        raise InputError(f"{sources}: no emitted C++; expected a folder written by 'mondeq-hw compile'")
    compiler = shutil.which("g++")
    if compiler is None:
        raise MissingToolError("g++ is not on PATH; C simulation needs it; run: apt install g++")
    headers = include_folders()
    key = _digest(sources, headers, types)
    program = work / f"csim-{key[:16]}"
    record = program.with_suffix(".json")
    if not is_stamped(record, key, work, [program.name]):
        work.mkdir(parents=True, exist_ok=True)
        _compile(sources, compiler, headers, types, program)
        stamp(record, key, work, [program.name])
    return program


def _digest(sources: Path, headers: tuple[Path, ...], types: tuple[str, ...]) -> str:
    content = [digests(folder, ["."]) for folder in headers]
    total = hashlib.sha256(repr((toolchain(), COMPILER_FLAGS, types, headers, content)).encode())
    for path in sorted(path for path in sources.rglob("*") if path.suffix in (".h", ".cpp", ".inc") and path.is_file()):
        total.update(f"{path.relative_to(sources)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _compile(sources: Path, compiler: str, headers: tuple[Path, ...], types: tuple[str, ...], program: Path) -> None:
    part, log = program.with_suffix(f".{os.getpid()}.part"), program.with_suffix(".log")
    # One unit of both files reads the vendor's headers once: a quarter less of compilation.
    flags = ["-DMONDEQ_TRACE", *types, "-include", str(sources / "mondeq_top.cpp")]
    command = _command(compiler, headers, flags, part, sources / "mondeq_tb.cpp")
    with log.open("w") as output:
        output.write(" ".join(command) + "\n")
        output.flush()
        try:
            code = run(command, stdout=output, stderr=subprocess.STDOUT).returncode
        except OSError as error:
            raise CSimulationError(f"{compiler} does not start: {error.strerror}") from None
    if code != 0:
        part.unlink(missing_ok=True)
        lines = log.read_text(errors="replace").splitlines()[1:]
        errors = [line for line in lines if "error" in line][:5] or lines[-5:]
        raise RefusedCppError(f"{sources}: g++ failed with code {code} (log: {log}):\n" + "\n".join(errors))
    part.replace(program)


def _command(compiler: str, headers: tuple[Path, ...], flags: list[str], program: Path, source: Path) -> list[str]:
    includes = [argument for folder in headers for argument in ("-isystem", str(folder))]
    return [compiler, *COMPILER_FLAGS, *includes, *flags, "-o", str(program), str(source)]


# -- whose fault -------------------------------------------------------------------


def _design_at_fault() -> AbstractContextManager[None]:
    """C++ that does not compile or start is no mismatch where a program of one line does not either."""
    return at_fault(CSimulationError, _works, "g++", "a program of one line", "PATH, CPATH, LD_LIBRARY_PATH")


def _works() -> bool:
    with tempfile.TemporaryDirectory(prefix="mondeq-probe-") as folder:
        source, program = Path(folder) / "probe.cpp", Path(folder) / "probe"
        source.write_text(PROBE)
        try:
            _run(_command("g++", include_folders(), [], program, source))
            _run([str(program)])
        except CSimulationError:
            return False
    return True


def _run(command: list[str], seconds: float = LEAST_SECONDS) -> str:
    try:
        done = computed(command, seconds, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise CSimulationError(f"{command[0]} does not start: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise CSimulationError(f"{command[0]}: no end after {seconds:.0f} s; the C++ does not terminate") from None
    if done.returncode != 0:
        message = (done.stderr or done.stdout).strip()
        raise CSimulationError(f"{command[0]} failed with code {done.returncode}: {message}")
    if "WARNING: Hls::stream" in done.stdout:
        raise CSimulationError(f"{command[0]}: {done.stdout.splitlines()[0]}")
    return done.stdout
