"""Other programs: none outlives its caller, what they say when they are asked something, how long they may compute."""

from __future__ import annotations

import math
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from .errors import BrokenToolError

#: Of an answer: some hundred times what it takes.
SECONDS = 60.0
#: How many times as long as it may compute a program may take on a machine that is busy.
PATIENCE = 20
#: In which a program that is asked to end removes what is temporary.
GRACE = 2.0


def run(command: Sequence[str], seconds: float | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """:func:`subprocess.run` without input, in a session of its own: what ends it early ends all that it started.

    An interrupt would leave a compiler's second half at work, and its files; ``options`` are of ``Popen``.
    """
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options) as process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except BaseException:
            end(process)
            raise
    return subprocess.CompletedProcess(list(command), process.returncode, output, errors)


def end(process: subprocess.Popen[str]) -> None:
    """End a program in a session of its own, and all that it started: by asking, and then at once."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def answer(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Its standard output, and behind it its errors; nothing where it does not start or does not end."""
    try:
        done = run(
            command, SECONDS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
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
        Of ``Popen``.

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
        done = run(
            command, patience, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (soft, hard)), **options
        )
    except subprocess.TimeoutExpired:
        raise BrokenToolError(
            f"{command[0]} did not end in {patience:g} s, in which it had less than {seconds:g} s of a processor, so "
            "nothing was compared; run it again where less is running"
        ) from None
    if done.returncode == -signal.SIGXCPU:
        raise subprocess.TimeoutExpired(list(command), seconds)
    return done
