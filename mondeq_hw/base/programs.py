"""Other programs: what they say when they are asked something, and how long they may compute."""

from __future__ import annotations

import math
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import BrokenToolError

#: Of an answer: some hundred times what it takes.
SECONDS = 60.0
#: How many times as long as it may compute a program may take on a machine that is busy.
PATIENCE = 20


def answer(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Its standard output, and behind it its errors; nothing where it does not start or does not end."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=SECONDS,
            env=None if environment is None else dict(environment),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def computed(command: Sequence[str], seconds: float, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program that computes so long at most, whatever else the machine is doing.

    Parameters
    ----------
    command : sequence of str
    seconds : float
        Of a processor, not of the clock.
    **options
        Of :func:`subprocess.run`.

    Raises
    ------
    OSError
        It does not start.
    subprocess.TimeoutExpired
        It computed longer: it does not end.
    BrokenToolError
        It got too little of a processor to say so.
    """
    import resource  # not on every system

    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(seconds) if hard == resource.RLIM_INFINITY else min(math.ceil(seconds), hard)
    patience = PATIENCE * seconds
    try:
        done = subprocess.run(
            command,
            timeout=patience,
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (soft, hard)),
            **options,
        )
    except subprocess.TimeoutExpired:
        raise BrokenToolError(
            f"{command[0]} did not end in {patience:g} s, in which it had less than {seconds:g} s of a processor, so "
            "nothing was compared; run it again where less is running"
        ) from None
    if done.returncode == -signal.SIGXCPU:
        raise subprocess.TimeoutExpired(list(command), seconds)
    return done
