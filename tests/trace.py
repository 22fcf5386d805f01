"""Which of our modules a piece of work enters, in order: for tests that hold pictures and figures against the code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

OURS = ("fristwerk_language", "fristwerk_platform", "ticket_service", "sla_service", "billing_service")
BODIES = {"<module>", "<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>"}


def callers(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and those that wait for it, to the outermost coroutine of its task."""
    while frame is not None:
        yield frame
        frame = frame.f_back


@contextmanager
def modules_entered(belongs: Callable[[FrameType], bool]) -> Iterator[list[str]]:
    """The names of our modules in the order of their first call in this thread, of the frames that belong to the work."""
    entered: dict[str, None] = {}

    def saw(frame: FrameType, what: str, _: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        if (
            what == "call"
            and module not in entered
            and module.startswith(OURS)
            and frame.f_code.co_name not in BODIES
            and belongs(frame)
        ):
            entered[module] = None
            names.append(module)

    names: list[str] = []
    before = sys.getprofile()
    sys.setprofile(saw)
    try:
        yield names
    finally:
        sys.setprofile(before)
