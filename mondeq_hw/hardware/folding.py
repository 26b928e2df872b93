"""How the three matrices are folded onto multipliers.

The user gives the solver's cycles per matrix-vector product (``reuse_factor``);
drive and readout follow, as small as they can be without becoming the bottleneck.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from ..base import InputError
from ..program import SolverProgram
from .adder_graph import GraphSize
from .cycles import busy_cycles, initiation_interval
from .schedule import MIN_SLOTS, EngineFolding, Schedule, groups

#: What drive and readout are sized for.
THROUGHPUT, LATENCY = "throughput", "latency"
#: A folding may waste so much of an engine's multipliers, on padded groups and on the start ...
MAX_WASTE = 0.045
#: ... where one that wastes less has at most so many times the multipliers of the smallest.
MAX_GROWTH = 2
#: Slots are added until the slowest engine idles no longer than this share of the time.
MAX_IDLE = 0.004
MAX_SLOTS = 64


def schedule(
    program: SolverProgram,
    reuse_factor: int | None = None,
    input_beat: int | None = None,
    balance: str = THROUGHPUT,
    adders: int = 1,
    fixed_time: bool = False,
) -> Schedule:
    """Fold the program's three matrices.

    Parameters
    ----------
    program : SolverProgram
    reuse_factor : int, optional
        Cycles per matrix-vector product of the solver, 1 (fully parallel) to
        ``n * n`` (one multiplier); ``n`` when absent, about one multiplier a row.
    input_beat : int, optional
        Words of a beat of the input stream, the last padded: the drive takes as many columns a cycle, and as many rows
        as keep up with the solver, or with the stream where that is slower.  Chosen with the drive when absent.
    balance : {"throughput", "latency"}
        What drive and readout are sized for: to keep up with the solver, or a lone sample's answer.
    adders : int
        Additions between two registers of an engine.
    fixed_time : bool
        Whether every sample takes all its updates.

    Raises
    ------
    InputError
        When ``reuse_factor`` is outside ``1 .. n * n`` or ``input_beat`` outside ``1 .. d``.
    """
    reuse = _checked(program, program.n if reuse_factor is None else reuse_factor)
    solve = _fold_solve(program.n, reuse, program.iterations)
    drive, readout = _fold_around(program, solve.pe, _cycles_around(program, solve, balance), input_beat)
    drive, solve, readout = (replace(engine, adders=adders) for engine in (drive, solve, readout))
    plan = Schedule(reuse, drive, solve, readout, MIN_SLOTS, fixed_updates=program.iterations if fixed_time else 0)
    if program.warm is not None:
        return replace(plan, first_warm_update=program.first_warm_update)
    # One slot for the drive, one for the readout, and the samples that fill one another's pipeline gaps.
    interleaved = 1 + groups(plan.update_depth, solve.cycles_per_matvec)
    plan = replace(plan, slots=2 + interleaved, carried=program.carried_words)
    busy = (1 + MAX_IDLE) * busy_cycles(plan, program.iterations)
    while plan.slots < MAX_SLOTS and initiation_interval(plan, program.iterations) > busy:
        plan = replace(plan, slots=plan.slots + 1)
    return plan


def schedule_unrolled(
    program: SolverProgram,
    solve: GraphSize,
    reuse_factor: int | None = None,
    drive: GraphSize | None = None,
    readout: GraphSize | None = None,
    input_beat: int | None = None,
    drive_rows: int = 1,
) -> Schedule:
    """Fold drive and readout around a solver that takes a product every cycle.

    Parameters
    ----------
    program : SolverProgram
    solve : GraphSize
        Of the program's iteration matrix.
    reuse_factor : int, optional
        Cycles that drive and readout may take for each update; 1 keeps up with
        the solver.  When absent, what a stream of one input word a cycle allows.
    drive, readout : GraphSize, optional
        Where that matrix is a graph too.  The beats of the input stream are
        those of the folded drive.
    input_beat : int, optional
        Words of a beat of the input stream, see :func:`schedule`.
    drive_rows : int
        Of the drive at a time, at least.

    Raises
    ------
    InputError
        When ``reuse_factor`` is outside ``1 .. n * n`` or ``input_beat`` outside ``1 .. d``.
    """
    n = program.n
    one_word_a_cycle = min(groups(program.d, program.iterations), n * n)
    reuse = _checked(program, one_word_a_cycle if reuse_factor is None else reuse_factor)
    cycles = program.iterations * reuse
    load, read = _fold_around(program, n, (cycles, cycles), input_beat, drive_rows)
    if drive is not None:
        load = replace(load, pe=load.rows, graph=drive)
    if readout is not None:
        read = replace(read, simd=n, graph=readout)
    engines = (load, EngineFolding(n, n, n, n, solve), read)
    if program.warm is not None:
        return Schedule(reuse, *engines, MIN_SLOTS, first_warm_update=program.first_warm_update)
    plan = Schedule(reuse, *engines, 3, program.carried_words)
    # As many samples as the slowest engine begins while one of them holds its slot: loaded, waiting at most a turn
    # of the ring for a place, updated, read.
    updates, turn = 1 + program.iterations, 1 + plan.update_depth
    interval = max(updates, load.cycles_per_matvec, read.cycles_per_matvec)
    loading = (load.cycles_per_matvec if drive is None else 1) + plan.drive_depth
    held = loading + turn + updates * turn + read.cycles_per_matvec + 1
    return replace(plan, slots=max(plan.slots, 1 + groups(held, interval)))


def straight_slots(plan: Schedule) -> int:
    """Places of a straight core's output buffer: as many as samples are on the way to it."""
    updates, turn = 1 + plan.straight, 1 + plan.update_depth
    interval = max(updates, plan.drive.cycles_per_matvec)
    way = plan.drive.cycles_per_matvec + plan.drive_depth + (1 + plan.straight) * turn
    return max(MIN_SLOTS, 1 + groups(way + plan.done_depth + plan.readout_depth + 2, interval))


