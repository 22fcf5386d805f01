"""Examples of calls that were kept without a ticket: one became part of a ticket, one was for somebody else."""

from __future__ import annotations

from fristwerk_language.events import streams
from fristwerk_language.events.calls import CallAttached, CallDismissed
from fristwerk_language.examples.subjects import AGENT, KEPT_CALL, PRINTER, WRONG_NUMBER, Example, instant


def all_examples() -> tuple[Example, ...]:
    """The examples of this family."""
    attached = Example(
        event=CallAttached(call=KEPT_CALL, ticket=PRINTER, reference="HAM-4T9Q-2K7M"),
        provider="hamburg",
        stream=streams.CALL.stream(KEPT_CALL),
        version=2,
        at=instant(6, 19, 7, 30),
        actor=AGENT,
    )
    dismissed = Example(
        event=CallDismissed(call=WRONG_NUMBER),
        provider="hamburg",
        stream=streams.CALL.stream(WRONG_NUMBER),
        version=2,
        at=instant(6, 19, 7, 31),
        actor=AGENT,
        personal=True,
    )
    return attached, dismissed
