"""The names of streams: each belongs to a category, and the rest of the name is the id of its subject."""

from __future__ import annotations

from typing import Final

import msgspec


class StreamCategory(msgspec.Struct, frozen=True):
    """The streams of one kind of subject: ``ticket-…`` are those of the category ``ticket``."""

    name: str

    @property
    def prefix(self) -> str:
        """What the names of the category's streams begin with."""
        return f"{self.name}-"

    def stream(self, subject: str) -> str:
        """The name of the subject's stream."""
        return f"{self.name}-{subject}"

    def includes(self, stream: str) -> bool:
        """Whether a stream is of this category."""
        return stream.startswith(self.prefix)

    def subject(self, stream: str) -> str:
        """The id of the subject of a stream of this category."""
        assert self.includes(stream), f"{stream} is not a stream of the category {self.name}"
        return stream[len(self.name) + 1 :]


TICKET: Final = StreamCategory("ticket")
CALL: Final = StreamCategory("call")
"""Calls that belong to no ticket."""
CUSTOMER: Final = StreamCategory("customer")
CONTRACT: Final = StreamCategory("contract")
CALENDAR: Final = StreamCategory("calendar")
AGREEMENT: Final = StreamCategory("agreement")
TIMER: Final = StreamCategory("timer")
CHARGE: Final = StreamCategory("charge")
INVOICES: Final = StreamCategory("invoices")


def published_name(provider: str, name: str) -> str:
    """The subject of a calendar's or agreement's stream: names are unique within a provider only."""
    return f"{provider}.{name}"
