"""What a log says of itself is what its appends say: not ready while it cannot be written, and ready again as soon as it can."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fristwerk_platform.event_log import EventLog, GroupCommitLog, LogUnavailableError, NewEvent, SqliteEventLog
from fristwerk_platform.event_log.group_commit import Append, AppendOutcome
from fristwerk_platform.event_log.sqlite import SqliteRecorder

Fact = Callable[..., NewEvent]


async def test_a_log_that_can_be_written_is_ready_and_keeps_nothing_of_the_check(log: EventLog) -> None:
    assert isinstance(log, GroupCommitLog)
    for _ in range(2):
        assert (await log.check()).ok

    assert await log.last_position() == 0
    assert await log.read_feed(0, 10) == []


async def test_a_write_that_fails_makes_the_log_not_ready_until_one_succeeds(
    tmp_path: Path, fact: Fact, monkeypatch: pytest.MonkeyPatch
) -> None:
    mischief = Mischief(sqlite3.OperationalError("disk I/O error"))
    monkeypatch.setattr(SqliteRecorder, "insert_group", lambda *given: mischief(*given))  # noqa: PLW0108 - bound
    log = SqliteEventLog(tmp_path / "log.db")
    with pytest.raises(LogUnavailableError):
        await log.append([fact("ticket-1", 1)])

    with monkeypatch.context() as patch:
        patch.setattr(SqliteRecorder, "check_writable", mischief.fails)
        found = await log.check()
        assert (found.ok, found.detail) == (False, "cannot be read or written: OperationalError")
    assert (await log.check()).ok
    await log.append([fact("ticket-1", 1)])
    await log.close()


@pytest.fixture(params=["deleted", "moved", "replaced"])
def lost_folder(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Callable[[], None]]:
    folder = tmp_path / "var"
    folder.mkdir()

    def lose() -> None:
        if request.param == "deleted":
            shutil.rmtree(folder)
        else:
            folder.rename(tmp_path / "elsewhere")
        if request.param == "replaced":
            folder.mkdir()

    return folder, lose


async def test_a_log_whose_folder_is_gone_takes_nothing_more_and_is_not_ready(
    lost_folder: tuple[Path, Callable[[], None]], fact: Fact
) -> None:
    folder, lose = lost_folder
    log = SqliteEventLog(folder / "log.db")
    await log.append([fact("ticket-1", 1)])
    assert (await log.check()).ok
    lose()

    with pytest.raises(LogUnavailableError, match=r"log\.db was deleted, moved or replaced"):
        await log.append([fact("ticket-1", 2)])
    assert not (await log.check()).ok
    await log.close()


class Mischief:
    """A recorder's ``insert_group`` that fails in ways nobody expects, then works again."""

    def __init__(self, error: BaseException) -> None:
        self._error: BaseException | None = error
        self._insert = SqliteRecorder.insert_group

    def __call__(self, recorder: SqliteRecorder, group: Sequence[Append]) -> Sequence[AppendOutcome]:
        if (error := self._error) is not None:
            self._error = None
            raise error
        return self._insert(recorder, group)

    @staticmethod
    def fails(*_given: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")


@pytest.mark.parametrize(
    "error", [SystemExit(1), KeyboardInterrupt(), MemoryError()], ids=lambda error: type(error).__name__
)
async def test_what_would_end_the_writer_refuses_those_who_wait_and_the_next_append_is_stored(
    tmp_path: Path, fact: Fact, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    mischief = Mischief(error)
    monkeypatch.setattr(SqliteRecorder, "insert_group", lambda *given: mischief(*given))  # noqa: PLW0108 - bound
    log = SqliteEventLog(tmp_path / "log.db")

    async with asyncio.timeout(5):
        with pytest.raises(LogUnavailableError):
            await log.append([fact("ticket-1", 1)])
        assert await log.append([fact("ticket-1", 1)]) == 1
    assert (await log.check()).ok
    await log.close()


async def test_appends_that_wait_too_long_make_the_log_not_ready(
    tmp_path: Path, fact: Fact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fristwerk_platform.event_log.log.STUCK_SECONDS", 0.05)
    insert = SqliteRecorder.insert_group

    def slowly(recorder: SqliteRecorder, group: Sequence[Append]) -> Sequence[AppendOutcome]:
        time.sleep(0.3)
        return insert(recorder, group)

    monkeypatch.setattr(SqliteRecorder, "insert_group", slowly)
    log = SqliteEventLog(tmp_path / "log.db")
    appending = asyncio.create_task(log.append([fact("ticket-1", 1)]))
    await asyncio.sleep(0.1)

    assert not (await log.check()).ok
    await appending
    assert (await log.check()).ok
    await log.close()
