"""What a unit of the RTL is to the prover: its parameters, and the mistakes that its properties must notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import PurePath

#: A module's parameters, as numbers or Verilog literals.
Parameters = dict[str, int | str]


@dataclass(frozen=True)
class Mutant:
    """A mistake in a unit's text, which occurs once.

    Parameters
    ----------
    original, mutated : str
    case : int
        Parameters under which it is looked for, an index into the unit's cases.
    cycle : int
        In which it is refuted, counted from 0, where that is later than the unit's depth.
    """

    original: str
    mutated: str
    case: int = 0
    cycle: int = 0

    def applied(self, text: str) -> str:
        """The text with the mistake.

        Raises
        ------
        ValueError
            The place for it is not there, or not alone.
        """
        if text.count(self.original) != 1:
            raise ValueError(f"{self.original!r} occurs {text.count(self.original)} times; expected once")
        return text.replace(self.original, self.mutated)


@dataclass(frozen=True)
class Unit:
    """A module and how it is proved.

    Parameters
    ----------
    name : str
        ``mondeq_<name>`` is the module; of an engine behind its form and a stroke.
    claim : str
        What its properties say, in words.
    cases : tuple of Parameters
        The first few (``short``) are proved in continuous integration.
    mutants : tuple of Mutant
    steps : int
        Cycles of the induction.
    depth : int
        Cycles in which every mutant is refuted.
    needs : tuple of str
        Units inside it.
    hollow : tuple of str
        Others inside it whose ports alone count: what they give drives no property.
    short, short_mutants : int
        Of the mutants the first few, of which each property is broken by one; 0: all.
    zero : str
        Parameter that must be zero: what it adds is not covered.
    free : tuple of str
        Signals, and instances with all their outputs, that are anything, so that the properties hold whatever they are.
    scene : str
        Assumptions beside those of the properties, for the runs in which mutants are looked for: of all that the unit's
        neighbours may do, one thing, where there is too much of it for a search.
    """

    name: str
    claim: str
    cases: tuple[Parameters, ...]
    mutants: tuple[Mutant, ...]
    steps: int = 4
    depth: int = 12
    needs: tuple[str, ...] = ()
    hollow: tuple[str, ...] = ()
    short: int = 2
    short_mutants: int = 0
    zero: str = ""
    free: tuple[str, ...] = ()
    scene: str = ""

    def shown_cases(self, short: bool) -> tuple[Parameters, ...]:
        """Parameters to prove."""
        return self.cases[: self.short] if short else self.cases

    @property
    def form(self) -> str:
        """Of an engine; else empty."""
        return self.name.rpartition("/")[0]

    @property
    def module(self) -> str:
        """The module's name, without the prefix of all."""
        return self.name.rpartition("/")[2]

    @property
    def file(self) -> str:
        """Of its text and its properties, without what they end in, under their folders."""
        return str(PurePath(self.form, f"mondeq_{self.module}"))


def grid(**values: tuple[int, ...]) -> Iterator[Parameters]:
    """Every combination."""
    for chosen in product(*values.values()):
        yield dict(zip(values, chosen, strict=True))
