"""Who publishes terms and wants no more than to know that it is done says so (RFC 7240)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ticket_service.conftest import Office, OpenOffice

pytestmark = pytest.mark.asyncio(loop_scope="session")
MINIMAL = "return=minimal"
CALENDAR = {"calendar": "own", "timezone": "Europe/Berlin", "hours": {"mon": ["08:00-17:00"]}, "years": "2026-2027"}


async def put(office: Office, prefer: str | None, **changes: Any) -> Any:
    headers = {} if prefer is None else {"Prefer": prefer}
    return await office.call("PUT", "/v1/calendars/own", CALENDAR | changes, role="admin", headers=headers)


async def test_a_minimal_answer_is_204_with_the_version_and_says_so(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    first = await put(office, MINIMAL)
    assert (first.status_code, first.headers["ETag"], "Preference-Applied" in first.headers) == (201, '"1"', False)

    second = await put(office, MINIMAL, hours={"tue": ["08:00-17:00"]})
    again = await put(office, MINIMAL, hours={"tue": ["08:00-17:00"]})
    for answer in (second, again):
        assert (answer.status_code, answer.content) == (204, b"")
        assert (answer.headers["ETag"], answer.headers["Preference-Applied"]) == ('"2"', MINIMAL)
    agreement = (await office.get(f"/v1/agreements/{office.agreement}", role="admin"))["agreement"]["document"]
    answer = await office.call(
        "PUT", f"/v1/agreements/{office.agreement}", agreement, role="admin", headers={"Prefer": MINIMAL}
    )
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("prefer", "status"),
    [
        ('respond-async, Return="minimal"; x=1', 204),
        ("return=minimal, return=representation", 204),
        ("return=representation, return=minimal", 201),
        ("return=minimally", 201),
        ("minimal", 201),
        (None, 201),
    ],
)
async def test_the_first_return_preference_counts_and_others_are_passed_over(
    open_office: OpenOffice, prefer: str | None, status: int
) -> None:
    office = await open_office("infoniqa")
    await put(office, None)
    answer = await put(office, prefer, hours={"wed": ["08:00-17:00"]})
    assert answer.status_code == status
    assert ("Preference-Applied" in answer.headers) is (status == 204)
    assert len((await office.get("/v1/calendars/own/versions", role="admin"))["items"]) == 2


async def test_a_refusal_is_told_whole(open_office: OpenOffice) -> None:
    office = await open_office("infoniqa")
    answer = await put(office, MINIMAL, timezone="Nowhere")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/terms-refused")
