"""A program with a proof that says something, or a refusal that names the nearest one that has."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..base import MOST_MATRIX_BITS, InputError, NotCertifiedError
from ..config import CompileConfig
from ..problem import SOLVERS, MonDEQ
from ..program import SolverProgram
from ..proof import choose_iterations
from ..rounding import CALIBRATED, MOST_STATE_BITS, NEAREST, SPECTRAL, Lowered, lower, with_state_bits
from .data import Data
from .lowering import lowering_options
from .program import asked_for, program_of, says_nothing


def certified_program(model: MonDEQ, config: CompileConfig, data: Data, lowered: Lowered) -> SolverProgram:
    """The program with as many iterations as its proof asks for, or as the user does.

    Raises
    ------
    NotCertifiedError
        There is no proof, or it says nothing, and the user does not insist.
    """
    program = program_of(model, config, lowered)
    if lowered.proof is None and not config.allow_uncertified:
        raise _refusal(model, config, data, lowered)
    if not config.allow_vacuous:
        reason = says_nothing(model, data, lowered, program)
        if reason is not None:
            raise _vacuous_refusal(model, config, data, lowered, reason)
    return program


def _refusal(model: MonDEQ, config: CompileConfig, data: Data, lowered: Lowered) -> NotCertifiedError:
    """What failed, and the nearest thing that does not."""
    failed = (
        f"no proof of convergence at {config.bits} bits ({config.solver}, {lowered.rounding} rounding, per "
        f"{config.granularity}): the contraction factor is {lowered.contraction_estimate:.6f}, expected below 1."
    )
    if model.stored is not None:  # its integers are what they are
        remedies, smallest = ["retrain the network with a stronger penalty on the norm"], None
    else:
        remedies, smallest = _certified_alternatives(model, config, data, lowered.rounding)
        failed += "" if smallest is not None else f" No word length up to {MOST_MATRIX_BITS} bits is certified either."
    remedies.append("go on without proof by --allow-uncertified")
    return NotCertifiedError(f"{failed} {_sentence(remedies)}", lowered.contraction_estimate, smallest)


def _certified_alternatives(
    model: MonDEQ, config: CompileConfig, data: Data, used: str
) -> tuple[list[str], int | None]:
    """Options that are provable, and the smallest word length among them that needs nothing else changed."""

    def provable(name: str, value: Any) -> bool:
        return _with(model, config, data, **{name: value}) is not None

    # A proof at one word length says nothing of the next: shorter ones count too.
    asked = lowering_options(config).bits
    lengths = (range(1, asked), range(asked + 1, MOST_MATRIX_BITS + 1))
    found = [next((bits for bits in each if provable("bits", bits)), None) for each in lengths]
    shorter, longer = found
    smallest = shorter if shorter is not None else longer
    remedies = []
    if smallest is not None:
        remedies.append(f"use --bits {smallest}, the smallest certified word length")
    if longer is not None and longer != smallest:
        remedies.append(f"use --bits {longer}, the next longer one")
    roundings = (SPECTRAL, NEAREST) if data.calibration is None else (CALIBRATED, SPECTRAL, NEAREST)
    others = (name for name in roundings if name not in (config.rounding, used))
    rounding = next((name for name in others if provable("rounding", name)), None)
    if rounding is not None:
        remedies.append(f"use --rounding {rounding}, which is certified at {config.bits} bits")
    return remedies, smallest


def _vacuous_refusal(
    model: MonDEQ, config: CompileConfig, data: Data, lowered: Lowered, reason: str
) -> NotCertifiedError:
    """What the proof lacks, and the nearest thing that does not."""
    remedies = _vacuous_alternatives(model, config, data, lowered)
    remedies.append(
        "go on with it by --allow-vacuous"
        if remedies
        else f"rescale {model.levers.sizes}, or {model.levers.faster}, or go on with it by --allow-vacuous"
    )
    factor = float(lowered.proof.contraction_factor) if lowered.proof is not None else None
    return NotCertifiedError(f"the proof of convergence says nothing: {reason}. {_sentence(remedies)}", factor, None)


def _vacuous_alternatives(model: MonDEQ, config: CompileConfig, data: Data, lowered: Lowered) -> list[str]:
    """What makes the proof say something: options of the same matrix, or, where there are none, of another."""
    found = []
    if asked_for(model, config) is not None and lowered.proof is not None:
        with suppress(NotCertifiedError):
            count = choose_iterations(program_of(model, config, lowered).replace(iterations=1), lowered.proof)
            more = config.model_copy(update={"iterations": count})
            found += [f"use --iterations {count}"] if _says_something(model, more, data, lowered) else []
    if model.stored is not None:
        return found
    first = lowered.state_format.word_length + 1
    longer = ((bits, with_state_bits(lowered, bits)) for bits in range(first, MOST_STATE_BITS + 1))
    enough = next((bits for bits, other in longer if _says_something(model, config, data, other)), None)
    found += [] if enough is None else [f"use --state-bits {enough}"]
    if config.step_size is not None:
        free = _with(model, config, data, step_size=None)
        return found + ([] if free is None else [f"use --step-size {free.step_size:g}"])
    if not found:
        fixed = (name for name in ("drive_bits", "readout_bits") if getattr(config, name) is not None)
        needless = (name for name in fixed if _with(model, config, data, **{name: None}))
        found += [f"leave --{name.replace('_', '-')} out" for name in needless]
    if not found:
        finer = range(lowering_options(config).bits + 1, MOST_MATRIX_BITS + 1)
        enough = next((bits for bits in finer if _with(model, config, data, bits=bits)), None)
        found += [] if enough is None else [f"use --bits {enough}"]
        others = (name for name in SOLVERS if name != config.solver)
        found += [
            f"use --solver {name.replace('_', '-')}" for name in others if _with(model, config, data, solver=name)
        ]
    return found


def _with(model: MonDEQ, config: CompileConfig, data: Data, **changes: Any) -> Lowered | None:
    """A network's integers by other options; None where their proof is missing, or says nothing either."""
    changed = config.model_copy(update=changes)
    lowered = lower(model, lowering_options(changed), data.calibration)
    return lowered if _says_something(model, changed, data, lowered) else None


def _says_something(model: MonDEQ, config: CompileConfig, data: Data, lowered: Lowered) -> bool:
    """Whether there is a proof, of no more updates than there are, and it is not vacuous."""
    try:
        return lowered.proof is not None and not says_nothing(model, data, lowered, program_of(model, config, lowered))
    except (NotCertifiedError, InputError):  # more updates than there are, or a bias with too many bits
        return False


def _sentence(remedies: list[str]) -> str:
    text = ", or ".join(remedies)
    return text[0].upper() + text[1:]
