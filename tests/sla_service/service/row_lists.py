"""Rows as tests ask for them."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.sla_service.service.conftest import Desk


async def rows_when_current(desk: Desk, role: str = "agent", **params: Any) -> Any:
    """The page, once its deadlines rest on all that its rows show."""
    async with asyncio.timeout(10):
        while True:
            page = await desk.read("/v1/rows", role, "ticket", **params)
            if page["deadlines"]["state"] == "current":
                return page
            await asyncio.sleep(0.01)


async def opened(desk: Desk, customer: str, **more: Any) -> Any:
    body = {"customer": customer, "channel": "email", "subject": "Neue Sache"} | more
    return (await desk.done("/v1/tickets", body))["ticket"]


async def row_of(desk: Desk, ticket: str) -> Any:
    async with asyncio.timeout(10):
        while True:
            page = await rows_when_current(desk, sort="opened", limit=200)
            (row,) = [each for each in page["items"] if each["id"] == ticket]
            if row["deadline_is"] == "current":
                return row
            await asyncio.sleep(0.01)


async def pages(desk: Desk, path: str | None) -> list[list[str]]:
    """The ids of every page."""
    found = []
    while path:
        answer = await desk.ask(path, service="ticket")
        assert answer.status_code == 200, answer.text
        found.append([row["id"] for row in answer.json()["items"]])
        path = answer.links.get("next", {}).get("url")
    return found
