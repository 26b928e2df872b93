"""How well outputs meet their targets, and how they lie to the float network's: what a task finds, and its words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Columns of a :class:`Fit`.
FIT_HEADER = ("R squared", "rms error", "largest")


@dataclass(frozen=True)
class Accuracy:
    """Shares of the test samples, 0 to 1.

    Parameters
    ----------
    samples : int
    golden : float
        The integer program's accuracy, which C++ and RTL share bit for bit.
    floating : float
        The trained network's, solved in float64.
    agreement : float
        Samples that both give the same class.
    """

    samples: int
    golden: float
    floating: float
    agreement: float

    @property
    def scores(self) -> tuple[float, float]:
        """:meth:`Task.score` of the program and of the float network."""
        return self.golden, self.floating

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Nothing by output."""
        return ()

    def in_words(self) -> str:
        """The closing line of a compilation."""
        return f"{self.golden:.2%} in integers, {self.floating:.2%} in floating point, {self.samples} samples"


@dataclass(frozen=True)
class Right:
    """Share of the samples with the class of their label, 0 to 1."""

    share: float

    def table(self) -> tuple[tuple[str, ...], ...]:
        """Nothing by output."""
        return ()


@dataclass(frozen=True)
class Distance:
    """Root mean square and largest magnitude of a difference, one of each an output, in its units."""

    rms: tuple[float, ...]
    largest: tuple[float, ...]

    @staticmethod
    def between(outputs: np.ndarray, others: np.ndarray) -> Distance:
        """Of two arrays (samples, k)."""
        difference = outputs - others
        return Distance(tuple(root_mean_square(difference).tolist()), tuple(np.abs(difference).max(axis=0).tolist()))

    def in_words(self) -> str:
        """The closing line of a profile."""
        return f"their outputs differ by {max(self.rms):.4g} rms, {max(self.largest):.4g} at most"


@dataclass(frozen=True)
class Fit:
    """How well outputs meet their targets.

    Parameters
    ----------
    r_squared : tuple of float (k,)
    error : Distance
        From the targets.
    """

    r_squared: tuple[float, ...]
    error: Distance

    @property
    def score(self) -> float:
        """R squared of the worst output."""
        return min(self.r_squared)

    @property
    def columns(self) -> tuple[tuple[str, ...], ...]:
        """R squared, root mean square and largest error as text, one of each an output."""
        figures = (self.r_squared, ".4f"), (self.error.rms, ".4g"), (self.error.largest, ".4g")
        return tuple(tuple(format(value, form) for value in values) for values, form in figures)

    def table(self) -> tuple[tuple[str, ...], ...]:
        """A header, and a line an output in its units."""
        outputs = map(str, range(len(self.r_squared)))
        return (("output", *FIT_HEADER), *zip(outputs, *self.columns, strict=True))


@dataclass(frozen=True)
class Errors:
    """Real outputs of the test samples against targets and against the float network, output by output.

    Parameters
    ----------
    samples : int
    golden : Fit
        The integer program's, which C++ and RTL share bit for bit.
    floating : Fit
        The trained network's, solved in float64.
    difference : Distance
        Of the two.
    """

    samples: int
    golden: Fit
    floating: Fit
    difference: Distance

    @property
    def scores(self) -> tuple[float, float]:
        """:meth:`Task.score` of the program and of the float network."""
        return self.golden.score, self.floating.score

    def table(self) -> tuple[tuple[str, ...], ...]:
        """A header, and a line an output in its units."""
        apart = (tuple(f"{value:.4g}" for value in values) for values in (self.difference.rms, self.difference.largest))
        outputs = map(str, range(len(self.golden.r_squared)))
        columns = zip(outputs, *self.golden.columns, *self.floating.columns, *apart, strict=True)
        floating = (f"float: {FIT_HEADER[0]}", *FIT_HEADER[1:])
        return (("output", *FIT_HEADER, *floating, "integers - float: rms", "largest"), *columns)

    def in_words(self) -> str:
        """The closing line of a compilation; of several outputs the worst."""
        inside, outside = self.golden, self.floating
        return (
            f"{inside.score:.4f} in integers (rms error {max(inside.error.rms):.4g}, largest "
            f"{max(inside.error.largest):.4g}), {outside.score:.4f} in floating point (rms "
            f"{max(outside.error.rms):.4g}), {self.samples} samples"
        )


@dataclass(frozen=True)
class SameClass:
    """Share of the samples with the class of the float network, 0 to 1."""

    same_class: float

    def in_words(self) -> str:
        """The closing line of a profile."""
        return f"{self.same_class:.2%} have its class"


#: How well outputs meet their targets.
Judged = Right | Fit
#: What a test set shows, and how outputs lie to the float network's.
Comparison = Accuracy | Errors
Agreement = SameClass | Distance


def root_mean_square(values: np.ndarray) -> np.ndarray:
    """Of every column; a power of two, which rounds nothing, keeps the squares within floating point's range."""
    unit = np.ldexp(1.0, np.frexp(np.abs(values).max(axis=0))[1] - 1)
    found: np.ndarray = unit * np.sqrt(np.square(values / unit).mean(axis=0))
    return found
