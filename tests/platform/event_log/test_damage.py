"""A log that was changed by hand: what a row's line says and what its columns say must agree where it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from fristwerk_language.events import columns_of
from fristwerk_platform.event_log import DamagedEventError, NewEvent, open_log
from fristwerk_platform.settings import Settings
from tests.by_hand import postgres_by_hand, sqlite_by_hand

Fact = Callable[..., NewEvent]
CHANGES: Final = {
    "a spoiled byte": (b'"email"', b'"em\xffil"', "its line is not JSON of an event"),
    "broken JSON": (b'"data":', b'"data"', "its line is not JSON of an event"),
    "another version": (b'"version":2', b'"version":9', "its line says ProgressReported, version 9 of ticket-1"),
    "another stream": (b'"stream":"ticket-1"', b'"stream":"ticket-7"', "version 2 of ticket-7"),
    "another type": (b'"type":"ProgressReported"', b'"type":"MessageReceived"', "its line says MessageReceived"),
}


def change(settings: Settings, position: int, edit: Callable[[bytes], bytes]) -> None:
    if settings.database_url is None:
        with sqlite_by_hand(settings.var / "log.db") as connection:
            (line,) = connection.execute("SELECT state FROM stored_events WHERE rowid = ?", (position,)).fetchone()
            assert edit(line) != line
            connection.execute("UPDATE stored_events SET state = ? WHERE rowid = ?", (edit(line), position))
        return
    with postgres_by_hand(settings.database_url, "log") as session:
        where = "WHERE notification_id = %s"
        found = session.execute(f"SELECT state FROM log.stored_events {where}", (position,)).fetchone()  # noqa: S608 - own words
        assert found is not None
        assert edit(found[0]) != found[0]
        session.execute(f"UPDATE log.stored_events SET state = %s {where}", (edit(found[0]), position))  # noqa: S608


@pytest.mark.parametrize("kind", CHANGES)
async def test_a_changed_event_is_named_where_it_is_read_and_others_are_read(
    database_settings: Settings, fact: Fact, kind: str
) -> None:
    old, new, sentence = CHANGES[kind]
    log = open_log(database_settings, "log", read_columns=columns_of)
    await log.append([fact("ticket-1", 1), fact("ticket-1", 2), fact("ticket-2", 1)])
    change(database_settings, 2, lambda line: line.replace(old, new))

    with pytest.raises(DamagedEventError, match=sentence) as error:
        await log.read_stream("ticket-1")
    assert str(error.value).startswith("The event at position 2 (ProgressReported, version 2 of ticket-1) is damaged: ")
    with pytest.raises(DamagedEventError):
        await log.read_feed(0, 10)
    assert len(await log.read_stream("ticket-2")) == 1
    assert len(await log.read_feed(2, 10)) == 1
    await log.close()


async def test_two_lines_that_were_swapped_are_noticed(database_settings: Settings, fact: Fact) -> None:
    log = open_log(database_settings, "log", read_columns=columns_of)
    first, second = fact("ticket-1", 1), fact("ticket-1", 2)
    await log.append([first, second])
    change(database_settings, 1, lambda _line: second.line)
    change(database_settings, 2, lambda _line: first.line)

    with pytest.raises(DamagedEventError, match="position 1 "):
        await log.read_stream("ticket-1")
    await log.close()


async def test_a_line_that_ends_in_the_next_is_noticed(database_settings: Settings, fact: Fact) -> None:
    log = open_log(database_settings, "log", read_columns=columns_of)
    await log.append([fact("ticket-1", 1), fact("ticket-1", 2), fact("ticket-1", 3)])
    change(database_settings, 2, lambda line: line[:-1])
    change(database_settings, 3, lambda _line: b',"more":1}')

    with pytest.raises(DamagedEventError, match=r"position 2 .* its line is not JSON of an event"):
        await log.read_feed(0, 10)
    await log.close()


async def test_an_event_that_became_two_is_noticed(database_settings: Settings, fact: Fact) -> None:
    log = open_log(database_settings, "log", read_columns=columns_of)
    first, second = fact("ticket-1", 1), fact("ticket-1", 2)
    await log.append([first, second])
    change(database_settings, 1, lambda line: line + b"\n" + second.line)
    change(database_settings, 2, lambda _line: b" ")

    with pytest.raises(DamagedEventError, match=r"position 1 .* its line is not JSON of an event"):
        await log.read_feed(0, 10)
    await log.close()
