"""Who may do what, and that nobody learns of another's things: every route, every stranger."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fristwerk_language.roles import ROLES
from fristwerk_platform.auth import Principal
from tests.ticket_service.conftest import Office, OpenOffice, Service

pytestmark = pytest.mark.asyncio(loop_scope="session")

STAFF = {"agent", "specialist", "manager"}
ALL = set(ROLES) - {"service"}
READERS = ALL - {"customer"}
FOLLOWERS = READERS | {"service"}
AT = "2026-06-03T14:30:00Z"
AGREED = {"contact": "A", "channel": "phone", "at": AT}
PROPOSAL = ["2030-06-25T09:00:00+02:00"]
CALENDAR = {"calendar": "office", "timezone": "Europe/Berlin", "hours": {"mon": ["08:00-17:00"]}, "years": "2026-2027"}

TICKET_COMMANDS = {
    "links": {"to": "{ticket}", "kind": "related"},
    "links/removal": {"to": "{ticket}", "kind": "related"},
    "move": {"customer": "{customer}", "reason": "R"},
    "merge": {"into": "{ticket}", "reason": "R"},
    "split": {"subject": "S", "reason": "R"},
    "type": {"type": "normal"},
    "priority": {"priority": 1, "reason": "R", "agreement": AGREED},
    "assignment": {"agent": "a"},
    "transfer": {"department": "d", "reason": "R"},
    "responses": {"channel": "email", "text": "T"},
    "progress": {"channel": "email", "text": "T"},
    "information-requests": {"question": "Q"},
    "work": {"agent": "a"},
    "time-entries": {"start": AT, "minutes": 5, "activity": "help", "agent": "a"},
    "time-entries/e-1/corrections": {"minutes": 1, "reason": "R"},
    "callbacks": {"purpose": "P"},
    "callbacks/1/attempts": {"reached": True},
    "messages/1/no-answer-needed": {},
    "callbacks/1/completion": {"text": "T"},
    "appointments/1/booking": {"start": PROPOSAL[0]},
    "appointments/1/outcome": {"outcome": "held"},
    "effort-notices": {"text": "T"},
    "cost-approvals": {"estimate_minutes": 5, "text": "T"},
    "delivery": {"system": "test", "text": "T"},
    "release": {},
    "number-communications": {"classification": "c", "channel": "email"},
    "escalations": {"to": "manager", "text": "T"},
    "escalations/1/assignment": {"agent": "a"},
    "escalations/1/tasks": {"text": "T"},
    "escalation-tasks/1/completion": {},
    "escalations/1/closing": {"outcome": "O", "contact": "C"},
    "remote-sessions": {"agent": "a"},
    "remote-sessions/1/end": {},
    "resolution": {"text": "T"},
    "closing": {},
}
CUSTOMER_COMMANDS = {
    "reopening": {"reason": "R"},
    "messages": {"channel": "email", "text": "T"},
    "information": {"text": "T"},
    "appointments": {"kind": "review", "proposals": PROPOSAL},
    "appointments/1/cancellation": {"by": "customer"},
    "cost-approvals/1/decision": {"approved": True},
    "acceptance": {"accepted": True},
    "feedback": {"score": 5},
}
AUDIT = (
    "key",
    "checkpoint",
    "heads",
    "tile/0/000",
    "inclusion?position=1",
    "consistency?from=0&to=0",
    "export",
    "accesses",
)
ROUTES: dict[Any, tuple[Any, ...]] = {
    ("PUT", "/v1/calendars/office"): (CALENDAR, {"admin"}),
    ("PUT", "/v1/agreements/digidesk"): ({"agreement": "digidesk"}, {"admin"}),
    ("POST", "/v1/calendars/preview"): (CALENDAR, READERS),
    ("GET", "/v1/calendars"): (None, READERS),
    ("GET", "/v1/calendars/digidesk"): (None, READERS),
    ("GET", "/v1/calendars/digidesk/versions"): (None, READERS),
    ("GET", "/v1/calendars/digidesk/versions/1"): (None, READERS),
    ("GET", "/v1/calendars/digidesk/diff?from=1&to=1"): (None, READERS),
    ("GET", "/v1/agreements"): (None, READERS),
    ("GET", "/v1/agreements/digidesk"): (None, READERS),
    ("GET", "/v1/agreements/digidesk/versions"): (None, READERS),
    ("GET", "/v1/agreements/digidesk/versions/1"): (None, READERS),
    ("GET", "/v1/agreements/digidesk/diff?from=1&to=1"): (None, READERS),
    ("POST", "/v1/customers"): ({"name": "A", "kind": "company"}, {"admin"}),
    ("GET", "/v1/customers"): (None, READERS),
    ("GET", "/v1/customers/{customer}"): (None, ALL),
    ("GET", "/v1/customers/{customer}/overview"): (None, ALL),
    ("POST", "/v1/customers/{customer}/devices"): ({"serial": "SN-1"}, {"admin"}),
    ("POST", "/v1/customers/{customer}/contacts"): ({"role": "csm", "agent": "a"}, {"admin"}),
    ("POST", "/v1/customers/{customer}/contracts"): (
        {"agreement": "digidesk", "plan": "standard", "from": "2026-01-01"},
        {"admin"},
    ),
    ("POST", "/v1/customers/{customer}/forget"): ({}, {"admin"}),
    ("GET", "/v1/customers/{customer}/forgetting"): (None, {"admin"}),
    ("GET", "/v1/customers/{customer}/recipient"): (None, set()),
    ("POST", "/v1/customers/{customer}/recipient"): ({"issued_on": "2026-07-01"}, set()),
    ("POST", "/v1/customers/{customer}/sealed-texts"): ({"text": "T"}, set()),
    ("POST", "/v1/customers/opened-texts"): ({"sealed": []}, set()),
    ("GET", "/v1/contracts/{contract}"): (None, ALL),
    ("POST", "/v1/contracts/{contract}/packages"): ({"hours": 4, "from": "2026-01-01"}, {"admin"}),
    ("POST", "/v1/contracts/{contract}/addons"): ({"addon": "x", "from": "2026-01-01"}, {"admin"}),
    ("POST", "/v1/contracts/{contract}/addons/x/end"): ({"until": "2027-01-01"}, {"admin"}),
    ("POST", "/v1/contracts/{contract}/termination"): ({"until": "2027-01-01"}, {"admin"}),
    ("POST", "/v1/calls"): ({"ticket": "{ticket}", "from": "+49 1", "started_at": AT}, STAFF),
    ("GET", "/v1/calls"): (None, READERS),
    ("GET", "/v1/calls/{call}"): (None, READERS),
    ("POST", "/v1/calls/{call}/attachment"): ({"ticket": "{ticket}"}, STAFF),
    ("POST", "/v1/calls/{call}/ticket"): (
        {"subject": "S", "customer": "{customer}", "fields": {"name": "A", "email": "a@b.example"}},
        STAFF,
    ),
    ("POST", "/v1/calls/{call}/dismissal"): ({"reason": "R"}, STAFF),
    ("POST", "/v1/escalations"): ({"customer": "{customer}", "channel": "email", "text": "T"}, STAFF | {"customer"}),
    ("POST", "/v1/tickets"): (
        {"customer": "{customer}", "channel": "email", "fields": {"name": "A", "email": "a@b.example"}},
        STAFF | {"customer"},
    ),
    ("GET", "/v1/tickets"): (None, ALL),
    ("GET", "/v1/tickets/{ticket}"): (None, ALL),
    ("GET", "/v1/tickets/{ticket}/events"): (None, ALL),
    ("GET", "/v1/tickets/{ticket}/severities"): (None, ALL),
    ("GET", "/v1/agents/agent-1/free?ticket={ticket}"): (None, READERS),
    ("POST", "/v1/customers/{customer}/surveys"): ({"channel": "phone"}, STAFF | {"admin"}),
    ("GET", "/v1/customers/{customer}/surveys"): (None, READERS),
    ("POST", "/v1/customers/{customer}/surveys/1/answers"): ({"score": 4}, STAFF | {"admin"}),
    ("POST", "/v1/customers/{customer}/surveys/1/cancellation"): ({"reason": "R"}, STAFF | {"admin"}),
    ("POST", "/v1/customers/{customer}/suggestions"): ({"text": "T"}, STAFF | {"customer"}),
    ("GET", "/v1/customers/{customer}/suggestions"): (None, ALL),
    ("POST", "/v1/customers/{customer}/suggestions/1/outcome"): ({"outcome": "taken_up"}, STAFF | {"admin"}),
    ("POST", "/v1/customers/{customer}/portal-users"): (
        {"user": "vera", "email": "vera@muster.example"},
        STAFF | {"admin"},  # and a customer's own administrators: see test_portal_users
    ),
    ("POST", "/v1/customers/{customer}/portal-users/vera/activation"): ({}, STAFF | {"admin"}),
    ("POST", "/v1/customers/{customer}/portal-users/vera/end"): ({}, STAFF | {"admin"}),
    ("GET", "/v1/customers/{customer}/portal-users"): (None, READERS),
    ("GET", "/v1/customers/{customer}/portal-users/vera/events"): (None, READERS),
    ("GET", "/v1/surveys"): (None, READERS),
    ("GET", "/v1/suggestions"): (None, READERS),
    ("GET", "/v1/reports/scores?from=2026-01-01&until=2026-12-31"): (None, READERS),
    ("GET", "/v1/agents"): (None, READERS),
    ("GET", "/v1/agents/agent-1"): (None, READERS),
    ("PUT", "/v1/agents/agent-1"): ({"role": "agent"}, {"admin"}),
    ("POST", "/v1/agents/agent-1/absences"): ({"from": AT, "until": "2026-06-04T14:30:00Z"}, {"admin", "manager"}),
    ("POST", "/v1/agents/agent-1/absences/1/end"): ({}, {"admin", "manager"}),
    ("GET", "/v1/contracts/{contract}/severities"): (None, ALL),
    ("POST", "/v1/tickets/{ticket}/severity"): ({"severity": "normal"}, {"agent"}),
    ("POST", "/v1/tickets/{ticket}/terms"): ({"agreement_version": 2, "reason": "R"}, STAFF | {"admin"}),
    **{("POST", f"/v1/tickets/{{ticket}}/{path}"): (body, STAFF) for path, body in TICKET_COMMANDS.items()},
    **{
        ("POST", f"/v1/tickets/{{ticket}}/{path}"): (body, STAFF | {"customer"})
        for path, body in CUSTOMER_COMMANDS.items()
    },
    ("GET", "/v1/worklist"): (None, READERS),
    ("GET", "/v1/tasks"): (None, ALL),
    ("GET", "/v1/rows"): (None, ALL),
    ("POST", "/v1/worklist/next"): (None, STAFF),
    ("GET", "/v1/events"): (None, FOLLOWERS),
    **{("GET", f"/v1/audit/tickets/{path}"): (None, {"admin", "auditor"}) for path in AUDIT},
    ("GET", "/v1/audit/tickets/accesses/checkpoint"): (None, {"admin", "auditor"}),
    ("GET", "/v1/audit/tickets/check"): (None, set()),  # a service for all providers, which none of these is
}
NAMES = ("{customer}", "{contract}", "{ticket}", "{call}")
OWN_THINGS = [route for route in ROUTES if any(name in route[1] + json.dumps(ROUTES[route][0]) for name in NAMES)]
NOWHERE = dict.fromkeys(("customer", "contract", "ticket", "call"), "0199c3c4-ffff-7fff-8fff-ffffffffffff")


class Case:
    """A ticket, its customer and contract at an office, and any route filled with them or with others."""

    def __init__(self, office: Office, **ids: Any) -> None:
        self.office = office
        self.ids = ids

    async def ask(self, route: Any, ids: Any = None, **who: Any) -> Any:
        method, path = route
        ids = ids or self.ids
        filled = path
        for name, value in ids.items():
            filled = filled.replace(f"{{{name}}}", value)
        body = ROUTES[route][0]
        if body is not None:
            text = json.dumps(body)
            for name, value in ids.items():
                text = text.replace(f"{{{name}}}", value)
            body = json.loads(text)
        return await self.office.call(method, filled, body, **who)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def case(open_office: OpenOffice) -> Any:
    """An office for all tests here; it has the office's hours as a calendar already."""
    return await opened_case(open_office)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def theirs(open_office: OpenOffice) -> Any:
    """Another provider's."""
    return await opened_case(open_office)


