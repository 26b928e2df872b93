"""Mutants made by rule: every place of a source where an operator of the list applies, and what notices it.

The lists of ``test_*_mutants.py`` are mistakes that somebody thought of.  These are those that nobody did: a rule
replaces one operator, constant, condition or assignment.  ``scripts/mutate`` runs a sample of them.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

from corner_programs import CARRIED, CORNERS, DIRECT, WARM, Corner, hardened, slow_core
from lint import lint
from random_models import random_words
from test_hls_mutants import agrees, full_sums, full_sums_agree

from mondeq_hw.formal import UNDECIDED, UNITS, ProverFailedError, module_text, unit_status
from mondeq_hw.hardware.schedule import CONTROL, FULL
from mondeq_hw.program import SolverProgram
from mondeq_hw.rtl_tests.board_runner import QUICK, simulate_board, write_design
from mondeq_hw.rtl_tests.runner import BenchResult, run_bench
from mondeq_hw.rtl_tests.simulators import RefusedDesignError, SimulationError
from mondeq_hw.verification.csim import RefusedCppError

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))

import shell
import upsets

#: What stands in a parenthesis, with up to three more inside one another.
INSIDE = r"(?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))"
#: Regular expression and replacement.  Comparisons are those with a space on either side; in SystemVerilog `` <= ``
#: is an assignment as often, and stays.
RULES: tuple[tuple[str, str], ...] = (
    (r" == ", " != "),
    (r" != ", " == "),
    (r" < ", " >= "),
    (r" > ", " <= "),
    (r" >= ", " < "),
    (r" && ", " || "),
    (r" \|\| ", " && "),
    (r" & ", " | "),
    (r" \| ", " & "),
    (r" \^ ", " | "),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \* ", " + "),
    (r"<<", ">>"),
    (r">>>", ">>"),
    (r"(?<!>)>>(?!>)", "<<"),
    (r" \+ 1\b(?!')", " + 2"),
    (r" - 1\b(?!')", ""),
    (r"\b1'b0\b", "1'b1"),
    (r"\b1'b1\b", "1'b0"),
    (r"(?<![\w'])'0\b", "'1"),
    (r"(?<![\w'])'1\b", "'0"),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"(?<=[(\s])!(?=\w|\()", ""),
    (r"(?<=[(\s])~(?=\w|\()", ""),
    (rf"\bif \(({INSIDE}+)\)(?= |$)", r"if (!(\1))"),
    (rf"^(\s*(?:always_ff @\(\w+ \w+\) )?(?:else )?(?:if \({INSIDE}+\) )?)[\w.\[\]:' ]+ <= [^;]+;$", r"\1;"),
)
#: Lines that describe, and do nothing: types, ports, parameters, elaboration checks, pragmas.
IDLE = re.compile(
    r"^\s*(//|#|\*|`|import\b|typedef\b|template\b|using\b|static_assert\b|parameter\b|input\b|output\b|\(\*)"
    r"|\$fatal|\$error|static_assert|assert\b|\w+_error_"
)
#: The line behind the condition of an elaboration check.
REFUSAL = re.compile(r"\$fatal|\b\w+_error_\w+ u_error")
#: The samples of one run.
SAMPLES = 12
#: What no bench is about: the trace of the states, and what the compiler writes, a second name of the top among it.
NO_DESIGN = re.compile(r"state_trace|assert|_pkg|_graph|_core$")
BOARD_CORES = ("one_bit", "slow_core")
#: Tests compile every core, and one that a tool or an elaboration check refuses is noticed; all, and it is no mutant.
ONE_REFUSED = "one core of several does not compile"
#: Bits that are turned in each of these classes of registers and memories, on three cores of each protection.
FLIPS = 12
MEMORIES = "weights and constants"
UPSETS = {
    CONTROL: ("buffers' pointers", "credits", "input banks' control", "slot pointers", "solver's control", "pipelines"),
    FULL: (MEMORIES,),
}


class NoDesignError(Exception):
    """A mutant that does not compile, which says nothing about the benches."""


@dataclass(frozen=True)
class Mutation:
    """One replacement in one line of a template.

    Parameters
    ----------
    kind : str
        ``rtl``, ``hls`` or ``board``.
    file : str
        Name of the emitted source.
    source : str
        Digest of its text: folded and unrolled engines have files of one name.
    line : int
        From 1.
    original, mutated : str
        The whole line.
    """

    kind: str
    file: str
    source: str
    line: int
    original: str
    mutated: str

    def applied(self, text: str) -> str:
        """The source with the mistake."""
        lines = text.splitlines(keepends=True)
        assert lines[self.line - 1].rstrip("\n") == self.original, f"{self.file}:{self.line} is another line"
        lines[self.line - 1] = self.mutated + "\n"
        return "".join(lines)

    def is_of(self, path: Path) -> bool:
        """Whether a file is the source."""
        return path.is_file() and digest(path.read_text()) == self.source


def digest(text: str) -> str:
    """Short, of a source."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def mutations(kind: str, file: str, text: str) -> Iterator[Mutation]:
    """Every mutation of a source, each once."""
    seen, judged, lines = set(), False, [*text.splitlines(), ""]
    for number, (line, following) in enumerate(pairwise(lines), start=1):
        code = line.split("//")[0].rstrip()
        # What judges the design is none: assertions, and conditions of elaboration.
        judged = (judged or line.endswith("_ASSERT")) and line != "`endif"
        if judged or not code.strip() or IDLE.search(code) or REFUSAL.search(following):
            continue
        for pattern, replacement in RULES:
            for match in re.finditer(pattern, code):
                mutated = code[: match.start()] + match.expand(replacement) + code[match.end() :]
                if mutated != code and (number, mutated) not in seen:
                    seen.add((number, mutated))
                    yield Mutation(kind, file, digest(text), number, line, mutated)


