"""The constants of a program's clip as words of the state, each different row once."""

from __future__ import annotations

from dataclasses import dataclass

from ..program import SolverProgram


@dataclass(frozen=True)
class ClipTable:
    """What hardware needs to know of every kind of row, and which row is of which kind.

    Parameters
    ----------
    lower, upper : tuple of int (kinds,)
        A bound that no state passes is the end of the state's words.
    below, above : tuple of bool (kinds,)
        Whether a state may pass the bound.
    complement : tuple of bool (kinds,)
    rows : tuple of int (n,)
        Index of a row's kind.
    """

    lower: tuple[int, ...]
    upper: tuple[int, ...]
    below: tuple[bool, ...]
    above: tuple[bool, ...]
    complement: tuple[bool, ...]
    rows: tuple[int, ...]

    @property
    def kinds(self) -> int:
        """Different rows."""
        return len(self.complement)

    @property
    def index_bits(self) -> int:
        """Width of an index into the kinds."""
        return max(1, (self.kinds - 1).bit_length())


def clip_table(program: SolverProgram) -> ClipTable:
    """The table of a program's clip."""
    top = program.state_format.max_word
    words = [(int(max(kind.lower, -top)), int(min(kind.upper, top)), kind.complement) for kind in program.clip.kinds]
    kinds = list(dict.fromkeys(words))
    lower, upper, complement = zip(*kinds, strict=True)
    return ClipTable(
        lower=lower,
        upper=upper,
        below=tuple(low > -top for low in lower),
        above=tuple(high < top for high in upper),
        complement=complement,
        rows=tuple(kinds.index(words[row]) for row in program.clip.rows),
    )
