"""The numerics contract in plain Python integers, written from ``docs/numerics.md``; it reads ``program.json`` only."""

from __future__ import annotations

from typing import Any


def outputs(program: dict[str, Any], words: list[int]) -> tuple[list[int], int, list[int]]:
    """Final state, executed updates and output words of one sample of input words."""
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
    rows = zip(stage["drive"], stage["drive_bias"], stage["drive_shifts"], g, strict=True)
    for row, bias, shift, row_shift in rows:
        total = (_dot(row, words) << left) + bias
        drive.append(_half_up(total, shift + grid + left - f - row_shift))
    a, s, updates = stage["leak_shift"], sat(drive), stage["iterations"]
    for update in range(1, stage["iterations"] + 1):
        p = phi(s)
        sums = [d + _dot(row, p) for d, row in zip(drive, stage["matrix"], strict=True)]
        following = sat([v + ((2**a - 1) << (shift - a)) * q for v, shift, q in zip(sums, g, p, strict=True)])
        if following == s:
            updates = update
            break
        s = following
    finest = max(program["readout_shifts"])
    rows = zip(program["readout"], program["readout_shifts"], program["readout_bias"], strict=True)
    return s, updates, [(_dot(row, prox(s)) << (finest - shift)) + bias for row, shift, bias in rows]


def _dot(row: list[int], words: list[int]) -> int:
    return sum(x * y for x, y in zip(row, words, strict=True))


def _half_up(value: int, shift: int) -> int:
    return (2 * value + (1 << shift)) >> (shift + 1)


def _clip(value: int, low: int | None, high: int | None) -> int:
    value = value if low is None else max(value, low)
    return value if high is None else min(value, high)
