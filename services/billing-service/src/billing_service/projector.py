"""From the ticket service's feed, and from billing's own log, to the facts of each account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service import read_model
from shared.database import upsert
from shared.events import Recorded
from shared.events.billing import ChargeDecided
from shared.events.catalogue import AgreementPublished
from shared.events.customers import (
    AddonBooked,
    AddonEnded,
    ContractSigned,
    ContractTerminated,
    CustomerRegistered,
    PackagePurchased,
)
from shared.events.tickets import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentMissed,
    Closed,
    CostApproved,
    CostRejected,
    Resolved,
    TermsMigrated,
    TicketCreated,
    TimeLogCorrected,
    TimeLogged,
    TypeChanged,
)

CONTRACT_FACTS: Final = (ContractSigned, ContractTerminated, PackagePurchased, AddonBooked, AddonEnded)
TICKET_FACTS: Final = (
    TicketCreated,
    TypeChanged,
    TimeLogged,
    TimeLogCorrected,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentMissed,
    CostApproved,
    CostRejected,
    Resolved,
    Closed,
    TermsMigrated,
)
TICKET_STREAM: Final = "ticket-"


class Projector:
    """Applies batches; messages, notes and states of a ticket cost nothing and are left aside."""

    async def apply(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """The effect of a batch of the ticket service's feed, inside the follower's transaction."""
        owners = await self._owners(connection, batch)
        agreements: list[dict[str, Any]] = []
        accounts: list[dict[str, Any]] = []
        tickets: list[dict[str, Any]] = []
        facts: list[dict[str, Any]] = []
        for each in batch:
            event, provider = each.event, each.envelope.provider
            match event:
                case AgreementPublished():
                    agreements.append(
                        {"provider": provider, "name": event.name, "version": event.version, "line": each.line}
                    )
                case CustomerRegistered():
                    accounts.append(_account(event.customer, provider, event.customer, "customer"))
                    facts.append(_fact(event.customer, each))
                case ContractSigned():
                    accounts.append(_account(event.contract, provider, event.customer, "contract"))
                    facts.append(_fact(event.contract, each))
                case TicketCreated():
                    tickets.append(_ticket(each, event))
                    facts.append(_fact(event.contract or event.customer, each))
                case _ if isinstance(event, CONTRACT_FACTS):
                    facts.append(_fact(event.contract, each))
                case _ if isinstance(event, TICKET_FACTS):
                    facts.append(_fact(owners[each.envelope.stream], each))
                case _:
                    pass
        for table, rows in (
            (read_model.agreements, agreements),
            (read_model.accounts, accounts),
            (read_model.tickets, tickets),
            (read_model.facts, facts),
        ):
            if rows:
                await connection.execute(upsert(connection, table), rows)

    async def apply_own(self, connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
        """The effect of a batch of billing's own log: decisions stand beside the facts they decide on."""
        rows = [
            {"account": each.event.contract, "charge": each.event.charge, "line": each.line}
            for each in batch
            if isinstance(each.event, ChargeDecided)
        ]
        if rows:
            await connection.execute(upsert(connection, read_model.decisions), rows)

    @staticmethod
    async def _owners(connection: AsyncConnection, batch: Sequence[Recorded]) -> dict[str, str]:
        """The account of each ticket stream in the batch."""
        owners = {
            each.envelope.stream: each.event.contract or each.event.customer
            for each in batch
            if isinstance(each.event, TicketCreated)
        }
        streams = {each.envelope.stream for each in batch if isinstance(each.event, TICKET_FACTS)} - owners.keys()
        wanted = [stream.removeprefix(TICKET_STREAM) for stream in streams]
        table = read_model.tickets
        statement = select(table.c.ticket, table.c.account).where(table.c.ticket.in_(wanted))
        for row in await connection.execute(statement):
            owners[TICKET_STREAM + row.ticket] = row.account
        return owners


def _account(account: str, provider: str, customer: str, kind: str) -> dict[str, Any]:
    return {"account": account, "provider": provider, "customer": customer, "kind": kind}


def _ticket(each: Recorded, event: TicketCreated) -> dict[str, Any]:
    return {
        "ticket": each.envelope.stream.removeprefix(TICKET_STREAM),
        "provider": each.envelope.provider,
        "reference": event.reference,
        "account": event.contract or event.customer,
        "customer": event.customer,
    }


def _fact(account: str, each: Recorded) -> dict[str, Any]:
    return {"account": account, "stream": each.envelope.stream, "version": each.envelope.version, "line": each.line}
