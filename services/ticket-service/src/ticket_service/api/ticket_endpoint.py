"""One ticket command over HTTP: its body becomes a command of the domain, its result a response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, ClassVar, Final

import msgspec
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from fristwerk_language.terms.agreement import MESSAGE
from fristwerk_language.terms.billing import Performer
from fristwerk_platform.commands import CommandMetadata, CommandResult
from fristwerk_platform.http import (
    HttpModel,
    Identifier,
    Instant,
    Minutes,
    answer_to_one_append,
    as_response,
    command_metadata,
)
from fristwerk_platform.http.operations import Endpoint
from ticket_service.api.parameters import TicketName
from ticket_service.api.sources import SourceBody
from ticket_service.application.application import Application
from ticket_service.domain.ticket.commands import (
    Command,
    Move,
    ReceiveInformation,
    ReceiveMessage,
    RelationCommand,
    TimeSpent,
)
from ticket_service.entropy import new_id

ThingNumber = Annotated[int, Field(ge=1, le=10_000, description="Counts from 1 within the ticket")]
SPENT: Final = frozenset({"minutes", "activity", "performer"})
"""The fields of a body that make its time entry."""
EntryId = Annotated[str, Field(max_length=64)]


class PathValues(msgspec.Struct, frozen=True, kw_only=True):
    """What the path names below the ticket, and when the command arrived, which new ids begin with."""

    number: int = 0
    entry: str = ""
    now: datetime


class CommandBody(HttpModel):
    """A command's body; ``occurred_at`` is when it happened, by default now."""

    creates: ClassVar[type[Command]]
    occurred_at: Instant | None = None

    def command(self, path: PathValues) -> Command:  # noqa: ARG002 - some commands need what the path names
        """The domain's command."""
        return self.creates(**self.given())

    def given(self) -> dict[str, Any]:
        """The command's own fields, nested records as the domain's."""
        given = {name: getattr(self, name) for name in type(self).model_fields if name != "occurred_at"}
        return {name: each.record() if isinstance(each, SourceBody) else each for name, each in given.items()}


class NumberedBody(CommandBody):
    """A command to a numbered thing of the ticket."""

    def command(self, path: PathValues) -> Command:
        """The domain's command."""
        return self.creates(number=path.number, **self.given())  # type: ignore[call-arg]  # numbered commands have it


class EntryBody(CommandBody):
    """A command to a time entry of the ticket."""

    def command(self, path: PathValues) -> Command:
        """The domain's command."""
        return self.creates(entry=path.entry, **self.given())  # type: ignore[call-arg]  # commands to entries have it


class NewEntryBody(CommandBody):
    """A command that makes a time entry."""

    def command(self, path: PathValues) -> Command:
        """The domain's command."""
        return self.creates(**self.given(), entry=new_id(path.now))  # type: ignore[call-arg]  # such commands have it


class TimedBody(CommandBody):
    """A command that may say what it took: ``minutes`` of work, which become a time entry under ``activity``, of
    ``performer``, else of whom the ticket names.
    """

    minutes: Minutes | None = None
    activity: Identifier = Field(default=MESSAGE, examples=["maintenance"])
    performer: Performer | None = None

    def command(self, path: PathValues) -> Command:
        """The domain's command."""
        return self.creates(**self.given(), spent=self._spent(path))  # type: ignore[call-arg]  # timed commands have it

    def given(self) -> dict[str, Any]:
        """See :meth:`CommandBody.given`."""
        return {name: value for name, value in super().given().items() if name not in SPENT}

    def _spent(self, path: PathValues) -> TimeSpent | None:
        if self.minutes is None:
            return None
        return TimeSpent(entry=new_id(path.now), minutes=self.minutes, activity=self.activity, performer=self.performer)


def endpoint(application: Application, template: str) -> Endpoint:
    """The endpoint of a command; which one depends on what its path names below the ticket."""

    async def give(request: Request, ticket: str, path: PathValues, body: CommandBody) -> Response:
        command = body.command(path)
        if isinstance(command, ReceiveMessage | ReceiveInformation):
            meta = await command_metadata(request, application.log, path.now, body.occurred_at)
            found = await application.tickets.identify(meta.principal, ticket)
            return as_response(await application.sources.received(meta, found, command))
        carry_out: Callable[[CommandMetadata], Awaitable[CommandResult]]
        carry_out = partial(application.tickets.execute, name=ticket, command=command)
        if isinstance(command, Move):
            carry_out = partial(application.moves.execute, name=ticket, command=command)
        elif isinstance(command, RelationCommand):
            carry_out = partial(application.relations.execute, name=ticket, command=command)
        return await answer_to_one_append(request, application.log, path.now, body.occurred_at, carry_out)

    async def plain(request: Request, ticket: TicketName, body: CommandBody) -> Response:
        return await give(request, ticket, PathValues(now=application.now()), body)

    async def numbered(request: Request, ticket: TicketName, number: ThingNumber, body: CommandBody) -> Response:
        return await give(request, ticket, PathValues(now=application.now(), number=number), body)

    async def of_entry(request: Request, ticket: TicketName, entry: EntryId, body: CommandBody) -> Response:
        return await give(request, ticket, PathValues(now=application.now(), entry=entry), body)

    if "{number}" in template:
        return numbered
    return of_entry if "{entry}" in template else plain
