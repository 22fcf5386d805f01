"""A kept statement is the one that rating everything again gives, to the byte, whatever was recorded meanwhile."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, cast

import msgspec
import pytest

from billing_service.application.kept_statements import KeptStatements
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.facts.published import PublishedAgreement
from billing_service.domain.invoice.account_ledger import BilledLine, Ledger, ledger_of
from billing_service.domain.invoice.account_parts import AccountParts
from billing_service.domain.invoice.rated import Cutoff, Rated, rate_account, rate_lines
from billing_service.projections.tables import metadata
from billing_service.queries.ledgers import LedgerReader
from fristwerk_language.events import Event, customers, decode, tickets
from fristwerk_language.events.relations import SplitOff, TicketMoved
from fristwerk_language.terms import Publication, agreement_document
from fristwerk_platform.read_models import sqlite_database
from tests.billing_service.conftest import BARE, Story
from tests.stored_line import stored_line

ROW: Final = AccountRow(account="c-1", provider="p", customer="k-1", kind="contract")
PACKAGE: Final = {"increment_minutes": 15, "overage_rate": "195.00"}
STEPS: Final = 60


class Kept:
    """An account whose facts grow, rated with what is kept and without."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        billing = BARE["billing"] | {"package": PACKAGE}
        self.story = Story({"billing": billing}, plan="m", package_hours=4)
        self.published: dict[tuple[str, int], PublishedAgreement] = {}
        self.publish(1)
        for number in range(4):
            self.story.ticket(f"T{number}", prices="when_done")
        self.kept = KeptStatements(long_facts=0)
        self.billed: list[BilledLine] = []
        self.now = datetime(2026, 6, 1, 21, tzinfo=UTC)
        self.rated_anew = 0

    def publish(self, version: int) -> None:
        package = PACKAGE | {"overage_rate": f"{194 + version}.00"}
        hourly = {"rate": f"{119 + version}.00", "increment_minutes": 15}
        document = agreement_document(BARE | {"billing": BARE["billing"] | {"package": package, "hourly": hourly}})
        published_at = self.story.instant(f"2026-{min(version, 5):02}-01 00:00")
        self.published["bare", version] = PublishedAgreement(
            document=document,
            digest=f"sha256:{version}",
            publication=Publication(
                version=version, published_at=published_at, valid_from=None, timezone="Europe/Berlin"
            ),
            recorded_at=published_at,
            event=f"published-{version}",
            position=version,
        )

    def lines(self) -> list[bytes]:
        """The facts as the read model has them, in any order."""
        found = [
            stored_line(
                cast("Event", each.event),
                each.stream,
                each.version,
                each.envelope.occurred_at,
                event_id=each.id,
                provider="p",
                actor=each.envelope.actor,
                recorded_at=each.envelope.recorded_at,
                type=each.type,
            )
            for each in self.story.events
        ]
        self._chance.shuffle(found)
        return found

    def ledger(self) -> Ledger:
        return ledger_of(self.billed, digest=sha256(msgspec.json.encode(self.billed)).digest())

    def rate(self, moment: Cutoff) -> tuple[Rated | None, Rated | None]:
        """What is kept or rated, and what rating everything gives."""
        lines, ledger = self.lines(), self.ledger()

        def everything() -> Rated | None:
            facts = [decode(line) for line in lines]
            return rate_account(ROW, facts, self.published, moment, ledger, now=lambda: self.now)

        return self.found(ROW, lines, moment, ledger), everything()

    def found(self, row: AccountRow, lines: list[bytes], moment: Cutoff, ledger: Ledger) -> Rated | None:
        """What is kept or rated."""

        def rate(parts: AccountParts | None) -> Rated | None:
            self.rated_anew += 1
            return rate_lines(row, lines, self.published, moment, ledger, now=lambda: self.now, parts=parts)

        return self.kept.rated(row, lines, self.published, moment, ledger, now=lambda: self.now, rate=rate)


def logged(kept: Kept, chance: random.Random) -> None:
    kept.story.log(f"T{chance.randrange(4)}", day(chance), chance.randrange(5, 90))


