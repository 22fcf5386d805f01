"""The same message is taken once: whoever brings it again, under whatever key and words, gets what
the first has led to.

Its id in its system is claimed in the log with the event that records it, so of two processes at
once one is refused there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec

from fristwerk_language.events import streams
from fristwerk_language.roles import STAFF
from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import AnsweredBefore, CommandMetadata, CommandResult, command_result
from fristwerk_platform.event_log import ClaimedError, EventLog, NewEvent
from ticket_service.application import names
from ticket_service.application.calls import Call, Calls
from ticket_service.application.follow_ups import FollowUps
from ticket_service.application.intake import Intake, Request
from ticket_service.application.tickets import Tickets
from ticket_service.application.views import seen_by
from ticket_service.domain.errors import NotAcceptable, NotFound
from ticket_service.domain.ticket.commands import MessageSource, ReceiveInformation, ReceiveMessage
from ticket_service.domain.ticket.visibility import line_for_customer
from ticket_service.personal_data import PersonalData

BRINGERS: Final = STAFF | {"customer"}
"""Who may bring messages at all; anybody else is refused before it is said whether one is known."""


class _Head(msgspec.Struct, frozen=True):
    """Of a stored line what tells which command it belongs to, and by which source that was known."""

    type: str
    version: int
    recorded_at: str
    correlation_id: str | None
    data: dict[str, Any]

    @property
    def command(self) -> tuple[str, str | None]:
        return self.recorded_at, self.correlation_id

    @property
    def digest(self) -> str | None:
        source = self.data.get("source")  # a time entry's source is a word
        return source.get("digest") if isinstance(source, dict) else None


_head: Final = msgspec.json.Decoder(_Head)


class Sources:
    """Knows messages again."""

    def __init__(
        self,
        log: EventLog,
        personal_data: PersonalData,
        tickets: Tickets,
        intake: Intake,
        follow_ups: FollowUps,
        calls: Calls,
    ) -> None:
        self._calls = calls
        self._log = log
        self._personal_data = personal_data
        self._tickets = tickets
        self._intake = intake
        self._follow_ups = follow_ups

    async def claimed_by(self, provider: str, stream: str) -> list[str]:
        """What a stored ticket claims with the messages that were taken on it."""
        pages = self._log.stream_pages(stream)
        digests = [_head.decode(each.line).digest async for lines in pages for each in lines]
        return [names.source_claim(provider, digest) for digest in digests if digest is not None]

    def _digested(self, provider: str, source: MessageSource) -> MessageSource:
        """The source with the digest by which it is claimed.

        An id counts with and without its angle brackets.
        """
        bare = source.id.strip().removeprefix("<").removesuffix(">")
        return msgspec.structs.replace(source, digest=self._personal_data.source_digest(provider, source.system, bare))

    async def received(
        self, meta: CommandMetadata, ticket: str, command: ReceiveMessage | ReceiveInformation
    ) -> CommandResult:
        """What a customer says on a ticket, given by its id.

        Raises AnsweredBefore with what the message has led to where it was taken already, and
        NotAcceptable where it was another customer's.
        """
        source = None
        if command.source is not None:
            source = self._digested(meta.principal.provider, command.source)
            command = msgspec.structs.replace(command, source=source)
        return await self._once(meta, source, partial(self._follow_ups.receive, meta, ticket, command))

    async def opened(self, meta: CommandMetadata, customer: str, request: Request) -> CommandResult:
        """A ticket of a customer. Raises as ``received`` does."""
        source = request.source
        if source is not None:
            source = self._digested(meta.principal.provider, source)
            request = msgspec.structs.replace(request, source=source)
        return await self._once(meta, source, partial(self._intake.open, meta, customer, request))

    async def called(self, meta: CommandMetadata, call: Call) -> CommandResult:
        """A call that the telephone system reports. Raises as ``received`` does."""
        source = call.source
        if source is not None:
            source = self._digested(meta.principal.provider, source)
            call = msgspec.structs.replace(call, source=source)
        return await self._once(meta, source, partial(self._calls.receive, meta, call))

    async def _once(
        self, meta: CommandMetadata, source: MessageSource | None, take: Callable[[], Awaitable[CommandResult]]
    ) -> CommandResult:
        if source is None or meta.principal.role not in BRINGERS:
            return await take()
        claim = names.source_claim(meta.principal.provider, source.digest)
        await self._check_unknown(meta.principal, claim, source)
        try:
            return await take()
        except ClaimedError as error:
            if error.claim != claim:
                raise
        await self._check_unknown(meta.principal, claim, source)
        raise AssertionError("what was claimed stays claimed")

    async def _check_unknown(self, principal: Principal, claim: str, source: MessageSource) -> None:
        stream = await self._log.claimant(claim)
        if stream is None:
            return
        if streams.CALL.includes(stream):
            raise AnsweredBefore((await self._kept_call(stream, source.digest)).answer)
        try:
            loaded = await self._tickets.newest(principal, streams.TICKET.subject(stream))
        except NotFound:
            sentence = "was taken already, and not for this customer"
            raise NotAcceptable(f"The message {sentence}.", [("/source", sentence)], "source-of-another") from None
        lines = await self._led_to(stream, source.digest)
        if principal.role == "customer":
            lines = [seen for each in lines if (seen := line_for_customer(each)) is not None]
        events = [NewEvent(stream=stream, version=0, type="", line=each) for each in lines]
        content = {"ticket": seen_by(principal)(loaded.state), "already_known": True}
        raise AnsweredBefore(command_result(content, events, version=loaded.version, created=False).answer)

    async def _kept_call(self, stream: str, digest: str) -> CommandResult:
        lines = await self._led_to(stream, digest)
        events = [NewEvent(stream=stream, version=0, type="", line=each) for each in lines]
        content = {"call": await self._calls.kept(stream), "already_known": True}
        return command_result(content, events, version=len(lines), created=False)

    async def _led_to(self, stream: str, digest: str) -> list[bytes]:
        """The events of the command that recorded the source."""
        heads = (_head.decode(each.line) async for lines in self._log.stream_pages(stream) for each in lines)
        taken = await anext((head.command async for head in heads if head.digest == digest), None)
        pages = self._log.stream_pages(stream)
        return [each.line async for lines in pages for each in lines if _head.decode(each.line).command == taken]
