"""What makes a result implausible before anything about hardware is asked: most likely the input was wrong."""

from __future__ import annotations

from collections.abc import Iterable
from operator import ge

import numpy as np

from ..problem import MOST_UPDATES, Accuracy, Comparison, Errors, Levers
from ..proof import CertificateLine, constant_for_every_input, named_output
from .record import Report

#: Outputs that a message names.
MOST_NAMED = 10


def warnings_of(report: Report) -> tuple[str, ...]:
    """Doubts about the float network itself, which no proof can have, and proofs that a controller cannot rest on."""
    return (*_constant(report), *_trained(report), *_of_problem(report))


def loose_outputs(certificate: Iterable[CertificateLine]) -> list[bool]:
    """Of each output with a proved distance whether that is no less than what the output was seen to move by."""
    return list(map(ge, *_distances(certificate)))


def _distances(certificate: Iterable[CertificateLine]) -> tuple[list[float], list[float]]:
    """Proved distances of the outputs, and what these were seen to move by; empty where there is none."""
    lines = {line.name: line.values for line in certificate}
    return lines["output_distance"].get("bounds", []), lines["output_distance_found"].get("span", [])


def _of_problem(report: Report) -> tuple[str, ...]:
    """A parametric problem is compiled for its distance from the exact solution, at every sample: without, it is none.

    A trained network is judged by its test samples, and a loose distance of it is only called so.
    """
    program, parameters = report.program, report.origin.model.parameters
    if parameters is None or not program.certified:
        return ()
    remedy, doubts = f"use more --bits, or {Levers.of(parameters).faster}", []
    bounds, spans = _distances(report.certificate)
    named = zip(parameters["outputs"], bounds, spans, strict=False)  # figures may be missing
    loose = {name: bound for name, bound, span in named if bound >= span > 0}
    if not bounds:
        reason = next(line.values["reason"] for line in report.certificate if line.name == "output_distance")
        doubts.append(f"no distance of the outputs from the exact solution is proved, {reason}: {remedy}")
    elif loose:
        doubts.append(
            "the proved distance from the exact solution is no less than what outputs move by, up to "
            f"{max(loose.values()):.4g} of {_listed(list(loose))}, and says nothing of these: {remedy}"
        )
    if program.iterations > MOST_UPDATES:
        doubts.append(
            f"a sample takes {program.iterations:,} updates; expected at most {MOST_UPDATES:,}, which are about a "
            f"millisecond: {Levers.of(parameters).faster}"
        )
    return tuple(doubts)


def _constant(report: Report) -> tuple[str, ...]:
    """Outputs that no input changes; those that the float network's inputs change were refused before."""
    program, levers = report.program, Levers.of(report.origin.model.parameters)
    if program.carried is not None:
        return ()  # its samples are sequences
    same = np.flatnonzero(constant_for_every_input(program)).tolist()
    if not same:
        return ()
    named = _listed(same)
    verb = (
        f"outputs {named} of {program.k}, counted from 0, are"
        if len(same) > 1
        else f"{named_output(same[0], program)} is"
    )
    return (f"{verb} proved to be the same for every input: check {levers.sizes}, and the range of the inputs",)


def _listed(names: list[int] | list[str]) -> str:
    return ", ".join(map(str, names[:MOST_NAMED])) + ", ..." * (len(names) > MOST_NAMED)


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
