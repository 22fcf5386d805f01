"""The audit of statements: the same digests and sentences as a second read model gives, whatever was changed."""

from __future__ import annotations

import gzip
import random
import shutil
import sqlite3
from contextlib import AsyncExitStack, closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest

from billing_service.projections.tables import metadata
from billing_service.replay import NothingToCompareError, ReplayComparison, compare
from fristwerk_language.events import columns_of
from fristwerk_platform.event_log import SqliteEventLog
from fristwerk_platform.read_models import sqlite_database
from fristwerk_platform.subscriptions import FeedPage, LogFeed
from tests.billing_service.second_read_model import compare_by_second_read_model
from tests.by_hand import sqlite_by_hand

STORED: Final = Path(__file__).parents[2] / "contracts" / "databases"
NOW: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)
UNTIL: Final = date(2026, 8, 31)
CHANCES: Final = 60


async def audited(folder: Path, *, tickets_end: int | None = None) -> tuple[ReplayComparison, ReplayComparison]:
    """A folder's read model compared with its logs in both ways: the service's, and by a second read model."""
    async with AsyncExitStack() as opened:
        stored = sqlite_database(folder / "billing.db", metadata)
        opened.push_async_callback(stored.close)
        feeds = []
        for name in ("tickets-log", "billing-log"):
            log = SqliteEventLog(folder / f"{name}.db", None, columns_of)
            opened.push_async_callback(log.close)
            feeds.append(LogFeed(log))
        tickets = feeds[0] if tickets_end is None else EndsEarly(feeds[0], tickets_end)
        by_service = await compare(stored, tickets, feeds[1], UNTIL, lambda: NOW)
        return by_service, await compare_by_second_read_model(stored, tickets, feeds[1], UNTIL, lambda: NOW)


class EndsEarly:
    """A feed that ends before its log does."""

    def __init__(self, feed: LogFeed, end: int) -> None:
        self._feed = feed
        self._end = end

    async def page(self, after: int, limit: int, wait_seconds: float) -> FeedPage:
        page = await self._feed.page(after, limit, wait_seconds)
        return FeedPage(lines=page.lines, next=page.next, last=min(page.last, self._end))


@pytest.fixture
def stored_folder(tmp_path: Path) -> Path:
    """A copy of the folder that the version before 0.2 has written."""
    for file in STORED.glob("*.db.gz"):
        (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    return tmp_path


async def test_of_the_stored_databases_both_ways_give_the_same_digests(stored_folder: Path) -> None:
    found, expected = await audited(stored_folder)

    assert found == expected
    assert found.equal
    assert (found.accounts, found.documents) > (3, 0)


async def test_of_a_busy_vendor_both_ways_give_the_same_digests(copied: Path) -> None:
    found, expected = await audited(copied)

    assert found == expected
    assert found.equal
    assert (found.accounts, found.documents) == (3, 4)


TAMPERED: Final = {
    "a fact changed": """UPDATE facts SET line = replace(line, '"minutes":255', '"minutes":250')""",
    "a fact lost": """DELETE FROM facts WHERE line LIKE '%"minutes":40,%'""",
    "a fact too many": """INSERT INTO facts SELECT account, stream, version + 100, event || 'x',
        replace(replace(line, event, event || 'x'), '"entry":"', '"entry":"x') FROM facts WHERE line LIKE '%"minutes":35,%'""",
    "a fact that cannot be read": """UPDATE facts SET line = replace(line, '"minutes":25', '"minutes":"much"')""",
    "a contract's signing lost": """DELETE FROM facts WHERE line LIKE '%"ContractSigned"%' AND line LIKE '%"plan":"m"%'""",
    "a customer moved abroad": """UPDATE facts SET line = replace(replace(line,
        '"country":"CH"', '"country":"DE"'), '"vat_id":null', '"vat_id":"DE136695976"')""",
    "a decision turned": """UPDATE decisions SET line = replace(line, '"decision":"charge"', '"decision":"waive"')""",
    "a price changed": """UPDATE agreements SET line = replace(line, '"rate":"195', '"rate":"190')""",
    "a billed line changed": """UPDATE document_lines SET line = replace(line, '"rules":["R1"', '"rules":["R2"')""",
    "a billed line lost": "DELETE FROM document_lines WHERE number = 2",
    "a document lost": "DELETE FROM documents WHERE number = 1",
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_was_changed_in_the_read_model_is_found_in_the_same_words(copied: Path, what: str) -> None:
    with closing(sqlite3.connect(copied / "billing.db")) as database, database:
        for form in ("TEXT", "BLOB"):
            if form == "BLOB":
                assert database.execute(TAMPERED[what]).rowcount > 0
            for table in ("facts", "decisions", "agreements", "document_lines"):
                database.execute(f"UPDATE {table} SET line = CAST(line AS {form})")  # noqa: S608 - our own words

    found, expected = await audited(copied)

    assert found == expected
    assert not found.equal
    assert any("comes to something else" in each for each in found.differences)


async def test_whatever_row_is_changed_both_ways_find_the_same(busy_folder: Path, tmp_path: Path) -> None:
    chance, found_something = random.Random(13), 0  # noqa: S311 - drawn again by the seed
    for turn in range(CHANCES):
        folder = tmp_path / str(turn)
        shutil.copytree(busy_folder, folder)
        what = changed_by_chance(folder / "billing.db", chance)

        found, expected = await audited(folder)

        assert found == expected, what
        found_something += not found.equal
        shutil.rmtree(folder)
    assert found_something > CHANCES // 3


def changed_by_chance(file: Path, chance: random.Random) -> str:
    """Delete a row, or change a digit or a letter of its line; says which."""
    with closing(sqlite3.connect(file)) as database, database:
        tables = ["facts", "facts", "decisions", "documents", "document_lines", "agreements", "accounts", "tickets"]
        table = chance.choice(tables)
        column = "account" if table in tables[-2:] else "line"
        row, line = chance.choice(
            database.execute(f"SELECT rowid, {column} FROM {table}").fetchall()  # noqa: S608 - our own words
        )
        if column == "account" or chance.random() < 0.3:
            database.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))  # noqa: S608 - our own words
            return f"{table} {row} deleted"
        places = [place for place, each in enumerate(line) if chr(each).isalnum()]
        place = chance.choice(places)
        other = b"7" if line[place : place + 1].isdigit() else b"x"
        changed = line[:place] + other + line[place + 1 :]
        database.execute(f"UPDATE {table} SET line = ? WHERE rowid = ?", (changed, row))  # noqa: S608
        return f"{table} {row}: {changed!r}"


async def test_a_document_changed_in_the_log_is_named(copied: Path) -> None:
    with sqlite_by_hand(copied / "billing-log.db") as database:
        changed = """CAST(replace(CAST(state AS TEXT), '"reason":"fw1', '"reason":"fw2') AS BLOB)"""
        database.execute(f"UPDATE stored_events SET state = {changed}")  # noqa: S608 - our own words

    found, expected = await audited(copied)

    assert found == expected
    assert not found.equal
    assert found.differences == ("Document 3 of infoniqa is not what its digest says.",)


async def test_a_log_that_ends_before_the_read_model_is_not_compared(copied: Path) -> None:
    with pytest.raises(NothingToCompareError, match="The ticket-service ends at 7, the read model was made of"):
        await audited(copied, tickets_end=7)