async def opened_case(open_office: OpenOffice) -> Any:
    office = await open_office("digidesk", calls={"log_all": True})
    customer = await office.customer()
    contract = await office.contract(customer)
    ticket = await office.ticket(customer)
    call = (await office.post("/v1/calls", {"from": "+49 1", "started_at": AT}))["call"]
    return Case(office, customer=customer, contract=contract, ticket=ticket["id"], call=call["id"])


async def test_every_route_is_in_the_matrix(service: Service) -> None:
    served = {
        (method.upper(), path)
        for path, methods in service.app.openapi()["paths"].items()
        for method in methods
        if path.startswith("/v1")
    }
    names = {*NAMES}

    def shape(path: Any) -> Any:
        parts = path.partition("?")[0].split("/")
        return tuple(part if not part.startswith("{") else ("*" if part not in names else part) for part in parts)

    def fits(given: Any, pattern: Any) -> Any:
        return len(given) == len(pattern) and all(p in ("*", g) for g, p in zip(given, pattern, strict=True))

    asked = [(method, shape(path)) for method, path in ROUTES]
    elsewhere = {"/v1/events/stream", "/v1/terms-migrations", "/v1/terms-migrations/{migration}"}
    missing = [
        (method, path)
        for method, path in served
        if path not in elsewhere and not any(m == method and fits(g, shape(path)) for m, g in asked)
    ]
    assert missing == []


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_without_a_good_token_nobody_gets_anywhere(case: Any, route: Any) -> None:
    service = case.office.service
    principal = Principal(sub="a", role="agent", provider=case.office.provider)
    token = service.bearer(principal)["Authorization"].removeprefix("Bearer ")
    header, claims, signature = token.split(".")
    kid = {"kid": jwt.get_unverified_header(token)["kid"]}
    said = jwt.decode(token, options={"verify_signature": False})
    forged = jwt.encode(said, Ed25519PrivateKey.generate(), "EdDSA", kid)
    unsigned = jwt.encode(said, "", "none", kid)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    expired = service.bearer(principal, now=yesterday, valid=timedelta(hours=1))["Authorization"]
    before = await service.position()
    for authorization in (
        None,
        "",
        "Bearer",
        "Basic YTpi",
        expired,
        f"Bearer {forged}",
        f"Bearer {unsigned}",
        f"Bearer {header}.{claims}.{'A' * len(signature)}",
        f"Bearer {header}.{claims}.",
    ):
        headers = {} if authorization is None else {"Authorization": authorization}
        method, path = route
        answer = await service.client.request(method, path.format(**case.ids), json=ROUTES[route][0], headers=headers)
        assert answer.status_code == 401, authorization
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert await service.position() == before


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
async def test_each_role_may_what_the_contract_says_and_nothing_else(
    open_office: OpenOffice, case: Any, route: Any
) -> None:
    if route[1].endswith("forget"):
        case = await opened_case(open_office)
    allowed = ROUTES[route][1]
    for role in ROLES:
        before = await case.office.service.position()
        answer = await case.ask(route, role=role, customer=case.ids["customer"] if role == "customer" else None)
        assert answer.status_code < 500, answer.text
        if role in allowed:
            assert answer.status_code not in (401, 403), (role, answer.text)
        else:
            assert answer.status_code == 403, (role, answer.text)
            assert role in answer.json()["detail"]
        if answer.status_code >= 400:
            assert await case.office.service.position() == before


