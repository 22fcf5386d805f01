"""Whatever changes in whatever order, the order kept in memory is the one that sorting everything anew would give."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fristwerk_language.terms import agreement_document, read_yaml, zone
from tests.lanes import examples
from ticket_service.application.newest_reads import Beyond
from ticket_service.application.ordered import PART
from ticket_service.application.worklist import Worklist
from ticket_service.application.worklist_ranking import Ranking
from ticket_service.domain.contract.state import Contract, in_force
from ticket_service.domain.ticket.entitlement import group_of
from ticket_service.domain.worklist import Placed, sort_key

FLUXPUNKT = Path(__file__).parents[2] / "deploy/local/src/fristwerk_local/terms/agreements/fluxpunkt.yaml"
FAR: dict[str, Any] = {"id": "far", "calendar": "fluxpunkt", "timezone": "Pacific/Kiritimati"}
"""There it is the next day already when it is noon in Berlin."""
SHIPPED: Any = read_yaml(FLUXPUNKT.read_bytes())
AGREEMENT = agreement_document(SHIPPED | {"sites": [FAR]})
NOON = datetime(2026, 6, 3, 10, tzinfo=UTC)
CUSTOMERS = ("a", "b", "c")


class Published:
    """Terms of which there is one version."""

    async def agreement_version(self, provider: Any, name: Any, version: Any) -> Any:
        assert (provider, name, version) == ("flux", "fluxpunkt", 1)
        return AGREEMENT


class Rows:
    """A read model of tickets and contracts in memory."""

    def __init__(self) -> None:
        self.tickets: dict[str, tuple[int, Any]] = {}
        self.contracts: dict[str, tuple[int, Any]] = {}
        self.position = 0

    def put(self, rows: Any, row: Any) -> None:
        self.position += 1
        rows[row.id] = (self.position, row)

    async def placed_after(self, _provider: Any, position: Any) -> Any:
        found = [each for each in self.tickets.values() if each[0] > position]
        if position == 0:
            found = [each for each in found if each[1].state not in ("resolved", "closed")]
        return self._answered(found, position)

    async def contracts_after(self, _provider: Any, position: Any) -> Any:
        return self._answered([each for each in self.contracts.values() if each[0] > position], position)

    async def tickets_with(self, ids: Any) -> Any:
        return {name: SimpleNamespace(state=SimpleNamespace(priority_rule=rule_of(name))) for name in ids}

    @staticmethod
    def _answered(found: Any, position: Any) -> Any:
        found.sort(key=lambda each: each[0])
        return [row for _, row in found], found[-1][0] if found else position


def ticket(number: Any, **changes: Any) -> Any:
    facts: dict[str, Any] = {
        "id": f"t-{number}",
        "position": 0,
        "reference": f"FLU-{number}",
        "customer": CUSTOMERS[number % 3],
        "agreement": "fluxpunkt",
        "agreement_version": 1,
        "state": "new",
        "assignee": None,
        "type": "normal",
        "severity": None,
        "priority": 3,
        "channel": "email",
        "received_at": NOON,
    }
    return Placed(**(facts | changes))


def rule_of(name: str) -> str | None:
    """Every other ticket has the priority that a person chose."""
    return "group:contract" if int(name.removeprefix("t-")) % 2 else None


def sorted_anew(rows: Any, now: Any) -> Any:
    """The order without any memory."""

    def holds(row: Contract) -> bool:
        return in_force(row, now.astimezone(zone(AGREEMENT.timezone_at(row.site))).date())

    def key(each: Any) -> Any:
        held = [row for _, row in rows.contracts.values() if row.customer == each.customer and holds(row)]
        present = min(held, key=lambda row: (row.from_on, row.id), default=None)
        group = AGREEMENT.group(group_of(present, AGREEMENT))
        assert group is not None
        if rule_of(each.id) is not None:
            each = msgspec.structs.replace(each, priority=group.priority)
        return sort_key(each, group.id, AGREEMENT), each.id

    still_open = [each for _, each in rows.tickets.values() if each.state not in ("resolved", "closed")]
    return [each.id for each in sorted(still_open, key=key)]


tickets = st.builds(
    ticket,
    st.integers(0, 8),
    state=st.sampled_from(["new", "open", "waiting_customer", "resolved", "closed"]),
    severity=st.sampled_from([None, "kritisch", "hoch", "niedrig"]),
    priority=st.integers(1, 5),
    received_at=st.integers(0, 3).map(lambda hours: NOON - timedelta(hours=hours)),
)
days = st.dates(date(2026, 6, 1), date(2026, 6, 6))
contracts = st.builds(
    Contract,
    id=st.sampled_from(["c-1", "c-2", "c-3", "c-4"]),
    customer=st.sampled_from(CUSTOMERS),
    agreement=st.just("fluxpunkt"),
    agreement_version=st.just(1),
    plan=st.none(),
    package_hours=st.none(),
    site=st.sampled_from([None, "far"]),
    group=st.sampled_from(["contract", "no_contract", None]),
    from_on=days,
    until_on=st.none() | days,
)
steps = st.lists(tickets | contracts | st.sampled_from(["look", "next day"]), max_size=40)


@settings(max_examples=examples(150), deadline=None)
@given(steps)
def test_the_kept_order_is_the_sorted_one(steps: Any) -> None:
    async def play() -> None:
        rows, ranking, now = Rows(), Ranking("flux", cast("Any", Published())), NOON
        for step in [*steps, "look"]:
            match step:
                case Placed():
                    rows.put(rows.tickets, step)
                case Contract():
                    # A contract keeps its customer; what changes are its days.
                    known = rows.contracts.get(step.id)
                    customer = known[1].customer if known else step.customer
                    rows.put(rows.contracts, msgspec.structs.replace(step, customer=customer))
                case "next day":
                    now += timedelta(days=1)
                case _:
                    await ranking.refresh(cast("Any", rows), now, rows.position)
                    assert [each.id for each in ranking.first()] == sorted_anew(rows, now)
                    middle = next(iter(rows.tickets.values()), None)
                    if middle is not None:
                        behind = await ranking.page(middle[1], 3)
                        assert len(behind) <= 3

    asyncio.run(play())


def test_a_page_begins_behind_the_place_that_a_done_ticket_would_have() -> None:
    async def play() -> None:
        rows, ranking = Rows(), Ranking("flux", cast("Any", Published()))
        for number in range(5):
            rows.put(rows.tickets, ticket(number, received_at=NOON + timedelta(minutes=number)))
        await ranking.refresh(cast("Any", rows), NOON, rows.position)
        done = ticket(2, received_at=NOON + timedelta(minutes=2), state="closed")
        rows.put(rows.tickets, done)
        await ranking.refresh(cast("Any", rows), NOON, rows.position)
        assert [each.id for each in await ranking.page(None, 10)] == ["t-0", "t-1", "t-3", "t-4"]
        assert [each.id for each in await ranking.page(done, 1)] == ["t-3"]

    asyncio.run(play())


def test_what_one_look_knows_beyond_the_read_model_is_not_in_the_order_that_it_began_with() -> None:
    async def play() -> None:
        rows, ranking = cast("Any", Rows()), Ranking("flux", cast("Any", Published()))
        rows.put(rows.tickets, ticket(0))
        await ranking.refresh(rows, NOON, rows.position)
        terms: dict[str, Any] = {"agreement": "fluxpunkt", "agreement_version": 1, "site": "far", "group": "contract"}
        signed = Contract(id="c-1", customer="a", plan=None, package_hours=None, from_on=NOON.date(), **terms)
        newest = await ranking.with_newest(Beyond(tickets={}, contracts={"c-1": signed}), rows, NOON)
        rows.put(rows.tickets, ticket(3))
        await ranking.refresh(rows, NOON, rows.position)
        assert [each.id for each in ranking.first()] == sorted_anew(rows, NOON)
        assert [each.id for each in newest.first()] == ["t-0"]

    asyncio.run(play())


def test_where_nothing_has_changed_nothing_is_asked() -> None:
    class Asked(Rows):
        times = 0

        async def placed_after(self, provider: Any, position: Any) -> Any:
            self.times += 1
            return await super().placed_after(provider, position)

    async def play() -> None:
        rows, ranking = Asked(), Ranking("flux", cast("Any", Published()))
        rows.put(rows.tickets, ticket(1))
        for day in (NOON, NOON, NOON + timedelta(days=1)):
            await ranking.refresh(cast("Any", rows), day, rows.position)
        assert rows.times == 1
        rows.put(rows.tickets, ticket(2))
        await ranking.refresh(cast("Any", rows), NOON, rows.position)
        assert rows.times == 2
        assert {each.id for each in ranking.first()} == {"t-1", "t-2"}

    asyncio.run(play())


async def test_others_have_their_turn_while_thousands_of_tickets_are_put_in_order() -> None:
    """The first look after a start: nobody else waits until all of it is sorted."""
    rows, turns = Rows(), 0
    for number in range(10_000):
        rows.put(rows.tickets, ticket(number))
    ranking = Ranking("flux", cast("Any", Published()))

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    await ranking.refresh(cast("Any", rows), NOON, rows.position)
    counting.cancel()

    assert turns >= 2 * 10_000 // PART - 2
    assert len(await ranking.page(None, 20_000)) == 10_000


class AskedRows(Rows):
    """A read model of one provider that notes from which position on it is asked for tickets."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    async def providers(self) -> list[str]:
        return ["flux"]

    async def placed_after(self, provider: Any, position: Any) -> Any:
        self.asked.append(position)
        return await super().placed_after(provider, position)


class Read:
    """The read model as of its last change."""

    def __init__(self, rows: AskedRows) -> None:
        self.so_far = rows

    @property
    def position(self) -> int:
        return self.so_far.position

    async def __call__(self) -> AskedRows:
        return self.so_far


class WithoutGroups(Published):
    """Terms of a provider whose tickets are moved by nothing but commands."""

    async def of(self, _provider: Any) -> Any:
        return self

    async def agreements_at(self, _now: datetime) -> Any:
        return [SimpleNamespace(groups=[])]


async def test_the_first_look_after_a_start_sorts_every_worklist_so_that_no_reader_waits_for_it() -> None:
    rows = AskedRows()
    rows.put(rows.tickets, ticket(1))
    rows.put(rows.tickets, ticket(2))
    worklist = Worklist(cast("Any", Read(rows)), cast("Any", None), cast("Any", WithoutGroups()), cast("Any", None))

    async def page() -> None:
        await worklist.page("flux", NOON, after=None, limit=0)

    await worklist.look(NOON)
    assert rows.asked == [0]
    await page()
    assert rows.asked == [0]

    rows.put(rows.tickets, ticket(3))
    await worklist.look(NOON)
    assert rows.asked == [0]
    await page()
    assert rows.asked == [0, 2]
