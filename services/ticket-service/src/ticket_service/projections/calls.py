"""Writes the log of calls: each call once, whether it was kept alone, on a ticket, or first the one and then the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import KeptCallEvent, Recorded, streams
from fristwerk_language.events.tickets import CallEvent
from fristwerk_platform.read_models import in_list, store
from ticket_service.domain.call.evolve import evolve
from ticket_service.domain.call.state import LoggedCall
from ticket_service.domain.customer.state import Customer, customer_of
from ticket_service.domain.phone import normalised_phone
from ticket_service.personal_data import PersonalData, Sealed, subject_of
from ticket_service.projections import tables

_call: Final = msgspec.json.Decoder(LoggedCall)
Row = dict[str, Any]


async def write_calls(connection: AsyncConnection, batch: Sequence[Recorded], personal_data: PersonalData) -> None:
    """Apply a batch to the calls that its events tell of."""
    told = [(each, each.event.call) for each in batch if isinstance(each.event, CallEvent | KeptCallEvent)]
    if not told:
        return
    states = await _stored(connection, {call for _, call in told})
    providers, changed = dict[str, str](), dict[str, LoggedCall]()
    for recorded, call in told:
        state = evolve(states.get(call), recorded)
        if state is not None:
            states[call] = changed[call] = state
            providers[call] = recorded.envelope.provider
    numbers = await _numbers(changed.values(), personal_data)
    await store(
        connection,
        tables.calls,
        [
            _row(providers[call], state, _digest(personal_data, providers[call], numbers, state))
            for call, state in changed.items()
        ],
    )


async def forget_calls(connection: AsyncConnection, customer: Customer) -> None:
    """Delete the digests of numbers that were sealed for a person who is forgotten now."""
    table = tables.calls
    forgotten = table.c.sealed_for.in_(customer.forgotten_subjects)
    await connection.execute(update(table).where(forgotten).values(phone_index=None))


async def _stored(connection: AsyncConnection, ids: set[str]) -> dict[str, LoggedCall]:
    table = tables.calls
    statement = select(table.c.call, table.c.document).where(in_list(connection, table.c.call, sorted(ids)))
    return {call: _call.decode(document) for call, document in (await connection.execute(statement)).all()}


async def _numbers(calls: Iterable[LoggedCall], personal_data: PersonalData) -> Mapping[str, Mapping[str, Any]]:
    sealed = [Sealed(each.said.event, each.said.text) for each in calls if each.said is not None]
    return await personal_data.open(sealed, {subject_of(each.text) for each in sealed})


def _digest(
    personal_data: PersonalData, provider: str, numbers: Mapping[str, Mapping[str, Any]], call: LoggedCall
) -> str | None:
    said = numbers.get(call.said.event, {}) if call.said is not None else {}
    number = normalised_phone(said.get("from") or "")
    return personal_data.phone_index(provider, number) if number else None


def _row(provider: str, call: LoggedCall, phone_index: str | None) -> Row:
    subject = None if call.said is None else subject_of(call.said.text)
    return {
        "call": call.id,
        "provider": provider,
        "ticket": call.ticket,
        "customer": None if subject is None or streams.CALL.includes(subject) else customer_of(subject),
        "started_at": call.started_at,
        "open": call.open,
        "voicemail": call.voicemail is not None,
        "abandoned": call.abandoned,
        "phone_index": phone_index,
        "sealed_for": subject,
        "document": msgspec.json.encode(call),
    }
