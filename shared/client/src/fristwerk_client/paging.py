"""Lists page by page, and the version that a command is about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx

from fristwerk_client.problems import OperationAnswer

P = ParamSpec("P")
A = TypeVar("A", bound=OperationAnswer[Any])


def next_cursor(headers: Mapping[str, str]) -> str | None:
    """The ``after`` of the next page, as ``Link`` says (RFC 8288); None at the end of a list."""
    links = httpx.Response(200, headers=dict(headers)).links
    cursors = parse_qs(urlsplit(links.get("next", {}).get("url", "")).query).get("after", [])
    return cursors[0] if cursors else None


def etag(answer: OperationAnswer[Any] | httpx.Response) -> str:
    """The version that was answered, to be given as ``if_match`` to a command that is about it. Raises KeyError for none."""
    return answer.headers["ETag"]


async def pages(operation: Callable[P, Awaitable[A]], *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[A]:
    """Each page of a list.

    The operation takes what it takes: ``async for page in pages(list_tickets.asyncio_detailed, client=…, limit=200)``.
    Refusals are pages as well: ``expect`` raises them. For feeds, which have no end, there is ``follow``.
    """
    asking: Any = operation
    following: dict[str, Any] = dict(kwargs)
    while True:
        page: A = await asking(*args, **following)
        yield page
        if not _went_on(following, page):
            return


def pages_now(operation: Callable[P, A], *args: P.args, **kwargs: P.kwargs) -> Iterator[A]:
    """The same without await, so of ``sync_detailed``."""
    asking: Any = operation
    following: dict[str, Any] = dict(kwargs)
    while True:
        page: A = asking(*args, **following)
        yield page
        if not _went_on(following, page):
            return


def _went_on(following: dict[str, Any], page: OperationAnswer[Any]) -> bool:
    """Whether there is a next page, which is then what is asked for; a cursor that stays is the end."""
    cursor = next_cursor(page.headers)
    if cursor is None or cursor == str(following.get("after")):
        return False
    following["after"] = cursor
    return True
