"""What becomes of a call that was kept without a ticket: it is put to one, becomes one, or is dismissed.

What was said is sealed once more for the ticket's customer, as it is from now on about its matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from fristwerk_language.events import streams
from fristwerk_language.terms.agreement import CALL
from fristwerk_language.terms.billing import Performer
from fristwerk_platform.commands import CommandMetadata, CommandResult, ContentionError
from fristwerk_platform.event_log import VersionConflictError
from ticket_service.application.calls import Calls, caller_of, kept_call
from ticket_service.application.command_executor import ATTEMPTS, CommandExecutor, Decision, PlannedChange
from ticket_service.application.customers import Customers
from ticket_service.application.intake import Intake, Request
from ticket_service.application.logged_calls import LoggedCalls
from ticket_service.application.state_cache import Loaded, StateCache
from ticket_service.application.tickets import Tickets
from ticket_service.domain.call.decide import attach, check_without_ticket, dismiss
from ticket_service.domain.call.state import LoggedCall
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotInThisState
from ticket_service.domain.ticket.commands import AttachCall
from ticket_service.domain.ticket.possible_commands import TicketMergedError
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.validation import Violations
from ticket_service.personal_data import subject_of

_SAME: Final = frozenset(
    ("started_at", "to", "minutes", "automatic", "waited_seconds", "queued_at", "answered_at", "abandoned", "dedicated")
)
"""What a call and the command that puts it to a ticket say alike."""


class CallWork(msgspec.Struct, frozen=True, kw_only=True):
    """Under which activity the call's minutes are logged, and who took them. ``confirmed``: it is about the ticket although
    another customer has the caller's number.
    """

    activity: str = CALL
    performer: Performer | None = None
    confirmed: bool = False


class KeptCalls:
    """One method a command."""

    def __init__(
        self,
        executor: CommandExecutor,
        customers: Customers,
        known: StateCache[LoggedCall],
        states: StateCache[Ticket],
        tickets: Tickets,
        intake: Intake,
        calls: Calls,
        logged: LoggedCalls,
    ) -> None:
        self._executor = executor
        self._customers = customers
        self._known = known
        self._states = states
        self._tickets = tickets
        self._intake = intake
        self._calls = calls
        self._logged = logged

    async def attach(self, meta: CommandMetadata, call: str, ticket: str, work: CallWork) -> CommandResult:
        """Record the call on a ticket, by its id, as if it had been named from the start.

        Raises NotFound, and NotInThisState for a call that has a ticket.
        """
        told = await self._told(meta, await self._logged.newest(meta.principal.provider, call), work)
        callers = await self._customers.with_phone(meta.principal.provider, told.from_number)
        told = msgspec.structs.replace(told, callers=tuple(callers), confirmed=work.confirmed)
        decide = partial(self._attached, meta, ticket, told)
        try:
            return await self._executor.execute(meta, self._states, streams.TICKET.stream(ticket), decide)
        except TicketMergedError as merged:
            return await self.attach(msgspec.structs.replace(meta, if_match=None), call, merged.into, work)

    async def _attached(
        self, meta: CommandMetadata, ticket: str, told: AttachCall, loaded: Loaded[Ticket] | None
    ) -> Decision[Ticket]:
        decision = await self._tickets.decision(meta, ticket, told, loaded)
        assert loaded is not None, "there is no decision without a ticket"
        call = await self._logged.newest(meta.principal.provider, told.call)
        facts = attach(call.state, ticket, loaded.state.reference)
        return msgspec.structs.replace(decision, also=[self._change(meta, call, facts)])

    async def open_ticket(
        self,
        meta: CommandMetadata,
        call: str,
        customer: str | None,
        request: Request,
        work: CallWork,
        *,
        joined: Sequence[str] = (),
    ) -> CommandResult:
        """A ticket that was received when the call began, described by the words on the answering machine where nobody
        says more. Without a ``customer`` it is the caller's, who is registered as a prospect if nobody knows the number.
        ``joined`` are the ids of other voicemails of the caller; the first of all is the receipt. Raises NotFound,
        NotAcceptable or NotInThisState where one of them cannot be joined.
        """
        for _ in range(ATTEMPTS):
            loaded = await self._logged.newest(meta.principal.provider, call)
            calls = [loaded, *(await self._beside(loaded, joined) if joined else ())]
            calls.sort(key=lambda each: each.state.started_at)
            told = [await self._told(meta, each, work) for each in calls]
            words = [each.voicemail for each in told if each.voicemail]
            given = msgspec.structs.replace(
                request,
                received_at=told[0].started_at,
                description=request.description or "\n\n".join(words),
                fields={"phone": told[0].from_number} | request.fields,
            )
            asking, before = await self._asking(meta, loaded.state, told[0].from_number, customer)
            ground = await self._intake.ground(meta, asking, given)

            def beside(
                ticket: str, reference: str, calls: list[Loaded[LoggedCall]] = calls
            ) -> tuple[list[PlannedChange], list[DecidedEvent]]:
                return [self._change(meta, each, attach(each.state, ticket, reference)) for each in calls], []

            try:
                return await self._intake.conclude(meta, ground, before=before, following=told, beside=beside)
            except VersionConflictError:
                continue
        raise ContentionError

    async def dismiss(self, meta: CommandMetadata, call: str, reason: str) -> CommandResult:
        """Nothing has to be done about the call. Raises NotFound, NotInThisState."""
        violations = Violations()
        violations.texts(reason=reason)
        violations.raise_if_any(f"The call {call} stays as it is.")
        provider = meta.principal.provider

        async def decide(loaded: Loaded[LoggedCall] | None) -> Decision[LoggedCall]:
            found = self._logged.own(provider, call, loaded)
            change = self._change(meta, found, dismiss(found.state, reason))
            return Decision(
                facts=change.facts,
                body=lambda state: {"call": kept_call(state)},
                subject=change.subject,
                occurred_at=change.occurred_at,
            )

        return await self._executor.execute(meta, self._known, streams.CALL.stream(call), decide)

    async def _beside(self, loaded: Loaded[LoggedCall], joined: Sequence[str]) -> list[Loaded[LoggedCall]]:
        """The other calls, which must be voicemails from the same number. Raises NotFound or NotAcceptable."""
        provider, violations = loaded.provider, Violations()
        number = await self._number(loaded)
        found = [await self._logged.newest(provider, each) for each in dict.fromkeys(joined) if each != loaded.state.id]
        for each in found:
            place = f"/voicemails/{joined.index(each.state.id)}"
            same = number & await self._number(each)
            violations.require(each.state.voicemail is not None and bool(same), place, "is no voicemail of this caller")
        violations.raise_if_any(f"The call {loaded.state.id} becomes no ticket together with these.")
        return found

    async def _number(self, loaded: Loaded[LoggedCall]) -> frozenset[str]:
        """The caller's number in every form, as digests; none once the caller was forgotten."""
        number = (await self._logged.said(loaded)).number
        return frozenset(() if number is None else await self._logged.numbers(loaded.provider, number))

    async def _asking(
        self, meta: CommandMetadata, call: LoggedCall, number: str, customer: str | None
    ) -> tuple[Customer, list[PlannedChange]]:
        """Whose ticket it is, and what registers a caller whom nobody knows."""
        provider = meta.principal.provider
        named = customer or caller_of(call)
        if named is not None:
            return (await self._customers.customer(provider, named)).state, []
        known = await self._calls.known_caller(provider, number)
        return self._calls.newcomer(meta, number) if known is None else (known, [])

    async def _told(self, meta: CommandMetadata, loaded: Loaded[LoggedCall], work: CallWork) -> AttachCall:
        """The call as the telephone system reported it. Raises NotInThisState once its caller was forgotten."""
        call, said = loaded.state, await self._logged.said(loaded)
        check_without_ticket(call)
        if said.number is None:
            raise NotInThisState(
                "call-forgotten", f"The caller of {call.id} was forgotten; nobody knows what was said."
            )
        given = {name: getattr(call, name) for name in AttachCall.__struct_fields__ if name in _SAME}
        return AttachCall(
            call=call.id,
            entry=self._executor.new_id(meta.now),
            from_number=said.number,
            voicemail=said.voicemail,
            activity=work.activity,
            performer=work.performer,
            **given,
        )

    @staticmethod
    def _change(meta: CommandMetadata, loaded: Loaded[LoggedCall], facts: list[DecidedEvent]) -> PlannedChange:
        """What the call's own stream gets; a reason is sealed as the number is."""
        call = loaded.state
        assert loaded.sealed is not None, "a number is sealed in every call"
        return PlannedChange(
            stream=streams.CALL.stream(call.id),
            after_version=loaded.version,
            subject=subject_of(loaded.sealed.text),
            facts=facts,
            occurred_at=max(meta.occurred_at, call.started_at),
        )
