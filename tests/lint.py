"""What Verilator's lint has to say of a design: nothing, of every build."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from mondeq_hw.rtl_tests.simulators import Verilator


def lint(folder: Path, top: str, arguments: Sequence[str]) -> str:
    """All warnings and errors; empty where there are none.

    Parameters
    ----------
    folder : Path
        In which it runs.
    top : str
    arguments : sequence of str
        Sources, and what else Verilator takes.
    """
    tool = Verilator.find()
    program = str(tool.root / "bin" / "verilator") if tool.root else "verilator"
    command = [program, "--lint-only", "-Wall", "--sv", "--timing", "--top-module", top, *arguments]
    done = subprocess.run(command, cwd=folder, env=tool.environment(), capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""
