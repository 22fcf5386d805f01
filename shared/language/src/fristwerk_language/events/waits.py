"""What a ticket waits for: an answer, an approval, an acceptance, each by itself; and the state word that stands for them.

While anything is awaited, the ticket's state is the first open wait in the order of ``OpenWait``: without the approval or the
acceptance nothing goes on, whatever is answered meanwhile. When the last wait ends, its end says where the ticket goes.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from fristwerk_language.events import tickets
from fristwerk_language.events.decoding import DecodedEvent

OpenWait = Literal["waiting_approval", "awaiting_acceptance", "waiting_customer"]
OpenWaits = tuple[OpenWait, ...]
"""The open waits, in the order of ``OpenWait``."""
NOTHING: Final[OpenWaits] = ()
_ORDER: Final[OpenWaits] = get_args(OpenWait)
WAITING: Final = frozenset(_ORDER)


def waits_after(waits: OpenWaits, event: DecodedEvent) -> OpenWaits:  # noqa: PLR0911 - a wait a line
    """What is awaited after an event. The end of one wait ends no other; neither does a question, an estimate or a delivery
    that is recorded as standing ``beside`` what was awaited before.
    """
    match event:
        case tickets.InformationRequested(beside=beside):
            return _begun("waiting_customer", waits if beside else NOTHING)
        case tickets.CostApprovalRequested(beside=beside):
            return _begun("waiting_approval", waits if beside else NOTHING)
        case tickets.Delivered(beside=beside):
            return _begun("awaiting_acceptance", waits if beside else NOTHING)
        case tickets.InformationReceived() | tickets.CustomerMessageReceived(asks=True):
            return _ended("waiting_customer", waits)
        case tickets.CostApproved() | tickets.CostRejected():
            return _ended("waiting_approval", waits)
        case tickets.Accepted() | tickets.AcceptanceRefused():
            return _ended("awaiting_acceptance", waits) if "awaiting_acceptance" in waits else NOTHING
        case tickets.WorkStarted():
            return NOTHING
        case _:
            return waits


def _begun(wait: OpenWait, waits: OpenWaits) -> OpenWaits:
    return tuple(each for each in _ORDER if each == wait or each in waits)


def _ended(wait: OpenWait, waits: OpenWaits) -> OpenWaits:
    return tuple(each for each in waits if each != wait)