@dataclass(frozen=True)
class Campaign:
    """Where the designs of a campaign are built; each once.

    Parameters
    ----------
    folder : Path
    """

    folder: Path

    def all(self) -> list[Mutation]:
        """Of every hand-written source, in the order of the files."""
        found = []
        for kind, sources in (("rtl", self._rtl()), ("hls", self._hls()), ("board", self._board())):
            for text, name in sorted(sources.items(), key=lambda item: (item[1], item[0])):
                found += mutations(kind, name, text)
        return found

    def killer(self, mutation: Mutation) -> str | None:
        """The design and test that notice a mutation; None where none does.

        Raises
        ------
        NoDesignError
            No design compiles with it.
        """
        kinds = {"rtl": self._simulated, "hls": self._compiled, "board": self._on_board}
        refused, compiles = False, False
        for run in kinds[mutation.kind](mutation):
            try:
                seen = run()
            except (RefusedDesignError, RefusedCppError):
                refused = True
                continue
            if seen is not None:
                return seen
            compiles = True
        if not compiles:
            raise NoDesignError(f"{mutation.file}:{mutation.line} does not compile: {mutation.mutated.strip()}")
        return ONE_REFUSED if refused else None

    def status(self, mutation: Mutation, short: bool = False) -> str:
        """Whether the mutant has every property of its unit, for all its parameters (or for those of CI) and inputs."""
        if mutation.kind == "hls":
            return UNDECIDED
        (text,) = (text for text in {**self._rtl(), **self._board()} if digest(text) == mutation.source)
        named = (each for each in UNITS if f"mondeq_{each.module}.sv" == mutation.file)
        unit = next((each for each in named if module_text(each.file) == text), None)
        if unit is None:
            return UNDECIDED
        try:
            return unit_status(unit.name, mutation.applied(text), short)
        except ProverFailedError:  # it is no design any more
            return UNDECIDED

    # -- RTL -----------------------------------------------------------------------

    def _simulated(self, mutation: Mutation) -> Iterator[Callable[[], str | None]]:
        for name in RTL_ORDER:
            build = self._core(name)
            if not mutation.is_of(build / "rtl" / "src" / mutation.file):
                continue
            copy = self._copy(build, Path("rtl/src") / mutation.file, mutation)
            words = random_words(3, CORES[name]().program, SAMPLES)
            run = partial(run_bench, copy, copy / "work", words=words, seed=1, simulator="icarus", time_limit=240.0)
            first = partial(run, tests=("back_to_back",))  # finds most of them
            read = partial(linted, name, copy / "rtl", "mondeq_top", ("-f", "sources.f"))
            yield (
                lambda name=name, read=read, first=first, run=run: read() or noticed(name, first) or noticed(name, run)
            )
        yield from self._turned(mutation)

    def _turned(self, mutation: Mutation) -> Iterator[Callable[[], str | None]]:
        """Short campaigns of upsets, which show what nothing else does: the guard's reasons."""
        for harden, classes in UPSETS.items():
            for name, corner in upsets.cores().items():
                build = self._built(f"{name}_{harden}", lambda corner=corner, harden=harden: hardened(corner, harden))
                if mutation.is_of(build / "rtl" / "src" / mutation.file):
                    copy = self._copy(build, Path("rtl/src") / mutation.file, mutation)
                    yield partial(unhealed, f"{name}_{harden}", copy, corner.program, classes)

    def _core(self, name: str) -> Path:
        return self._built(name, CORES[name])

    def _built(self, name: str, corner: Callable[[], Corner]) -> Path:
        folder = self.folder / "cores" / name
        return folder if folder.exists() else corner().build(folder)

    def _rtl(self) -> dict[str, str]:
        """Name of every source by its text."""
        folders = [self._core(name) / "rtl" / "src" for name in RTL_ORDER]
        return {path.read_text(): path.name for each in folders for path in each.glob("*.sv") if written(path)}

    # -- C++ -----------------------------------------------------------------------

    def _compiled(self, mutation: Mutation) -> Iterator[Callable[[], str | None]]:
        build = self.folder / "hls" / FRAMED
        program = hls_program(FRAMED, build)
        copy = self._copy(build, Path("hls") / mutation.file, mutation)
        program.save(copy)
        yield partial(broken_frames, copy, CORES[FRAMED]().schedule.words_per_beat)
        for name in HLS_ORDER:
            build = self.folder / "hls" / name
            program = hls_program(name, build)
            copy = self._copy(build, Path("hls") / mutation.file, mutation)
            yield lambda name=name, program=program, copy=copy: None if agrees(program, copy) else name
        full = self.folder / "hls" / FULL_SUMS
        program = full_sums(full)
        copy = self._copy(full, Path("hls") / mutation.file, mutation)
        yield lambda program=program, copy=copy: None if full_sums_agree(program, copy) else FULL_SUMS

    def _hls(self) -> dict[str, str]:
        build = self.folder / "hls" / HLS_ORDER[0]
        hls_program(HLS_ORDER[0], build)
        files = (path for path in (build / "hls").glob("*.[hc]*") if path.name not in CPP_GENERATED)
        return {path.read_text(): path.name for path in files}

    # -- board -----------------------------------------------------------------------

    def _on_board(self, mutation: Mutation) -> Iterator[Callable[[], str | None]]:
        for name in BOARD_CORES:
            build = self._core(name)
            design = self._copy(self._board_design(name), Path("board/src") / mutation.file, mutation)
            words = random_words(3, CORES[name]().program, SAMPLES // 2)
            run = partial(simulate_board, build, design, words=words, timing=QUICK, simulator="icarus")
            files = [f"{part}/{line}" for part in ("rtl", "board") for line in listed(design / part)]
            read = partial(linted, name, design, "mondeq_board", files)
            yield lambda name=name, read=read, run=run: read() or noticed(name, run)

    def _board_design(self, name: str) -> Path:
        folder = self.folder / "boards" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            write_design(self._core(name), QUICK, folder)
        return folder

    def _board(self) -> dict[str, str]:
        folder = self._board_design(BOARD_CORES[0]) / "board" / "src"
        return {path.read_text(): path.name for path in folder.glob("*.sv") if written(path)}

    def _copy(self, build: Path, file: Path, mutation: Mutation) -> Path:
        copy = self.folder / "mutant"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(build, copy)
        text = (copy / file).read_text()
        (copy / file).write_text(mutation.applied(text))
        return copy


def broken_frames(build: Path, words_per_beat: int) -> str | None:
    """Whether a build's C++ no longer passes over broken frames; RefusedCppError where it does not compile."""
    command = [sys.executable, shell.__file__, str(build), str(words_per_beat)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120).returncode
    except subprocess.TimeoutExpired:
        ended = 1
    if ended == shell.REFUSED:
        raise RefusedCppError(f"{FRAMED} does not compile")
    return f"{FRAMED}: broken frames" if ended else None


def noticed(name: str, run: Callable[[], BenchResult]) -> str | None:
    """What of a core's benches notices a mistake; None where nothing does; RefusedDesignError where it is no design."""
    try:
        result = run()
    except RefusedDesignError:
        raise
    except SimulationError as error:
        return f"{name}: {str(error).splitlines()[0]:.80}"
    return f"{name}: {result.failures[0].test}" if result.failures else None


def listed(folder: Path) -> list[str]:
    """The sources of a design, in compile order."""
    return (folder / "sources.f").read_text().split()


def linted(name: str, folder: Path, top: str, arguments: Sequence[str]) -> str | None:
    """What Verilator's lint warns of in a core that it elaborates."""
    said = lint(folder, top, arguments)
    warning = re.search(r"%Warning-(\w+)", said)
    elaborates = not re.search(r"%Error(?!: Exiting due to \d+ warning)", said)
    return f"{name}: lint: {warning[1]}" if warning and elaborates else None


def unhealed(name: str, build: Path, program: SolverProgram, classes: tuple[str, ...]) -> str | None:
    """The class of registers or memories for which a protection does not keep its promise."""
    folder = build / "upsets"
    folder.mkdir()
    try:
        found = upsets.turned(build, program, folder, FLIPS, 0, classes)
    except RefusedDesignError:
        raise
    except (SimulationError, SystemExit) as error:
        return f"{name}: {str(error).splitlines()[0]:.80}"
    for kind, counts in found.items():
        if counts["hang"]:
            return f"{name}: an upset of {kind} hangs"
        if kind == MEMORIES and (counts["silent"] or counts["flagged"] < FLIPS):
            return f"{name}: a wrong word of {kind} is silent"
        if kind != MEMORIES and counts["wrong_for_good"]:
            return f"{name}: an upset of {kind} is wrong for good"
    return None


def written(path: Path) -> bool:
    """Whether a person wrote this module, and it is hardware."""
    return not NO_DESIGN.search(path.stem)


CORES = {**CORNERS, **DIRECT, **CARRIED, **WARM, "slow_core": slow_core}
#: Those that show most, first: folded and unrolled by turns.
RTL_ORDER = (
    *("mixed_serial", "ring_mixed", "leak_saturating", "carried_straddling", "direct_serial", "graphs_everywhere"),
    *("ring_carried", "ring_direct", "one_bit", "banked", "wide", "saturating", "parallel", "cycling", "box_leak"),
    *("direct_parallel", "graphs_direct", "ring_cycling", "single", "threshold", "tables_ternary"),
    *("ring_mixed_leak", "warm_padded", "ring_warm_leak", "signed", "ring_whole"),
    *("straight_once", "straight_tables", "straight_mixed"),
)
CPP_GENERATED = ("mondeq_params.h", "mondeq_tb.cpp")
#: The C++ of these programs.
HLS_ORDER = (
    *("mixed_serial", "carried_straddling", "direct_serial", "tables_ternary", "leak_saturating", "one_bit"),
    *("ternary_leak", "saturating", "signed", "banked", "wide", "cycling", "threshold", "mixed_leak", "single"),
)
#: One more, with the widths that a synthesiser sees.
FULL_SUMS = "full sums"
#: That of several beats a frame whose broken frames are looked at.
FRAMED = "one_bit"


@cache
def hls_program(name: str, folder: Path) -> SolverProgram:
    """The program of a C++ design, emitted into a folder."""
    return CORES[name]().build_cpp(folder)
