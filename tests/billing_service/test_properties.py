"""What holds for every account: nothing is lost, order does not matter, and any number of invoices bills the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_service.domain.invoice.invoice import difference
from billing_service.domain.money import total
from billing_service.domain.statement.ledger import NOTHING
from fristwerk_language.events import Event, customers, relations, tickets
from tests.billing_service.conftest import Story

FIRST_DAY = date(2026, 1, 1)
DAYS = 60
LAST_DAY = FIRST_DAY + timedelta(days=DAYS + 30)
TERMS = {
    "lifecycle": st.sampled_from([{}, {"bill_when": "resolved"}]),
    "cost_approval": st.sampled_from([None, {"after_minutes": 60}]),
    "appointments": st.just({"cancellation": {"notice_hours": 24, "written": True}}),
}
BILLING = {
    "plans": st.just({"m": {"package_hours": [2]}}),
    "package": st.just({"increment_minutes": 15, "overage_rate": "195.00"}),
    "hourly": st.just({"rate": "120.00", "increment_minutes": 30}),
    "rounding": st.sampled_from([{"scope": scope} for scope in ("ticket_day", "entry", "ticket", "period")]),
    "minimum_charge": st.sampled_from(
        [None, {"amount": "100.00"}, {"amount": "100.00", "scope": "group", "applies_to": ["hourly", "cancellation"]}]
    ),
    "cancellation_fee": st.sampled_from([None, {}, {"settle_from": "package"}]),
    "coverage": st.just([{"activity": "maintenance", "billable": False}]),
    "vat": st.just({"country": "DE"}),
}
moments = st.integers(0, DAYS * 24 * 4).map(lambda quarters: datetime(2026, 1, 1) + timedelta(minutes=15 * quarters))  # noqa: DTZ001 - local
delays = st.sampled_from([0, 0, 0, 1, 5, 20])
names = st.sampled_from(["T1", "T2", "T3"])
steps = st.one_of(
    st.tuples(
        st.just("log"),
        names,
        moments,
        delays,
        st.integers(1, 130),
        st.sampled_from(["help", "help", "maintenance", "preparation"]),
    ),
    st.tuples(st.just("correct"), names, moments, delays, st.integers(0, 130), st.integers(0, 20)),
    st.tuples(st.just("approve"), names, moments, delays, st.sampled_from([None, 15, 60]), st.none()),
    st.tuples(
        st.sampled_from(["reject", "resolve", "cancel", "book", "buy"]), names, moments, delays, st.none(), st.none()
    ),
    st.tuples(st.just("type"), names, moments, delays, st.sampled_from(["normal", "quick_high"]), st.none()),
    st.tuples(st.sampled_from(["merge", "split"]), names, moments, delays, names, st.integers(0, 20)),
)


def told_event(account: Any, number: Any, step: Any, *, weighted: Any, hours: Any) -> Any:
    """The event of a drawn step, or null where it would mean nothing; work is told by itself."""
    what, _, moment, _, first, second = step
    entries = list(entries_of(account))
    start = account.instant((moment + timedelta(days=3)).isoformat())
    entry = entries[(second or 0) % len(entries)] if entries else None
    made: dict[str, Callable[[], Event | None]] = {
        "correct": lambda: tickets.TimeLogCorrected(entry=entry, minutes=first) if entry else None,
        "approve": lambda: tickets.CostApproved(approval=number, extra_minutes=first),
        "reject": lambda: tickets.CostRejected(approval=number),
        "resolve": tickets.Resolved,
        "book": lambda: tickets.AppointmentBooked(appointment=1, start=start),
        "cancel": lambda: tickets.AppointmentCancelled(appointment=1, by="customer"),
        "type": lambda: tickets.TypeChanged(type=first) if weighted else None,
        "buy": lambda: (
            customers.PackagePurchased(contract="c-1", package=f"p{number}", hours=1, from_on=FIRST_DAY)
            if hours
            else None
        ),
    }
    return made[what]()


def entries_of(account: Any) -> dict[str, tuple[str, relations.CarriedEntry, int | None]]:
    """The entries as told so far: with which stream each counts, what it says, and which appointment it prepares."""
    found: dict[str, tuple[str, relations.CarriedEntry, int | None]] = {}
    for each in account.events:
        event, stream = each.event, each.envelope.stream
        if isinstance(event, tickets.TimeLogged):
            said = relations.CarriedEntry(
                entry=event.entry, start=event.start, minutes=event.minutes, activity=event.activity, agent=event.agent
            )
            found[event.entry] = stream, said, event.appointment
        elif isinstance(event, tickets.TimeLogCorrected):
            _, said, appointment = found[event.entry]
            found[event.entry] = stream, msgspec.structs.replace(said, minutes=event.minutes), appointment
        elif isinstance(event, relations.TakingOver):
            found |= {said.entry: (stream, said, None) for said in event.entries}
    return found


def hand_over(account: Any, pair: tuple[str, str], at: str, how: Any, *, which: int | None) -> None:
    """Time of one ticket counts with the other: by a merge (``which`` None) all, by a split one entry."""
    giver, taker = pair
    own = [
        said for stream, said, prepares in entries_of(account).values() if stream == f"ticket-{giver}" and not prepares
    ]
    other = {"ticket": taker, "reference": taker}
    this = {"ticket": giver, "reference": giver}
    if which is None:
        account.tell(giver, relations.MergedInto(**other), at, **how)
        account.tell(taker, relations.DuplicateMerged(**this, entries=own), at, **how)
    elif own:
        said = own[which % len(own)]
        account.tell(giver, relations.SplitOff(**other, entries=[said.entry]), at, **how)
        account.tell(taker, relations.SplitFrom(**this, entries=[said]), at, **how)


def stream_of(account: Any, event: Any, ticket: Any) -> Any:
    """A correction goes to its entry's ticket, a purchase to the contract."""
    if isinstance(event, customers.PackagePurchased):
        return "contract-c-1"
    if isinstance(event, tickets.TimeLogCorrected):
        return entries_of(account)[event.entry][0]
    return f"ticket-{ticket}"


