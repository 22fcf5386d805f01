"""The coverage rule: one matcher, and what the cost gate, the effort notice and the invoice make of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing_service.domain.facts.account import BilledTicket, FactStamp
from billing_service.domain.rating import coverage as classes
from billing_service.domain.rating.work import Piece
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_language.terms import AgreementDocument, agreement_document
from fristwerk_language.terms.coverage import Coverage, charges_preparation, is_charged_preparation, match_coverage
from sla_service.domain.timers.service_levels import service_levels
from tests.lanes import examples
from ticket_service.domain.ticket.cost_approval import billable_minutes
from ticket_service.domain.ticket.state import Ticket, TimeEntry

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ACTIVITIES, GROUPS, PLANS, ENTITLEMENTS, PERFORMERS = (
    ("preparation", "help"),
    ("gold", "silver"),
    ("m", "s"),
    ("contract", "warranty"),
    ("employee", "partner"),
)


def or_none(values: tuple[str, ...]) -> st.SearchStrategy[str | None]:
    return st.sampled_from((None, *values))


RULES = st.lists(
    st.fixed_dictionaries(
        {
            "activity": or_none(ACTIVITIES),
            "group": or_none(GROUPS),
            "plan": or_none(PLANS),
            "entitled_by": or_none(ENTITLEMENTS),
            "performer": or_none(PERFORMERS),
            "billable": st.booleans(),
        }
    ),
    max_size=5,
)
KEYS = st.fixed_dictionaries(
    {"group": or_none(GROUPS), "plan": or_none(PLANS), "entitled_by": or_none(ENTITLEMENTS)},
)
LATE_IS_KNOWN = {"cancellation": {"notice_hours": 24}}


def agreement(rules: list[dict[str, Any]], *, late: bool = False, fee: bool = False) -> AgreementDocument:
    billing: dict[str, Any] = {"plans": {name: {} for name in PLANS}, "coverage": rules}
    return agreement_document(
        {
            "agreement": "support",
            "timezone": "Europe/Zurich",
            "currency": "CHF",
            "calendar": "office",
            "severities": [{"id": "high", "name": "High"}],
            "channels": ["email"],
            "groups": [{"id": name} for name in GROUPS],
            "appointments": LATE_IS_KNOWN if late else {},
            "billing": billing | ({"cancellation_fee": {}} if fee else {}),
        }
    )


def created(keys: dict[str, Any], performer: str | None = None) -> TicketCreated:
    return TicketCreated(
        reference="T-1",
        customer="k-1",
        agreement="support",
        agreement_version=1,
        calendar="office",
        calendar_version=1,
        type="normal",
        channel="email",
        received_at=NOON,
        entitled=True,
        entitled_why="",
        fields={} if performer is None else {"performer": performer},
        **keys,
    )


def gate_counts(
    terms: AgreementDocument, activity: str, appointment: int | None, opened: TicketCreated, performer: Any = None
) -> bool:
    entry = TimeEntry(
        entry="e",
        start=NOON,
        minutes=30,
        activity=activity,
        agent="a",
        source="agent",
        appointment=appointment,
        performer=performer,
    )
    ticket = Ticket(
        id="t-1",
        version=1,
        last_activity_at=NOON,
        time_entries={"e": entry},
        **{
            name: getattr(opened, name)
            for name in opened.__struct_fields__
            if name in Ticket.__struct_fields__ and name not in ("addons", "severity")
        },
    )
    return billable_minutes(ticket, terms) == 30


def class_of_work(
    terms: AgreementDocument,
    activity: str,
    appointment: int | None,
    keys: dict[str, Any],
    performers: tuple[str | None, str | None] = (None, None),
) -> str:
    """``performers`` are whom the ticket names, and whom the entry."""
    stamp, (usual, entered) = FactStamp("1", NOON, NOON, 1), performers
    ticket = BilledTicket(
        id="t-1", stamp=stamp, agreement="support", agreement_version=1, type="normal", performer=usual, **keys
    )
    piece = Piece(
        ticket="t-1",
        event="e",
        sources=("e",),
        entry="e",
        start=NOON,
        on=date(2026, 6, 1),
        minutes=30,
        activity=activity,
        appointment=appointment,
        type="normal",
        factor=Decimal(1),
        agreement=terms,
        version=1,
        prices=terms,
        price_version=1,
        site=None,
        performer=entered,
    )
    return classes.class_of_work(piece, ticket).verdict


def expected(
    rules: list[dict[str, Any]], activity: str, keys: dict[str, Any], performer: str | None
) -> tuple[bool, str]:
    """The rule said again, in other words: throw away what contradicts the work, and look at what is left."""
    work = {"activity": activity, "performer": performer, **keys}
    left = [
        (number, rule["billable"])
        for number, rule in enumerate(rules)
        if not any(rule[name] is not None and rule[name] != value for name, value in work.items())
    ]
    return (left[0][1], f"/billing/coverage/{left[0][0]}") if left else (True, "")


@settings(max_examples=examples(300))
@given(
    rules=RULES,
    keys=KEYS,
    activity=st.sampled_from((*ACTIVITIES, "travel")),
    appointment=st.sampled_from((None, 1)),
    performers=st.tuples(or_none(PERFORMERS), or_none(PERFORMERS)),
    late=st.booleans(),
    fee=st.booleans(),
)
def test_the_three_services_count_the_same_work_as_billable(
    rules: list[dict[str, Any]],
    keys: dict[str, Any],
    activity: str,
    appointment: int | None,
    performers: tuple[str | None, str | None],
    *,
    late: bool,
    fee: bool,
) -> None:
    terms = agreement(rules, late=late, fee=fee)
    usual, entered = performers
    opened = created(keys, usual)
    billable, pointer = expected(rules, activity, keys, entered or usual)
    assert match_coverage(terms, activity, opened, entered) == Coverage(billable=billable, pointer=pointer)

    preparation = activity == "preparation" and appointment is not None and late and fee
    assert charges_preparation(terms) == (late and fee)
    assert is_charged_preparation(terms, activity, appointment) == preparation
    wanted_minutes = billable and not preparation
    assert service_levels(terms).billable(opened, activity, appointment, entered) == wanted_minutes
    assert gate_counts(terms, activity, appointment, opened, entered) == wanted_minutes
    wanted = "free" if not billable else "preparation" if preparation else "billable"
    assert class_of_work(terms, activity, appointment, keys, performers) == wanted


def test_the_effort_notice_leaves_out_preparation_as_the_cost_gate_does() -> None:
    terms = agreement([], late=True, fee=True)
    keys: dict[str, Any] = {"group": None, "plan": None, "entitled_by": None}
    assert not service_levels(terms).billable(created(keys), "preparation", 1)
    assert not gate_counts(terms, "preparation", 1, created(keys))
    assert class_of_work(terms, "preparation", 1, keys) == "preparation"
