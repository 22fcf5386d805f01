"""The bodies of commands about two tickets; see ``ticket_endpoint`` for how they become commands."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fristwerk_language.events.relations import LinkKind
from fristwerk_platform.http import Identifier, LongText, OptionalText
from ticket_service.api.ticket_endpoint import CommandBody
from ticket_service.domain.ticket import commands

MOST_ENTRIES = 1_000


class MergeBody(CommandBody):
    """The ticket is a duplicate of `into`: it is closed and its clocks end.

    Its time and its later messages and calls count with the other ticket. Refused while something is promised or awaited
    on it (409 `duplicate-not-settled`).
    """

    creates = commands.Merge
    into: Identifier = Field(examples=["HAM-4T9Q-2K7M"])
    reason: LongText = Field(examples=["Zweite Meldung derselben Störung"])


class MoveBody(CommandBody):
    """The ticket was filed for the wrong customer or contract, and goes to the right one.

    Its clocks follow the other terms from now on, counted from its receipt; what was met or missed before stays. All of
    its work is billed to the other account, and the next invoices of both put right what was invoiced. Without `contract`
    it is the one in force on the day of receipt that has held longest, or none.
    """

    creates = commands.Move
    customer: Identifier = Field(examples=["0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"])
    contract: Identifier | None = None
    reason: LongText = Field(examples=["Für den falschen Kunden erfasst"])


class LinkBody(CommandBody):
    """The ticket `kind` the other one, which gets the opposite link. A link moves no clock and no charge."""

    creates = commands.Link
    to: Identifier = Field(examples=["HAM-4T9Q-2K7M"])
    kind: LinkKind


class UnlinkBody(CommandBody):
    """The link is taken back on both tickets."""

    creates = commands.Unlink
    to: Identifier = Field(examples=["HAM-4T9Q-2K7M"])
    kind: LinkKind


class SplitBody(CommandBody):
    """Part of what was reported becomes a ticket of its own, received when this one was; the answer is the new ticket.

    The time `entries` named by id count with it from now on.
    """

    creates = commands.Split
    subject: LongText = Field(examples=["Toner bestellen"])
    description: OptionalText = ""
    type: Identifier | None = None
    severity: Identifier | None = None
    entries: Annotated[list[Identifier], Field(max_length=MOST_ENTRIES)] = []
    reason: LongText = Field(examples=["Zwei Anliegen in einer Nachricht"])
