"""A read model is rebuilt beside those who use it: nobody sees an error, nothing is lost, and who is killed harms nobody."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import Recorded, decode_tolerantly
from fristwerk_platform.event_log import EventLog
from fristwerk_platform.read_models import GROWING, KEPT, LiveReadModel, Query, open_live_read_model, upsert
from fristwerk_platform.read_models.blue_green import mark_replaced, read_model_versions, writes_blocked
from fristwerk_platform.read_models.versions import RebuildError, RebuildRunningError
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import Checkpoints, LogFeed, Subscription
from fristwerk_platform.subscriptions.rebuild import Rebuild, Source
from fristwerk_platform.subscriptions.subscription import Apply

Append = Callable[..., Awaitable[int]]
Settle = Callable[[AsyncConnection], Awaitable[None]]

metadata = MetaData()
checkpoints = Checkpoints(metadata)
counts = Table("counts", metadata, Column("stream", String, primary_key=True), Column("events", Integer))
notes = Table("notes", metadata, Column("note", String, primary_key=True), Column("said", String), info=KEPT)
told = Table(
    "told",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("what", String),
    info=GROWING,
    sqlite_autoincrement=True,
)


async def count(connection: AsyncConnection, batch: Sequence[Recorded], step: int = 1) -> None:
    """Counts the events of each stream."""
    events = Counter(each.envelope.stream for each in batch)
    known = {row.stream: row.events for row in await connection.execute(select(counts))}
    rows = [{"stream": stream, "events": known.get(stream, 0) + step * more} for stream, more in events.items()]
    if rows:
        await connection.execute(upsert(connection, counts), rows)


async def count_twice(connection: AsyncConnection, batch: Sequence[Recorded]) -> None:
    """What counts after a change of the code."""
    await count(connection, batch, step=2)


@pytest.fixture
async def live(database_settings: Settings) -> AsyncIterator[LiveReadModel]:
    """The read model as the service uses it."""
    opened = open_live_read_model(database_settings, "model", metadata)
    await opened.create()
    yield opened
    await opened.close()


@pytest.fixture
def follow(live: LiveReadModel, log: EventLog) -> Callable[[], Subscription[Recorded]]:
    """What keeps the read model in step with the log."""
    return lambda: Subscription(
        source="log",
        feed=LogFeed(log),
        decode=decode_tolerantly,
        database=live,
        checkpoints=checkpoints,
        apply=count,
    )


@pytest.fixture
async def running(follow: Callable[[], Subscription[Recorded]], now: datetime) -> AsyncIterator[Subscription[Recorded]]:
    """The same, at work."""
    follower = follow()
    task = asyncio.create_task(follower.run(lambda: now))
    yield follower
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class Rebuilder:
    """``python -m … rebuild`` for the tests' read model."""

    def __init__(self, settings: Settings, log: EventLog) -> None:
        self._settings = settings
        self._log = log
        self.said: list[str] = []

    async def __call__(self, apply: Apply[Recorded] = count, settle: Settle | None = None, **how: bool) -> str:
        """Rebuild; what was said of the comparison."""
        self.said.clear()
        rebuild = Rebuild(
            versions=read_model_versions(self._settings, "model", metadata),
            metadata=metadata,
            checkpoints=checkpoints,
            sources=[Source(name="log", feed=LogFeed(self._log), decode=decode_tolerantly, apply=apply)],
            say=self.said.append,
            settle=settle,
        )
        await rebuild.run(**how)
        return next((line.partition(": ")[2] for line in self.said if "compared" in line), "")

    async def existing(self) -> list[int]:
        return await read_model_versions(self._settings, "model", metadata).existing()


@pytest.fixture
def rebuild(database_settings: Settings, log: EventLog) -> Rebuilder:
    return Rebuilder(database_settings, log)


async def held(database: LiveReadModel) -> dict[str, int]:
    async with database.reading() as connection:
        return {row.stream: row.events for row in await connection.execute(select(counts))}


