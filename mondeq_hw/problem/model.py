"""The trained network: what ``load`` returns and every later stage reads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..base import RELU, Clip, DenseOperator, FixedPointFormat, InputError, canonical_digest, spectral_norm
from .parameters import Parameters
from .preprocessing import KeptInputs, Preprocessing, unknown
from .splitting import PEACEMAN_RACHFORD, find_splitting

#: Name and version of the own checkpoint format, in the metadata of whatever container.
FORMAT_NAME = "mondeq-hw"
FORMAT_VERSION = 6


def format_version(
    clip: Clip, feedthrough: bool, preprocessing: Preprocessing | None = None, carried: bool = False
) -> int:
    """Of a file: the first version whose readers know all of it, so that none of before leaves something out.

    Version 1 is relu, 2 has another clip, 3 has an output that takes the input directly, 4 inputs of a declared
    format or range, 5 carries a state, 6 takes some values of a sample.
    """
    if preprocessing is not None and preprocessing.kept is not None:
        return 6
    if carried:
        return 5
    if preprocessing is not None and preprocessing.declares_words:
        return 4
    return 3 if feedthrough else 1 if clip.is_relu else 2


@dataclass(frozen=True)
class StoredRecurrence:
    """Integers that quantisation-aware training chose; the compiler takes them as they are.

    The recurrence is the one of ``reformulate``; the meaning of each integer
    is the one of ``program``.

    Parameters
    ----------
    solver : str
    step_size : float
    matrix : DenseOperator (n, n)
    drive : DenseOperator (n, d)
    readout : DenseOperator (k, n)
    drive_bias : ndarray (n,)
    readout_bias : ndarray (k,)
    input_format, state_format : FixedPointFormat
    clip : Clip, optional
        The network's; relu in every row when absent.
    feedthrough : DenseOperator (k, d), optional
        Of the network's ``F``; none when absent.
    iterations : int, optional
        Updates that it was trained for; those that its certificate asks for when absent.
    """

    solver: str
    step_size: float
    matrix: DenseOperator
    drive: DenseOperator
    readout: DenseOperator
    drive_bias: np.ndarray
    readout_bias: np.ndarray
    input_format: FixedPointFormat
    state_format: FixedPointFormat
    clip: Clip | None = None
    feedthrough: DenseOperator | None = None
    iterations: int | None = None

    @property
    def leak_shift(self) -> int:
        """``a`` of the dyadic leak ``1 - 2**-a``; 0 means no leak."""
        return find_splitting(self.solver).leak_shift(self.step_size)

    @property
    def prox(self) -> Clip:
        """The rows' proximal operators."""
        return Clip.uniform(RELU, len(self.drive_bias)) if self.clip is None else self.clip


@dataclass(frozen=True)
class CarriedState:
    """A state ``h`` carried from sample to sample: the last inputs of a network are its last outputs one sample before.

    Parameters
    ----------
    initial : ndarray (m,)
        Before the first sample.
    exponents : ndarray of int64 (m,)
        ``2**exponents[j]`` of the network's units are one of the file's: what it was scaled by to fit its words.
    """

    initial: np.ndarray
    exponents: np.ndarray

    @staticmethod
    def starting(initial: np.ndarray) -> CarriedState:
        """In the units of the file."""
        return CarriedState(np.asarray(initial, dtype=np.float64), np.zeros(len(initial), dtype=np.int64))

    @property
    def size(self) -> int:
        """``m``."""
        return len(self.initial)


@dataclass(frozen=True)
class Levers:
    """What a user can change of a network, in the user's own words; messages' remedies.

    Parameters
    ----------
    sizes : str
        The arrays that hold its sizes.
    faster : str
        What makes it contract faster.
    """

    sizes: str
    faster: str

    @staticmethod
    def of(parameters: object | None) -> Levers:
        """Of a trained network, or of a parametric problem, which has names for its parameters."""
        return TRAINED if parameters is None else PARAMETRIC


TRAINED = Levers("the network's U, b, O and c", "retrain it with a larger margin")
PARAMETRIC = Levers(
    "the problem's q, l, u, Q, L, U, theta and outputs",
    "give its cost P a better condition, or its soft rows a larger delta",
)


