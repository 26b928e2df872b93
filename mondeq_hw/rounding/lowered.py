"""A lowered network as a record."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..base import FixedPointFormat
from ..problem import MonDEQ
from ..proof import ContractionProof, Proof
from .options import MOST_STATE_BITS
from .quantize import QuantizedRecurrence


@dataclass(frozen=True)
class Lowered:
    """Integers, formats and the proof, if there is one.

    Parameters
    ----------
    quantized : QuantizedRecurrence
    input_format, state_format : FixedPointFormat
    rounding : str
        The rounding that was used, never ``auto``; ``retrained`` where there was nothing to round, ``compensated``
        where the nearest one's drive makes up for the matrix.
    proof : ContractionProof or None
    contraction_estimate : float
        ``min_D ||D M D^-1||_2`` of the stored matrix in floating point; what
        a refusal reports when there is no proof.
    model : MonDEQ
        What was lowered: a carried state is in the units of its words.
    ranges : tuple of pairs of Proof or None
        That no state of any input's equilibrium saturates, where a semidefinite program proved it.
    """

    quantized: QuantizedRecurrence
    input_format: FixedPointFormat
    state_format: FixedPointFormat
    rounding: str
    proof: ContractionProof | None
    contraction_estimate: float
    model: MonDEQ
    ranges: tuple[tuple[Proof, Proof], ...] | None = None

    @property
    def step_size(self) -> float:
        """``alpha``, which the integers have folded in."""
        return self.quantized.recurrence.step_size


def with_state_bits(lowered: Lowered, state_bits: int) -> Lowered:
    """What :func:`lower` returns for another word length of the state: the same but for that."""
    return replace(lowered, state_format=replace(lowered.state_format, word_length=state_bits), ranges=None)


def with_integer_bits(lowered: Lowered, more: int, keep_length: bool) -> Lowered | None:
    """The same with so many more integer bits of the state, and as many more in all; None beyond the longest word."""
    form = lowered.state_format
    length = form.word_length + (0 if keep_length else more)
    if length > MOST_STATE_BITS:
        return None
    return replace(lowered, state_format=FixedPointFormat(length, form.integer_bits + more), ranges=None)
