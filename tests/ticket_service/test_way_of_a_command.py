"""The modules that one command passes, in the order in which it enters them: ``POST /v1/tickets/{ticket}/time-entries``.

``WAY`` is the written list: a module, and how often it is entered from another one on the event loop's thread. A module
that calls another and goes on with a function of its own is not entered again: its reader never left it. A change that
sends the command through one more module, or back into one once more, has to be written down here.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from tests.trace import callers

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN = ("fristwerk_language.", "fristwerk_platform.", "ticket_service.")
NOT_PART_OF_THE_WAY = (
    "fristwerk_platform.metrics",
    "fristwerk_platform.logs",
    "fristwerk_platform.log_output",
    "fristwerk_platform.http.request_log",
    "fristwerk_platform.token_files",
)
"""They note what happened or look once a second whether files have changed, and decide nothing."""
WAY = {
    "fristwerk_platform.http.middleware": 2,
    "fristwerk_platform.auth": 1,
    "fristwerk_platform.http.route_table": 1,
    "fristwerk_platform.http.operations": 1,
    "fristwerk_platform.http.strict_json": 1,
    "fristwerk_platform.http.types": 1,
    "ticket_service.api.ticket_endpoint": 1,
    "ticket_service.entropy": 3,
    "fristwerk_language.events.encoding": 3,
    "fristwerk_platform.http.commands": 1,
    "ticket_service.application.tickets": 2,
    "ticket_service.application.command_executor": 1,
    "ticket_service.application.state_cache": 4,
    "fristwerk_platform.event_log.read_batching": 1,
    "ticket_service.application.terms": 1,
    "ticket_service.domain.ticket.decide": 1,
    "ticket_service.domain.ticket.possible_commands": 1,
    "ticket_service.domain.ticket.work": 1,
    "ticket_service.domain.validation": 1,
    "ticket_service.domain.customer.state": 1,
    "ticket_service.personal_data": 1,
    "ticket_service.domain.ticket.evolve": 1,
    "ticket_service.domain.ticket.lifecycle": 1,
    "ticket_service.application.names": 1,
    "fristwerk_platform.commands.recording": 1,
    "fristwerk_platform.event_log.group_commit": 1,
}


def calling(frame: FrameType) -> str:
    """Which of our modules called this function, through whatever libraries; empty for the first."""
    names = (each.f_globals.get("__name__", "") for each in callers(frame.f_back))
    return next((each for each in names if each.startswith(OWN)), "")


@contextmanager
def entered(modules: list[str]) -> Iterator[None]:
    """Notes each module when a function of another module calls one of its, in the present task.

    Several calls in a row count as one. Resumed coroutines do not count, nor does what runs beside the command: the
    projection and the log's thread.
    """
    task = asyncio.current_task()
    begun: set[FrameType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_globals.get("__name__", "")
        if event != "call" or frame in begun or asyncio.current_task() is not task:
            return
        if not name.startswith(OWN) or name.startswith(NOT_PART_OF_THE_WAY):
            return
        begun.add(frame)  # kept alive, or another frame could get its place
        if (not modules or modules[-1] != name) and calling(frame) != name:
            modules.append(name)

    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)


async def test_a_command_passes_the_modules_that_are_written_down(
    open_office: Callable[..., Awaitable[Any]],
) -> None:
    office = await open_office("digidesk")
    ticket = await office.ticket(await office.served(), severity="normal", received_at="2026-06-03T08:00:00Z")
    work = {"start": "2026-06-03T10:00:00+02:00", "minutes": 15, "activity": "help", "agent": "agent-3", "note": "CSV"}
    client, path = office.service.client, f"/v1/tickets/{ticket['id']}/time-entries"
    headers = office.who("agent")
    await client.post(path, json=work, headers=headers)

    modules: list[str] = []
    with entered(modules):
        answer = await client.post(path, json=work, headers=headers)

    assert answer.status_code == 201
    counted = Counter(modules)
    assert list(dict.fromkeys(modules)) == list(WAY)
    assert counted == WAY