@st.composite
def accounts(draw: Callable[..., Any], *, weighted: bool = True) -> Callable[..., Any]:
    """A function that tells a drawn account to a Story."""
    terms = {key: draw(values) for key, values in TERMS.items()}
    terms["billing"] = {key: value for key, values in BILLING.items() if (value := draw(values)) is not None}
    hours = draw(st.sampled_from([None, 2]))
    drawn = draw(st.lists(steps, min_size=1, max_size=14))

    def tell(story: type[Story]) -> Any:
        account = story(terms, plan="m", package_hours=hours)
        for name in ("T1", "T2", "T3"):
            account.ticket(name)
        tickets_now = {name: name for name in ("T1", "T2", "T3")}
        for number, step in enumerate(drawn):
            what, ticket, moment, delay, first, second = step
            ticket = tickets_now[ticket]
            at, how = moment.isoformat(), {"recorded": (moment + timedelta(days=delay)).isoformat()}
            if what == "log":
                appointment = 1 if second == "preparation" else None
                account.log(ticket, at, first, activity=second, appointment=appointment, **how)
            elif what in ("merge", "split"):
                other = tickets_now[first]
                if other != ticket:
                    hand_over(account, (ticket, other), at, how, which=None if what == "merge" else second)
                    moved = {name: other for name, now in tickets_now.items() if now == ticket and what == "merge"}
                    tickets_now |= moved
            elif event := told_event(account, number, step, weighted=weighted, hours=hours):
                account.add(stream_of(account, event, ticket), event, at, **how)
        return account

    return tell


def invoice_runs(account: Any, cutoffs: Any) -> Any:
    """The documents of runs at the evening of each cutoff, and the statement of the last run."""
    invoiced, documents, statement = NOTHING, [], None
    for cutoff in cutoffs:
        statement = account.rate(cutoff.isoformat(), known_at=f"{cutoff} 23:59:59.999999", invoiced=invoiced)
        document = difference(statement.lines, invoiced.lines)
        documents.append(document)
        invoiced = invoiced.and_also(document)
    return documents, statement


def net(documents: Any) -> Any:
    return total((line.amount for document in documents for line in document), "EUR").amount


