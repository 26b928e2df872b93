"""The independent checker's word on a certificate, from a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..base import run


@dataclass(frozen=True)
class Verdict:
    """What the independent checker says of a certificate."""

    accepted: bool
    reason: str


def check(file: Path) -> Verdict:
    """Prove every proved line of a ``certificate.json`` again."""
    checker = Path(__file__).parent / "check_certificate.py"
    # Isolated: nothing but the standard library can be imported.
    command = [sys.executable, "-I", str(checker), str(file)]
    done = run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = (done.stdout or done.stderr).split("\n")
    reason = next((line for line in reversed(lines) if line), f"the checker ended with code {done.returncode}")
    return Verdict(done.returncode == 0, reason.removeprefix("FAIL").strip())
