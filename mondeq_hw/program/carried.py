"""``CarriedWords``: the state that a program carries from sample to sample.

Its ``m`` words ``h`` have the format of the input words and stand behind them, ``x``
in the contracts of stage and program being ``(input, h)``; what the last ``m`` rows
of the outputs give becomes the next sample's (``>>r`` is round half up, ``sat``
saturates to the input format)::

    h_j+ = sat(y_(k+j) >>r carried_shift)

``carried_shift`` is from the common output grid to the input's.  Samples are a
sequence, in their order; before the first ``h`` is ``initial``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base import FixedPointFormat, InputError


@dataclass(frozen=True)
class CarriedWords:
    """See the module's text.

    Parameters
    ----------
    initial : ndarray of int64 (m,)
    exponents : ndarray of int64 (m,)
        A unit of the input's grid in component ``j`` is ``2**-exponents[j]`` of the network's own units.
    """

    initial: np.ndarray
    exponents: np.ndarray

    @property
    def size(self) -> int:
        """``m``."""
        return len(self.initial)

    def check(self, words: FixedPointFormat) -> None:
        """Refuse words that break the contract.

        Raises
        ------
        InputError
        """
        for name, vector in (("initial", self.initial), ("exponents", self.exponents)):
            if vector.ndim != 1 or vector.shape != self.initial.shape or vector.dtype != np.int64 or not self.size:
                raise InputError(f"program: carried {name} is {vector.dtype}{vector.shape}; expected int64, one a word")
        if not words.signed:
            raise InputError(
                f"program: a carried state has words of the input's format, {words}; expected a signed one"
            )
        if self.initial.min() < words.min_word or self.initial.max() > words.max_word:
            raise InputError(f"program: the initial carried state has words outside {words}")