def _checked(program: SolverProgram, reuse: int) -> int:
    n = program.n
    if not isinstance(reuse, int) or isinstance(reuse, bool) or not 1 <= reuse <= n * n:
        raise InputError(
            f"reuse_factor is {reuse!r}; expected a whole number of cycles per matrix-vector product, "
            f"1 (fully parallel) to {n * n} (one multiplier, n = {n})"
        )
    return reuse


def _cycles_around(program: SolverProgram, solve: EngineFolding, balance: str) -> tuple[int, int]:
    """Cycles that drive and readout may take for their one product: all of a sample's solution, to keep up with it.

    A lone sample waits for all three.  Of so many multipliers the sum of their cycles is least where each has them in
    proportion to the root of its products, so that its cycles are, too.
    """
    whole = program.iterations * solve.cycles_per_matvec
    if balance == THROUGHPUT:
        return whole, whole
    products = (program.injection.rows * program.columns, program.rows * program.n)
    drive, readout = (whole * math.sqrt(many / program.iterations) / program.n for many in products)
    return min(whole, max(1, round(drive))), min(whole, max(1, round(readout)))


def _fold_around(
    program: SolverProgram, solve_pe: int, cycles: tuple[int, int], input_beat: int | None, drive_rows: int = 1
) -> tuple[EngineFolding, EngineFolding]:
    """Drive and readout, each in so many cycles."""
    drive = _fold_drive(program, cycles[0], solve_pe, _beats(program.d, input_beat), drive_rows)
    return drive, _fold_readout(program.rows, program.n, cycles[1], solve_pe)


def _beats(d: int, asked: int | None) -> set[int]:
    """Words that a beat may have: those asked for, else a power of two (or the whole sample)."""
    if asked is None:
        return {d, *(2**power for power in range(d.bit_length()) if 2**power <= d)}
    if not isinstance(asked, int) or isinstance(asked, bool) or not 1 <= asked <= d:
        raise InputError(f"input_beat is {asked!r}; expected a whole number of words, 1 to {d} (a whole sample)")
    return {asked}


def commensurate(a: int, b: int) -> bool:
    """Whether one group width divides the other, so that no word is turned on its way between them."""
    return a % b == 0 or b % a == 0


def _fold_solve(n: int, cycles: int, iterations: int) -> EngineFolding:
    """Few multipliers that finish in ``cycles``; among equals commensurate, then the squarest array."""
    widths = _widths(n)
    folds = [EngineFolding(n, n, pe, simd) for pe in widths for simd in widths]
    folds = [fold for fold in folds if fold.cycles_per_matvec <= cycles]
    # The start takes a cycle a row group, which counts where updates and column groups are few.
    start = {fold: 1 + 1 / (iterations * fold.column_groups) for fold in folds}
    pool = _economical(folds, lambda fold: padding(fold) * start[fold])
    return min(
        pool, key=lambda fold: (fold.multipliers, not commensurate(fold.pe, fold.simd), fold.pe + fold.simd, fold.pe)
    )


def _fold_drive(program: SolverProgram, cycles: int, solve_pe: int, beats: set[int], least_pe: int) -> EngineFolding:
    """Few multipliers that finish in ``cycles``, or as fast as the stream is, on beats of so many words."""
    rows, d = program.injection.rows, program.columns
    folds = [EngineFolding(rows, d, pe, simd) for pe in range(least_pe, rows + 1) for simd in beats]
    # A beat holds inputs only, so the columns of carried words may take a few cycles beside.
    least = min(fold.cycles_per_matvec for fold in folds)
    folds = [fold for fold in folds if fold.cycles_per_matvec <= max(cycles, least)]
    pool = _economical([fold for fold in folds if commensurate(min(fold.pe, program.n), solve_pe)] or folds, padding)
    return min(pool, key=lambda fold: (fold.multipliers, fold.pe + fold.simd, fold.pe))


def _fold_readout(k: int, n: int, cycles: int, solve_pe: int) -> EngineFolding:
    """One row at a time, in ``cycles``, or in ``k`` where that is later: no stream of words is faster."""
    folds = [EngineFolding(k, n, 1, simd) for simd in range(1, n + 1)]
    folds = [fold for fold in folds if fold.cycles_per_matvec <= max(cycles, k)]
    pool = _economical([fold for fold in folds if commensurate(fold.simd, solve_pe)] or folds, padding)
    return min(pool, key=lambda fold: fold.multipliers)


def padding(fold: EngineFolding) -> float:
    """Cycles of a product over those that as many multipliers would need without padded groups."""
    return fold.cycles_per_matvec * fold.multipliers / (fold.rows * fold.columns)


def _economical(folds: list[EngineFolding], waste: Callable[[EngineFolding], float]) -> list[EngineFolding]:
    """Those that use their multipliers well, where one is not much larger than the smallest of all; else all."""
    most = MAX_GROWTH * min(fold.multipliers for fold in folds)
    return [fold for fold in folds if fold.multipliers <= most and waste(fold) <= 1 + MAX_WASTE] or folds


def _widths(size: int) -> list[int]:
    """Every width that is the smallest for its number of groups."""
    return sorted({groups(size, count) for count in range(1, size + 1)})
