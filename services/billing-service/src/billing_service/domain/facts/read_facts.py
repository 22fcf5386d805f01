"""The tickets of an account as they were read from its facts, kept so that the next reading decodes only those of which
anything was recorded since.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from billing_service.domain.facts.account import Account, BilledTicket
from billing_service.domain.facts.from_events import account as read_account
from fristwerk_language.events import Recorded, decode, streams


class _Head(msgspec.Struct, frozen=True, gc=False):
    """As much of a line as says whose it is."""

    stream: str


_head: Final = msgspec.json.Decoder(_Head)


class ReadFacts:
    """What one reading gave: for each ticket's stream its lines, and by id what they say in the account.

    A ticket is taken from the reading ``before`` where all its lines are the same bytes.
    """

    def __init__(self, before: ReadFacts | None = None) -> None:
        self._lines_before = {} if before is None else before.lines
        self._tickets_before = {} if before is None else before.tickets
        self.lines: dict[str, frozenset[bytes]] = {}
        self.tickets: dict[str, BilledTicket] = {}

    def account(self, account_id: str, lines: Iterable[bytes]) -> Account:
        """The account that all these facts are, which are the same account's as those before."""
        by_stream: dict[str, list[bytes]] = {}
        for line in lines:
            by_stream.setdefault(_head.decode(line).stream, []).append(line)
        same: list[BilledTicket] = []
        others: list[Recorded] = []
        for stream, of_stream in by_stream.items():
            if streams.TICKET.includes(stream):
                self.lines[stream] = frozenset(of_stream)
                if self.lines[stream] == self._lines_before.get(stream):
                    ticket = self._tickets_before.get(streams.TICKET.subject(stream))
                    same += [] if ticket is None else [ticket]
                    continue
            others += map(decode, of_stream)
        found = read_account(account_id, others, read_before=same)
        self.tickets = {ticket.id: ticket for ticket in found.tickets}
        return found

    def settle(self) -> None:
        """Drop what was read before."""
        self._lines_before, self._tickets_before = {}, {}
