"""The exact cycle model of the hardware.

It states when each command of each engine enters its pipeline
(``hls_templates/rtl``), so it equals the simulation exactly.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .schedule import NONE, Schedule, groups

#: From the output beat that a carried word would have been to the first command that reads the state.
CARRIED_DEPTH = 1
#: From the readout's last command of a sample to the choice of the next one's first update, which goes on from it.
WARM_DEPTH = 1
#: Registers between the engines, and more.
WATCHDOG_MARGIN = 16


def completion_cycles(plan: Schedule, iterations: np.ndarray, settled: bool = False) -> np.ndarray:
    """Cycle in which the last output beat of each sample is accepted.

    Parameters
    ----------
    plan : Schedule
    iterations : ndarray of int (samples,)
        Number of the last update executed for each sample, early exit included.
    settled : bool
        Whether samples have gone before, so that a warm start is one.

    Returns
    -------
    ndarray of int64 (samples,)
        Counted from the cycle that accepts the first input beat (0), for samples
        streamed back to back while neither stream ever stalls.
    """
    clock = _Clock(plan, plan.updates(iterations).tolist(), settled)
    clock.run()
    return np.array(clock.completed, dtype=np.int64)


@lru_cache(1024)
def latency(plan: Schedule, iterations: int) -> int:
    """Cycles from the first input beat of a lone sample, not the first, to its last output beat, both included."""
    return int(completion_cycles(plan, np.array([iterations]), settled=True)[0]) + 1


@lru_cache(1024)
def initiation_interval(plan: Schedule, iterations: int) -> float:
    """Steady-state cycles between samples that each run ``iterations`` updates."""
    # From the mean of one window to that of the next, away from both ends: samples may leave in bunches.
    window = 8 * plan.slots
    completed = completion_cycles(plan, np.full(4 * window, iterations))
    return float(completed[2 * window : 3 * window].mean() - completed[window : 2 * window].mean()) / window


def busy_cycles(plan: Schedule, iterations: int) -> int:
    """Commands of the slowest engine for a sample that runs ``iterations`` updates: no interval is shorter."""
    solving = iterations * plan.solve.cycles_per_matvec + plan.solve.row_groups
    return max(solving, plan.drive.cycles_per_matvec, plan.readout.cycles_per_matvec)


def mac_bounds(plan: Schedule, iterations: int) -> tuple[int, int, int]:
    """Cycles that drive, solver and readout need for the multiplications of a sample when no multiplier ever idles."""
    drive, solve, readout = (
        groups(times * fold.rows * fold.columns, fold.multipliers)
        for times, fold in ((1, plan.drive), (iterations, plan.solve), (1, plan.readout))
    )
    return drive, solve, readout


def pipeline_depth(plan: Schedule, iterations: int) -> int:
    """Cycles of a lone sample's latency in which no multiplication of its own begins.

    Its words travel through drive and readout once, and through the solver for
    the start and for every update, because an update needs the one before it.
    """
    start = plan.solve.row_groups + plan.update_depth
    updates = (iterations - 1) * plan.update_depth + plan.done_depth
    return 1 + plan.drive_depth + start + updates + plan.readout_depth


def watchdog_cycles(plan: Schedule, iterations: int) -> int:
    """Cycles in which the core gives an output beat, whatever else it holds, if one is due and the sink is ready.

    The oldest sample waits for nobody but the array, which is busy with another's update for at most as many cycles as
    its own takes.  So a bound is: its drive; for the start, for every update and for the way into a ring one such wait,
    one update and its depth; its readout, and the carried words that are written behind it.
    """
    update = 2 * max(plan.solve.cycles_per_matvec, plan.solve.row_groups) + plan.update_depth + 1
    drive, readout = plan.drive.cycles_per_matvec + plan.drive_depth, plan.readout.cycles_per_matvec
    return drive + (iterations + 2) * update + plan.done_depth + 2 * (readout + plan.readout_depth) + WATCHDOG_MARGIN


def guard_cycles(plan: Schedule, iterations: int) -> int:
    """What a hardened core's guard waits for; 0 without one."""
    return 0 if plan.harden == NONE else watchdog_cycles(plan, iterations)


