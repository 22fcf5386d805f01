"""The record of what auditors read, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from fristwerk_platform.auth import Principal
from fristwerk_platform.transparency.trees import Trees

AUDITOR = Principal(sub="auditor-1", role="auditor", provider="hamburg")


async def test_a_record_is_neither_changed_nor_deleted(trees: Trees) -> None:
    await trees.accesses.record(AUDITOR, "GET", "/v1/things", "after=3&name=Meier", "c-1")

    for statement in ("UPDATE tree_accesses SET number = 9", "DELETE FROM tree_accesses"):
        with pytest.raises(DBAPIError, match="never changed"):
            async with trees.database.transaction() as connection:
                await connection.execute(text(statement))
    (found,) = await trees.accesses.listed("hamburg", 0, 10)
    assert (found.access.number, found.access.query) == (1, "after=3&name=")


async def test_processes_that_record_at_once_leave_no_gap(open_some: Callable[[], Trees], trees: Trees) -> None:
    other = open_some()

    await asyncio.gather(
        *(each.accesses.record(AUDITOR, "GET", f"/v1/{n}", "", "c") for n in range(10) for each in (trees, other))
    )

    found = await trees.accesses.listed("hamburg", 0, 100)
    assert [each.access.number for each in found] == list(range(1, 21))
    assert await trees.accesses.head("hamburg") == await other.accesses.head("hamburg")
