"""What ``seeds.py`` has found out, a line of JSON each, and how it is read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from mondeq_hw.base import InputError
from mondeq_hw.training import QatConfig, TrainingConfig

FINE_TUNED, FROM_SCRATCH, STAND_IN = "fine-tuned", "from scratch", "stand-in"


@dataclass(frozen=True)
class Trial:
    """A candidate, looked at on validation images that its network has never seen; accuracy in percent."""

    method: str
    bits: int
    config: QatConfig
    validation_accuracy: float
    seconds: float


@dataclass(frozen=True)
class Choice:
    """The best candidate of a method."""

    method: str
    bits: int
    config: QatConfig


@dataclass(frozen=True)
class Floating:
    """A float network trained here."""

    mode: str
    seed: int
    config: TrainingConfig
    validation_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class Rounded:
    """A start without retraining; the factor only where it is proved."""

    mode: str
    bits: int
    seed: int
    test_accuracy: float
    contraction_factor: float | None


@dataclass(frozen=True)
class Retrained:
    """A retrained network: word lengths, where its best epoch was, and what it reaches."""

    mode: str
    method: str
    bits: int
    seed: int
    config: QatConfig
    drive_bits: int
    readout_bits: int
    state_bits: int
    iterations: int
    kept_epoch: int
    validation_accuracy: float
    test_accuracy: float
    contraction_factor: float
    seconds: float


Entry = Trial | Choice | Floating | Rounded | Retrained
KINDS: dict[str, type[Entry]] = {
    "trial": Trial,
    "choice": Choice,
    "float": Floating,
    "rounded": Rounded,
    "retrained": Retrained,
}


class Results:
    """A results file; may not exist yet.

    Parameters
    ----------
    file : Path

    Raises
    ------
    InputError
        A line is none that this script wrote.
    """

    def __init__(self, file: Path):
        self.file = file
        lines = file.read_text().splitlines() if file.exists() else []
        self.entries = [_decoded(line, f"{file}, line {number}") for number, line in enumerate(lines, 1)]

    def append(self, entry: Entry) -> None:
        """Add a line; it is on the disk when this returns."""
        kind = next(name for name, cls in KINDS.items() if isinstance(entry, cls))
        line = json.dumps({"kind": kind, **asdict(entry)})
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as stream:
            stream.write(line + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        self.entries.append(entry)
        outcome = {name: value for name, value in asdict(entry).items() if name != "config"}
        print(kind, *(f"{name} {value}" for name, value in outcome.items()), sep=", ", flush=True)

    def choice(self, method: str, bits: int) -> Choice | None:
        """What was chosen, if anything yet."""
        return next((e for e in self.entries if isinstance(e, Choice) and (e.method, e.bits) == (method, bits)), None)

    def trial(self, method: str, config: QatConfig, bits: int) -> Trial | None:
        """What became of a candidate, if it was looked at."""
        key = method, config, bits
        return next((e for e in self.entries if isinstance(e, Trial) and (e.method, e.config, e.bits) == key), None)

    def floating(self, mode: str, seed: int) -> list[Floating]:
        """The float network of a seed, if it was trained."""
        return [e for e in self.entries if isinstance(e, Floating) and (e.mode, e.seed) == (mode, seed)]

    def retrained(self, mode: str, method: str, bits: int, seed: int | None = None) -> list[Retrained]:
        """Finished points, of one seed or of all."""
        key = mode, method, bits
        found = [e for e in self.entries if isinstance(e, Retrained) and (e.mode, e.method, e.bits) == key]
        return [entry for entry in found if seed in (None, entry.seed)]

    def rounded(self, mode: str, bits: int, seed: int | None = None) -> list[Rounded]:
        """Finished points without retraining, of one seed or of all."""
        found = [e for e in self.entries if isinstance(e, Rounded) and (e.mode, e.bits) == (mode, bits)]
        return [entry for entry in found if seed in (None, entry.seed)]


def _decoded(line: str, where: str) -> Entry:
    try:
        fields: dict[str, Any] = json.loads(line)
        kind = KINDS[fields.pop("kind")]
        if "config" in fields:
            config = TrainingConfig if kind is Floating else QatConfig
            fields["config"] = TypeAdapter(config).validate_json(json.dumps(fields["config"]))
        return kind(**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: not a result of seeds.py ({error!r}); remove the line") from None
