"""Who may register whom: an unknown caller gets a ticket without waiting for an administrator."""

from __future__ import annotations

import pytest

from tests.ticket_service.conftest import OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("kind", ["person", "prospect"])
@pytest.mark.parametrize("role", ["agent", "specialist", "manager", "admin"])
async def test_staff_register_persons_and_prospects(open_office: OpenOffice, kind: str, role: str) -> None:
    office = await open_office("liveagent")
    answer = await office.call("POST", "/v1/customers", {"name": "Gross", "kind": kind}, role=role)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("kind", "role"), [("company", "agent"), ("person", "customer"), ("prospect", "service"), ("person", "billing")]
)
async def test_nobody_else_does(open_office: OpenOffice, kind: str, role: str) -> None:
    office = await open_office("liveagent")
    customer = "0199c3c4-ffff-7fff-8fff-ffffffffffff" if role == "customer" else None
    body = {"name": "Gross", "kind": kind}
    answer = await office.call("POST", "/v1/customers", body, role=role, customer=customer)
    assert answer.status_code == 403
