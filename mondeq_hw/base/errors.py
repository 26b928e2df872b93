"""Errors a user can act on, each with its own exit code.

Every message says what was received, what was expected and the remedy.
The command line prints the message alone; a traceback is always a bug.  Messages are written with the flags of the
shell; Python reads the keywords of the same names.
"""

from __future__ import annotations

import re

EXIT_OK = 0
EXIT_INTERNAL = 1
EXIT_BAD_INPUT = 2
EXIT_NOT_CERTIFIED = 3
EXIT_MISMATCH = 4
EXIT_MISSING_TOOL = 5
EXIT_NOT_REACHED = 6
EXIT_INTERRUPTED = 130


class MondeqError(Exception):
    """Base of every error that mondeq-hw raises on purpose."""

    exit_code = EXIT_BAD_INPUT

    def __str__(self) -> str:
        return in_python(super().__str__())

    def in_shell(self) -> str:
        """The message of the command line."""
        return super().__str__()


#: A command line, which stays what it is, or a flag and the first sign of its value.
_COMMAND_OR_FLAG = re.compile(r"(?:pip|mondeq-hw|python) [^;,'()]*|--([a-z][a-z0-9-]*)( (?=[A-Z0-9]))?")


def in_python(text: str) -> str:
    """A message with keywords in the place of flags: ``state_bits=12`` for ``--state-bits 12``."""

    def keyword(found: re.Match[str]) -> str:
        return found[0] if found[1] is None else found[1].replace("-", "_") + ("=" if found[2] else "")

    return _COMMAND_OR_FLAG.sub(keyword, text)


class InputError(MondeqError):
    """A file, option or array is not what it must be."""


class OptionError(InputError):
    """An option has a value that it does not take: Python names its keyword, the shell its flag.

    Parameters
    ----------
    name : str
        ``state_bits``.
    complaint : str
        What follows the name: "is 40; expected ...".
    flag : str
        Its name in the shell, where that is not the keyword's.
    """

    def __init__(self, name: str, complaint: str, flag: str = ""):
        super().__init__(name, complaint, flag)
        self.name, self.complaint, self.flag = name, complaint, flag or "--" + name.replace("_", "-")

    def __str__(self) -> str:
        return f"{self.name} {in_python(self.complaint)}"

    def in_shell(self) -> str:
        """The message of the command line."""
        return f"{self.flag} {self.complaint}"


class InputWarning(UserWarning):
    """Inputs were not taken as they are, because the user asked for it, or promise little; the shell prints it."""


class NotCertifiedError(MondeqError):
    """No proof of contraction exists for the requested word length."""

    exit_code = EXIT_NOT_CERTIFIED

    def __init__(self, message: str, contraction_factor: float | None, smallest_certified_bits: int | None):
        super().__init__(message)
        self.contraction_factor = contraction_factor
        self.smallest_certified_bits = smallest_certified_bits


class MismatchError(MondeqError):
    """Two implementations of the same program disagree."""

    exit_code = EXIT_MISMATCH


class InternalError(MondeqError):
    """What was made is not what it must be: a bug, seen before anything was left of it."""

    exit_code = EXIT_INTERNAL


class InterruptedRunError(MondeqError):
    """Ctrl-C in the middle of something long: what is kept, and how to go on."""

    exit_code = EXIT_INTERRUPTED


class MissingToolError(MondeqError):
    """An external tool is not installed."""

    exit_code = EXIT_MISSING_TOOL


class BrokenToolError(MondeqError):
    """An external tool does not build or start what is right: nothing was compared."""

    exit_code = EXIT_MISSING_TOOL
    __str__ = MondeqError.in_shell  # a tool's own words stay as they are


class NotReachedError(MondeqError):
    """No word lengths of a search reach its target."""

    exit_code = EXIT_NOT_REACHED
