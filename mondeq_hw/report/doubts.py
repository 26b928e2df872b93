"""What makes a result implausible before anything about hardware is asked: most likely the input was wrong."""

from __future__ import annotations

from ..problem import Accuracy, Comparison, Errors
from .record import Report


def warnings_of(report: Report) -> tuple[str, ...]:
    """Doubts about the float network itself, which no proof can have; empty where there are none."""
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
