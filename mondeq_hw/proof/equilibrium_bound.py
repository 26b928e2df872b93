"""What a method proves of the distance of the outputs, equilibrium against equilibrium."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class EquilibriumBound:
    """What a method proves of ``|y~ - y*|``, the float network's numbers taken as they stand on their grids.

    Parameters
    ----------
    method : str
        A key of the checker's methods.
    bounds : tuple of Fraction or None (k,)
        None where the method has nothing to say of an output.
    witness : dict
        JSON-ready; what the checker needs to prove the bounds again.
    """

    method: str
    bounds: tuple[Fraction | None, ...]
    witness: dict[str, Any]
