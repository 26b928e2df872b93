"""What a proximal operator projects along: ``prox = (I + N)^-1``, row by row.

``N`` of a clip is the normal cone of its interval: zero inside, everything outward at a bound.
``N`` of a complement (Moreau) is ``lower`` where ``z < 0``, ``upper`` where ``z > 0`` and all
between the two at zero.  So ``z = prox(v + e)`` exactly if ``v - z + e`` lies in ``N(z)``, and
the smallest such ``e`` is a distance of two numbers; see section 9 of ``docs/mathematics.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..base import Clip


@dataclass(frozen=True)
class NormalCones:
    """``N`` of every row, its bounds in integers on a grid ``2^-bits`` or in floating point.

    Parameters
    ----------
    lower, upper : ndarray (n,)
        Bounds; zero where there is none.
    bounded_below, bounded_above : ndarray of bool (n,)
    complement : ndarray of bool (n,)
    """

    lower: np.ndarray
    upper: np.ndarray
    bounded_below: np.ndarray
    bounded_above: np.ndarray
    complement: np.ndarray

    @staticmethod
    def floating(clip: Clip) -> NormalCones:
        """In units of the state, float64."""
        below, above = np.isfinite(clip.lower), np.isfinite(clip.upper)
        return NormalCones(
            np.where(below, clip.lower, 0.0), np.where(above, clip.upper, 0.0), below, above, clip.complement
        )

    @staticmethod
    def on_grid(clip: Clip, bits: int) -> NormalCones:
        """In Python integers on a grid that holds every bound (:func:`grid_of`)."""
        real = NormalCones.floating(clip)
        return NormalCones(
            _exact(real.lower, bits), _exact(real.upper, bits), real.bounded_below, real.bounded_above, real.complement
        )

    @property
    def ends(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """``(there is one, where)`` of the lowest and of the highest ``z`` of each row."""
        low = np.where(self.complement, 0, self.lower)
        high = np.where(self.complement, 0, self.upper)
        return (self.bounded_below != self.complement, low), (self.bounded_above != self.complement, high)

    def project(self, z: np.ndarray) -> np.ndarray:
        """The nearest values that ``prox`` can take."""
        (has_low, low), (has_high, high) = self.ends
        z = np.where(has_low & (z < low), low, z)
        return np.where(has_high & (z > high), high, z)

    def distance(self, z: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Smallest ``|e|`` with ``z = prox(v + e)``, of ``pull = v - z``, for values ``z`` that ``prox`` can take."""
        most = np.where(self.complement, np.where(z < 0, self.lower, self.upper), 0)
        least = np.where(self.complement, np.where(z > 0, self.upper, self.lower), 0)
        endless_up = np.where(self.complement, ~self.bounded_above & (z >= 0), self.bounded_above & (z == self.upper))
        endless_down = np.where(self.complement, ~self.bounded_below & (z <= 0), self.bounded_below & (z == self.lower))
        above = np.where(endless_up, 0, np.maximum(pull - most, 0))
        below = np.where(endless_down, 0, np.maximum(least - pull, 0))
        distance: np.ndarray = above + below
        return distance


def grid_of(clip: Clip) -> int:
    """Fewest fractional bits that hold every bound of a clip exactly; a float64 is a dyadic number."""
    bounds = [bound for kind in clip.kinds for bound in (kind.lower, kind.upper) if np.isfinite(bound)]
    return max((Fraction(bound).denominator.bit_length() - 1 for bound in bounds), default=0)


def clip_to_plain(clip: Clip) -> dict[str, Any]:
    """A network's clip as JSON-ready integers on its grid, in the form of a program's."""
    bits = grid_of(clip)

    def plain(bound: float) -> int | None:
        return int(Fraction(bound) * 2**bits) if np.isfinite(bound) else None

    return {
        "bits": bits,
        "lower": [plain(kind.lower) for kind in clip.kinds],
        "upper": [plain(kind.upper) for kind in clip.kinds],
        "complement": [kind.complement for kind in clip.kinds],
        "rows": list(clip.rows),
    }


def clip_from_plain(plain: dict[str, Any]) -> Clip:
    """The inverse of :func:`clip_to_plain`.

    Raises
    ------
    KeyError, TypeError, ValueError, InputError
        An entry is missing, of another type, or no clip.
    """
    unit = Fraction(1, 2 ** plain["bits"])
    real = {
        name: [None if bound is None else float(bound * unit) for bound in plain[name]] for name in ("lower", "upper")
    }
    return Clip.from_plain({**plain, **real})


def _exact(values: np.ndarray, bits: int) -> np.ndarray:
    return np.array([int(Fraction(value) * 2**bits) for value in values.tolist()], dtype=object)