class _Clock:
    """Times of all commands, in the order in which the hardware decides them.

    While no sample enters the solver or leaves it, what is chosen depends only on when each sample is ready, counted
    from now: as soon as that repeats, so does everything up to the next entry or exit, and whole rounds are added at
    once.  So thousands of updates cost no more than a few.
    """

    def __init__(self, plan: Schedule, iterations: list[int], settled: bool):
        self.plan = plan
        self.iterations = iterations
        self.settled = settled  # by a sample before these
        self.update_depth, self.done_depth = plan.update_depth, plan.done_depth
        self.start_job, self.update_job = plan.solve.row_groups, plan.solve.cycles_per_matvec
        self.input_end: list[int] = []  # last beat of a sample
        self.drive_end: list[int] = []  # last command of the drive
        self.readout_end: list[int] = []  # last command of the readout, which frees the slot
        self.completed: list[int] = []
        self.ready: dict[int, int] = {}  # sample -> cycle in which its next update may be chosen
        self.updates: dict[int, int] = {}  # sample -> number of its next update; 0 is the start
        self.done: dict[int, int] = {}  # sample -> cycle in which its state is final

    def run(self) -> None:
        plan = self.plan
        for _ in range(1 if plan.carried or plan.first_warm_update else plan.slots):
            self._drive()
        choice = 0
        rounds: dict[tuple[tuple[int, int], ...], tuple[int, dict[int, int]]] = {}
        while self.ready:
            # The array is free from cycle `choice` on; it takes the oldest ready sample.  In the unrolled solver's
            # ring that is the one whose place comes by, for all that have entered are older than those that wait.
            choice = max(choice, min(self.ready.values()))
            sample = min(index for index, cycle in self.ready.items() if cycle <= choice)
            if self.updates[sample] == 0:
                rounds.clear()  # it enters
            elif sample == min(index for index in self.ready if self.updates[index]):
                choice = self._repeated(choice, rounds)
            del self.ready[sample]
            choice += self.update_job if self.updates[sample] else self.start_job
            self.updates[sample] += 1
            if self.updates[sample] > self.iterations[sample]:
                self.done[sample] = choice + self.done_depth
                self._readout()
                rounds.clear()
            else:
                self.ready[sample] = choice + self.update_depth

    def _repeated(self, choice: int, rounds: dict[tuple[tuple[int, int], ...], tuple[int, dict[int, int]]]) -> int:
        """The cycle after as many whole rounds as pass unchanged; a round ends when the oldest sample is chosen."""
        waiting = {index: cycle for index, cycle in self.ready.items() if not self.updates[index]}
        active = {index: cycle for index, cycle in self.ready.items() if self.updates[index]}
        # Whoever is ready by now is so however long ago; who waits and is not yet ready does not take part.
        here = [(index, max(0, cycle - choice)) for index, cycle in active.items()]
        here += [(index, 0) for index, cycle in waiting.items() if cycle <= choice]
        before = rounds.setdefault(tuple(sorted(here)), (choice, {index: self.updates[index] for index in active}))
        length = choice - before[0]
        if length == 0:
            return choice
        begun = {index: self.updates[index] - before[1][index] for index in active}
        most = min((self.iterations[index] - self.updates[index]) // many for index, many in begun.items() if many)
        arrivals = [(cycle - choice - 1) // length for cycle in waiting.values() if cycle > choice]
        count = min([most, *arrivals])
        rounds.clear()
        for index, cycle in active.items():
            self.updates[index] += count * begun[index]
            self.ready[index] = cycle + count * length
        return choice + count * length

    def _drive(self) -> None:
        """Enter the next sample, if there is one: its slot is free a cycle after the readout of an older one ended."""
        plan, sample = self.plan, len(self.drive_end)
        if sample == len(self.iterations):
            return
        first_beat = self.input_end[-1] + 1 if sample else 0
        freed = self.completed if plan.straight else self.readout_end
        free = freed[sample - plan.slots] + 2 if sample >= plan.slots else 0
        if plan.drive.graph is None:
            self._drive_folded(first_beat, free)
        else:
            self._drive_graph(first_beat, free)
        self.ready[sample] = self.drive_end[-1] + plan.drive_depth
        self.updates[sample] = 0
        if plan.first_warm_update and (sample or self.settled):
            self.updates[sample] = plan.first_warm_update
            self.ready[sample] = max(self.ready[sample], self.readout_end[-1] + WARM_DEPTH if sample else 0)

    def _drive_folded(self, first_beat: int, free: int) -> None:
        """Two banks: the engine must have left the one that is filled now; a command as soon as its words are there."""
        first_beat = max(first_beat, self.drive_end[-2] + 1 if len(self.drive_end) > 1 else 0)
        start = max(first_beat + 1, self.drive_end[-1] + 1 if self.drive_end else 0, free)
        self.input_end.append(first_beat + self.plan.beats_per_sample - 1)
        self.drive_end.append(self._after_carried(start) + self.plan.drive.cycles_per_matvec - 1)

    def _after_carried(self, start: int) -> int:
        """Where the commands from the first with a carried word on wait for it, so many cycles later than begun."""
        plan = self.plan
        if not plan.carried or not self.readout_end:
            return start
        before = 0 if plan.drive.graph else (plan.drive.columns - plan.carried) // plan.drive.simd
        return max(start, self.readout_end[-1] + plan.readout_depth + CARRIED_DEPTH - before)

    def _drive_graph(self, first_beat: int, free: int) -> None:
        """One command with all words; the last beat, which completes them, waits for the sample before to leave."""
        last_beat = max(first_beat + self.plan.beats_per_sample - 1, self.drive_end[-1] if self.drive_end else 0)
        self.input_end.append(last_beat)
        self.drive_end.append(self._after_carried(max(last_beat + 1, free)))

    def _readout(self) -> None:
        """Read every finished sample whose elders have all been read."""
        plan = self.plan
        while (sample := len(self.readout_end)) in self.done:
            start = self.done.pop(sample)
            if sample:
                start = max(start, self.readout_end[-1] + 1)
            self.readout_end.append(start + plan.readout.cycles_per_matvec - 1)
            carried = plan.carried * plan.readout.column_groups
            self.completed.append(self.readout_end[-1] - carried + plan.readout_depth)
            self._drive()
