"""What a profile counts: words of one kind against their format, and figures of every update."""

from __future__ import annotations

from dataclasses import dataclass

from ..problem import Agreement


@dataclass(frozen=True)
class Quantity:
    """Words of one kind, all samples, rows and executed updates together.

    Parameters
    ----------
    name : str
        ``input``, ``drive accumulator``, ``drive``, ``state accumulator``, ``state``, and what the task calls outputs.
    format : str
        Its words; ``row scales`` where each row has its own binary point.
    lowest_word, highest_word : int
        What the format holds.
    proved_low, proved_high : int
        What can be reached at all, of every input, before saturation.
    low, high : int
        Smallest and largest word seen.
    magnitudes : tuple of int
        ``magnitudes[b]`` words have a magnitude of ``b`` bits: 0 is zero, ``b`` is ``2^(b-1)`` to ``2^b - 1``.
    saturations : int or None
        Words that were clipped; None where the width is proved and nothing clips.
    """

    name: str
    format: str
    lowest_word: int
    highest_word: int
    proved_low: int
    proved_high: int
    low: int
    high: int
    magnitudes: tuple[int, ...]
    saturations: int | None

    @property
    def bits(self) -> int:
        """Of a word of the format."""
        return self.highest_word.bit_length() + (self.lowest_word < 0)

    @property
    def count(self) -> int:
        """Words seen."""
        return sum(self.magnitudes)

    @property
    def unused_bits(self) -> int:
        """Leading bits of the format that no word seen needed."""
        used = max((bits for bits, words in enumerate(self.magnitudes) if words), default=0)
        return max(0, self.highest_word.bit_length() - used)


@dataclass(frozen=True)
class ByUpdate:
    """Mean and largest over the samples, by update."""

    mean: tuple[float, ...]
    largest: tuple[float, ...]


@dataclass(frozen=True)
class Convergence:
    """The integer solver beside the float solver, in units of the state.

    Parameters
    ----------
    residual, float_residual : ByUpdate
        ``||s+ - s||_2`` of each update.
    distance : ByUpdate
        From the float solver after the same update; the first is that of the start.
    equilibrium_distance : ByUpdate
        From the float network's equilibrium.
    outputs : Agreement
        Those of the integers with those of the float network, by the task.
    """

    residual: ByUpdate
    float_residual: ByUpdate
    distance: ByUpdate
    equilibrium_distance: ByUpdate
    outputs: Agreement
