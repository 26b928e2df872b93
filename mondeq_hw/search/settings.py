"""What is searched, from the options of ``search``."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..base import InputError, OptionError
from ..config import CompileConfig, RoundingOptions, SearchOptions
from ..problem import CLASSES, SOLVERS, VALUES
from .space import ERROR, MEMORY, Choice, Lattice, Target

#: What is tried of drive and readout; the radius of the stored network does not depend on them.
ALL_LENGTHS, FIXED_LENGTH = range(1, 9), range(8, 9)
#: What all points' hardware has in common, for only their cycles are known and not their clocks.
OF_ALL = ("adders_per_stage", "fixed_time")


@dataclass(frozen=True)
class SearchSettings:
    """What is searched.

    Parameters
    ----------
    base : CompileConfig
        The options that all points share; what a :class:`Choice` says is each point's own.
    lattice : Lattice
    target : Target
    minimise : {"memory", "luts", "latency", "interval", "error"}
    exhaustive : bool
    """

    base: CompileConfig
    lattice: Lattice
    target: Target
    minimise: str = MEMORY
    exhaustive: bool = False

    def config(self, choice: Choice) -> CompileConfig:
        """The options that compile a point."""
        return self.base.model_copy(update={name: each for name, each in asdict(choice).items() if each is not None})

    @property
    def priced(self) -> str:
        """The cost that scores are drawn against: what is minimised, or for the error the first budget."""
        return self.minimise if self.minimise != ERROR else next(iter(self.target.budgets), MEMORY)


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
    target = Target(
        next(iter(asked.values()), None),
        radius,
        distance,
        proved,
        options.target_luts,
        options.target_latency,
        options.target_interval,
    )
    quality = asked or not (radius is None and distance is None and proved is None)
    if not quality and not (options.minimise == ERROR and target.budgets):
        raise InputError(
            "no target given; expected --target-accuracy PERCENT or --target-r-squared X, --target-distance X, "
            "--target-proved-distance X, --target-radius X, or several; or --minimise error with --target-luts N, "
            "--target-latency CYCLES or --target-interval CYCLES"
        )
    if options.input_range is not None and options.input_bits is not None and len(options.input_bits) > 1:
        first, last = options.input_bits[0], options.input_bits[-1]
        raise OptionError(
            "input_bits", f"is {first}-{last} beside --input-range, whose words have one length; expected that length"
        )
    for task in asked:
        if len(asked) > 1 or options.task not in (None, task.name):
            raise InputError(f"{task.target_option} is for the task {task.name!r}; leave it out, or the other task")
    counts = asked or distance is not None or proved is not None or options.minimise == ERROR
    unasked = ALL_LENGTHS if counts else FIXED_LENGTH
    lattice = Lattice(
        solvers=SOLVERS if options.solver is None else (options.solver,),
        bits=options.bits,
        drive_bits=options.drive_bits or unasked,
        readout_bits=options.readout_bits or unasked,
        state_bits=options.state_bits,
        input_bits=options.input_bits or (None,),
        iterations=options.iterations or (None,),
        strategy=options.strategy,
        reuse_factor=options.reuse_factor or (None,),
        input_beat=options.input_beat or (None,),
        balance=options.balance,
    )
    shared = {name: getattr(options, name) for name in (*RoundingOptions.model_fields, *OF_ALL)}
    task_name = next((task.name for task in asked), options.task)
    # A range's words have their length from the beginning; elsewhere it is each point's own.
    length = None if options.input_range is None or options.input_bits is None else options.input_bits[0]
    base = CompileConfig(**{**shared, "task": task_name, "input_bits": length})
    return SearchSettings(base, lattice, target, options.minimise, options.exhaustive)
