"""Verification: golden model = compiled C++ = simulated RTL = C++ inside the simulator = netlist, word for word.

The files of the build folder are what is compiled and simulated, whoever
edited them since; only the program is read, and the golden model computed
from it here.  When a backend disagrees it is run once more with its states
traced, and the first state that differs says where.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..base import InputError, answer
from ..hardware import completion_cycles, load_schedule, macro_name, module_name
from ..program import GoldenModel, SolverProgram
from ..rtl_tests import (
    SIMULATORS,
    BenchResult,
    Icarus,
    SimulationError,
    Verilator,
    name_in,
    netlist_file,
    require,
    run_bench,
)
from .csim import EXACT_WIDTHS, NATIVE_TYPES, CSimulation, CSimulationError
from .locate import Mismatch, StateTrace, behaviour, first_wrong_sample, locate, read_trace


@dataclass(frozen=True)
class ComparedCycles:
    """Clock cycles of back-to-back samples, by the schedule's model and by simulation.

    Parameters
    ----------
    predicted_first, simulated_first : int
        Cycle of the first sample's last output beat, the first input beat's being 0.
    predicted_per_sample, simulated_per_sample : float or None
        Mean distance of the samples after it; None with a single sample.
    """

    predicted_first: int
    simulated_first: int
    predicted_per_sample: float | None
    simulated_per_sample: float | None


@dataclass(frozen=True)
class BackendReport:
    """One implementation's comparison with the golden model.

    Parameters
    ----------
    name : str
        ``c++``, ``c++, exact widths``, ``rtl on verilator``, ``c++ on verilator``, ``ecp5-25 netlist on icarus``
        and so on.
    tool : str
        What compiled or simulated it, with its version.
    samples : int
        Samples compared.
    wrong_samples : int
        Samples with a missing or different output word.
    tests_passed, tests_failed : tuple of str
        Cocotb tests; empty for plain C++.
    cycles : ComparedCycles or None
        For our RTL and its netlists only.
    seconds : float
    mismatch : Mismatch or None
    log : str or None
        Where the logs are; kept when there is a mismatch.
    """

    name: str
    tool: str
    samples: int
    wrong_samples: int
    tests_passed: tuple[str, ...]
    tests_failed: tuple[str, ...]
    cycles: ComparedCycles | None
    seconds: float
    mismatch: Mismatch | None
    log: str | None


@dataclass(frozen=True, repr=False)
class VerifyReport:
    """What was compared with the golden model, and how it came out.

    Parameters
    ----------
    program_digest : str
        SHA-256 of the program's integers.
    certified : bool
    samples : int
        Input samples given.
    backends : tuple of BackendReport
    sources : tuple of (str, str)
        Every file that was compiled or simulated, with its SHA-256.
    """

    program_digest: str
    certified: bool
    samples: int
    backends: tuple[BackendReport, ...]
    sources: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        verdict = "equal to the golden model" if self.ok else f"MISMATCH: {self.mismatches[0]}"
        compared = ", ".join(f"{backend.name} ({backend.samples})" for backend in self.backends)
        return f"VerifyReport of the program {self.program_digest[:12]}: {verdict}\n  samples compared: {compared}"

    @property
    def ok(self) -> bool:
        """Whether every backend agreed in every word and passed every bench."""
        return not self.mismatches

    @property
    def mismatches(self) -> tuple[Mismatch, ...]:
        """The first mismatch of each backend that has one."""
        return tuple(backend.mismatch for backend in self.backends if backend.mismatch is not None)

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"ok": self.ok, **asdict(self), "sources": dict(self.sources)}


def verify(
    build: Path,
    words: np.ndarray,
    *,
    rtl_samples: int = 32,
    simulators: Sequence[str] = ("verilator",),
    netlists: Sequence[str] = (),
    exact_widths: bool = False,
    seed: int = 0,
    work: Path | None = None,
) -> VerifyReport:
    """Compare every implementation in a build folder with the golden model of its program.

    Parameters
    ----------
    build : Path
        Folder written by ``mondeq-hw compile``.
    words : ndarray of int64 (samples, d)
        Input words; all of them go through the C++.
    rtl_samples : int
        The first so many go through the simulators; the benches with stalls
        and resets take a few of them.
    simulators : sequence of {"verilator", "icarus"}
        Verilator also runs the C++ behind the DPI-C shell.
    netlists : sequence of str
        ECP5 parts whose netlists, left by ``mondeq-hw synth``, are simulated too.
    exact_widths : bool
        Also the C++ with the types that a synthesiser gets, for as many samples as the simulators.
    seed : int
        Of the benches' stalls.
    work : Path, optional
        Compiled simulations and logs go there and are used again; when
        absent, a temporary folder that is kept only after a mismatch.

    Returns
    -------
    VerifyReport

    Raises
    ------
    InputError
        The folder, its program or the words are not what they must be.
    MissingToolError
        With the remedy.
    """
    program = SolverProgram.load(build)
    golden = GoldenModel(program)
    words = np.asarray(words)
    if len(words) == 0 or rtl_samples < 1:
        raise InputError(f"received {len(words)} samples and rtl_samples = {rtl_samples}; expected at least 1 of each")
    expected = golden.predict_raw(words)
    tools = _tools(simulators)
    files = [netlist_file(build, part) for part in netlists]
    folder = Path(tempfile.mkdtemp(prefix="mondeq-verify-")) if work is None else work.resolve()
    try:
        check = _Check(build.resolve(), program, golden, folder, seed)
        backends = [check.compiled("c++", NATIVE_TYPES, words, expected)]
        if exact_widths:
            few = words[:rtl_samples], expected[:rtl_samples]
            backends.append(check.compiled("c++, exact widths", EXACT_WIDTHS, *few))
        for tool in tools:
            backends.append(check.simulated("rtl", tool, words[:rtl_samples], expected[:rtl_samples]))
            if isinstance(tool, Verilator):
                backends.append(check.simulated("hls", tool, words[:rtl_samples], expected[:rtl_samples]))
            backends += [check.netlist(part, tool, words[:rtl_samples], expected[:rtl_samples]) for part in netlists]
        report = VerifyReport(program.digest, program.certified, len(words), tuple(backends), _sources(build, files))
    except BaseException:
        _discard(folder, work)
        raise
    if report.ok:
        _discard(folder, work)
    return report


def _tools(simulators: Sequence[str]) -> list[Verilator | Icarus]:
    """Every tool that is needed, found before the first long computation."""
    for name in simulators:
        if name not in SIMULATORS:
            raise InputError(f"simulator is {name!r}; expected one of {', '.join(SIMULATORS)}")
    require("g++", "C simulation")
    return [SIMULATORS[name]() for name in simulators]


def _discard(folder: Path, asked_for: Path | None) -> None:
    if asked_for is None:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Check:
    """One build folder and its golden model; each method compares one backend."""

    build: Path
    program: SolverProgram
    golden: GoldenModel
    work: Path
    seed: int

    def compiled(self, name: str, types: tuple[str, ...], words: np.ndarray, expected: np.ndarray) -> BackendReport:
        """The C++, compiled by g++."""
        start = time.perf_counter()
        wrong, mismatch = len(words), None
        try:
            simulation = CSimulation(self.build, self.work, types)
            outputs, flags = simulation.run(words)
            wrong, first = first_wrong_sample(outputs, expected)
            if first is not None:
                begin = 0 if self.program.is_sequential else first
                samples = words[begin : first + 1]
                states, _ = simulation.trace(samples)
                trace = StateTrace(states, np.ones(states.shape, dtype=bool))
                mismatch = locate(name, self.golden.trace(samples), trace, outputs[first], begin)
            elif flags is not None and len(off := np.flatnonzero(flags != self.golden.flags(words))):
                wrong = len(off)
                mismatch = behaviour(name, f"sample {off[0]}: TUSER is {int(flags[off[0]])}; expected the other")
        except CSimulationError as error:
            mismatch = behaviour(name, str(error))
        return BackendReport(
            name=name,
            tool=f"g++ {_compiler_version()}",
            samples=len(words),
            wrong_samples=wrong,
            tests_passed=(),
            tests_failed=(),
            cycles=None,
            seconds=time.perf_counter() - start,
            mismatch=mismatch,
            log=str(self.work) if mismatch else None,
        )

    def netlist(self, part: str, tool: Verilator | Icarus, words: np.ndarray, expected: np.ndarray) -> BackendReport:
        """What synthesis made of the RTL, under every bench; its states have no names left, so only outputs do."""
        name = f"{part} netlist on {tool.name}"
        start = time.perf_counter()
        result, wrong, mismatch = None, len(words), None
        try:
            result = self._bench("netlist", tool, words, part=part)
            wrong, first = first_wrong_sample(result.outputs, expected)
            if first is not None:
                received = result.outputs[first].tolist() if first < len(result.outputs) else "nothing"
                mismatch = behaviour(name, f"sample {first}: received {received}, expected {expected[first].tolist()}")
            elif not result.ok:
                mismatch = behaviour(name, f"test {result.failures[0].test}: {result.failures[0].message}")
        except SimulationError as error:
            mismatch = behaviour(name, str(error))
        return self._simulation_report(name, tool, words, wrong, result, mismatch, start)

    def simulated(
        self, design: str, tool: Verilator | Icarus, words: np.ndarray, expected: np.ndarray
    ) -> BackendReport:
        """The RTL, or the C++ behind its shell, under every bench."""
        name = f"{'rtl' if design == 'rtl' else 'c++'} on {tool.name}"
        start = time.perf_counter()
        result, wrong = None, len(words)
        try:
            result = self._bench(design, tool, words)
            wrong, first = first_wrong_sample(result.outputs, expected)
            mismatch = None
            if first is not None:
                mismatch = self._located(name, design, tool, words[: first + 1], result)
            elif not result.ok:
                failure = result.failures[0]
                mismatch = behaviour(name, f"test {failure.test}: {failure.message}")
        except SimulationError as error:
            mismatch = behaviour(name, str(error))
        return self._simulation_report(name, tool, words, wrong, result, mismatch, start)

    def _simulation_report(
        self,
        name: str,
        tool: Verilator | Icarus,
        words: np.ndarray,
        wrong: int,
        result: BenchResult | None,
        mismatch: Mismatch | None,
        start: float,
    ) -> BackendReport:
        return BackendReport(
            name=name,
            tool=f"{tool.name} {tool.version}",
            samples=len(words),
            wrong_samples=wrong,
            tests_passed=result.passed if result else (),
            tests_failed=tuple(failure.test for failure in result.failures) if result else (),
            cycles=self._cycles(words, result) if result and result.design != "hls" else None,
            seconds=time.perf_counter() - start,
            mismatch=mismatch,
            log=str(result.log if result else self.work) if mismatch else None,
        )

    def _bench(self, design: str, tool: Verilator | Icarus, words: np.ndarray, **options: Any) -> BenchResult:
        return run_bench(
            self.build, self.work, design=design, simulator=tool.name, words=words, seed=self.seed, **options
        )

    def _located(
        self, name: str, design: str, tool: Verilator | Icarus, words: np.ndarray, result: BenchResult
    ) -> Mismatch:
        """Run up to the first wrong sample again, with every state written to a file."""
        path = self.work / f"trace-{design}-{tool.name}.txt"
        path.unlink(missing_ok=True)
        prefix = name_in(design, self.program)
        defines, plusargs = (macro_name(prefix, "TRACE"),), (f"+{module_name(prefix, 'trace')}={path}",)
        self._bench(design, tool, words, tests=("back_to_back",), defines=defines, plusargs=plusargs)
        trace = read_trace(path, self.program.iterations, len(words), self.program.n)
        if not trace.written.any() and result.failures:
            return behaviour(name, f"no state was written; {result.failures[0].message}")
        outputs = result.outputs[len(words) - 1] if len(words) <= len(result.outputs) else None
        return locate(name, self.golden.trace(words), trace, outputs)

    def _cycles(self, words: np.ndarray, result: BenchResult) -> ComparedCycles | None:
        if len(result.cycles) != len(words):
            return None
        predicted = completion_cycles(load_schedule(self.build), self.golden.iterations(words))
        return ComparedCycles(
            predicted_first=int(predicted[0]),
            simulated_first=int(result.cycles[0]),
            predicted_per_sample=_mean_distance(predicted),
            simulated_per_sample=_mean_distance(result.cycles),
        )


def _mean_distance(cycles: np.ndarray) -> float | None:
    return float(cycles[-1] - cycles[0]) / (len(cycles) - 1) if len(cycles) > 1 else None


def _compiler_version() -> str:
    return answer(["g++", "-dumpfullversion"]).strip()


def _sources(build: Path, netlists: list[Path]) -> tuple[tuple[str, str], ...]:
    program = [build / "program.json", build / "program.npz"]
    files = [*program, *(build / "rtl").rglob("*"), *(build / "hls").rglob("*"), *netlists]
    return tuple(
        (str(path.relative_to(build)), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(files)
        if path.is_file()
    )
