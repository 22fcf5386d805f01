"""A customer sees the matter, not the vendor's house: the table of ``visibility`` at every place that shows a ticket.

The ticket here has an event of every type, each by staff and by the customer, with a mark in whatever the table hides.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
import pytest_asyncio

from fristwerk_language.events import columns_of, streams
from fristwerk_language.events import tickets as facts
from fristwerk_language.events.relations import MergedInto, TicketMoved
from fristwerk_language.events.tickets import TicketEvent
from fristwerk_language.examples import example
from fristwerk_language.roles import Role
from fristwerk_platform.auth import Principal
from fristwerk_platform.commands import CommandMetadata
from fristwerk_platform.event_log import open_log
from fristwerk_platform.read_models import IRREPLACEABLE, open_database
from fristwerk_platform.sealing_keys import load_sealing_key
from tests.ticket_service.conftest import Office, OpenOffice
from tests.ticket_service.domain.ticket.test_visibility import PARTS_HIDE, TICKET_HIDES, personal_fields
from ticket_service import personal_data
from ticket_service.application.command_executor import CommandExecutor, PlannedChange
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.ticket import state
from ticket_service.domain.ticket.visibility import CUSTOMER_SEES, PARTS_SHOW, TICKET_SHOWS, VENDOR
from ticket_service.entropy import new_id
from ticket_service.personal_data import PersonalData

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARK = "hausintern"
TYPES: dict[str, Any] = {each.__name__: each for each in get_args(TicketEvent)}
PARTS: dict[str, type[msgspec.Struct]] = {
    "time_entries": state.TimeEntry,
    "callbacks": state.Callback,
    "appointments": state.Appointment,
}


def fact(name: str, number: int, customer: str, other: str) -> DecidedEvent:
    """An example of the type; whatever text of it is hidden bears the mark, and so does what is hidden of its personal part.

    The example is merged into the ticket ``other``, and moved to where it is: to another contract of ``customer``.
    """
    kind = TYPES[name]
    event: TicketEvent = example(name).event  # type: ignore[assignment]  # the example of that type
    rule = CUSTOMER_SEES.get(kind)
    hidden_data = set(kind.__struct_fields__) if rule is None else rule.hidden_data
    hidden_personal = personal_fields(kind) if rule is None else rule.hidden_personal
    texts = {each.name for each in msgspec.structs.fields(kind) if each.type in (str, str | None)}
    marked = msgspec.structs.replace(event, **dict.fromkeys(texts & hidden_data, f"{MARK}-{name}"))
    if isinstance(marked, facts.EscalationRaised | facts.EscalationClosed):
        marked = msgspec.structs.replace(marked, escalation=number)
    if isinstance(marked, MergedInto):
        marked = msgspec.structs.replace(marked, ticket=other)
    if isinstance(marked, TicketMoved):
        marked = msgspec.structs.replace(
            marked,
            from_customer=customer,
            customer=customer,
            sealed_for=customer,
            agreement="infoniqa",
            agreement_version=1,
            calendar="infoniqa",
            calendar_version=1,
        )
    if isinstance(marked, facts.TermsMigrated):
        marked = msgspec.structs.replace(marked, agreement_version=1, calendar_version=1)
    said = {each: f"{MARK}-{name}" if each in hidden_personal else f"{name} {each}" for each in personal_fields(kind)}
    return DecidedEvent(marked, (said | {"fields": {}} if "fields" in said else said) or None)


class Seen:
    """The ticket with everything on it, and every place that shows it to a caller."""

    def __init__(self, office: Office, customer: str, ticket: str) -> None:
        self.office = office
        self.customer = customer
        self.ticket = ticket

    async def ask(self, path: str, role: str = "customer") -> Any:
        own = self.customer if role == "customer" else None
        return await self.office.get(path.format(ticket=self.ticket, customer=self.customer), role=role, customer=own)

    async def history(self, role: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        while True:
            after = items[-1]["version"] if items else 0
            found = (await self.ask(f"/v1/tickets/{{ticket}}/events?limit=200&after={after}", role))["items"]
            items += found
            if not found:
                return items

    async def states(self, role: str) -> dict[str, dict[str, Any]]:
        """The ticket's state by the place that shows it."""
        later = (datetime.now(UTC) + timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = {
            path: (await self.ask(path, role))["ticket"]
            for path in (
                "/v1/tickets/{ticket}",
                f"/v1/tickets/{{ticket}}?at={later}",
                f"/v1/tickets/{{ticket}}?known_at={later}",
            )
        }
        found["list"] = (await self.ask("/v1/tickets?customer={customer}", role))["items"][0]
        found["overview"] = (await self.ask("/v1/customers/{customer}/overview", role))["open_tickets"][0]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def seen(open_office: OpenOffice) -> Seen:
    office = await open_office("infoniqa")
    customer = await office.served()
    ticket, other = await office.ticket(customer), await office.ticket(customer)
    settings = office.service.settings
    log = open_log(settings, "tickets-log", read_columns=columns_of)
    keys = open_database(settings, "personal-keys", personal_data.metadata, IRREPLACEABLE)
    executor = CommandExecutor(log, PersonalData(keys, load_sealing_key(settings)), new_id)
    stream, version = streams.TICKET.stream(ticket["id"]), ticket["version"]
    roles: tuple[tuple[Role, str], ...] = (("agent", f"{MARK}-agent"), ("customer", "anna"))
    names = [*TYPES, "Reopened"]  # so that the ticket is open in the end
    for role, sub in roles:
        now = datetime.now(UTC)
        who = Principal(
            sub=sub, role=role, provider=office.provider, belongs_to=customer if role == "customer" else None
        )
        request = f"{MARK}-request" if role == "agent" else "own-request"
        meta = CommandMetadata(principal=who, now=now, occurred_at=now, correlation_id=request)
        change = PlannedChange(
            stream=stream,
            after_version=version,
            subject=customer,
            facts=[fact(name, roles.index((role, sub)) + 1, customer, other["id"]) for name in names],
            occurred_at=now,
        )
        await executor.store(meta, await executor.prepare(meta, [change]), {}, version=0)
        version += len(names)
    await log.close()
    await keys.close()
    return Seen(office, customer, ticket["id"])


async def test_a_history_shows_of_every_event_and_field_what_the_table_says(seen: Seen) -> None:
    whole = {each["version"]: each for each in await seen.history("agent")}
    shown = {each["version"]: each for each in await seen.history("customer")}
    tried = {(each["type"], each["actor"]["role"]) for each in whole.values()}
    assert tried >= {(name, role) for name in TYPES for role in ("agent", "customer")}
    for version, each in whole.items():
        rule, own = CUSTOMER_SEES.get(TYPES[each["type"]]), each["actor"]["role"] == "customer"
        if rule is None or each["data"].get("visible") is False or (rule.own_only and not own):
            assert version not in shown, each["type"]
            continue
        got = shown[version]
        assert got["data"] == {name: value for name, value in each["data"].items() if name in rule.data}, each["type"]
        personal = {name: value for name, value in (each["personal"] or {}).items() if name in rule.personal}
        assert got["personal"] == (personal or None), each["type"]
        assert got["actor"] == (each["actor"] if own else VENDOR)
    assert MARK not in str(shown)
    assert MARK in str(whole)


@pytest.mark.parametrize("role", ["customer", "agent", "manager", "auditor"])
async def test_every_place_shows_of_the_state_what_the_table_says(seen: Seen, role: str) -> None:
    hidden = TICKET_HIDES if role == "customer" else set()
    for place, ticket in (await seen.states(role)).items():
        assert set(ticket) == (TICKET_SHOWS | TICKET_HIDES) - hidden, place
        for name, kind in PARTS.items():
            parts = [*ticket[name].values()] if name == "time_entries" else ticket[name]
            assert parts, (place, name)
            expected = PARTS_SHOW[kind] if role == "customer" else PARTS_SHOW[kind] | PARTS_HIDE[kind]
            assert all(set(each) == expected for each in parts), (place, name)
        assert (MARK in str(ticket)) == (role != "customer"), place
        raised = [each["by_customer"] for each in ticket["escalations"]]
        assert raised == ([True] if role == "customer" else [False, True]), place


async def test_the_answer_to_a_customers_command_shows_no_more_than_its_reads(seen: Seen) -> None:
    said = {"channel": "email", "text": "Noch da?"}
    path = f"/v1/tickets/{seen.ticket}/messages"
    headers = {"Idempotency-Key": "seen-1"}
    for _ in range(2):
        answer = await seen.office.post(
            path, said, role="customer", customer=seen.customer, sub="anna", headers=headers
        )
        assert set(answer["ticket"]) == TICKET_SHOWS
        assert [each["type"] for each in answer["events"]] == ["CustomerMessageReceived"]
        assert answer["events"][0]["actor"] == {"id": "anna", "role": "customer"}
        assert MARK not in str(answer)


async def test_the_answer_to_a_customers_new_ticket_hides_where_the_vendor_put_it(open_office: OpenOffice) -> None:
    office = await open_office("fluxpunkt")
    customer = await office.served()
    body = {"customer": customer, "channel": "email", "subject": "Druck", "description": "Ränder"}
    path = "/v1/tickets"
    whole = await office.post(path, body)
    shown = await office.post(path, body, role="customer", customer=customer)
    types = [each["type"] for each in shown["events"]]
    assert {"PriorityDerived"} <= {each["type"] for each in whole["events"]}
    assert types == [each["type"] for each in whole["events"] if TYPES[each["type"]] in CUSTOMER_SEES]
    assert set(shown["ticket"]) == TICKET_SHOWS
    assert set(whole["ticket"]) == TICKET_SHOWS | TICKET_HIDES
    assert "group" not in shown["events"][0]["data"]
    contract = (await office.get(f"/v1/customers/{customer}/overview", role="customer", customer=customer))[
        "contracts"
    ][0]
    read = await office.get(f"/v1/contracts/{contract['id']}", role="customer", customer=customer)
    assert read["contract"] == contract
    assert "group" not in contract
    assert (await office.get(f"/v1/contracts/{contract['id']}"))["contract"]["group"] == "contract"


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/stream", "/v1/worklist"])
async def test_feeds_and_the_worklist_are_the_vendors(seen: Seen, path: str) -> None:
    await seen.office.refused(403, path, method="GET", role="customer", customer=seen.customer)


@pytest.mark.parametrize("name", ["assignee", "group"])
async def test_a_customer_lists_by_nothing_that_it_does_not_see(seen: Seen, name: str) -> None:
    query = f"/v1/tickets?{name}={MARK}-Assigned"
    await seen.office.refused(403, query, method="GET", role="customer", customer=seen.customer)
    assert (await seen.office.call("GET", query)).status_code == 200
