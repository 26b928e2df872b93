"""What is searched, from the options of ``search``."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..base import InputError
from ..config import CompileConfig, RoundingOptions, SearchOptions
from ..problem import CLASSES, SOLVERS, VALUES
from .space import MEMORY, Choice, Lattice, Target

#: What is tried of drive and readout; the radius of the stored network does not depend on them.
ALL_LENGTHS, FIXED_LENGTH = range(1, 9), range(8, 9)


@dataclass(frozen=True)
class SearchSettings:
    """What is searched.

    Parameters
    ----------
    base : CompileConfig
        The options that all points share; solver and word lengths are each point's own.
    lattice : Lattice
    target : Target
    minimise : {"memory", "luts"}
    exhaustive : bool
    """

    base: CompileConfig
    lattice: Lattice
    target: Target
    minimise: str = MEMORY
    exhaustive: bool = False

    def config(self, choice: Choice) -> CompileConfig:
        """The options that compile a point."""
        return self.base.model_copy(update=asdict(choice))


def settings_of(options: SearchOptions) -> SearchSettings:
    """What the options ask for; a score that is asked for names the task.

    Raises
    ------
    InputError
        They name no target, or those of two tasks.
    """
    accuracy, radius, distance = options.target_accuracy, options.target_radius, options.target_distance
    proved = options.target_proved_distance
    scores = {CLASSES: None if accuracy is None else accuracy / 100, VALUES: options.target_r_squared}
    asked = {task: score for task, score in scores.items() if score is not None}
    if not asked and radius is None and distance is None and proved is None:
        raise InputError(
            "no target given; expected --target-accuracy PERCENT or --target-r-squared X, --target-distance X, "
            "--target-proved-distance X, --target-radius X, or several"
        )
    for task in asked:
        if len(asked) > 1 or options.task not in (None, task.name):
            raise InputError(f"{task.target_option} is for the task {task.name!r}; leave it out, or the other task")
    unasked = FIXED_LENGTH if not asked and distance is None and proved is None else ALL_LENGTHS
    lattice = Lattice(
        solvers=SOLVERS if options.solver is None else (options.solver,),
        bits=options.bits,
        drive_bits=options.drive_bits or unasked,
        readout_bits=options.readout_bits or unasked,
        state_bits=options.state_bits,
    )
    shared = {name: getattr(options, name) for name in RoundingOptions.model_fields}
    task_name = next((task.name for task in asked), options.task)
    base = CompileConfig(**{**shared, "task": task_name})
    target = Target(next(iter(asked.values()), None), radius, distance, proved)
    return SearchSettings(base, lattice, target, options.minimise, options.exhaustive)
