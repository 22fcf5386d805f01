"""A stream whose events have many bytes is read in pages, each time to its end: nothing of it is taken for all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import Office, OpenOffice, OpenService

pytestmark = pytest.mark.asyncio(loop_scope="session")
MAIL = {"system": "service-mailbox", "id": "<42@muster.example>"}
SMALL_PAGE = 1_500
"""Bytes of which a page of these tests is full: two or three events."""


async def followed(office: Office, path: str, **who: Any) -> list[list[Any]]:
    """The pages of a list, as its links lead to them."""
    pages = []
    while path:
        answer = await office.call("GET", path, **who)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["items"])
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    return pages


async def test_whatever_is_read_of_a_long_stream_is_read_to_its_end(
    tmp_path: Path, open_service: OpenService, open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_service(Settings(var=tmp_path)) as first, open_service(Settings(var=tmp_path)) as second:
        office = await open_office("infoniqa", at=first)
        customer = await office.served()
        ticket = await office.ticket(customer)
        path = f"/v1/tickets/{ticket['id']}"
        for number in range(12):
            await office.post(
                f"{path}/responses", {"channel": "email", "text": f"Antwort {number}", "visible": number > 8}
            )
        said = {"channel": "email", "text": "Danke", "source": MAIL}
        taken = await office.post(f"{path}/messages", said)
        [whole] = await followed(office, f"{path}/events?limit=200")
        [theirs] = await followed(office, f"{path}/events?limit=200", role="customer", customer=customer)
        state = await office.get(path)

        monkeypatch.setattr("fristwerk_platform.event_log.feed_pages.PAGE_BYTES", SMALL_PAGE)
        twin = Office(second, office.provider, office.agreement)
        pages = await followed(twin, f"{path}/events?limit=200")
        shown = await followed(twin, f"{path}/events?limit=2", role="customer", customer=customer)

        assert len(pages) > 4
        assert [each for page in pages for each in page] == whole
        assert [each for page in shown for each in page] == theirs
        assert await twin.get(path) == state, "which that process has read from the log alone"
        known = await twin.get(f"{path}?known_at={whole[-1]['recorded_at']}")
        assert known["ticket"]["version"] == whole[-1]["version"]
        again = await twin.post(f"{path}/messages", said)
        assert (again["already_known"], again["events"]) == (True, taken["events"])
        number = taken["events"][0]["version"]
        marked = await twin.post(f"{path}/messages/{number}/no-answer-needed", {"reason": "Nur ein Dank"})
        assert [each["type"] for each in marked["events"]] == ["NoAnswerNeeded"]
