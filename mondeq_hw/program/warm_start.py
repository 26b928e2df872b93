"""``WarmStart``: a sample goes on from the state that the sample before it left.

The first sample after a reset begins as the stage says and runs all its
iterations; each after it takes the last state for its own, with its own drive, and
runs so many updates at most (early exit included)::

    s_0 = the last state of the sample before,   s+ = sat_sym((sum_j (M + leak)[i,j] phi(s)_j + d_i) >>r g_i)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base import InputError


@dataclass(frozen=True)
class WarmStart:
    """See the module's text.

    Parameters
    ----------
    iterations : int
        Updates of a sample that is not the first, at most.
    rate : ndarray of int64 (d,)
        Largest change of each input word from a sample to the next for which the certificate's claims hold; nothing
        that is computed depends on it.
    """

    iterations: int
    rate: np.ndarray

    def check(self, inputs: int, most: int) -> None:
        """Refuse what breaks the contract of a program of so many inputs and iterations.

        Raises
        ------
        InputError
        """
        if self.rate.shape != (inputs,) or self.rate.dtype != np.int64 or self.rate.min() < 0:
            raise InputError(
                f"program: the inputs' rate is {self.rate.dtype}{self.rate.shape}; expected int64 ({inputs},), none "
                "below zero"
            )
        if type(self.iterations) is not int or not 1 <= self.iterations <= most:
            raise InputError(f"program: a warm start of {self.iterations!r} updates; expected 1 to {most}")
