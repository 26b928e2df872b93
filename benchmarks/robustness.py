"""Robustness of deployed integers: proved changes of the input against those that an attack finds.

    python benchmarks/robustness.py BUILD [SAMPLES]

The attack knows the program: from a sample's final state the adjoint recurrence gives the slope of every difference of
two outputs, a step of a size goes against it, and the golden model says whether the class is another.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import mondeq_hw
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.proof import unpacked

#: Updates of the adjoint recurrence, steps of one attack, and sizes tried between two that differ by a factor of two.
UPDATES, STEPS, HALVINGS = 60, 4, 5


class Attack:
    """On the deployed integers of one program, many samples and rivals at once."""

    def __init__(self, program: SolverProgram) -> None:
        self.program, self.golden = program, GoldenModel(program)
        grid = program.drive_fractional_bits
        self.drive = np.ldexp(program.drive.integers.astype(np.float64), program.drive_left_shift - grid[:, None])
        self.matrix = program.matrix.values + (1 - 2.0**-program.leak_shift) * np.eye(program.n)

    def slopes(self, words: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Derivative (samples, d) of the linear output ``outputs[i]`` (samples, n) at words, on the float slopes."""
        program = self.program
        states, clip = self.golden.final_states(words), program.clip
        inside = (states > clip.lower) & (states < clip.upper)
        prox = np.where(clip.complement, ~inside, inside).astype(np.float64)
        phi = 2 * prox - 1 if program.splitting.reflects else prox
        adjoint = source = prox * outputs
        for _ in range(UPDATES):
            adjoint = source + phi * (adjoint @ self.matrix)
        return adjoint @ self.drive

    def changed(self, words: np.ndarray, sizes: np.ndarray, box: bool) -> np.ndarray:
        """The least change (samples,) that alters the class, of attacks of given sizes in words; infinite for none."""
        program, k = self.program, self.program.rows
        classes = self.golden.outputs_at(words, self.golden.final_states(words)).argmax(axis=1)
        start, own = np.repeat(words, k, axis=0), np.repeat(classes, k)
        pair = program.readout.values[own] - np.tile(program.readout.values, (len(words), 1))
        reach, tried = np.repeat(sizes, k)[:, None], start
        least = np.full(len(start), np.inf)
        for _ in range(STEPS):
            slope = self.slopes(tried, pair)
            norm = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300)
            move = np.sign(slope) * np.floor(reach) if box else np.rint(reach * slope / norm)
            tried = np.clip(start - move.astype(np.int64), program.input_format.min_word, program.input_format.max_word)
            found = self.golden.outputs_at(tried, self.golden.final_states(tried)).argmax(axis=1) != own
            change = np.abs(tried - start).max(axis=1) if box else np.linalg.norm(tried - start, axis=1)
            least = np.where(found, np.minimum(least, change), least)
        return least.reshape(len(words), k).min(axis=1)

    def least(self, words: np.ndarray, box: bool) -> np.ndarray:
        """The least change (samples,) of the class in words that sizes from one word up to the whole range find."""
        form, size = self.program.input_format, np.ones(len(words))
        found = np.full(len(words), np.inf)
        most = (form.max_word - form.min_word) * (1 if box else np.sqrt(self.program.d))
        while size.max() <= most and not np.isfinite(found).all():
            found = np.minimum(found, self.changed(words, size, box))
            size = 2 * size
        upper = np.where(np.isfinite(found), found, most)
        lower = upper / 2
        for _ in range(HALVINGS):
            middle = (lower + upper) / 2
            tried = self.changed(words, middle, box)
            found = np.minimum(found, tried)
            upper, lower = np.where(np.isfinite(tried), middle, upper), np.where(np.isfinite(tried), lower, middle)
        return found


def main(folder: Path, samples: int) -> None:
    """Print what is proved and what an attack finds on the certificate's first samples."""
    certificate, program = mondeq_hw.Project.load(folder).certificate, SolverProgram.load(folder)
    line, evidence = certificate.line("robustness").values, certificate.evidence["samples"]
    words = unpacked(evidence["words"], evidence["count"])[:samples]
    step = program.input_format.step
    for name, box in (("infinity_norm", True), ("two_norm", False)):
        shares = ", ".join(
            f"{eps:.4g}: {count / line['samples']:.1%}"
            for eps, count in zip(line[name]["eps"], line[name]["certified"], strict=True)
        )
        found = Attack(program.memoryless).least(words, box) * step
        proved = line[name]["quantiles"][5]
        print(f"{name}: proved median {proved:.4g}, attacked median {np.median(found):.4g}; certified at {shares}")
        left = ", ".join(f"{eps:.4g}: {(found > eps).mean():.1%}" for eps in line[name]["eps"])
        print(f"  share that the attack leaves: {left}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50)
