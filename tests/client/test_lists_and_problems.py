"""Pages, versions, tokens and refusals as the client shows them."""

from __future__ import annotations

import httpx
import pytest

from fristwerk_client import (
    AsyncFristwerk,
    Fristwerk,
    InvalidError,
    NotFoundError,
    ProblemError,
    UnauthorizedError,
    UnexpectedAnswerError,
    VersionMismatchError,
    etag,
    expect,
    next_cursor,
    pages,
    pages_now,
    raise_for_problem,
)
from fristwerk_client.ticket.api.customers import list_customers, read_customer, register_customer, sign_contract
from fristwerk_client.ticket.models import ContractBody, RegisterBody
from tests.conftest import ServicesInOneProcess

PROBLEM = {"type": "/problems/x", "title": "X", "status": 418, "detail": "No.", "instance": "/"}


@pytest.fixture
def admin(stack_on_sqlite: ServicesInOneProcess) -> AsyncFristwerk:
    return AsyncFristwerk(stack_on_sqlite.clients, stack_on_sqlite.token("admin"))


async def register(admin: AsyncFristwerk, name: str) -> str:
    body = RegisterBody(name=name, kind="company")
    return expect(await register_customer.asyncio_detailed(client=admin.ticket, body=body)).customer.id


async def test_a_list_is_read_page_by_page_to_its_end(admin: AsyncFristwerk) -> None:
    ids = {await register(admin, f"Firma {number}") for number in range(5)}
    fresh = await list_customers.asyncio_detailed(client=admin.ticket, limit=200)
    assert len(expect(fresh).items) == 5  # the read model has them all

    read = [expect(page) async for page in pages(list_customers.asyncio_detailed, client=admin.ticket, limit=2)]

    assert [len(page.items) for page in read] == [2, 2, 1]
    assert {each.id for page in read for each in page.items} == ids


def test_a_list_is_read_to_its_end_without_await() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        after = int(request.url.params.get("after") or 0)
        link = {"Link": f'</v1/customers?after={after + 1}&limit=2>; rel="next"'} if after < 2 else {}
        return httpx.Response(200, json={"items": [], "position": 0}, headers=link)

    with Fristwerk(
        {"ticket": httpx.Client(transport=httpx.MockTransport(handle), base_url="http://t")}, "t"
    ) as fristwerk:
        read = list(pages_now(list_customers.sync_detailed, client=fristwerk.ticket, limit=2))

    assert [next_cursor(page.headers) for page in read] == ["1", "2", None]


async def test_a_list_that_is_refused_is_one_page_that_says_so(admin: AsyncFristwerk) -> None:
    with pytest.raises(InvalidError) as refused:
        [expect(page) async for page in pages(list_customers.asyncio_detailed, client=admin.ticket, limit=0)]

    assert [place.pointer for place in refused.value.places] == ["#query/limit"]


async def test_the_version_that_was_answered_guards_the_next_command(admin: AsyncFristwerk) -> None:
    customer = await register(admin, "Muster AG")
    read = await read_customer.asyncio_detailed(customer, client=admin.ticket)

    assert etag(read) == '"1"'
    body = ContractBody.from_dict({"agreement": "none", "from": "2026-01-01"})
    with pytest.raises(VersionMismatchError):
        expect(await sign_contract.asyncio_detailed(customer, client=admin.ticket, body=body, if_match='"7"'))


async def test_a_refusal_carries_its_document(admin: AsyncFristwerk) -> None:
    with pytest.raises(NotFoundError) as refused:
        expect(await read_customer.asyncio_detailed("nobody", client=admin.ticket))

    assert refused.value.type == "/problems/customer-not-found"
    assert refused.value.document["instance"] == "/v1/customers/nobody"
    assert str(refused.value) == refused.value.detail


async def test_a_token_is_asked_for_with_every_request(stack_on_sqlite: ServicesInOneProcess) -> None:
    asked: list[str] = []

    async def token() -> str:
        asked.append(stack_on_sqlite.token("admin"))
        return asked[-1]

    renewing = AsyncFristwerk(stack_on_sqlite.clients, token)
    for number in range(2):
        await register(renewing, f"Firma {number}")
    assert len(asked) == 2

    with pytest.raises(UnauthorizedError):
        await register(renewing.as_("no token"), "Firma 3")


def test_a_client_without_await_refuses_a_token_that_is_awaited() -> None:
    async def token() -> str:
        return "t"

    with Fristwerk({"ticket": httpx.Client(base_url="http://t")}, token) as fristwerk, pytest.raises(TypeError):  # type: ignore[arg-type]
        list_customers.sync_detailed(client=fristwerk.ticket)


def test_a_refusal_of_another_status_is_a_problem_as_well() -> None:
    with pytest.raises(ProblemError, match="No") as refused:
        raise_for_problem(httpx.Response(418, json=PROBLEM))

    assert type(refused.value) is ProblemError


@pytest.mark.parametrize("content", [b"<html>Bad gateway</html>", b"[]", b'{"error": 1}', b"7", b""])
def test_an_answer_that_is_no_problem_is_shown_as_it_is(content: bytes) -> None:
    with pytest.raises(UnexpectedAnswerError) as refused:
        raise_for_problem(httpx.Response(502, content=content))

    assert refused.value.content == content
