"""Lines of the service levels with a calendar of their own: what is published, warned of, and recorded with a ticket."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice
from ticket_service.cli.publish import published

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINE = {"metric": "first_response", "target": "2 business hours"}
ALWAYS = {"calendar": "always", "timezone": "UTC", "hours": {"mon-sun": ["00:00-24:00"]}, "years": "2026-2030"}


async def with_always(open_office: OpenOffice) -> Office:
    office = await open_office("fluxpunkt")
    assert (await office.call("PUT", "/v1/calendars/always", ALWAYS, role="admin")).status_code == 201
    return office


async def events(office: Office, ticket: str, type_: str) -> Any:
    items = (await office.get(f"/v1/tickets/{ticket}/events"))["items"]
    return [each["data"] for each in items if each["type"] == type_]


async def test_business_time_on_a_calendar_that_never_closes_is_warned_of_in_the_answer(
    open_office: OpenOffice,
) -> None:
    office = await with_always(open_office)
    done = await office.publish("agreements/fluxpunkt", calendar="always", service_levels=[LINE])
    [warning] = done["warnings"]
    assert (warning["pointer"], done["agreement"]["version"]) == ("/service_levels/0/target", 2)
    assert "never closes" in warning["detail"]
    again = await office.publish("agreements/fluxpunkt", calendar="always", service_levels=[LINE])
    assert again["warnings"] == done["warnings"], "the same document again is warned of again"
    named = await office.publish(
        "agreements/fluxpunkt", calendar="always", service_levels=[LINE | {"calendar": "fluxpunkt"}]
    )
    assert named["warnings"] == []


async def test_the_command_line_shows_the_warnings(open_office: OpenOffice, tmp_path: Any) -> None:
    office = await with_always(open_office)
    file = tmp_path / "agreement.yaml"
    file.write_text(
        """agreement: other
timezone: UTC
currency: EUR
calendar: always
severities: [{id: high, name: High}]
channels: [email]
service_levels: [{metric: resolution, target: 1 business days}]
"""
    )
    client = office.service.client
    headers = office.who("admin", None, None)
    client.headers.update(headers)
    try:
        [line] = [each async for each in published(client, [file])]
    finally:
        for name in headers:
            del client.headers[name]
    assert line.splitlines()[0] == "agreement other: version 1"
    assert line.splitlines()[1].startswith(
        "  warning: /service_levels/0/target: 1 business days on the calendar always"
    )


async def test_a_ticket_records_the_versions_of_the_calendars_that_lines_name(open_office: OpenOffice) -> None:
    office = await with_always(open_office)
    customer = await office.served()
    plain = await office.ticket(customer)
    assert [each["line_calendars"] for each in await events(office, plain["id"], "TicketCreated")] == [{}]
    await office.publish("agreements/fluxpunkt", service_levels=[LINE | {"calendar": "always"}])
    await office.call("PUT", "/v1/calendars/always", ALWAYS | {"title": "Immer"}, role="admin")
    ticket = await office.ticket(customer)
    assert [each["line_calendars"] for each in await events(office, ticket["id"], "TicketCreated")] == [{"always": 2}]
    await office.post(f"/v1/tickets/{plain['id']}/terms", {"agreement_version": 2, "reason": "Neu"})
    assert [each["line_calendars"] for each in await events(office, plain["id"], "TermsMigrated")] == [{"always": 2}]


async def test_an_unknown_calendar_of_a_line_is_refused_at_its_place(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    line = LINE | {"calendar": "nowhere"}
    document = {"agreement": "other", "timezone": "UTC", "currency": "EUR", "calendar": "fluxpunkt"}
    more = {"severities": [{"id": "high", "name": "High"}], "channels": ["email"], "service_levels": [line]}
    problem = await office.refused(422, "/v1/agreements/other", document | more, method="PUT", role="admin")
    assert [each["pointer"] for each in problem["errors"]] == ["/service_levels/0/calendar"]
