"""A customer cannot choose its own past: what it enters occurs now, and only the setting for played stories lifts that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog
from structlog.testing import capture_logs

from fristwerk_platform.http import Stopping
from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import Office, OpenOffice, Service, running
from tests.ticket_service.test_api_access import CUSTOMER_COMMANDS
from ticket_service.api.ticket_commands import COMMANDS as ROUTES
from ticket_service.app import CUSTOMERS_MAY_DATE, create_app
from ticket_service.domain.ticket.commands import Escalate
from ticket_service.domain.ticket.possible_commands import CUSTOMER_MAY

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMMANDS: dict[str, Any] = CUSTOMER_COMMANDS | {
    "escalations": {"to": "customer_success_manager", "text": "Seit Tagen nichts"}
}


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).replace(microsecond=0).isoformat()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A service as it is installed: customers do not date."""
    async with running(Settings(var=tmp_path_factory.mktemp("strict"))) as service:
        yield service


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(strict: Service, open_office: OpenOffice) -> Office:
    return await open_office("infoniqa", at=strict)


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged, warnings included, which the tests here silence otherwise."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0))
    with capture_logs() as lines:
        yield lines
    structlog.configure(wrapper_class=before)


def pointers(answer: Any) -> list[str]:
    return [each["pointer"] for each in answer.json().get("errors", [])] if answer.status_code == 422 else []


@pytest.mark.parametrize("name", ["received_at", "occurred_at"])
async def test_a_customers_ticket_is_received_now(office: Office, name: str) -> None:
    customer = await office.served()
    body = {"customer": customer, "channel": "email", "subject": "Druck", "description": "Ränder"}
    who = {"role": "customer", "customer": customer}
    problem = await office.refused(422, "/v1/tickets", body | {name: ago(minutes=5, seconds=5)}, **who)
    found = [each["detail"] for each in problem["errors"] if each["pointer"] == f"/{name}"]
    assert any("more than 5 minutes back" in each for each in found)
    now = ago(minutes=4, seconds=30)
    await office.post("/v1/tickets", body | {"received_at": now, "occurred_at": now}, **who)
    await office.post("/v1/tickets", body | {"received_at": ago(days=20)})  # staff may, and name the channel


@pytest.mark.parametrize("path", COMMANDS)
async def test_every_command_of_a_customer_occurs_now(office: Office, path: str) -> None:
    customer = await office.served()
    ticket = await office.ticket(customer, received_at=ago(days=2))
    who: Any = {"role": "customer", "customer": customer}
    to = f"/v1/tickets/{ticket['id']}/{path}"
    late = await office.call("POST", to, COMMANDS[path] | {"occurred_at": ago(minutes=5, seconds=5)}, **who)
    assert pointers(late) == ["/occurred_at"]
    now = await office.call("POST", to, COMMANDS[path] | {"occurred_at": ago(minutes=4, seconds=30)}, **who)
    assert "/occurred_at" not in pointers(now), now.text


async def test_every_command_that_a_customer_may_give_was_tried() -> None:
    may = {*CUSTOMER_MAY, Escalate}
    assert {each.path for each in ROUTES if each.body.creates in may} == {
        path.replace("/1/", "/{number}/") for path in COMMANDS
    }


async def test_a_complaint_without_a_ticket_is_received_now(office: Office) -> None:
    customer = await office.served()
    body = {"customer": customer, "channel": "email", "text": "Niemand meldet sich", "occurred_at": ago(minutes=6)}
    answer = await office.call("POST", "/v1/escalations", body, role="customer", customer=customer)
    assert answer.status_code == 422
    assert answer.json()["type"] != "/problems/invalid-request"


async def test_nothing_was_received_long_before_the_first_contract(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.customer()
    body = {"customer": customer, "channel": "email", "subject": "Druck", "description": "Ränder"}
    problem = await office.refused(422, "/v1/tickets", body | {"received_at": ago(days=366)})
    assert [each["pointer"] for each in problem["errors"]] == ["/received_at"]
    await office.post("/v1/tickets", body | {"received_at": ago(days=364)})
    await office.contract(customer, **{"from": "2020-01-01"})
    await office.refused(422, "/v1/tickets", body | {"received_at": "2018-12-31T23:59:59Z"})
    await office.post("/v1/tickets", body | {"received_at": "2019-01-01T00:00:00Z"})


async def test_an_entitlement_by_a_receipt_that_was_dated_back_says_so(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    customer = await office.customer()
    ended = (datetime.now(UTC) - timedelta(days=10)).date()
    await office.contract(customer, until=ended.isoformat())
    dated = await office.ticket(customer, received_at=ago(days=20))
    assert dated["entitled"]
    assert "the receipt by email is dated back" in dated["entitled_why"]
    shown = await office.get(f"/v1/tickets/{dated['id']}", role="customer", customer=customer)
    assert "dated back" in shown["ticket"]["entitled_why"]
    assert not (await office.ticket(customer))["entitled"]
    served = await office.served()
    assert "dated back" not in (await office.ticket(served, received_at=ago(days=20)))["entitled_why"]


async def test_the_setting_for_stories_is_said_at_the_start_and_in_health(tmp_path: Path, logged: list[Any]) -> None:
    create_app(Settings(var=tmp_path / "strict"), Stopping())
    assert "customers_may_date" not in [line["event"] for line in logged]
    create_app(Settings(var=tmp_path / "stories", customers_may_date=True), Stopping())
    (line,) = [line for line in logged if line["event"] == "customers_may_date"]
    assert (line["log_level"], line["detail"]) == ("warning", CUSTOMERS_MAY_DATE)
    assert "FRISTWERK_CUSTOMERS_MAY_DATE" in CUSTOMERS_MAY_DATE


async def test_health_mentions_that_customers_may_date_and_nothing_where_they_may_not(
    strict: Service, service: Service
) -> None:
    assert "CUSTOMERS_MAY_DATE" not in (await strict.client.get("/health/ready")).text
    health = (await service.client.get("/health/ready")).json()
    assert health["dependencies"]["dating"] == {"ok": True, "detail": CUSTOMERS_MAY_DATE}
