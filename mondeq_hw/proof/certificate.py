"""A certificate as data: its lines, the integers that prove them, and its JSON.

:mod:`mondeq_hw.proof.certify` draws it up, ``check_certificate.py`` checks it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..base import InputError, as_lists, canonical_digest, card, json_text
from ..program import convergence_in_words
from .claims import MEASURED, NOT_COVERED, PROVED, CertificateLine

CERTIFICATE_VERSION = 2
#: Beside version, lines and digest.
CERTIFICATE_KEYS = ("task", "program", "program_digest", "model_digest", "evidence")
#: What is shown first: a title, and the line and key that hold it.
HEADLINES = (
    ("contraction factor", "contraction", "contraction_factor"),
    ("iterations", "iterations", "iterations"),
    ("distance of outputs, at most", "output_distance", "bounds"),
    ("largest distance found", "output_distance_found", "largest"),
    ("outputs move by", "output_distance_found", "span"),
)


def for_reading(value: Any) -> str:
    """A line's value in six digits; ``certificate.json`` has them all."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(for_reading, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {for_reading(item)}" for key, item in value.items())
    return str(value)


def _rounded_up(bound: Fraction) -> str:
    """Four digits that are not below it."""
    exact = Context(prec=60, rounding=ROUND_CEILING).divide(Decimal(bound.numerator), Decimal(bound.denominator))
    return f"{float(Context(prec=4, rounding=ROUND_CEILING).plus(exact)):.4g}"


@dataclass(frozen=True, repr=False)
class Certificate:
    """All lines and the integers that prove them.

    Parameters
    ----------
    lines : tuple of CertificateLine
    task : str
        Name of a :class:`~mondeq_hw.problem.task.Task`; which lines there are follows from it.
    program : dict
        ``SolverProgram.to_plain()``, or ``to_arrays()``.
    program_digest, model_digest : str
    evidence : dict
        Witnesses, weights and calibration words, JSON-ready.
    """

    lines: tuple[CertificateLine, ...]
    task: str
    program: dict[str, Any]
    program_digest: str
    model_digest: str
    evidence: dict[str, Any]

    @staticmethod
    def load(path: Path) -> Certificate:
        """Read ``certificate.json``; what it says is for the checker to judge.

        Raises
        ------
        InputError
            The file is missing or not a certificate.
        """
        try:
            plain = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read ({error}); compile again") from None
        try:
            lines = tuple(CertificateLine(**line) for line in plain["lines"])
            return Certificate(lines, **{key: plain[key] for key in CERTIFICATE_KEYS})
        except (KeyError, TypeError) as error:
            raise InputError(f"{path}: not a certificate ({error!r}); compile again") from None

    def line(self, name: str) -> CertificateLine:
        """The line of that name."""
        for line in self.lines:
            if line.name == name:
                return line
        raise InputError(f"certificate has no line {name!r}; it has {', '.join(line.name for line in self.lines)}")

    @property
    def certified(self) -> bool:
        """Whether the contraction is proved."""
        return any(line.name == "contraction" and line.status == PROVED for line in self.lines)

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """Title, value in a few digits and status of what a reader asks first, as far as it is known."""
        known = {line.name: line for line in self.lines}
        found = []
        for title, name, key in HEADLINES:
            if name in known and key in known[name].values:
                value = known[name].values[key]
                largest = max(value) if isinstance(value, list | tuple) else value
                bound = Fraction(largest) if isinstance(largest, str) else largest
                shown = f"{bound}" if isinstance(bound, int) else _rounded_up(Fraction(bound))
                found.append((title, shown, known[name].status))
        return found

    @property
    def counts(self) -> str:
        """How many lines have each status."""
        statuses = [line.status for line in self.lines]
        return ", ".join(f"{statuses.count(each)} {each}" for each in (PROVED, MEASURED, NOT_COVERED))

    def __repr__(self) -> str:
        verdict = convergence_in_words(self.certified)
        figures = "; ".join(f"{title} {text} ({status})" for title, text, status in self.figures)
        return f"Certificate of the program {self.program_digest[:12]}: {verdict}\n  {figures}\n  lines: {self.counts}"

    def _repr_html_(self) -> str:
        return card(
            "certificate_card.html.j2",
            certified=self.certified,
            figures=self.figures,
            counts=self.counts,
            lines=self.lines,
            for_reading=for_reading,
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-ready values, with a digest over all of it."""
        plain: dict[str, Any] = as_lists(self._content())
        return plain

    def _content(self) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "version": CERTIFICATE_VERSION,
            "lines": [dict(vars(line)) for line in self.lines],
            **{key: getattr(self, key) for key in CERTIFICATE_KEYS},
        }
        return {**plain, "digest": canonical_digest(plain)}

    def to_json(self) -> str:
        """The text of ``certificate.json``."""
        plain = self._content()
        # One key a line at the top: the claims stay readable above megabytes of integers.
        readable = ("version", "lines")
        head = json.dumps({key: plain[key] for key in readable}, indent=2)[:-2]
        body = (f'"{key}": {json_text(plain[key])}' for key in plain if key not in readable)
        return head + ",\n  " + ",\n  ".join(body) + "\n}\n"

    def save(self, path: Path) -> None:
        """Write ``certificate.json``."""
        path.write_text(self.to_json())
