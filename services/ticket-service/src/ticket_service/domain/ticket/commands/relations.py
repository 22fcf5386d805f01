"""How tickets belong together: duplicates, matters split in two, links."""

from __future__ import annotations

from collections.abc import Sequence

from fristwerk_language.events.relations import LinkKind
from ticket_service.domain.ticket.commands.ticket_command import TicketCommand


class Merge(TicketCommand, frozen=True, kw_only=True):
    """This ticket is a duplicate of ``into``, an id or a reference."""

    word = "merge"
    into: str
    reason: str

    @property
    def other(self) -> tuple[str, str]:
        """The field that names the other ticket, and what it names."""
        return "/into", self.into


class Link(TicketCommand, frozen=True, kw_only=True):
    """This ticket ``kind`` the ticket ``to``, an id or a reference."""

    word = "links"
    to: str
    kind: LinkKind

    @property
    def other(self) -> tuple[str, str]:
        """As for ``Merge``."""
        return "/to", self.to


class Unlink(TicketCommand, frozen=True, kw_only=True):
    """Takes a link back, on either of its tickets."""

    word = "links/removal"
    to: str
    kind: LinkKind

    @property
    def other(self) -> tuple[str, str]:
        """As for ``Merge``."""
        return "/to", self.to


class Split(TicketCommand, frozen=True, kw_only=True):
    """Part of what was reported is a matter of its own; the time ``entries`` named by id go with it.

    ``new_ticket`` and ``new_reference`` are the ones it gets.
    """

    word = "split"
    new_ticket: str = ""
    new_reference: str = ""
    subject: str
    description: str
    type: str | None = None
    severity: str | None = None
    entries: Sequence[str] = ()
    reason: str


class Move(TicketCommand, frozen=True, kw_only=True):
    """This ticket was filed for the wrong customer or contract; without ``contract`` the one that served then."""

    word = "move"
    customer: str
    contract: str | None = None
    reason: str


RelatingCommand = Merge | Link | Unlink
"""Commands that name another ticket."""
RelationCommand = RelatingCommand | Split
