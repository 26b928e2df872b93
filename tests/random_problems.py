"""Random quadratic programs and recurrent networks, and random options of their compilation."""

from __future__ import annotations

from typing import Any

import numpy as np
import rens

from mondeq_hw import MonDEQ, from_qp, load
from mondeq_hw.problem import Preprocessing

Plain = dict[str, Any]
FORMS = ("box", "soft", "hard")


def random_problem(rng: np.random.Generator, form: str) -> Plain:
    """A feasible problem: boxes alone, boxes with soft rows, or independent hard rows."""
    n, p = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    factor = rng.normal(size=(n, n))
    problem: Plain = {"P": factor @ factor.T + 0.3 * np.eye(n), "q": rng.normal(size=n), "Q": rng.normal(size=(n, p))}
    box_low = rng.normal(size=n) * 0.5
    A, low, high = np.eye(n), box_low, box_low + rng.uniform(0.0, 1.0, n)
    gain = np.zeros((n, p))
    if form != "box":
        rows = int(rng.integers(1, 4)) if form == "soft" else int(rng.integers(1, n + 1))
        G, middle = rng.normal(size=(rows, n)), rng.normal(size=rows)
        a, b = middle - rng.uniform(0, 1, rows), middle.copy()
        a[rng.random(rows) < 0.3] = -np.inf
        b[(rng.random(rows) < 0.2) & np.isfinite(a)] = np.inf
        if rng.random() < 0.5:
            a[0] = b[0] = middle[0]
        moved = 0.3 * rng.normal(size=(rows, p))
        if form == "soft":
            A, low, high = np.vstack([A, G]), np.concatenate([low, a]), np.concatenate([high, b])
            gain = np.vstack([gain, moved])
        else:
            # Nearly dependent rows are a problem's own ill condition, and no solver's fault.
            left, _, right = np.linalg.svd(G, full_matrices=False)
            A, low, high, gain = left @ right, a, b, moved
    problem |= {"A": A, "l": low, "u": high, "L": gain, "U": gain}
    problem["theta"] = (-rng.uniform(0.2, 1, p), rng.uniform(0.2, 1, p))
    return problem


def random_problem_compile(seed: int) -> tuple[MonDEQ, Plain]:
    """A problem in any units, some of it shown, and the options of its compilation; a third start warm."""
    rng = np.random.default_rng(seed)
    form = str(rng.choice(FORMS))
    problem = random_problem(rng, form)
    n = len(problem["q"])
    unit, cost = (float(10.0 ** rng.integers(-3, 4)) for _ in range(2))
    problem |= {key: unit * problem[key] for key in ("l", "u", "L", "U")}
    problem |= {key: unit * cost * problem[key] for key in ("q", "Q")}
    if rng.random() < 0.3:
        problem["outputs"] = rng.normal(size=(int(rng.integers(1, 4)), n))
    if form == "hard" and rng.random() < 0.5:
        problem["l1"] = unit * cost * rng.uniform(0, 1, n) * (np.arange(n) < n - len(problem["A"]))
    apart = np.random.default_rng([seed, 1])  # the other draws stay what they were
    if form == "soft" and apart.random() < 0.4:
        problem["slack_l1"] = unit * cost * apart.uniform(0.1, 2)
    model = from_qp(
        **problem | {"P": cost * problem["P"]},
        delta=0.1 / cost if form == "soft" else None,
        input_bits=int(rng.choice([4, 8, 12, 16])),
    )
    bits = int(rng.choice([4, 6, 8, 10, 12, 14, 18]))
    options: Plain = {"bits": bits, "allow_uncertified": True, "allow_vacuous": True}
    if rng.random() < 0.3:
        options["warm_start"] = float(rng.choice([0.001, 0.01])) * np.subtract(*reversed(problem["theta"]))
    if rng.random() < 0.3:
        options["state_bits"] = int(rng.integers(max(8, bits), 29))
    if rng.random() < 0.3:
        options["flag_saturation"] = True
    return model, options


def random_recurrent_compile(seed: int) -> tuple[MonDEQ, Plain]:
    """A recurrent equilibrium network of any sizes, its inner matrix triangular or full, and options."""
    rng = np.random.default_rng(seed)
    m, n, d, k = (int(rng.integers(1, 6)) for _ in range(4))
    arrays = rens.ren(seed, m, n, d, k)
    if rng.random() < 0.4:
        full = rng.normal(size=(n, n))
        arrays["D11"] = 0.5 * full / np.linalg.norm(full, 2)
    word = int(rng.integers(6, 15))
    words = Preprocessing(2.0 ** (4 - word), input_format=f"ap_fixed<{word},{word}>")
    options: Plain = {"bits": int(rng.choice([6, 8, 12, 16])), "allow_uncertified": True, "allow_vacuous": True}
    top = 2 ** (word - 1)
    options["calibration"] = np.clip(np.rint(top / 8 * rng.normal(size=(60, d))), -top, top - 1)
    if rng.random() < 0.3:
        options["drive_bits"] = int(rng.integers(8, 19))
    if rng.random() < 0.3:
        options["solver"] = "forward_backward"
    return load(arrays, preprocessing=words), options