@pytest.mark.parametrize("route", [each for each in ROUTES if each[0] == "POST"], ids=" ".join)
async def test_permission_comes_before_the_body_also_where_the_agreement_gives_it(case: Any, route: Any) -> None:
    """Whoever may not, does not learn what the body should have been."""
    method, path = route
    may = STAFF if path == "/v1/customers" else set()  # they register persons: the body says whom
    for role in set(ROLES) - ROUTES[route][1] - may:
        customer = case.ids["customer"] if role == "customer" else None
        answer = await case.office.call(
            method, path.format(**case.ids), {"no such": "key"}, role=role, customer=customer
        )
        assert answer.status_code in {403, 404}, (role, answer.text)


def told(answer: Any, ids: Any) -> Any:
    """A problem without the ids that the caller named."""
    text = answer.text
    for value in ids.values():
        text = text.replace(value, "…")
    return answer.status_code, text


@pytest.mark.parametrize("route", OWN_THINGS, ids=" ".join)
async def test_another_providers_things_are_as_if_they_were_not_there(case: Any, theirs: Any, route: Any) -> None:
    roles = ROUTES[route][1] - {"customer"}
    before = await case.office.service.position()
    for role in roles:
        foreign = await case.ask(route, theirs.ids, role=role)
        missing = await case.ask(route, NOWHERE, role=role)
        assert foreign.status_code == 404, foreign.text
        assert told(foreign, theirs.ids) == told(missing, NOWHERE)
    assert await case.office.service.position() == before


