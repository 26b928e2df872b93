"""Checkpoints of every format, made from one random network in its trained parametrisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch


@dataclass(frozen=True)
class Parameters:
    """``W = (1-m) I - A'A + B - B'`` and the rest."""

    A: np.ndarray
    B: np.ndarray
    U: np.ndarray
    b: np.ndarray
    O: np.ndarray  # noqa: E741 - the field's name for the readout
    c: np.ndarray
    m: float

    @property
    def W(self) -> np.ndarray:  # noqa: N802
        return (1 - self.m) * np.eye(len(self.B)) - self.A.T @ self.A + self.B - self.B.T

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """``y`` for network inputs ``x`` (samples, d): damped forward-backward iteration, written out here."""
        z = np.zeros((len(x), len(self.b)))
        L = np.linalg.norm(np.eye(len(self.b)) - self.W, 2)
        alpha = self.m / L**2
        for _ in range(20_000):
            z = np.maximum((1 - alpha) * z + alpha * (z @ self.W.T + x @ self.U.T + self.b), 0)
        return z @ self.O.T + self.c


def parameters(
    seed: int = 0, n: int = 7, d: int = 5, k: int = 3, m: float = 0.5, rank: int | None = None
) -> Parameters:
    """Random and float32-exact, so that every format stores the same numbers."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32).astype(np.float64)

    return Parameters(
        A=0.25 * normal(rank or n, n),
        B=0.25 * normal(n, n),
        U=normal(n, d),
        b=normal(n),
        O=normal(k, n),
        c=normal(k),
        m=m,
    )


def winston_kolter(p: Parameters) -> dict[str, np.ndarray]:
    prefix = "mon.linear_module."
    return {
        prefix + "U.weight": p.U,
        prefix + "U.bias": p.b,
        prefix + "A.weight": p.A,
        prefix + "B.weight": p.B,
        "Wout.weight": p.O,
        "Wout.bias": p.c,
    }


def li_2026(p: Parameters) -> dict[str, np.ndarray]:
    prefix = "mon.core."
    m_raw = np.log(np.expm1(p.m - 1e-4))
    return {
        prefix + "A": p.A,
        prefix + "S": p.B,
        prefix + "m_raw": np.float64(m_raw),
        prefix + "U": p.U,
        prefix + "b": p.b,
        "classifier.weight": p.O,
        "classifier.bias": p.c,
    }


def plain(p: Parameters) -> dict[str, np.ndarray]:
    numbers = {"m": np.float64(p.m), "scale": np.float64(1 / 255)}
    return {"A": p.A, "B": p.B, "U": p.U, "b": p.b, "O": p.O, "c": p.c, **numbers}


def linear(p: Parameters) -> dict[str, np.ndarray]:
    """The plain arrays as ``nn.Linear`` names them."""
    return {
        "U.weight": p.U, "U.bias": p.b, "A.weight": p.A, "B.weight": p.B, "out.weight": p.O, "out.bias": p.c,
        "m": np.float64(p.m), "scale": np.float64(1 / 255),
    }  # fmt: skip


class Layer(torch.nn.Module):
    """Winston and Kolter's layer as a live module."""

    def __init__(self, p: Parameters):
        super().__init__()
        n, d = p.U.shape
        self.U, self.A, self.B = torch.nn.Linear(d, n), torch.nn.Linear(n, n, False), torch.nn.Linear(n, n, False)
        self.m = p.m

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One application from zero."""
        z = torch.relu(self.U(x))
        return self.A(z) + self.B(z)


class Splitting(torch.nn.Module):
    """What the reference code puts around the layer."""

    def __init__(self, p: Parameters):
        super().__init__()
        self.linear_module = Layer(p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Its layer's."""
        return self.linear_module(x)


class Network(torch.nn.Module):
    """Winston and Kolter's network as a live module, with the weights of ``winston_kolter``."""

    def __init__(self, p: Parameters):
        super().__init__()
        self.mon, self.Wout = Splitting(p), torch.nn.Linear(len(p.b), len(p.c))
        self.load_state_dict({key: torch.tensor(value) for key, value in winston_kolter(p).items()})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores."""
        return self.Wout(self.mon(x))


def write_torch(
    file: Path, arrays: Mapping[str, np.ndarray], dtype: torch.dtype = torch.float64, **options: bool
) -> Path:
    torch.save({key: torch.tensor(value, dtype=dtype) for key, value in arrays.items()}, file, **options)
    return file


def write_npz(file: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    np.savez(file, **arrays)
    return file
