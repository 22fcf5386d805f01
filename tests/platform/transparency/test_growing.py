"""How trees grow from one step of the keeper to the next: what is kept in memory is never taken for what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.event_log import EventLog
from fristwerk_platform.read_models import DatabaseUnavailableError
from fristwerk_platform.transparency import store
from fristwerk_platform.transparency.trees import Trees
from fristwerk_proof import checkpoints
from fristwerk_proof.merkle import root_of
from tests.platform.transparency.conftest import leaves_of

Append = Callable[..., Awaitable[int]]


async def test_the_edge_of_a_tree_is_read_once_while_nobody_else_grows_it(
    trees: Trees, open_some: Callable[[], Trees], append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    read_edge = store.read_edge

    async def counted(connection: AsyncConnection, provider: str) -> store.Edge:
        asked.append(provider)
        return await read_edge(connection, provider)

    monkeypatch.setattr(store, "read_edge", counted)
    for _ in range(3):
        await append("ticket-1", 300)
        await append("ticket-2", provider="bern")
        await trees.keeper.step()
    assert asked == ["hamburg", "bern"]

    await append("ticket-1", 300)
    await open_some().keeper.step()
    asked.clear()
    await append("ticket-1", 300)
    await trees.keeper.step()
    assert "hamburg" in asked


async def test_a_step_that_could_not_be_stored_is_taken_again(
    trees: Trees, log: EventLog, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_growth, failing = store.write_growth, True

    async def failing_once(*what: Any) -> None:
        nonlocal failing
        await write_growth(*what)
        if failing:
            failing = False
            raise DatabaseUnavailableError("the connection broke")

    await append("ticket-1", 300)
    await trees.keeper.step()
    monkeypatch.setattr(store, "write_growth", failing_once)
    await append("ticket-1", 300)
    with pytest.raises(DatabaseUnavailableError):
        await trees.keeper.step()

    assert await trees.keeper.step() == 300

    head = await trees.reads.head("hamburg")
    opened = checkpoints.opened(head.note, trees.keeper.keys.verifiers(trees.keeper.origin("hamburg")))
    assert (opened.size, opened.root) == (600, root_of(await leaves_of(log, "hamburg")))


async def test_who_was_overtaken_waits_from_where_the_other_is(
    trees: Trees, open_some: Callable[[], Trees], log: EventLog, append: Append, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wait for what was reached long ago ends at once, and would be begun again and again."""
    await append("ticket-1", 1)
    await trees.keeper.step()
    await append("ticket-2", 1_200)
    await open_some().keeper.finish()
    waited_for: list[int] = []
    wait = log.wait

    async def noted(after: int, seconds: float) -> None:
        waited_for.append(after)
        await wait(after, seconds)

    monkeypatch.setattr(log, "wait", noted)
    running = asyncio.create_task(trees.keeper.run())
    await asyncio.sleep(0.3)

    running.cancel()
    assert waited_for == [1_201 + 999]