@pytest.mark.parametrize("route", OWN_THINGS, ids=" ".join)
async def test_another_customers_things_are_as_if_they_were_not_there(case: Any, route: Any) -> None:
    other = await case.office.served()
    before = await case.office.service.position()
    foreign = await case.ask(route, role="customer", customer=other)
    missing = await case.ask(route, NOWHERE, role="customer", customer=other)
    expected = {404, 403} if "customer" not in ROUTES[route][1] else {404}
    assert foreign.status_code in expected, foreign.text
    assert told(foreign, case.ids) == told(missing, NOWHERE)
    assert await case.office.service.position() == before


async def test_a_reference_of_anothers_ticket_tells_nothing_of_it(case: Any) -> None:
    """Not even the id behind it."""
    other = await case.office.served()
    ticket = (await case.office.get(f"/v1/tickets/{case.ids['ticket']}"))["ticket"]
    reference = ticket["reference"]
    missing = "DIG-2222-2222"
    for who in ({"role": "customer", "customer": other}, {"role": "agent"}):
        office = case.office if who["role"] == "customer" else case.office.of("another")
        for method, path, body in (
            ("GET", "/v1/tickets/{}", None),
            ("GET", "/v1/tickets/{}?at=2026-06-03T14:30:00Z", None),
            ("GET", "/v1/tickets/{}/events", None),
            ("POST", "/v1/tickets/{}/messages", {"channel": "email", "text": "T"}),
        ):
            foreign = await office.call(method, path.format(reference), body, **who)
            nothing = await office.call(method, path.format(missing), body, **who)
            assert foreign.status_code == 404
            assert told(foreign, {"r": reference}) == told(nothing, {"r": missing})
            assert ticket["id"] not in foreign.text