async def note(database: LiveReadModel, text: str, said: str = "") -> None:
    async with database.transaction() as connection:
        await connection.execute(upsert(connection, notes), [{"note": text, "said": said}])


async def noted(database: LiveReadModel) -> dict[str, str]:
    async with database.reading() as connection:
        return {row.note: row.said for row in await connection.execute(select(notes))}


async def tell(database: LiveReadModel, what: str) -> int:
    async with database.transaction() as connection:
        await connection.execute(insert(told), [{"what": what}])
        return int((await connection.execute(select(func.max(told.c.position)))).scalar_one())


async def test_the_service_goes_over_to_what_was_rebuilt_and_it_is_the_same(
    rebuild: Rebuilder, live: LiveReadModel, append: Append, running: Subscription[Recorded]
) -> None:
    await append("ticket-1", 1_500)
    await append("ticket-2", 3)
    assert await running.reached(1_503, 10)

    assert (await rebuild()).partition(" (")[0] == "compared at log 1503: same"
    await live.refresh()

    assert live.version == 2
    assert await held(live) == {"ticket-1": 1_500, "ticket-2": 3}
    await append("ticket-2", 1)
    assert await running.reached(1_504, 5)
    assert await held(live) == {"ticket-1": 1_500, "ticket-2": 4}


async def test_a_constant_query_reads_the_version_in_use(rebuild: Rebuilder, live: LiveReadModel) -> None:
    said = Query("SELECT said FROM notes WHERE note = $1")
    await note(live, "run 1", "before")
    assert [row[0] for row in await live.fetch(said, "run 1")] == ["before"]

    await rebuild()
    await live.refresh()
    await note(live, "run 1", "after")

    assert live.version == 2
    assert [row[0] for row in await live.fetch(said, "run 1")] == ["after"]


async def test_what_no_log_holds_is_copied_and_numbers_go_on(rebuild: Rebuilder, live: LiveReadModel) -> None:
    await note(live, "run 1", "half done")
    await tell(live, "first")
    await tell(live, "second")
    await rebuild()
    await note(live, "run 1", "done")
    await note(live, "run 2")

    assert await tell(live, "third") == 3
    await rebuild()
    assert await tell(live, "fourth") == 4
    assert live.version == 3
    assert await noted(live) == {"run 1": "done", "run 2": ""}


async def test_nobody_who_reads_or_writes_meanwhile_sees_an_error_or_loses_anything(
    rebuild: Rebuilder, live: LiveReadModel, append: Append, running: Subscription[Recorded]
) -> None:
    written: list[str] = []
    seen = [0]
    done = asyncio.Event()

    async def write() -> None:
        for number in itertools.count():
            await note(live, f"note {number}")
            written.append(f"note {number}")
            await append(f"ticket-{number % 7}")
            if done.is_set():
                return

    async def read() -> None:
        while not done.is_set():
            seen.append(sum((await held(live)).values()))
            await asyncio.sleep(0)

    at_work = [asyncio.create_task(each) for each in (write(), read(), live.keep_fresh())]
    await asyncio.sleep(0.1)
    for _ in range(3):
        assert "same" in await rebuild()
    await asyncio.sleep(0.1)
    done.set()
    await asyncio.gather(*at_work[:2])
    at_work[2].cancel()

    assert await running.reached(len(written), 10)
    assert live.version == 4
    assert set(await noted(live)) == set(written)
    assert sum((await held(live)).values()) == len(written)
    assert seen == sorted(seen), "time never runs backwards for a reader"


async def test_what_is_written_during_the_switch_waits_for_it_and_is_found_afterwards(
    rebuild: Rebuilder, live: LiveReadModel
) -> None:
    writing: list[asyncio.Task[None]] = []

    async def write_now(_connection: AsyncConnection) -> None:
        writing.append(asyncio.create_task(note(live, f"note {len(writing)}")))
        await asyncio.sleep(0.2)

    await rebuild(settle=write_now)
    await asyncio.gather(*writing)

    assert live.version == 2
    assert set(await noted(live)) == {f"note {number}" for number in range(len(writing))}


