"""The numerics contract in plain Python integers, written from ``docs/numerics.md``; it reads ``program.json`` only."""

from __future__ import annotations

from typing import Any, NamedTuple


class Run(NamedTuple):
    """One sample: its end, and every value that an accumulator or a word between two engines had."""

    state: list[int]
    updates: int
    outputs: list[int]
    sums: dict[str, list[int]]


def outputs(program: dict[str, Any], words: list[int]) -> tuple[list[int], int, list[int]]:
    """Final state, executed updates and output words of one sample of input words."""
    return run(program, words)[:3]


def sequence(program: dict[str, Any], samples: list[list[int]]) -> list[Run]:
    """Samples in their order: words that are carried from each to the next, or its state where the start is warm."""
    carried, runs = program.get("carried"), []
    h, started = list(carried["initial"]) if carried else [], None
    for words in samples:
        found = run(program, words + h, started)
        visible = len(found.outputs) - len(h)
        h = _carried_on(program, found.outputs[visible:])
        started = found.state if "warm" in program else None
        runs.append(found._replace(outputs=found.outputs[:visible]))
    return runs


def _carried_on(program: dict[str, Any], outputs: list[int]) -> list[int]:
    """What becomes of the carried words: outputs on the input's grid."""
    word, state = program["input_format"], program["stages"][0]["state_format"]
    grid = max(program["readout_shifts"]) + state["word_length"] - state["integer_bits"]
    top = 2 ** (word["word_length"] - 1)
    low = -top + (word["overflow"] == "AP_SAT_SYM")
    return [_clip(_half_up(v, grid - word["word_length"] + word["integer_bits"]), low, top - 1) for v in outputs]


def run(program: dict[str, Any], words: list[int], started: list[int] | None = None) -> Run:
    """One sample of input words, carried ones behind them; from the state of the one before where that is given."""
    (stage,) = program["stages"]
    state, word = stage["state_format"], program["input_format"]
    top, f = 2 ** (state["word_length"] - 1) - 1, state["word_length"] - state["integer_bits"]
    grid, left, g = word["word_length"] - word["integer_bits"], stage["drive_left_shift"], stage["matrix_shifts"]
    clip = [(stage["clip"]["lower"][i], stage["clip"]["upper"][i], stage["clip"]["complement"][i])
            for i in stage["clip"]["rows"]]  # fmt: skip
    reflected = stage["solver"] == "peaceman_rachford"

    def prox(values: list[int]) -> list[int]:
        kept = [_clip(v, low, high) for v, (low, high, _) in zip(values, clip, strict=True)]
        return [v - z if flip else z for v, z, (_, _, flip) in zip(values, kept, clip, strict=True)]

    def phi(values: list[int]) -> list[int]:
        return [2 * z - v for z, v in zip(prox(values), values, strict=True)] if reflected else prox(values)

    def sat(sums: list[int]) -> list[int]:
        return [_clip(_half_up(v, shift), -top, top) for v, shift in zip(sums, g, strict=True)]

    drive = []
    sums: dict[str, list[int]] = {"drive_accumulator": [], "drive": [], "state_accumulator": [], "output": []}

    def injected(row: list[int], bias: int, shift: int) -> int:
        total = (_dot(row, words) << left) + bias
        sums["drive_accumulator"] += [total, total + ((1 << shift) >> 1)]
        sums["drive"].append(_half_up(total, shift))
        return sums["drive"][-1]

    rows = zip(stage["drive"], stage["drive_bias"], stage["drive_shifts"], g, strict=True)
    for row, bias, shift, row_shift in rows:
        drive.append(injected(row, bias, shift + grid + left - f - row_shift))
    a, updates, first = stage["leak_shift"], stage["iterations"], 1
    s = sat(drive)
    if started is not None:
        s, first = started, updates - program["warm"]["iterations"] + 1
    for update in range(first, stage["iterations"] + 1):
        p = phi(s)
        totals = [d + _dot(row, p) for d, row in zip(drive, stage["matrix"], strict=True)]
        totals = [v + ((2**a - 1) << (shift - a)) * q for v, shift, q in zip(totals, g, p, strict=True)]
        sums["state_accumulator"] += [
            v + half for v, shift in zip(totals, g, strict=True) for half in (0, 2**shift // 2)
        ]
        following = sat(totals)
        if following == s:
            updates = update
            break
        s = following
    finest, fed = max(program["readout_shifts"]), [0] * len(program["readout"])
    if "feedthrough" in program:
        rows = zip(program["feedthrough"], program["feedthrough_shifts"], program["readout_shifts"], strict=True)
        fed = [injected(row, 0, shift + grid + left - f - own) for row, shift, own in rows]
    rows = zip(program["readout"], program["readout_shifts"], program["readout_bias"], fed, strict=True)
    sums["output"] = [((_dot(row, prox(s)) + u) << (finest - shift)) + bias for row, shift, bias, u in rows]
    return Run(s, updates, sums["output"], sums)


def _dot(row: list[int], words: list[int]) -> int:
    return sum(x * y for x, y in zip(row, words, strict=True))


def _half_up(value: int, shift: int) -> int:
    return (2 * value + (1 << shift)) >> (shift + 1)


def _clip(value: int, low: int | None, high: int | None) -> int:
    value = value if low is None else max(value, low)
    return value if high is None else min(value, high)
