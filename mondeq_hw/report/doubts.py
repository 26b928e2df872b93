"""What makes a result implausible before anything about hardware is asked: most likely the input was wrong."""

from __future__ import annotations

import numpy as np

from ..problem import Accuracy, Comparison, Errors, Levers
from ..proof import constant_for_every_input, named_output
from .record import Report

#: Outputs that a message names.
MOST_NAMED = 10


def warnings_of(report: Report) -> tuple[str, ...]:
    """Doubts about the float network itself, which no proof can have; empty where there are none."""
    return (*_constant(report), *_trained(report))


def _constant(report: Report) -> tuple[str, ...]:
    """Outputs that no input changes; those that the float network's inputs change were refused before."""
    program, levers = report.program, Levers.of(report.origin.model.parameters)
    if program.carried is not None:
        return ()  # its samples are sequences
    same = np.flatnonzero(constant_for_every_input(program)).tolist()
    if not same:
        return ()
    named = ", ".join(map(str, same[:MOST_NAMED])) + ", ..." * (len(same) > MOST_NAMED)
    verb = (
        f"outputs {named} of {program.k}, counted from 0, are"
        if len(same) > 1
        else f"{named_output(same[0], program)} is"
    )
    return (f"{verb} proved to be the same for every input: check {levers.sizes}, and the range of the inputs",)


def _trained(report: Report) -> tuple[str, ...]:
    """Whether it is the network that was trained."""
    found, margin = report.comparison.value, report.origin.requested.get("margin")
    if found is None and margin is not None:
        return (
            f"no samples with targets have judged the network, so nothing shows that --margin {margin:g} is that of "
            "its training: name some by --calibration and --targets, or by --data",
        )
    doubt = None if found is None else _doubt(found, report.program.k)
    if doubt is None:
        return ()
    return (
        f"{doubt}, so it is hardly the network that was trained: check --margin, the preprocessing (--input-scale, "
        "--input-mean, --input-std) and the data",
    )


def _doubt(found: Comparison, k: int) -> str | None:
    """What is implausible: classes nearer to guessing than to perfect, values all worse than their mean."""
    if isinstance(found, Accuracy):
        if found.floating >= (1 + 1 / k) / 2:
            return None
        right = f"{found.floating:.1%} of {found.samples} test samples of {k} classes"
        return f"the float network itself is right on only {right}"
    if isinstance(found, Errors):
        best = max(found.floating.r_squared)
        if best >= 0:
            return None
        return f"every output of the float network itself errs more than its targets' mean would (R squared {best:.3g})"
    raise TypeError(f"comparison is a {type(found).__name__}")