def corrected(kept: Kept, chance: random.Random) -> None:
    """A correction of any entry, in a closed period or not."""
    entries = [each for each in kept.story.events if isinstance(each.event, tickets.TimeLogged)]
    if entries:
        entry = chance.choice(entries)
        assert isinstance(entry.event, tickets.TimeLogged)
        correction = tickets.TimeLogCorrected(entry=entry.event.entry, minutes=chance.randrange(5, 90))
        kept.story.tell(entry.stream.removeprefix("ticket-"), correction, "2026-06-01 09:00")


def purchased(kept: Kept, chance: random.Random) -> None:
    bought = customers.PackagePurchased(
        contract="c-1", package=f"x{chance.random()}", hours=1, from_on=date(2026, 3, 1)
    )
    kept.story.add("contract-c-1", bought, "2026-03-01 08:00")


def issued(kept: Kept, chance: random.Random) -> None:
    """What is to be invoiced up to a day stands on a document from now on."""
    until = date(2026, chance.randrange(1, 6), 28)
    _, rated = kept.rate(Cutoff(until=until))
    assert rated is not None
    number = len({each.number for each in kept.billed}) + 1
    kept.billed += [BilledLine(number=number, until=until, line=line) for line in rated.to_invoice]


def retyped(kept: Kept, chance: random.Random) -> None:
    kept.story.tell(f"T{chance.randrange(4)}", tickets.TypeChanged(type=f"type{chance.randrange(3)}"), day(chance))


def migrated(kept: Kept, chance: random.Random) -> None:
    terms = tickets.TermsMigrated(agreement_version=chance.randrange(len(kept.published)) + 1, calendar_version=1)
    kept.story.tell(f"T{chance.randrange(4)}", terms, day(chance))


def moved(kept: Kept, chance: random.Random) -> None:
    """A ticket goes to another account, or comes back."""
    to = chance.choice(("c-1", "c-1", "c-2"))
    event = TicketMoved(
        reference="T",
        from_customer="k-1",
        customer="k-1",
        sealed_for="k-1",
        contract=to,
        plan="m",
        agreement="bare",
        agreement_version=1,
        calendar="c",
        calendar_version=1,
        type="normal",
        entitled=True,
        entitled_by="contract",
        entitled_why="contract",
    )
    kept.story.tell(f"T{chance.randrange(4)}", event, "2026-06-01 10:00")


def split(kept: Kept, chance: random.Random) -> None:
    """An entry counts with a ticket that is not this account's from now on."""
    entries = [each for each in kept.story.events if isinstance(each.event, tickets.TimeLogged)]
    if entries:
        entry = chance.choice(entries)
        assert isinstance(entry.event, tickets.TimeLogged)
        off = SplitOff(ticket="X", reference="X", entries=[entry.event.entry])
        kept.story.tell(entry.stream.removeprefix("ticket-"), off, "2026-06-01 11:00")


def published(kept: Kept, chance: random.Random) -> None:  # noqa: ARG001 - one of the steps
    kept.publish(len(kept.published) + 1)


def time_passed(kept: Kept, chance: random.Random) -> None:
    kept.now += timedelta(hours=chance.randrange(1, 30))


def nothing(kept: Kept, chance: random.Random) -> None:
    """The same question again."""


def day(chance: random.Random) -> str:
    return f"2026-{chance.randrange(1, 6):02}-{chance.randrange(1, 28):02} {chance.randrange(8, 18):02}:00"


