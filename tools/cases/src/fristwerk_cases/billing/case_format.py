"""The form of known cases: a contract's terms and events in, lines and totals out
(``tests/cases/README.md``).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

_PROVENANCE: Final = ("title", "source", "note", "tags", "agree", "seed")
_MINUTE: Final = timedelta(minutes=1)


class CaseError(ValueError):
    """Raised when a case does not have the form; the message is a sentence that names the place."""


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An unknown field is an error."""


class CasePackage(Strict, frozen=True, kw_only=True):
    id: str
    minutes: int
    increment_min: int
    overage_rate: Decimal
    overage_increment_min: int | None = None
    valid_from: date
    valid_to: date | None = None


class CaseHourly(Strict, frozen=True, kw_only=True):
    rate: Decimal
    increment_min: int


class CaseRounding(Strict, frozen=True, kw_only=True):
    scope: Literal["entry", "ticket_day", "ticket", "period"] = "ticket_day"


class MinimumTerms(Strict, frozen=True, kw_only=True):
    amount: Decimal
    scope: Literal["ticket", "group", "invoice"] = "ticket"
    applies_to: tuple[Literal["hourly", "cancellation"], ...] = ("hourly",)


class ApprovalTerms(Strict, frozen=True, kw_only=True):
    threshold_min: int | None = None


class CaseCancellation(Strict, frozen=True, kw_only=True):
    notice_hours: int
    measure: Literal["elapsed", "wall"] = "elapsed"
    settle_from: Literal["allowance", "invoice"] = "invoice"


class CaseAddon(Strict, frozen=True, kw_only=True):
    monthly_price: Decimal
    requires_plan: str | None = None
    plan: str | None = None
    segments: list[tuple[date, date | None]] = []
    proration: Literal["daily", "none", "thirty360"] = "daily"


class ContractTerms(Strict, frozen=True, kw_only=True):
    currency: str
    tz: str = "UTC"
    packages: list[CasePackage] = []
    hourly: CaseHourly | None = None
    rounding: CaseRounding = CaseRounding()
    minimum: MinimumTerms | None = None
    multipliers: dict[str, Decimal] = {}
    multiplier_on_allowance: Literal["weight", "ignore"] = "weight"
    approval: ApprovalTerms | None = None
    cancellation: CaseCancellation | None = None
    warranty_until: date | None = None
    after_expiry: Literal["hourly", "overage", "refuse"] = "hourly"
    addon: CaseAddon | None = None
    vat_rate: Decimal | None = None
    cash_rounding: Decimal | None = None


class Happening(Strict, frozen=True, kw_only=True, tag_field="t"):
    """``eid`` marks a repeated delivery; ``rec`` is the day it was recorded, default the day
    itself.
    """

    eid: str | None = None
    rec: date | None = None


class CaseTimeLogged(Happening, frozen=True, kw_only=True, tag="time_logged", rename={"ticket_class": "class"}):
    id: str
    ticket: str
    start: datetime
    min: int | None = None
    end: datetime | None = None
    ticket_class: str = "normal"
    activity: str | None = None
    appt: str | None = None


class TimeCorrected(Happening, frozen=True, kw_only=True, tag="time_corrected"):
    id: str
    min: int
    ticket: str | None = None
    at: datetime | None = None


class CaseAppointmentBooked(Happening, frozen=True, kw_only=True, tag="appointment_booked"):
    appt: str
    ticket: str
    start: datetime


class CaseAppointmentCancelled(Happening, frozen=True, kw_only=True, tag="appointment_cancelled"):
    appt: str
    at: datetime
    by: Literal["customer", "vendor"] = "customer"
    written: bool = True
    ticket: str | None = None


class NoShow(Happening, frozen=True, kw_only=True, tag="no_show"):
    appt: str
    at: datetime | None = None
    ticket: str | None = None


class FeeWaived(Happening, frozen=True, kw_only=True, tag="fee_waived"):
    appt: str
    reason: str = ""
    by: str = ""
    at: datetime | None = None
    ticket: str | None = None


class Approved(Happening, frozen=True, kw_only=True, tag="approved"):
    ticket: str
    extra_min: int | None = None
    at: datetime | None = None


class Rejected(Happening, frozen=True, kw_only=True, tag="rejected"):
    ticket: str
    at: datetime | None = None


class TicketOpened(Happening, frozen=True, kw_only=True, tag="ticket_opened"):
    ticket: str
    at: datetime


CaseEvent = (
    CaseTimeLogged
    | TimeCorrected
    | CaseAppointmentBooked
    | CaseAppointmentCancelled
    | NoShow
    | FeeWaived
    | Approved
    | Rejected
    | TicketOpened
)
ExpectedLine = tuple[str, str | None, Decimal, Decimal, Decimal]


class Expected(Strict, frozen=True, kw_only=True):
    """What must come out; what is not given is not compared."""

    lines: list[ExpectedLine] | None = None
    left: dict[str, Decimal] | None = None
    net: Decimal | None = None
    vat: Decimal | None = None
    gross: Decimal | None = None
    payable: Decimal | None = None
    held: dict[str, int] | None = None
    written_off: dict[str, int] | None = None
    violations: list[str] | None = None
    invoices: list[Expected] | None = None


class Case(Strict, frozen=True, kw_only=True):
    id: str
    contract: ContractTerms
    events: list[CaseEvent] = []
    cutoffs: list[date] = []
    expect: Expected


def read_case(data: Any) -> Case:
    """The case that plain data describes. Raises CaseError."""
    if not isinstance(data, dict):
        raise CaseError("a case is an object with id, contract, events and expect")
    bare = _bare(data)
    contract, events = bare.get("contract"), bare.get("events")
    if isinstance(contract, dict):
        bare["contract"] = _bare(contract)
    if isinstance(events, list):
        bare["events"] = [_bare(each) if isinstance(each, dict) else each for each in events]
    try:
        case = msgspec.convert(bare, Case)
    except msgspec.ValidationError as error:
        raise CaseError(str(error)) from error
    _check(case)
    return case


def _bare(data: dict[str, Any]) -> dict[str, Any]:
    """Without the keys that only say where a case comes from."""
    return {key: value for key, value in data.items() if key not in _PROVENANCE}


def _check(case: Case) -> None:
    for event in case.events:
        instants = (getattr(event, name, None) for name in ("start", "end", "at"))
        if any(instant is not None and instant.tzinfo is None for instant in instants):
            raise CaseError(f"{event} has an instant without an offset from UTC")
        if isinstance(event, CaseTimeLogged):
            worked_minutes(event)
    if case.cutoffs != sorted(case.cutoffs):
        raise CaseError("cutoffs stand in the order of their days")


def worked_minutes(event: CaseTimeLogged) -> int:
    """The minutes of an entry, given or elapsed between start and end. Raises CaseError."""
    if event.min is not None:
        minutes = event.min
    elif event.end is not None:
        minutes, rest = divmod(event.end - event.start, _MINUTE)
        if rest:
            raise CaseError(f"entry {event.id} does not last whole minutes")
    else:
        raise CaseError(f"entry {event.id} has neither min nor end")
    if minutes < 0:
        raise CaseError(f"entry {event.id} has negative minutes")
    return minutes
