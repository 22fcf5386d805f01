"""How PostgreSQL goes about what is read all the time: each plan is made once and goes by an index, however short a table is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from fristwerk_platform.event_log import IdempotencyKey, NewEvent
from fristwerk_platform.event_log.postgres.log import PostgresEventLog

Fact = Callable[..., NewEvent]
MORE_THAN_TRIED = 7
"""The server plans a statement's first five executions for their values before it thinks of a plan for all."""
STATEMENTS = 6
"""As many as are read with below."""


@pytest.fixture
async def log(postgres_url: str) -> AsyncIterator[PostgresEventLog]:
    opened = PostgresEventLog(postgres_url, "log")
    yield opened
    await opened.close()


async def read_everything(log: PostgresEventLog) -> None:
    for number in range(MORE_THAN_TRIED):
        name = f"ticket-{number}"
        await log.read_stream(name)
        await log.read_feed(number, 10)
        await log.last_position()
        await log.claimant(name)
        await log.labelled(name)
        await log.stored_answer(IdempotencyKey(scope="somebody", key=name, request_digest=""))


async def test_what_is_read_all_the_time_is_planned_once_and_by_indexes(log: PostgresEventLog, fact: Fact) -> None:
    await read_everything(log)
    await log.append([fact("ticket-1", 1)])
    await read_everything(log)

    fetch = log._connections.fetch
    rows = await fetch(
        "SELECT name, statement, custom_plans, cardinality(parameter_types) FROM pg_prepared_statements"
        " WHERE statement LIKE concat('%', chr(34), 'log', chr(34), '.%')"
    )

    assert len(rows) == STATEMENTS
    for name, statement, planned_anew, parameters in rows:
        assert planned_anew == 0, statement
        given = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
        plan = "\n".join(row[0] for row in await fetch(f'EXPLAIN EXECUTE "{name}"{given}'))
        assert "Index" in plan, plan
        assert "Seq Scan" not in plan, plan
