"""A ticket and its history as they are read again and again: by one query each, which shows what another process has stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from fristwerk_language.examples import SEALED, examples, line
from fristwerk_platform.event_log import StreamAfter
from fristwerk_platform.event_log.sqlite import SqliteRecorder
from fristwerk_platform.settings import Settings
from tests.ticket_service.conftest import OpenOffice, OpenService
from ticket_service.application.command_executor import CommandExecutor
from ticket_service.personal_data import Sealed

pytestmark = pytest.mark.asyncio(loop_scope="session")
SUBJECT = "Quittengelee"
PARTS = ("", "/events")


@pytest_asyncio.fixture(loop_scope="session")
async def two_processes(tmp_path: Path, open_service: OpenService, open_office: OpenOffice) -> Any:
    """Two services on the same files, as two processes have them: each with what it keeps in memory."""
    async with open_service(Settings(var=tmp_path)) as first, open_service(Settings(var=tmp_path)) as second:
        office = await open_office("infoniqa", at=first)
        yield office, type(office)(second, office.provider, office.agreement)


@pytest.mark.parametrize("part", PARTS)
async def test_whom_another_process_forgot_is_gone_from_the_next_read(two_processes: Any, part: str) -> None:
    here, there = two_processes
    customer = await here.customer(kind="person")
    path = f"/v1/tickets/{(await here.ticket(customer, subject=SUBJECT))['id']}"
    assert SUBJECT in str(await there.get(path + part))

    await here.post(f"/v1/customers/{customer}/forget", {"accept": ["open_tickets"]}, role="admin")

    assert SUBJECT not in str(await there.get(path + part))


@pytest.mark.parametrize("part", PARTS)
async def test_what_another_process_moved_is_opened_for_whose_it_is_now(two_processes: Any, part: str) -> None:
    here, there = two_processes
    wrong, right = await here.served(), await here.customer(kind="person")
    path = f"/v1/tickets/{(await here.ticket(wrong, subject=SUBJECT))['id']}"
    assert SUBJECT in str(await there.get(path + part))

    await here.post(f"{path}/move", {"customer": right, "reason": "falscher Kunde"})

    assert SUBJECT in str(await there.get(path + part))
    await there.refused(404, path + part, method="GET", role="customer", customer=wrong)
    shown = await there.get(path + part, role="customer", customer=right)
    assert SUBJECT not in str(shown), "said by another customer"


@pytest.mark.parametrize("part", PARTS)
async def test_what_another_process_moved_to_somebody_whom_it_then_forgot_is_gone(
    two_processes: Any, part: str
) -> None:
    here, there = two_processes
    wrong, right = await here.served(), await here.customer(kind="person")
    path = f"/v1/tickets/{(await here.ticket(wrong, subject=SUBJECT))['id']}"
    assert SUBJECT in str(await there.get(path + part))

    await here.post(f"{path}/move", {"customer": right, "reason": "falscher Kunde"})
    await here.post(f"/v1/customers/{right}/forget", {"accept": ["open_tickets"]}, role="admin")

    assert SUBJECT not in str(await there.get(path + part))


@pytest.mark.parametrize("part", PARTS)
async def test_who_reads_again_asks_the_log_once(
    open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    office = await open_office("infoniqa")
    customer = await office.served()
    ticket = (await office.ticket(customer))["id"]
    path, own = f"/v1/tickets/{ticket}", {f"ticket-{ticket}", f"customer-{customer}"}
    before = await office.get(path + part)
    queries: list[Sequence[StreamAfter]] = []
    select = SqliteRecorder.select_streams

    def noted(recorder: SqliteRecorder, wanted: Sequence[StreamAfter]) -> Any:
        if own & {each[0] for each in wanted}:  # the service's background tasks ask for other streams
            queries.append(wanted)
        return select(recorder, wanted)

    monkeypatch.setattr(SqliteRecorder, "select_streams", noted)

    assert await office.get(path + part) == before

    assert len(queries) == 1


class Opening:
    """Personal data that is opened to what is given here."""

    def __init__(self, content: bytes | None) -> None:
        self._content = content

    async def open_json(self, sealed: Sequence[Sealed], subjects: Sequence[str]) -> dict[str, bytes]:
        assert subjects == ["somebody"]
        return {} if self._content is None else {each.event: self._content for each in sealed}


@pytest.mark.parametrize("content", [b'{"text":"H\xc3\xbcte"}', None])
async def test_lines_are_shown_as_they_are_stored_but_for_their_personal_part(content: bytes | None) -> None:
    executor: Any = CommandExecutor
    opening = executor(None, Opening(content), None)
    lines = [line(each) for each in examples()]
    assert any(SEALED.encode() in each for each in lines)

    shown = await opening.opened_lines(lines, ["somebody"])

    opened = None if content is None else msgspec.json.decode(content)
    for stored, each in zip(lines, shown, strict=True):
        event = msgspec.json.decode(stored)
        assert msgspec.json.decode(bytes(each)) == event | {"personal": event["personal"] and opened}
        assert bytes(each).startswith(stored[: stored.index(b'"personal":')])


async def test_a_line_is_opened_wherever_its_personal_part_stands() -> None:
    executor: Any = CommandExecutor
    opening = executor(None, Opening(b'{"text":"x"}'), None)

    (shown,) = await opening.opened_lines([b'{"id":"e","personal": "fw1.s.x","more":1.50}'], ["somebody"])

    assert msgspec.json.decode(bytes(shown)) == {"id": "e", "personal": {"text": "x"}, "more": 1.5}