CHANGES: Final[tuple[Callable[[Kept, random.Random], None], ...]] = (
    logged, logged, corrected, corrected, purchased, issued, retyped, migrated, moved, split, published, time_passed,
    nothing, nothing, nothing,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_is_what_rating_everything_gives(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - drawn again by the seed
    kept = Kept(chance)
    moments = [Cutoff(), Cutoff(until=date(2026, 3, 31)), Cutoff(at=datetime(2026, 4, 15, tzinfo=UTC))]
    moments.append(Cutoff(until=date(2026, 5, 31), known_at=datetime(2026, 5, 1, tzinfo=UTC)))
    asked = 0
    for _ in range(STEPS):
        chance.choice(CHANGES)(kept, chance)
        for moment in moments:
            found, expected = kept.rate(moment)
            asked += 1
            assert found is not None
            assert expected is not None
            assert found == expected
            assert msgspec.json.encode(found.statement) == msgspec.json.encode(expected.statement)
            assert msgspec.json.encode(found.to_invoice) == msgspec.json.encode(expected.to_invoice)
    assert kept.rated_anew < asked * 0.9


def test_the_same_facts_are_rated_once_and_a_correction_of_a_closed_period_is_seen() -> None:
    kept = Kept(random.Random(1))  # noqa: S311 - drawn again by the seed
    kept.story.log("T", "2026-02-03 10:00", 30)
    march = Cutoff(until=date(2026, 3, 31))

    first, _ = kept.rate(march)
    again, _ = kept.rate(march)
    assert again is first
    assert kept.rated_anew == 1

    entry = kept.story.events[-1].event
    assert isinstance(entry, tickets.TimeLogged)
    correction = tickets.TimeLogCorrected(entry=entry.entry, minutes=60)
    kept.story.tell("T", correction, "2026-03-01 09:00", recorded="2026-05-01 09:00")
    corrected_one, expected = kept.rate(march)
    assert kept.rated_anew == 2
    assert corrected_one == expected
    assert first is not None
    assert corrected_one is not None
    assert corrected_one.statement.lines[0].minutes == 2 * first.statement.lines[0].minutes


def test_no_more_than_so_many_facts_are_kept_beside_the_last() -> None:
    kept = Kept(random.Random(1))  # noqa: S311 - drawn again by the seed
    kept.kept = KeptStatements(long_facts=0, most_facts=13)
    kept.story.log("T0", "2026-02-03 10:00", 30)  # the sixth fact
    days = [Cutoff(until=date(2026, 3, number)) for number in (1, 2, 3)]
    for moment in days:
        kept.rate(moment)
    assert kept.rated_anew == 3
    for moment in (days[2], days[1]):
        kept.rate(moment)
    assert kept.rated_anew == 3
    kept.rate(days[0])
    assert kept.rated_anew == 4


def test_a_day_that_is_named_and_the_same_day_that_is_today_are_one_statement() -> None:
    kept = Kept(random.Random(1))  # noqa: S311 - drawn again by the seed
    kept.story.log("T0", "2026-02-03 10:00", 30)
    today, _ = kept.rate(Cutoff())
    assert today is not None

    named, expected = kept.rate(Cutoff(until=today.statement.until))
    assert named is today
    assert named == expected
    other, _ = kept.rate(Cutoff(until=today.statement.until - timedelta(days=1)))
    assert other is not today
    assert kept.rate(Cutoff())[0] is today
    assert kept.rated_anew == 2


async def test_a_kept_ledger_is_read_anew_where_one_of_its_rows_changed(copied: Path) -> None:
    database = sqlite_database(copied / "billing.db", metadata)
    keeping, plain = LedgerReader(long_rows=0), LedgerReader(long_rows=10**9)
    with closing(sqlite3.connect(copied / "billing.db")) as rows:
        account = rows.execute("SELECT account FROM document_lines ORDER BY number").fetchone()[0]

    async def both() -> tuple[Ledger, Ledger]:
        async with database.reading() as connection:
            return (await keeping.read(connection, [account]))[account], (await plain.read(connection, [account]))[
                account
            ]

    first, expected = await both()
    assert first == expected
    assert first.invoiced.lines
    assert (await both())[0] is first
    with closing(sqlite3.connect(copied / "billing.db")) as rows, rows:
        line = 'CAST(replace(CAST(line AS TEXT), \'"rules":["R1"\', \'"rules":["R2"\') AS BLOB)'
        rows.execute(f"UPDATE document_lines SET line = {line}")  # noqa: S608 - our own words
    second, expected = await both()
    assert second == expected
    assert second != first
    await database.close()
