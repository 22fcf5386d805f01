"""From a calendar to an explained deadline and a preview with the generated operations alone, as a customer's program would be
written: mypy strict holds every body, answer and field of it against the descriptions.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import pytest
import yaml

from fristwerk_client import AsyncFristwerk, InvalidError, expect, follow
from fristwerk_client.billing.api.accounts import preview_contract
from fristwerk_client.billing.models import Preview
from fristwerk_client.sla.api.timers import explain_timer, read_ticket_timers
from fristwerk_client.sla.models import TicketTimers
from fristwerk_client.ticket.api.customers import register_customer, sign_contract
from fristwerk_client.ticket.api.terms import publish_agreement, publish_calendar
from fristwerk_client.ticket.api.ticket_commands import log_time, respond, set_severity
from fristwerk_client.ticket.api.tickets import create_ticket
from fristwerk_client.ticket.models import (
    ContractBody,
    CreateTicketBody,
    PublishAgreementBody,
    PublishCalendarBody,
    RegisterBody,
    ResponseBody,
    SeverityBody,
    TicketChanged,
    TimeEntryBody,
    TimeLoggedEvent,
)
from fristwerk_local.client import Client
from fristwerk_local.terminal_output import TERMS
from tests.conftest import ServicesInOneProcess

ZURICH: Final = dt.timezone(dt.timedelta(hours=2))


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    """An instant of June 2026 in Zürich."""
    return dt.datetime(2026, 6, day, hour, minute, tzinfo=ZURICH)


async def sign(admin: AsyncFristwerk) -> tuple[str, str]:
    """Terms, a customer and a contract; the ids of the two."""
    documents = {
        kind: yaml.safe_load(Path(str(TERMS), kind, "infoniqa.yaml").read_text("utf-8"))
        for kind in ("calendars", "agreements")
    }
    calendar = PublishCalendarBody.from_dict(documents["calendars"])
    expect(await publish_calendar.asyncio_detailed("infoniqa", client=admin.ticket, body=calendar))
    agreement = PublishAgreementBody.from_dict(documents["agreements"])
    expect(await publish_agreement.asyncio_detailed("infoniqa", client=admin.ticket, body=agreement))
    body = RegisterBody(name="Muster Treuhand AG", kind="company")
    registered = expect(await register_customer.asyncio_detailed(client=admin.ticket, body=body))
    bought = ContractBody(agreement="infoniqa", plan="m", package_hours=4, from_=dt.date(2026, 1, 1))
    signed = expect(await sign_contract.asyncio_detailed(registered.customer.id, client=admin.ticket, body=bought))
    return registered.customer.id, signed.contract.id


async def open_ticket(agent: AsyncFristwerk, customer: str) -> TicketChanged:
    """A payroll run that breaks on the eve of Corpus Christi."""
    body = CreateTicketBody(
        customer=customer,
        channel="email",
        received_at=at(3, 16, 30),
        subject="Lohnlauf bricht ab",
        description="Fehler 17",
    )
    opened = expect(await create_ticket.asyncio_detailed(client=agent.ticket, body=body))
    severity = SeverityBody(severity="kritisch", occurred_at=at(3, 16, 40))
    expect(await set_severity.asyncio_detailed(opened.ticket.id, client=agent.ticket, body=severity))
    return opened


async def timers_of(agent: AsyncFristwerk, ticket: str) -> TicketTimers:
    return expect(await read_ticket_timers.asyncio_detailed(ticket, client=agent.sla))


async def test_from_a_calendar_to_an_explained_deadline_and_a_preview(stack_on_sqlite: ServicesInOneProcess) -> None:
    admin = AsyncFristwerk(stack_on_sqlite.clients, stack_on_sqlite.token("admin"))
    agent = admin.as_(lambda: stack_on_sqlite.token("agent"))
    customer, contract = await sign(admin)
    ticket = (await open_ticket(agent, customer)).ticket.id

    answer = ResponseBody(channel="email", text="Wir schauen es an.", occurred_at=at(5, 9))
    expect(await respond.asyncio_detailed(ticket, client=agent.ticket, body=answer))
    worked = TimeEntryBody(start=at(5, 9), minutes=50, activity="help", agent="agent-3", occurred_at=at(5, 9, 50))
    logged = expect(await log_time.asyncio_detailed(ticket, client=agent.ticket, body=worked))
    assert await Client(stack_on_sqlite.clients, stack_on_sqlite.issue).caught_up(20)

    assert [type(each) for each in logged.events] == [TimeLoggedEvent]
    timers = await timers_of(agent, ticket)
    first = next(each for each in timers.items if each.metric == "first_response")
    assert first.state == "met"
    assert first.due_at == dt.datetime(2026, 6, 5, 7, 30, tzinfo=dt.UTC)  # Friday 09:30: Thursday is a holiday
    explanation = expect(await explain_timer.asyncio_detailed(first.id, client=agent.sla, lang="en"))
    assert "Thursday 4 June" in explanation.text
    clerk = admin.as_(stack_on_sqlite.token("billing"))
    preview: Preview = expect(
        await preview_contract.asyncio_detailed(contract, client=clerk.billing, until=dt.date(2026, 6, 30))
    )
    assert [line.minutes for line in preview.lines] == [60]


async def test_a_refusal_says_what_is_wrong_and_where(stack_on_sqlite: ServicesInOneProcess) -> None:
    admin = AsyncFristwerk(stack_on_sqlite.clients, stack_on_sqlite.token("admin"))
    customer, _ = await sign(admin)
    agent = admin.as_(stack_on_sqlite.token("agent"))
    ticket = (await open_ticket(agent, customer)).ticket.id

    wrong = SeverityBody(severity="katastrophal")
    with pytest.raises(InvalidError) as refused:
        expect(await set_severity.asyncio_detailed(ticket, client=agent.ticket, body=wrong))

    assert refused.value.status == 422
    assert [place.pointer for place in refused.value.places] == ["/severity"]
    follower = admin.as_(stack_on_sqlite.token("service")).requests["ticket"]
    types = [each["type"] async for _, events in follow(follower, 0, until_end=True) for each in events]
    assert types.count("SeveritySet") == 1
