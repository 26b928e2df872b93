"""A board's design around the core: serial bridge, bitstream, and the host's side of the line.

Takes a build folder and a board; gives a bitstream and ``SerialSolver``.
"""

from __future__ import annotations

from .bitstream import SUMMARY, BitstreamOptions, BitstreamReport, make_bitstream
from .board_rtl import LineTiming
from .board_rtl import emit as emit_board
from .frames import OVERHEAD, SYNC, Frame, FrameReader, Kind, Reason, identity, pack_sample, sample_bytes, unpack_result
from .host import WINDOW, SerialSolver

__all__ = [
    "OVERHEAD",
    "SUMMARY",
    "SYNC",
    "WINDOW",
    "BitstreamOptions",
    "BitstreamReport",
    "Frame",
    "FrameReader",
    "Kind",
    "LineTiming",
    "Reason",
    "SerialSolver",
    "emit_board",
    "identity",
    "make_bitstream",
    "pack_sample",
    "sample_bytes",
    "unpack_result",
]
