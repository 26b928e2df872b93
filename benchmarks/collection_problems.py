"""A seeded sample of Maros and Meszaros' quadratic programs, for ``mpc.py --collection``.

The source package of proxsuite ships the collection (``test/data/maros_meszaros_data``); nothing of it is kept here.
Its problems have no parameters: the linear cost gets two, in seeded directions, that move it by about half its size.
Small problems alone: those of at most ``MOST_VARIABLES`` variables and ``MOST_ROWS`` constraints.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import osqp
import scipy.io
import scipy.sparse

from mondeq_hw import MonDEQ, from_qp
from mondeq_hw.base import InputError
from mondeq_hw.problem import box_words, logits

FOLDER = "maros_meszaros_data"
MOST_VARIABLES, MOST_ROWS = 16, 40
SAMPLE, SEED = 8, 0
#: The collection's infinity.
INFINITE = 1e20
PARAMETERS, OUTPUTS, MOVED = 2, 4, 0.5
#: Penalty of the rows that cannot all be hard.
DELTA = 0.1
BITS, STATE_BITS, READOUT_BITS, TRANSIENT = 14, 26, 18, 5e-5
RANGE_SAMPLES = 500


@dataclass(frozen=True)
class CollectionProblem:
    """One of the collection; what :class:`control_problems.ControlProblem` has of use to ``mpc.py``.

    Parameters
    ----------
    name : str
    matrices : dict
        ``P``, ``A`` dense, ``q``, ``l``, ``u``.
    """

    name: str
    matrices: dict[str, np.ndarray]
    bits: int = BITS
    state_bits: int = STATE_BITS
    readout_bits: int = READOUT_BITS
    transient: float = TRANSIENT

    @cached_property
    def _soft_rows(self) -> np.ndarray:
        """Penalties: of no row where all can be hard, else of those that bound no single variable."""
        none: np.ndarray = np.zeros(len(self.matrices["A"]))
        try:
            from_qp(**self._with(none))
        except InputError:
            return np.where(np.count_nonzero(self.matrices["A"], axis=1) == 1, 0.0, DELTA)
        return none

    def _with(self, delta: np.ndarray) -> dict[str, Any]:
        P, q, A = (self.matrices[name] for name in "PqA")
        nominal = osqp.OSQP()
        nominal.setup(scipy.sparse.csc_matrix(P), q, scipy.sparse.csc_matrix(A), self.matrices["l"],
                      self.matrices["u"], verbose=False, max_iter=100_000)  # fmt: skip
        size = max(np.abs(q).max(), np.abs(P @ nominal.solve().x).max())
        directions = np.random.default_rng(SEED).standard_normal((len(P), PARAMETERS))
        moved = np.zeros((len(A), PARAMETERS))
        theta = -np.ones(PARAMETERS), np.ones(PARAMETERS)
        return {
            **self.matrices, "Q": MOVED * size * directions, "L": moved, "U": moved, "delta": delta, "theta": theta,
            "outputs": np.eye(len(P))[:OUTPUTS],
        }  # fmt: skip

    @cached_property
    def _arguments(self) -> dict[str, Any]:
        return self._with(self._soft_rows)

    def arguments(self) -> dict[str, Any]:
        """Of :func:`mondeq_hw.from_qp`."""
        return self._arguments

    def network(self) -> MonDEQ:
        """The equilibrium network that solves it."""
        return from_qp(**self._arguments, source=self.name)

    @cached_property
    def width(self) -> float:
        """The widest range of an output, on samples of the box: what errors are a share of."""
        network = self.network()
        raw = box_words(network.input_map.words.ends, network.d, RANGE_SAMPLES, seed=SEED)
        return float(np.ptp(logits(network, raw), axis=0).max())


def sample(archive: Path) -> list[CollectionProblem]:
    """Of the small problems in a source package of proxsuite, in alphabetical order."""
    small = list(_small(archive))
    chosen = np.random.default_rng(SEED).choice(len(small), min(SAMPLE, len(small)), replace=False)
    return [small[k] for k in sorted(chosen)]


def _small(archive: Path) -> Iterator[CollectionProblem]:
    with tarfile.open(archive) as source:
        paths = {PurePosixPath(name) for name in source.getnames()}
        for path in sorted(path for path in paths if path.parent.name == FOLDER and path.suffix == ".mat"):
            content = source.extractfile(str(path))
            if content is None:
                continue
            held = scipy.io.loadmat(io.BytesIO(content.read()))
            if held["q"].size <= MOST_VARIABLES and held["l"].size <= MOST_ROWS:
                yield CollectionProblem(path.stem, _matrices(held))


def _matrices(held: dict[str, Any]) -> dict[str, np.ndarray]:
    """Cost and rows of norm one, so that a penalty means the same in all."""
    P, A = (held[name].toarray() for name in "PA")
    q, low, high = (held[name].ravel() for name in ("q", "l", "u"))
    bounded = (low > -INFINITE) | (high < INFINITE)
    low, high = np.where(low > -INFINITE, low, -np.inf), np.where(high < INFINITE, high, np.inf)
    size, lengths = np.linalg.norm(P, 2), np.linalg.norm(A[bounded], axis=1)
    return {
        "P": (P + P.T) / (2 * size),
        "q": q / size,
        "A": A[bounded] / lengths[:, None],
        "l": low[bounded] / lengths,
        "u": high[bounded] / lengths,
    }
