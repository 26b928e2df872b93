"""What the compiler makes of every example and every published checkpoint, as a record that refactoring must keep.

``python tests/golden_record.py`` writes the record again; a commit that changes
it on purpose says why.  Integers, proved values, schedules and output words are
compared exactly; measured values, which come out of floating point, nearly.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import mondeq_hw

ROOT = Path(__file__).resolve().parent.parent
RECORD = Path(__file__).with_name("golden_record.json")


@dataclass(frozen=True)
class Case:
    """A compilation: a model (below ``examples/`` or ``../shared``) and its options."""

    name: str
    model: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def needs_shared(self) -> bool:
        """Whether the model is one of the published checkpoints."""
        return self.model.startswith("shared/")

    def compile(self, shared: Path, folder: Path) -> mondeq_hw.Project:
        """Compile into a new folder."""
        root = shared.parent if self.needs_shared else ROOT
        options = dict(self.options)
        if options.pop("mnist", False):
            options["data_dir"] = str(shared / "data" / "mnist")
        return mondeq_hw.compile(root / self.model, folder, **options)


DIGITS = "examples/digits.pt"
CRAFT = "shared/checkpoints/craft"
#: Preprocessing of the networks whose own one is not asked for here.
PLAIN: dict[str, Any] = {"input_scale": 1 / 255, "input_mean": 0.4, "input_std": 0.3, "margin": 20.0}
CASES = tuple(
    Case(*case)
    for case in (
        ("digits_5", DIGITS, {"bits": 5}),
        ("digits_2_nearest", DIGITS, {"bits": 2, "rounding": "nearest"}),
        ("digits_1_spectral", DIGITS, {"bits": 1, "rounding": "spectral", "allow_uncertified": True}),
        ("digits_6_tensor", DIGITS, {"bits": 6, "granularity": "tensor", "state_bits": 9, "input_bits": 3}),
        ("digits_8_forward_backward", DIGITS, {"bits": 8, "solver": "forward_backward"}),
        ("digits_3_unrolled", DIGITS, {"bits": 3, "strategy": "unrolled"}),
        ("digits_3_uncertified", DIGITS, {"bits": 3, "solver": "forward_backward", "allow_uncertified": True}),
        ("mnist_1bit", "examples/mnist_1bit.pt", {}),
        ("mnist_2bit", "examples/mnist_2bit.pt", {}),
        ("mnist_4bit", "examples/mnist_4bit.pt", {}),
        ("li_2026_4", "shared/checkpoints/li_2026_mnist_mondeq.pt",
         {"bits": 4, "mnist": True, "calibration_samples": 500}),
        ("craft_mnist_5", f"{CRAFT}/mon_h40_m20.0.pt", {"bits": 5, **PLAIN}),
        ("craft_hcas_12", f"{CRAFT}/HCAS_p0_t0_mon_h100_m20.0.pt", {"bits": 12, **PLAIN}),
    )
)  # fmt: skip


def record(project: mondeq_hw.Project) -> dict[str, Any]:
    """What must not change, of one build folder."""
    folder = project.folder
    with np.load(folder / "program.npz") as archive:
        arrays = {key: _digest(archive[key]) for key in sorted(archive.files)}
    certificate = json.loads((folder / "certificate.json").read_text())
    return {
        "program": arrays,
        "iterations": project.program.iterations,
        "formats": [str(project.program.input_format), str(project.program.state_format)],
        "outputs": _digest(np.load(folder / "sim" / "expected.npy")),
        "certificate": {line["name"]: [line["status"], line["values"]] for line in certificate["lines"]},
        "cycles": json.loads((folder / "report" / "report.json").read_text())["cycles"]["predicted"],
    }


def _digest(array: np.ndarray) -> str:
    content = np.ascontiguousarray(array.astype("<i8"))
    return hashlib.sha256(repr(content.shape).encode() + content.tobytes()).hexdigest()[:16]


def main() -> None:
    """Write the record."""
    shared = Path(os.environ.get("MONDEQ_SHARED", ROOT.parent / "shared"))
    found = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as work:
            found[case.name] = record(case.compile(shared, Path(work) / "build"))
    RECORD.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
