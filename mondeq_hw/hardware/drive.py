"""How the folded drive multiplies: with multipliers, or by tables in block RAM (:mod:`.tables`), chosen by estimate."""

from __future__ import annotations

from dataclasses import replace

from ..base import InputError
from ..program import SolverProgram
from .estimate import LUT_WEIGHT_BITS, drive_usage
from .parts import ECP5, find_part
from .schedule import Schedule
from .tables import TABLE_DEPTH, table_words

AUTO = "auto"
MULTIPLY = "multiply"
TABLES = "tables"
#: The part whose LUTs and block RAMs are weighed against each other: the smaller share of both together wins.
PART = find_part("ecp5-85")


def with_drive(program: SolverProgram, plan: Schedule, asked: str = AUTO) -> Schedule:
    """The schedule with its drive's products by multipliers or by tables; its folding and its beats stay.

    Parameters
    ----------
    program : SolverProgram
    plan : Schedule
        With multipliers.
    asked : {"auto", "multiply", "tables"}
        ``"auto"``: tables of no more words than a block RAM has, where LUTs and block RAMs are estimated to be a
        smaller share of an ECP5-85 together.  A drive that is an adder graph stays one.

    Raises
    ------
    InputError
        Tables are asked for, and a table would be too deep.
    """
    fold, bits = plan.drive, program.input_format.word_length
    if asked == MULTIPLY or (
        asked == AUTO and (fold.graph is not None or fold.cycles_per_matvec << bits > TABLE_DEPTH)
    ):
        return plan
    if asked not in (AUTO, TABLES):
        raise InputError(f"drive is {asked!r}; expected {AUTO!r}, {MULTIPLY!r} or {TABLES!r}")
    tabled = replace(plan, drive=replace(fold, table_words=table_words(fold, bits)))
    return min((plan, tabled), key=lambda each: _share(program, each)) if asked == AUTO else tabled


def _share(program: SolverProgram, plan: Schedule) -> float:
    usage = drive_usage(program, plan, ECP5, LUT_WEIGHT_BITS)
    return usage.luts / PART.totals.luts + usage.block_rams / PART.totals.block_rams
