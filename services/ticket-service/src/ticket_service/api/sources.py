"""Where a message came from, as bodies name it."""

from __future__ import annotations

from pydantic import Field

from fristwerk_platform.http import HttpModel, Identifier, ShortText
from ticket_service.domain.ticket.commands import MessageSource


class SourceBody(HttpModel):
    """A message's ``id`` (a mail's Message-ID) in a ``system`` (which mailbox, portal or import): it is taken once."""

    system: Identifier = Field(examples=["support-mailbox"])
    id: ShortText = Field(examples=["<CAF31.77@mail.muster.example>"])

    def record(self) -> MessageSource:
        """The domain's record of it."""
        return MessageSource(system=self.system, id=self.id)
