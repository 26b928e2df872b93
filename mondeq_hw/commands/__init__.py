"""The commands of the command line, one file each: options in, one call of the Python API, a table or JSON out."""

from __future__ import annotations

from .bitstream import bitstream_command
from .certificate import certificate_command
from .compile import compile_command
from .doctor import doctor_command
from .export import export_app
from .loudness import ClosedPipeError, Command, audible
from .predict import predict_command
from .profile import profile_command
from .prove import prove_command
from .report import report_command
from .search import search_command
from .synth import synth_command
from .training import qat_command, train_command
from .verify import verify_command

__all__ = [
    "ClosedPipeError",
    "Command",
    "audible",
    "bitstream_command",
    "certificate_command",
    "compile_command",
    "doctor_command",
    "export_app",
    "predict_command",
    "profile_command",
    "prove_command",
    "qat_command",
    "report_command",
    "search_command",
    "synth_command",
    "train_command",
    "verify_command",
]
