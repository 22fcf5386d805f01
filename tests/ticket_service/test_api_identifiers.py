"""Identifiers everywhere an identifier is meant: what stands in clear in the log is no formula and nobody's address."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_asyncio

from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(open_office: OpenOffice) -> tuple[Office, dict[str, str]]:
    office = await open_office("infoniqa")
    customer = await office.served()
    return office, {"customer": customer, "ticket": (await office.ticket(customer))["id"]}


FORMULA, ADDRESS = '=HYPERLINK("https://x.example")', "anna@muster.example"
AGREED = {"contact": "Anna", "channel": "email", "at": "2026-06-03T14:30:00Z"}
NAMED: list[tuple[str, dict[str, Any], str]] = [
    ("tickets", {"customer": "c", "channel": "{}"}, "/channel"),
    ("tickets", {"customer": "c", "channel": "email", "severity": "{}"}, "/severity"),
    ("tickets", {"customer": "c", "channel": "email", "suggested_severity": "{}"}, "/suggested_severity"),
    ("tickets/{ticket}/severity", {"severity": "{}"}, "/severity"),
    ("tickets/{ticket}/type", {"type": "{}"}, "/type"),
    ("tickets/{ticket}/transfer", {"department": "{}", "reason": "x"}, "/department"),
    ("tickets/{ticket}/transfer", {"level": "{}", "reason": "x"}, "/level"),
    ("tickets/{ticket}/messages", {"channel": "{}", "text": "x"}, "/channel"),
    ("tickets/{ticket}/responses", {"channel": "{}", "text": "x"}, "/channel"),
    ("tickets/{ticket}/progress", {"channel": "{}", "text": "x"}, "/channel"),
    ("tickets/{ticket}/number-communications", {"classification": "{}", "channel": "phone"}, "/classification"),
    ("tickets/{ticket}/number-communications", {"classification": "hardware", "channel": "{}"}, "/channel"),
    (
        "tickets/{ticket}/appointments/1/booking",
        {"start": AGREED["at"], "agreed": AGREED | {"channel": "{}"}},
        "/agreed/channel",
    ),
    ("tickets/{ticket}/escalations", {"to": "{}", "text": "x"}, "/to"),
    (
        "calls",
        {"from": "+49 40 1", "started_at": AGREED["at"], "transfer": {"to": "{}", "result": "failed"}},
        "/transfer/to",
    ),
    ("customers/{customer}/contacts", {"role": "{}", "agent": "a-1"}, "/role"),
    ("customers/{customer}/devices", {"serial": "{}"}, "/serial"),
    (
        "customers/{customer}/contracts",
        {"agreement": "infoniqa", "plan": "m", "group": "{}", "from": "2026-01-01"},
        "/group",
    ),
    ("customers/{customer}/contracts", {"agreement": "infoniqa", "plan": "{}", "from": "2026-01-01"}, "/plan"),
]


@pytest.mark.parametrize("text", [FORMULA, ADDRESS])
@pytest.mark.parametrize(("path", "body", "pointer"), NAMED, ids=[f"{path} {pointer}" for path, _, pointer in NAMED])
async def test_what_is_meant_as_an_identifier_is_no_formula_and_nobodys_address(
    desk: tuple[Office, dict[str, str]], path: str, body: dict[str, Any], pointer: str, text: str
) -> None:
    office, ids = desk
    filled = json.loads(json.dumps(body).replace('"{}"', json.dumps(text)))
    role = "admin" if path.startswith("customers") else "agent"
    problem = await office.refused(422, f"/v1/{path.format(**ids)}", filled, role=role)
    assert problem["type"] == "/problems/invalid-request"
    assert pointer in [each["pointer"] for each in problem["errors"]]