async def test_the_rebuild_never_goes_beyond_what_the_service_has_applied(
    rebuild: Rebuilder,
    live: LiveReadModel,
    append: Append,
    follow: Callable[[], Subscription[Recorded]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fristwerk_platform.subscriptions.prefetch.MAX_MERGED_LINES", 1_000)
    follower = follow()
    await append("ticket-1", 5)
    await follower.step(0)
    await append("ticket-1", 3_000)

    await rebuild()
    await live.refresh()
    assert await held(live) == {"ticket-1": 5}
    await follower.step(0)
    assert await held(live) == {"ticket-1": 1_005}


async def test_changed_code_makes_other_rows_and_they_are_counted(
    rebuild: Rebuilder, live: LiveReadModel, append: Append, running: Subscription[Recorded]
) -> None:
    await append("ticket-1", 2)
    assert await running.reached(await append("ticket-2", 1), 5)

    assert "2 differing rows (2 in counts;" in await rebuild(count_twice)
    await live.refresh()
    assert await held(live) == {"ticket-1": 4, "ticket-2": 2}


async def test_a_check_changes_nothing_and_leaves_nothing_behind(
    rebuild: Rebuilder, live: LiveReadModel, append: Append, running: Subscription[Recorded]
) -> None:
    assert await running.reached(await append("ticket-1", 2), 5)

    assert "1 differing rows" in await rebuild(count_twice, check=True)
    await live.refresh()
    assert (live.version, await rebuild.existing()) == (1, [1])
    assert await held(live) == {"ticket-1": 2}


async def test_one_version_is_kept_and_going_back_to_it_loses_nothing(
    rebuild: Rebuilder, live: LiveReadModel, append: Append, running: Subscription[Recorded]
) -> None:
    assert await running.reached(await append("ticket-1", 2), 5)
    await rebuild()
    await live.refresh()
    await rebuild(count_twice)
    await live.refresh()
    await append("ticket-1", 2)
    assert await running.reached(4, 5)
    await note(live, "after the switch")
    assert await rebuild.existing() == [2, 3]

    await rebuild(back=True)
    await live.refresh()

    assert live.version == 2
    assert await held(live) == {"ticket-1": 4}
    assert await noted(live) == {"after the switch": ""}
    await rebuild()
    await live.refresh()
    assert (live.version, await rebuild.existing()) == (3, [2, 3])


async def test_who_starts_after_a_switch_that_was_cut_short_finds_the_new_version(
    rebuild: Rebuilder, append: Append, running: Subscription[Recorded], database_settings: Settings
) -> None:
    assert await running.reached(await append("ticket-1", 2), 5)
    where = read_model_versions(database_settings, "model", metadata)
    await rebuild()
    await where.activate(1)  # killed between the two, it would still point there

    started = open_live_read_model(database_settings, "model", metadata)
    await started.create()
    assert (started.version, await held(started)) == (2, {"ticket-1": 2})
    assert await where.active() == 2
    await started.close()


async def test_a_rebuild_that_is_killed_harms_nobody_and_the_next_one_works(
    rebuild: Rebuilder, live: LiveReadModel, append: Append, running: Subscription[Recorded]
) -> None:
    class Killed(BaseException):
        pass

    async def die(_connection: AsyncConnection) -> None:
        raise Killed

    assert await running.reached(await append("ticket-1", 2_500), 10)
    with pytest.raises(Killed):
        await rebuild(settle=die)
    assert await rebuild.existing() == [1, 2]
    await note(live, "still works")

    assert "same" in await rebuild()
    await live.refresh()
    assert (live.version, await held(live)) == (2, {"ticket-1": 2_500})
    assert await noted(live) == {"still works": ""}


async def test_only_one_rebuilds_at_a_time(rebuild: Rebuilder, live: LiveReadModel) -> None:
    async def meanwhile(_connection: AsyncConnection) -> None:
        with pytest.raises(RebuildRunningError, match="model is being rebuilt already"):
            await rebuild()

    await rebuild(settle=meanwhile)
    await live.refresh()
    assert live.version == 2


async def test_a_source_that_lost_its_end_is_noticed_before_anything_is_switched(
    rebuild: Rebuilder,
    live: LiveReadModel,
    append: Append,
    running: Subscription[Recorded],
    lose_tail: Callable[[int], None],
) -> None:
    assert await running.reached(await append("ticket-1", 5), 5)
    lose_tail(3)

    with pytest.raises(RebuildError, match="log ends at position 3, but 5 was read already"):
        await rebuild()
    await live.refresh()
    assert (live.version, await held(live)) == (1, {"ticket-1": 5})


async def test_without_a_read_model_there_is_nothing_to_rebuild(rebuild: Rebuilder) -> None:
    with pytest.raises(RebuildError, match="There is no read model model yet"):
        await rebuild()


async def test_a_switch_is_put_off_while_the_rest_takes_too_long(
    rebuild: Rebuilder, live: LiveReadModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.subscriptions.rebuild.MAX_BLOCKED_SECONDS", 0.2)
    monkeypatch.setattr("fristwerk_platform.subscriptions.rebuild.PAUSE_SECONDS", 0.01)
    slow: Iterator[float] = itertools.chain([0.0, 0.0, 0.5], itertools.repeat(0.0))

    async def settle(_connection: AsyncConnection) -> None:
        await asyncio.sleep(next(slow))

    await rebuild(settle=settle)
    await live.refresh()
    assert live.version == 2

    monkeypatch.setattr("fristwerk_platform.subscriptions.rebuild.SWITCH_ATTEMPTS", 2)
    slow = itertools.repeat(0.3)
    with pytest.raises(RebuildError, match="could not be switched"):
        await rebuild(settle=settle)
    await note(live, "goes on")
    assert live.version == 2


async def test_a_reading_goes_on_where_it_began(
    rebuild: Rebuilder, live: LiveReadModel, append: Append, running: Subscription[Recorded]
) -> None:
    assert await running.reached(await append("ticket-1", 2), 5)

    @asynccontextmanager
    async def reading() -> AsyncIterator[AsyncConnection]:
        async with live.reading() as connection:
            yield connection

    async with reading() as connection:
        await rebuild(count_twice)
        await live.refresh()
        assert (await connection.execute(select(counts.c.events))).scalar() == 2
    assert await held(live) == {"ticket-1": 4}


async def test_a_transaction_that_comes_too_late_is_made_in_the_next_version(
    rebuild: Rebuilder, live: LiveReadModel, database_settings: Settings
) -> None:
    """Without the look for what replaced it, this note would be written where nobody reads."""
    other = open_live_read_model(database_settings, "model", metadata)
    await other.create()
    await rebuild()

    await note(other, "late")
    await live.refresh()
    assert await noted(live) == {"late": ""}
    assert other.version == 2
    await other.close()


async def test_who_slept_through_two_rebuilds_finds_the_last(rebuild: Rebuilder, live: LiveReadModel) -> None:
    await note(live, "early")
    await rebuild()
    await rebuild()

    await live.refresh()
    assert live.version == 3
    assert await noted(live) == {"early": ""}


async def test_a_replaced_version_says_by_what(live: LiveReadModel, database_settings: Settings) -> None:
    where = read_model_versions(database_settings, "model", metadata)
    for number in (1, 2):
        database = where.open(number)
        await database.create()
        async with writes_blocked(database) as connection:
            await mark_replaced(connection, number + 1)
        await database.close()
    last = where.open(3)
    await last.create()
    await last.close()

    await live.refresh()
    assert live.version == 3