@settings(max_examples=80, deadline=None)
@given(tell=accounts(), until=st.integers(0, DAYS), known=st.integers(0, DAYS + 25))
def test_every_logged_minute_is_in_exactly_one_place(tell: Any, until: Any, known: Any, story: type[Story]) -> None:
    account = tell(story)
    cutoff, known_at = FIRST_DAY + timedelta(days=until), FIRST_DAY + timedelta(days=known)
    statement = account.rate(cutoff.isoformat(), known_at=f"{known_at} 12:00")
    shares = statement.shares
    parts = (
        shares.package,
        shares.hourly,
        shares.free,
        shares.held,
        shares.written_off,
        shares.waived,
        shares.not_rated,
    )
    assert sum(parts) == shares.logged
    assert min(parts) >= 0
    on_lines = sum(line.raw_minutes for line in statement.lines)
    beside = sum(statement.held_minutes.values()) + sum(statement.written_off_minutes.values())
    beside += sum(each.minutes for each in statement.never_charged)
    assert on_lines + beside + sum(each.minutes for each in statement.not_rated) == shares.logged


@settings(max_examples=80, deadline=None)
@given(tell=accounts())
def test_a_package_gives_what_its_lines_say_and_never_more_than_it_has(tell: Any, story: type[Story]) -> None:
    statement = tell(story).rate(LAST_DAY.isoformat())
    drawn: dict[str, Any] = {}
    for line in statement.lines:
        for draw in line.draws:
            drawn[draw.package] = drawn.get(draw.package, 0) + draw.minutes
    for balance in statement.packages:
        assert balance.drawn == drawn.get(balance.package, 0)
        assert balance.drawn + balance.left == balance.granted
        assert balance.left >= 0


@settings.get_profile("order of arrival")
@given(tell=accounts(), order=st.randoms(use_true_random=False))
def test_shuffled_and_repeated_events_change_nothing(tell: Any, order: Any, story: type[Story], promise: Any) -> None:
    account = tell(story)
    shuffled = account.events * 2
    order.shuffle(shuffled)
    assert account.account(shuffled) == account.account()
    promise.count += 1
    promise.figures = f"{promise.count:,} accounts in another order, each event twice: 0 differences"


@settings(max_examples=40, deadline=None)
@given(tell=accounts(), days=st.sets(st.integers(0, DAYS + 29), min_size=1, max_size=6))
def test_the_sum_of_all_documents_is_the_result_at_the_last_cutoff(tell: Any, days: Any, story: type[Story]) -> None:
    cutoffs = [*(FIRST_DAY + timedelta(days=day) for day in sorted(days)), LAST_DAY]
    documents, statement = invoice_runs(tell(story), cutoffs)
    assert net(documents) == statement.net.amount
    again = difference(statement.lines, [line for document in documents for line in document])
    assert again == ()


@settings(max_examples=25, deadline=None)
@given(tell=accounts(weighted=False))
def test_one_run_three_runs_and_daily_runs_bill_the_same(tell: Any, story: type[Story]) -> None:
    account = tell(story)
    everything = account.rate(LAST_DAY.isoformat()).net.amount
    third = timedelta(days=(LAST_DAY - FIRST_DAY).days // 3)
    thirds = [FIRST_DAY + third, FIRST_DAY + 2 * third, LAST_DAY]
    daily = [FIRST_DAY + timedelta(days=day) for day in range((LAST_DAY - FIRST_DAY).days + 1)]
    assert net(invoice_runs(account, [LAST_DAY])[0]) == everything
    assert net(invoice_runs(account, thirds)[0]) == everything
    assert net(invoice_runs(account, daily)[0]) == everything


@settings(max_examples=40, deadline=None)
@given(tell=accounts(), later=st.tuples(names, moments, st.integers(1, 60)))
def test_a_charge_keeps_its_id_when_other_work_arrives(tell: Any, later: Any, story: type[Story]) -> None:
    account = tell(story)
    before = account.rate(LAST_DAY.isoformat())
    _, moment, minutes = later
    account.log("T9", moment.isoformat(), minutes)
    after = account.rate(LAST_DAY.isoformat())
    free_before = {line.charge for line in before.lines if line.kind == "free"}
    assert free_before <= {line.charge for line in after.lines}
    assert len({(line.charge, line.kind) for line in after.lines}) == len(after.lines)
