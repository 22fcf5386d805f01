"""Inbound calls: every one is a fact; with a ticket it belongs to it, and a voicemail without one becomes one."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from shared.event_log import Answer
from shared.events.tickets import CallReceived
from shared.http import CommandMeta, command_answer
from ticket_service.application.customers import Customers
from ticket_service.application.recording import Change, Recording
from ticket_service.application.terms import Terms
from ticket_service.application.tickets import Tickets, new_reference
from ticket_service.domain.commands import AttachCall, CallTransfer, CreateTicket
from ticket_service.domain.customer import Contact, Register
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.fact import Fact
from ticket_service.domain.phone import normalised_phone
from ticket_service.personal_data import PersonalData
from ticket_service.read_model import ReadModel

VOICEMAIL: Final = "voicemail"
NORMAL_TYPE: Final = "normal"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What the telephone system reports of one inbound call."""

    from_number: str
    started_at: datetime
    ticket: str | None = None
    to: str | None = None
    minutes: int | None = None
    transfer: CallTransfer | None = None
    voicemail: str | None = None


class Calls:
    """Takes calls in."""

    def __init__(
        self,
        recording: Recording,
        terms: Terms,
        tickets: Tickets,
        customers: Customers,
        personal_data: PersonalData,
        read_model: ReadModel,
    ) -> None:
        self._recording = recording
        self._terms = terms
        self._tickets = tickets
        self._customers = customers
        self._personal_data = personal_data
        self._read_model = read_model

    async def receive(self, meta: CommandMeta, call: Call) -> Answer:
        """A call on a ticket, a voicemail that becomes one, or a call that is only kept."""
        call_id = self._recording.new_id()
        if call.ticket is not None:
            return await self._tickets.execute(meta, call.ticket, self._attached(call_id, call))
        if call.voicemail is not None:
            return await self._open_ticket(meta, call_id, call)
        if call.transfer is not None:
            sentence = "a transfer follows the logged matter: name its ticket"
            raise NotAcceptable(f"The call cannot be recorded: {sentence}.", [("/ticket", sentence)])
        return await self._keep(meta, call_id, call)

    async def _open_ticket(self, meta: CommandMeta, call_id: str, call: Call) -> Answer:
        """A voicemail of an unknown caller registers a prospect first; received when the message was left."""
        provider = meta.principal.provider
        number = normalised_phone(call.from_number)
        known = await self._read_model.customers_by_phone(self._personal_data.phone_index(provider, number))
        if known:
            customer = known[0]
        else:
            caller = Register(name=call.from_number, kind="prospect", contact=Contact(phone=call.from_number))
            customer = await self._customers.register_unknown(meta, caller)
        command = CreateTicket(
            reference=new_reference(provider),
            customer=customer,
            received_at=call.started_at,
            channel=VOICEMAIL,
            type=NORMAL_TYPE,
            subject="Voicemail",
            description=call.voicemail or "",
        )
        return await self._tickets.create(meta, command, [self._attached(call_id, call)])

    async def _keep(self, meta: CommandMeta, call_id: str, call: Call) -> Answer:
        facts = [
            Fact(
                CallReceived(call=call_id, started_at=call.started_at, minutes=call.minutes, to=call.to),
                {"from": call.from_number},
            )
        ]
        stream = f"call-{call_id}"
        change = Change(stream=stream, after_version=0, subject=stream, facts=facts, occurred_at=meta.occurred_at)
        lines = await self._recording.lines(meta, [change])
        body = {"call": {"id": call_id, "started_at": call.started_at, "minutes": call.minutes, "to": call.to}}
        return await self._recording.store(meta, lines, command_answer(body, lines, version=1))

    def _attached(self, call_id: str, call: Call) -> AttachCall:
        return AttachCall(
            call=call_id,
            entry=self._recording.new_id(),
            from_number=call.from_number,
            to=call.to,
            started_at=call.started_at,
            minutes=call.minutes,
            transfer=call.transfer,
            voicemail=call.voicemail,
        )
