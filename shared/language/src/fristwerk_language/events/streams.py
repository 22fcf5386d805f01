"""The categories of streams: a stream's name is its category and the id of its subject, ``ticket-0192…``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec


class StreamCategory(msgspec.Struct, frozen=True):
    """The streams of one kind of subject.

    ``prefix`` is what their names begin with; ``stream`` makes the name of a subject's stream. Every command makes names,
    so ``stream`` is the string's own concatenation.
    """

    name: str
    prefix: str
    stream: Callable[[str], str]

    def includes(self, stream: str) -> bool:
        """Whether a stream is of this category."""
        return stream.startswith(self.prefix)

    def subject(self, stream: str) -> str:
        """The id of the subject of a stream of this category."""
        assert stream.startswith(self.prefix), f"{stream} is not a stream of the category {self.name}"
        return stream[len(self.prefix) :]


def _category(name: str) -> StreamCategory:
    prefix = f"{name}-"
    return StreamCategory(name, prefix, prefix.__add__)


TICKET: Final = _category("ticket")
CALL: Final = _category("call")
"""Calls that belong to no ticket."""
CUSTOMER: Final = _category("customer")
CONTRACT: Final = _category("contract")
AGENT: Final = _category("agent")
CALENDAR: Final = _category("calendar")
AGREEMENT: Final = _category("agreement")
TIMER: Final = _category("timer")
CHARGE: Final = _category("charge")
INVOICES: Final = _category("invoices")
"""The documents of one series of numbers: a document's number is its version in the stream."""
INVOICE: Final = _category("invoice")
"""What becomes of one document: sent, paid. The subject is the series and the number, ``infoniqa-17``."""


def subject_of(stream: str) -> str:
    """The id of the subject of a stream of any category."""
    return stream.partition("-")[2]


def calendar_stream(provider: str, name: str) -> str:
    """The stream of a provider's calendar."""
    return CALENDAR.stream(f"{provider}.{name}")


def agent_stream(provider: str, agent: str) -> str:
    """The stream of a provider's member of staff."""
    return AGENT.stream(f"{provider}.{agent}")


def agreement_stream(provider: str, name: str) -> str:
    """The stream of a provider's agreement."""
    return AGREEMENT.stream(f"{provider}.{name}")
