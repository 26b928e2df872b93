"""State words that no equilibrium of any input reaches the end of, where the user asks for them.

What a saturated state adds to the distance from the float network is charged by norms, and is most of that distance for
inputs that are nothing like the samples.  A few more integer bits of the state leave nothing to charge.
"""

from __future__ import annotations

from dataclasses import replace

from ..base import InputError
from ..problem import Task
from ..proof import is_small, missing_integer_bits, state_ranges
from .assemble import assemble
from .lowered import Lowered, with_integer_bits
from .options import RETRAINED
from .state_range import MORE_INTEGER_BITS

#: Attempts: what is missing is known only where the state at the middle of all inputs is inside, so the second counts.
ATTEMPTS = 4


def without_saturation(lowered: Lowered, task: Task, keep_length: bool) -> Lowered:
    """With as many integer bits of the state as prove that no equilibrium of any input saturates.

    Parameters
    ----------
    lowered : Lowered
    task : Task
        What the outputs stand for: multipliers that the certificate will find again are sought for it.
    keep_length : bool
        Whether the state's word length is the user's; otherwise it grows with the integer bits.

    Raises
    ------
    InputError
        The integers were trained, or nothing proves it.
    """
    if lowered.rounding == RETRAINED:
        raise InputError(
            f"{lowered.model.source}: state_range is 'box', but a retrained network's state format is stored with its "
            "integers; leave the option out, or compile the float network"
        )
    if lowered.proof is None or lowered.ranges is not None:
        return lowered
    for _ in range(ATTEMPTS):
        program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True).memoryless
        missing = missing_integer_bits(program, lowered.proof, task)
        wider = with_integer_bits(lowered, missing, keep_length) if missing else None
        if missing == 0:
            return lowered
        if wider is None:
            break
        lowered = wider
    raise InputError(
        f"{lowered.model.source}: no state format was found of which it is proved that no input saturates it; "
        "leave state_range='box' out, or give input_range the range of your inputs if it is less"
    )


def with_proved_range(lowered: Lowered, keep_length: bool) -> Lowered:
    """With as many more integer bits as a semidefinite program needs to prove that no equilibrium saturates, if few."""
    if lowered.proof is None:
        return lowered
    for more in range(MORE_INTEGER_BITS + 1):
        wider = with_integer_bits(lowered, more, keep_length)
        if wider is None:
            break
        program = assemble(wider.quantized, wider.input_format, wider.state_format, 1, True)
        if not is_small(program):
            break
        ranges = state_ranges(program.memoryless)
        if ranges is not None:
            return replace(wider, ranges=ranges)
    return lowered