@dataclass(frozen=True, repr=False)
class MonDEQ:
    """A monotone operator equilibrium network ``z = prox(W z + U x + b)``, ``y = O z + F x + c``; often relu, no ``F``.

    Winston & Kolter, "Monotone operator equilibrium networks", NeurIPS 2020
    (arXiv 2006.08591), Proposition 1: ``W = (1-m) I - A'A + B - B'`` makes
    ``I - W`` strongly monotone with margin ``m``.

    Parameters
    ----------
    W : ndarray (n, n)
    U : ndarray (n, d)
    b : ndarray (n,)
    O : ndarray (k, n)
    c : ndarray (k,)
    monotonicity_margin : float
        ``m > 0`` as trained; the certificate recomputes it from ``W``.
    preprocessing : Preprocessing, optional
        From raw words to ``x``; None where nobody has said it yet.
    source : str
        File name, for reports.
    stored : StoredRecurrence, optional
        Of a retrained network: the integers that ``W, U, b, O, c`` stand for.
    clip : Clip, optional
        The rows' proximal operators; relu in every row when absent.
    task : str, optional
        Name of what the outputs stand for, ``classes`` or ``values``; None where the file does not say.
    F : ndarray (k, d), optional
        Feed-through, what the outputs take from the input directly; nothing when absent.
    carried : CarriedState, optional
        Its ``m`` words are the last columns of ``U`` and ``F``, and come of the last rows of ``O``, ``F`` and ``c``.
    parameters : Parameters, optional
        Of a parametric problem, whose inputs are parameters in a box; None of a network that was trained on samples.
    """

    W: np.ndarray
    U: np.ndarray
    b: np.ndarray
    O: np.ndarray  # noqa: E741 - the field's name for the readout
    c: np.ndarray
    monotonicity_margin: float
    preprocessing: Preprocessing | None = None
    source: str = "model"
    stored: StoredRecurrence | None = None
    clip: Clip | None = None
    task: str | None = None
    F: np.ndarray | None = None
    carried: CarriedState | None = None
    parameters: Parameters | None = None

    def __post_init__(self) -> None:
        if self.F is not None and self.F.shape != (self.rows, self.columns):
            raise InputError(
                f"{self.source}: F has shape {self.F.shape}; expected {(self.rows, self.columns)}, outputs x inputs"
            )
        if self.carried is not None and (self.F is None or min(self.d, self.k) < 1):
            raise InputError(
                f"{self.source}: carries {self.carried.size} words; expected F, and inputs and outputs beside"
            )
        if self.clip is not None and self.clip.n != self.n:
            raise InputError(f"{self.source}: the clip has {self.clip.n} rows; expected {self.n}, one for each state")

    def __repr__(self) -> str:
        carried = f", {self.carried_words} carried words" if self.carried_words else ""
        kind = "integers of a retrained network" if self.stored is not None else "float network"
        return (
            f"MonDEQ of {self.source}: {kind}, margin {self.monotonicity_margin:.4g}\n"
            f"  {self.d} inputs, {self.n} states, {self.k} outputs{carried}"
        )

    @property
    def prox(self) -> Clip:
        """The rows' proximal operators."""
        return Clip.uniform(RELU, self.n) if self.clip is None else self.clip

    @property
    def input_map(self) -> Preprocessing:
        """The preprocessing, where it is needed.

        Raises
        ------
        InputError
            Nobody has said it.
        """
        if self.preprocessing is None:
            raise unknown(self.source)
        return self.preprocessing

    @property
    def kept(self) -> KeptInputs | None:
        """Which values of a sample are its inputs; None where all."""
        return None if self.preprocessing is None else self.preprocessing.kept

    def inputs_of(self, samples: np.ndarray) -> np.ndarray:
        """Its inputs (samples, d) of whole samples, or of inputs."""
        return samples if self.kept is None else self.kept.of(samples)

    @cached_property
    def measured_margin(self) -> float:
        """:func:`monotonicity_margin` of ``W``."""
        return monotonicity_margin(self.W)

    @cached_property
    def measured_lipschitz(self) -> float:
        """:func:`lipschitz_constant` of ``W``."""
        return lipschitz_constant(self.W)

    @cached_property
    def solver(self) -> tuple[float, np.ndarray, np.ndarray]:
        """``alpha``, ``M`` and ``G`` of ``s <- M phi(s) + G q``, by which all its equilibria are found: one inverse.

        Peaceman-Rachford splitting at its best step.
        """
        splitting = find_splitting(PEACEMAN_RACHFORD)
        alpha = splitting.best_step(self.measured_margin, self.measured_lipschitz)
        matrix, resolvent, scale = splitting.fold(self.W, alpha)
        return alpha, matrix, scale * resolvent

    @property
    def n(self) -> int:
        """State dimension."""
        return self.W.shape[0]

    @property
    def d(self) -> int:
        """Input dimension, carried words not counted."""
        return self.columns - self.carried_words

    @property
    def k(self) -> int:
        """Number of outputs, carried words not counted."""
        return self.rows - self.carried_words

    @property
    def columns(self) -> int:
        """Inputs and carried words."""
        return self.U.shape[1]

    @property
    def rows(self) -> int:
        """Outputs and carried words."""
        return self.O.shape[0]

    @property
    def carried_words(self) -> int:
        """``m``, 0 where nothing is carried."""
        return 0 if self.carried is None else self.carried.size

    @property
    def levers(self) -> Levers:
        """What to change of it, in words."""
        return Levers.of(self.parameters)

    def digest(self) -> str:
        """SHA-256 over every array, so that a certificate names the model it is about."""
        state = hashlib.sha256()
        pre = self.preprocessing
        inputs = () if pre is None else (pre.mean, pre.std, pre.scale)
        feedthrough = () if self.F is None else (self.F,)
        carried = () if self.carried is None else (self.carried.initial, self.carried.exponents)
        for value in (self.W, self.U, self.b, self.O, self.c, *inputs, *feedthrough, *carried):
            array = np.ascontiguousarray(value, dtype="<f8")
            state.update(repr(array.shape).encode())
            state.update(array.tobytes())
        if not self.prox.is_relu:
            state.update(repr(self.prox).encode())
        if pre is not None and (pre.declares_words or pre.kept is not None):
            state.update(canonical_digest(pre.to_plain()).encode())
        return state.hexdigest()


def monotonicity_margin(W: np.ndarray) -> float:
    """``lambda_min(I - (W + W')/2)``, the monotonicity margin, in floating point."""
    return float(np.linalg.eigvalsh(np.eye(len(W)) - (W + W.T) / 2)[0])


def lipschitz_constant(W: np.ndarray) -> float:
    """``||I - W||_2``, in floating point."""
    return spectral_norm(np.eye(len(W)) - W)
