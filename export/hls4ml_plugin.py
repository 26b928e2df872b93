"""What hls4ml finds by its entry point ``hls4ml.backends``: the backend ``MonDEQ``, Vitis with this project's layer.

hls4ml calls :func:`register_backends` while it is half imported, when no layer can be registered yet; so the layer is
at the backend's first use, and a plain ``import hls4ml`` imports nothing of this project but this file.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

NAME = "MonDEQ"


class MonDEQBackend:
    """hls4ml's own Vitis backend; whoever asks it for anything finds the layer registered."""

    def __getattr__(self, name: str) -> Any:
        from hls4ml.backends import get_backend

        import_module(".hls4ml", __package__)
        return getattr(get_backend("Vitis"), name)


def register_backends(
    *, register_backend: Callable[[str, type], None], register_writer: Callable[[str, type], None]
) -> None:
    """Register :class:`MonDEQBackend`; projects are written by Vitis' writer."""
    register_backend(NAME, MonDEQBackend)
