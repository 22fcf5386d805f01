"""What the projector keeps between batches changes nothing but the time that they take."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from fristwerk_language.events import Recorded, decode, tickets
from fristwerk_language.events.relations import MergedInto, TicketMoved
from sla_service.projections import projector, stored_tickets, tables
from sla_service.projections.projector import Projector
from tests.sla_service.conftest import Published
from tests.sla_service.service.conftest import Clock, Service, ToldLog, knowing, utc
from tests.sla_service.service.shared_work import busy_log, rows

NUMBER = 40


def moved(ticket: str, customer: str = "c-2") -> TicketMoved:
    return TicketMoved(
        reference=f"TST-{ticket.upper()}",
        from_customer="c-1",
        from_contract="k-1",
        customer=customer,
        sealed_for=customer,
        contract="k-2",
        agreement="digidesk",
        agreement_version=1,
        calendar="digidesk",
        calendar_version=1,
        type="normal",
        entitled=True,
        entitled_by="contract",
        entitled_why="The other contract is in force.",
    )


def told(published: Published, seed: int) -> ToldLog:
    """A busy log, after which tickets are moved, merged, migrated to unknown terms, and have late events, marks and
    another answer.
    """
    lot = random.Random(seed)  # noqa: S311 - drawn again by the seed
    log = busy_log(published, NUMBER)
    at = utc("2026-06-10 06:00")
    for _ in range(6 * NUMBER):
        ticket = f"t{lot.randrange(NUMBER):05}"
        at += timedelta(minutes=lot.randrange(30))
        match lot.randrange(7):
            case 0:
                log.at(ticket, at.isoformat(), moved(ticket))
            case 1:
                log.at(ticket, at.isoformat(), MergedInto(ticket="t0", reference="TST-T0"))
            case 2:
                terms = tickets.TermsMigrated(agreement_version=lot.choice((1, 1, 9)), calendar_version=1)
                log.at(ticket, at.isoformat(), terms)
            case 3:
                late = at - timedelta(minutes=lot.randrange(3000))
                log.at(ticket, late.isoformat(), tickets.Responded(channel="email"))
            case 4:
                log.at(ticket, at.isoformat(), tickets.NoAnswerNeeded(message=2, state="open"))
            case _:
                log.answer(ticket, at.isoformat())
    return log


@pytest.mark.parametrize("seed", range(3))
async def test_a_projector_that_keeps_timelines_derives_the_same_as_a_new_one_for_each_batch(
    seed: int, tmp_path: Path, clock: Clock, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [decode(line) for line in told(published, seed).lines]
    lot = random.Random(seed)  # noqa: S311 - drawn again by the seed
    read: dict[bool, int] = {}
    found = {}
    cuts = sorted({0, len(lines), *(lot.randrange(len(lines)) for _ in range(60))})
    for anew in (False, True):
        decoded = counted(monkeypatch)
        service = Service(tmp_path / f"{anew}.db", clock)
        await service.database.create()
        for start, end in itertools.pairwise(cuts):
            if anew:
                service.projector = Projector(service.outbox)
            await service.apply(lines[start:end])
        found[anew] = (
            await rows(service.database),
            [(each.type, each.timer, each.data) for each in await service.told()],
        )
        await service.database.close()
        read[anew] = decoded()
    assert found[False] == found[True]
    assert found[True][0]["parked"]
    assert read[False] < read[True] / 2, "most histories were not read again"


def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many stored events were decoded since."""
    number = 0

    def decoded(line: bytes) -> Recorded:
        nonlocal number
        number += 1
        return decode(line)

    monkeypatch.setattr(stored_tickets, "decode_tolerantly", decoded)
    return lambda: number


async def test_what_another_process_applied_meanwhile_is_read_again(
    tmp_path: Path, clock: Clock, published: Published
) -> None:
    async with knowing(published, Service(tmp_path / "sla.db", clock)) as service:
        service.log.ticket("t", "2026-06-09 06:00")
        await service.apply()
        service.log.severity("t", "2026-06-09 06:10", "kritisch")
        first, service.projector = service.projector, Projector(service.outbox)
        await service.apply()
        service.projector = first
        service.log.answer("t", "2026-06-09 06:20")
        await service.apply()
        found = await rows(service.database)

        whole = Service(tmp_path / "whole.db", clock)
        await whole.database.create()
        await whole.apply([decode(line) for line in service.log.lines])
        assert await rows(whole.database) == found
        await whole.database.close()


async def test_the_row_of_a_ticket_is_written_where_it_was_written_by_a_retry_meanwhile(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.log.ticket("t", "2026-06-09 06:00").at("t", "2026-06-09 06:10", moved("t", "c-1"))
    await service.apply()

    def broken(*_: object) -> None:
        raise ZeroDivisionError("the mistake")

    with monkeypatch.context() as failing:
        failing.setattr(projector, "derive_timers", broken)
        service.log.at("t", "2026-06-09 06:20", moved("t"))
        await service.apply()
    assert await service.projector.retry_parked(service.database) == (1, 0)
    service.log.at("t", "2026-06-09 06:30", moved("t", "c-1"))
    await service.apply()
    async with service.database.reading() as connection:
        assert (await connection.execute(select(tables.tickets.c.customer))).scalars().all() == ["c-1"]
