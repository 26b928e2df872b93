"""What nothing in a build folder proves: read before what is proved."""

from __future__ import annotations

from ..problem import CLASSES
from ..proof import NOT_COVERED
from .record import Report


def not_covered(report: Report) -> tuple[str, ...]:
    """One sentence for each thing that a reader might take for proved and that is not."""
    lines = {line.name: line for line in report.certificate}
    found = [f"`{name}`: {line.values['reason']}." for name, line in lines.items() if line.status == NOT_COVERED]
    found.append("Whether the float network is right: proofs are about the distance from it, or about the integers.")
    if report.task == CLASSES:
        found.append(
            "The class of an input that is no calibration sample: distances hold for every input, classes are proved "
            "one by one."
        )
    found.append("Inputs that are no words of the input format: they are rounded or refused before any proof applies.")
    if report.verification.value is None:
        found.append(f"That C++ and SystemVerilog equal the golden model: {report.verification.reason}.")
    found.append("Timing, power and faults of a chip: what tools said stands under Speed and Resources.")
    return tuple(found)