async def test_a_list_shows_a_customer_only_the_own_companys_tickets(case: Any) -> None:
    other = await case.office.served()
    mine = await case.office.ticket(other)
    for query in ("", f"?customer={other}", "?state=open"):
        items = (await case.office.get(f"/v1/tickets{query}", role="customer", customer=other))["items"]
        assert [each["id"] for each in items] in ([mine["id"]], [])
        assert case.ids["ticket"] not in [each["id"] for each in items]


async def test_a_follower_of_all_providers_reads_feeds_and_nothing_else(case: Any) -> None:
    everything = case.office.of("*")
    assert (await everything.call("GET", "/v1/events?limit=1", role="service")).status_code == 200
    for path in ("/v1/tickets/{ticket}", "/v1/customers/{customer}", "/v1/contracts/{contract}"):
        await everything.refused(403, path.format(**case.ids), method="GET", role="service")
    for path in ("/v1/tickets", "/v1/customers"):
        await everything.refused(403, path, method="GET", role="service")
    await everything.refused(401, "/v1/events", method="GET", role="admin")


async def test_a_program_reads_feeds_and_what_its_scopes_name(case: Any) -> None:
    """Customers are shown with their names: a token for a feed must not open them."""
    client, tokens = case.office.service.client, case.office.service.tokens
    customer = f"/v1/customers/{case.ids['customer']}"
    paths = ("/v1/events?limit=1", customer, "/v1/customers", f"/v1/tickets/{case.ids['ticket']}", "/v1/worklist/next")

    async def statuses(*scopes: str) -> list[int]:
        program = Principal(sub="crm", role="service", provider=case.office.provider, scopes=frozenset(scopes))
        token = tokens.issue(program, now=datetime.now(UTC))
        headers = {"Authorization": f"Bearer {token}"}
        return [(await client.get(path, headers=headers)).status_code for path in paths]

    assert await statuses() == [200, 403, 403, 403, 403]
    assert await statuses("customers") == [200, 200, 200, 403, 403]
    assert await statuses("tickets", "customers") == [200, 200, 200, 200, 403]


async def test_a_customer_lists_no_other_customers_tickets(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    own, other = await office.served(), await office.served()
    await office.ticket(own)
    refused = await office.call("GET", f"/v1/tickets?customer={other}", role="customer", customer=own)
    assert refused.status_code == 403
    for query in ("", f"?customer={own}"):
        listed = await office.call("GET", f"/v1/tickets{query}", role="customer", customer=own)
        assert [each["customer"] for each in listed.json()["items"]] == [own]


async def test_a_customer_reads_nothing_of_the_vendors_house(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    ticket = await office.ticket(await office.served())
    path = f"/v1/tickets/{ticket['id']}"
    await office.post(f"{path}/assignment", {"agent": "agent-7"})
    await office.post(f"{path}/transfer", {"department": "billing", "reason": "Kunde ist schwierig"})
    history = await office.call("GET", f"{path}/events", role="customer", customer=ticket["customer"])
    assert "schwierig" not in history.text
    assert "agent-7" not in history.text
    assert {"Assigned", "Transferred"} <= {each["type"] for each in (await office.get(f"{path}/events"))["items"]}
