"""Lets a process end when the one that started it ends, even by ``kill -9`` (Linux; elsewhere nothing happens)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_libc: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def tied_to(parent: int, sign: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """What a child of ``parent`` does before it becomes its program: it asks for the signal when the parent dies."""

    def tie() -> None:
        _end_with_parent(parent, sign)

    return tie


def end_with_parent() -> None:
    """Ask that this process be told to end (SIGTERM) when the process that started it dies."""
    _end_with_parent(os.getppid(), signal.SIGTERM)


def _end_with_parent(parent: int, sign: signal.Signals) -> None:
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
    if os.getppid() != parent:  # it died in between
        os.kill(os.getpid(), sign)
