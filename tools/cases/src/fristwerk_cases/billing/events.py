"""A case's events as recorded events, read into the account that the product rates."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from billing_service.domain.facts.account import Account
from billing_service.domain.facts.from_events import account
from billing_service.domain.statement.charge_line import charge_id
from fristwerk_cases.billing.agreement import ADDON, NAME, NORMAL, packages_of
from fristwerk_cases.billing.case_format import (
    Approved,
    Case,
    CaseAppointmentBooked,
    CaseAppointmentCancelled,
    CaseError,
    CaseEvent,
    CaseTimeLogged,
    FeeWaived,
    NoShow,
    Rejected,
    TicketOpened,
    TimeCorrected,
    worked_minutes,
)
from fristwerk_language.events import Actor, Envelope, Event, Recorded, billing, customers, tickets, type_name
from fristwerk_language.terms import zone

_TICK: Final = timedelta(microseconds=1)
_NOON: Final = time(12)


def account_of(case: Case) -> Account:
    """The account that a case's events describe. Raises CaseError."""
    read = account(NAME, _Story(case).recorded())
    assert read.contract is not None, "every story begins with its contract"
    return msgspec.structs.replace(
        read, contract=msgspec.structs.replace(read.contract, packages=packages_of(case.contract))
    )


def last_day(case: Case) -> date:
    """The day up to which a case without cutoffs is rated: the last that it names."""
    return max(_days(case))


class _Story:
    """Tells a case's events as the product would have recorded them.

    A story gives few instants: what has none happens after what is told before it of the same
    ticket, on the day that it was recorded if that is given.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self._home: ZoneInfo = zone(case.contract.tz)
        self._beginning = datetime.combine(min(_days(case)), time(), self._home).astimezone(UTC)
        self._told: list[Recorded] = []
        self._latest: dict[str, datetime] = {}
        self._starts = _starts(case)
        self._appointments = _appointments(case)
        self._booked: dict[str, datetime] = {}
        self._step: dict[str, datetime] = {}
        self._approvals: dict[str, int] = {}

    def recorded(self) -> list[Recorded]:
        self._sign()
        for ticket in _tickets(self._case):
            self._open(ticket)
        for number, event in enumerate(self._case.events):
            self._tell(event, event.eid or f"{self._case.id}-{number}")
        return self._told

    def _sign(self) -> None:
        addon = self._case.contract.addon
        booked = (
            [customers.BookedAddon(addon=ADDON, from_on=each[0], until_on=each[1]) for each in addon.segments]
            if addon
            else []
        )
        signed = customers.ContractSigned(
            contract=NAME,
            customer=NAME,
            agreement=NAME,
            agreement_version=1,
            plan=addon.plan if addon else None,
            addons=booked,
            from_on=min(_days(self._case)).replace(month=1, day=1),
        )
        self._record(f"contract-{NAME}", f"{self._case.id}-signed", signed, self._beginning)

    def _open(self, ticket: str) -> None:
        """A ticket is opened when the story says so, else when its work began; then its warranty is
        judged.
        """
        told = [each.at for each in self._case.events if isinstance(each, TicketOpened) and each.ticket == ticket]
        worked = [
            each.start for each in self._case.events if isinstance(each, CaseTimeLogged) and each.ticket == ticket
        ]
        received_at = min(told or worked, default=self._beginning).astimezone(UTC)
        warranty_until = self._case.contract.warranty_until
        covered = warranty_until is not None and received_at.astimezone(self._home).date() <= warranty_until
        created = tickets.TicketCreated(
            reference=ticket,
            customer=NAME,
            contract=NAME,
            agreement=NAME,
            agreement_version=1,
            calendar=NAME,
            calendar_version=1,
            type=NORMAL,
            channel="email",
            received_at=received_at,
            entitled=covered,
            entitled_by="warranty" if covered else None,
            entitled_why="told by the case",
        )
        self._record(f"ticket-{ticket}", f"{self._case.id}-{ticket}", created, self._beginning)
        current = NORMAL
        for event in sorted(_logged(self._case, ticket), key=lambda each: self._starts[id(each)]):
            if event.ticket_class != current:
                current = event.ticket_class
                name = f"{self._case.id}-{ticket}-{event.id}-{current}"
                started = self._starts[id(event)]
                self._record(f"ticket-{ticket}", name, tickets.TypeChanged(type=current), started, self._beginning)

    def _tell(self, event: CaseEvent, name: str) -> None:
        match event:
            case CaseTimeLogged():
                self._log(event, name)
            case TimeCorrected():
                ticket = event.ticket or self._ticket_of(event.id)
                corrected = tickets.TimeLogCorrected(entry=event.id, minutes=event.min)
                self._add(ticket, name, corrected, self._when(ticket, event.at, event.rec), event.rec)
            case Approved() | Rejected():
                self._decide_costs(event, name)
            case CaseAppointmentBooked() | CaseAppointmentCancelled() | NoShow() | FeeWaived():
                self._appoint(event, name)
            case TicketOpened():
                pass

    def _log(self, event: CaseTimeLogged, name: str) -> None:
        start = self._starts[id(event)]
        logged = tickets.TimeLogged(
            entry=event.id,
            start=start,
            minutes=worked_minutes(event),
            activity=event.activity or "help",
            agent="agent",
            appointment=self._appointments[event.appt][1] if event.appt else None,
        )
        self._latest[event.ticket] = max(start, self._latest.get(event.ticket, start))
        self._add(event.ticket, name, logged, start, event.rec)

    def _decide_costs(self, event: Approved | Rejected, name: str) -> None:
        number = self._approvals.setdefault(name, len(self._approvals) + 1)
        decided: Event
        match event:
            case Approved():
                decided = tickets.CostApproved(approval=number, extra_minutes=event.extra_min)
            case Rejected():
                decided = tickets.CostRejected(approval=number)
        self._add(event.ticket, name, decided, self._when(event.ticket, event.at, event.rec), event.rec)

    def _appoint(self, event: CaseAppointmentBooked | CaseAppointmentCancelled | NoShow | FeeWaived, name: str) -> None:
        if event.appt not in self._appointments:
            raise CaseError(f"the appointment {event.appt} was never booked")
        ticket, number = self._appointments[event.appt]
        before = self._step.get(event.appt, self._beginning)
        match event:
            case CaseAppointmentBooked():
                self._booked[event.appt] = event.start.astimezone(UTC)
                booked = tickets.AppointmentBooked(appointment=number, start=self._booked[event.appt])
                self._add(ticket, name, booked, before, event.rec)
            case CaseAppointmentCancelled():
                self._step[event.appt] = event.at.astimezone(UTC)
                cancelled = tickets.AppointmentCancelled(appointment=number, by=event.by, written=event.written)
                self._add(ticket, name, cancelled, self._step[event.appt], event.rec)
            case NoShow():
                missed_at = event.at or self._booked.get(event.appt, before)
                self._step[event.appt] = missed_at.astimezone(UTC)
                self._add(
                    ticket, name, tickets.AppointmentMissed(appointment=number), self._step[event.appt], event.rec
                )
            case FeeWaived():
                charge = charge_id(NAME, ticket, "cancellation", str(number))
                waived = billing.ChargeDecided(
                    charge=charge,
                    contract=NAME,
                    ticket=ticket,
                    decision="waive",
                    reason=billing.SealedText(event.reason),
                )
                at = event.at.astimezone(UTC) if event.at else self._when(ticket, None, event.rec)
                self._record(f"charge-{charge}", name, waived, at, self._recorded_at(event.rec, at), event.by or NAME)

    def _ticket_of(self, entry: str) -> str:
        for event in self._case.events:
            if isinstance(event, CaseTimeLogged) and event.id == entry:
                return event.ticket
        raise CaseError(f"the entry {entry} was never logged")

    def _when(self, ticket: str, at: datetime | None, recorded_on: date | None) -> datetime:
        """When something without an instant of its own happened."""
        if at is not None:
            return at.astimezone(UTC)
        told_before = self._latest.get(ticket, self._beginning)
        if recorded_on is None:
            return told_before
        day = datetime.combine(recorded_on, time(), self._home).astimezone(UTC)
        next_day = datetime.combine(recorded_on + timedelta(days=1), time(), self._home).astimezone(UTC)
        return max(day, min(told_before, next_day - _TICK))

    def _recorded_at(self, recorded_on: date | None, occurred_at: datetime) -> datetime:
        if recorded_on is None:
            return occurred_at
        return datetime.combine(recorded_on, _NOON, self._home).astimezone(UTC)

    def _add(self, ticket: str, name: str, event: Event, occurred_at: datetime, recorded_on: date | None) -> None:
        recorded_at = self._recorded_at(recorded_on, occurred_at)
        self._record(f"ticket-{ticket}", name, event, occurred_at, recorded_at)

    def _record(
        self,
        stream: str,
        name: str,
        event: Event,
        occurred_at: datetime,
        recorded_at: datetime | None = None,
        actor: str = NAME,
    ) -> None:
        envelope = Envelope(
            id=name,
            type=type_name(event),
            schema=1,
            provider=NAME,
            stream=stream,
            version=len(self._told) + 1,
            occurred_at=occurred_at,
            recorded_at=recorded_at or occurred_at,
            actor=Actor(id=actor, role="agent"),
            correlation_id=None,
            causation_id=None,
            data=msgspec.Raw(b"{}"),
            personal=None,
        )
        self._told.append(Recorded(envelope=envelope, event=event))


def _tickets(case: Case) -> list[str]:
    return list(dict.fromkeys(name for event in case.events if (name := getattr(event, "ticket", None))))


def _logged(case: Case, ticket: str) -> list[CaseTimeLogged]:
    return [event for event in case.events if isinstance(event, CaseTimeLogged) and event.ticket == ticket]


def _starts(case: Case) -> dict[int, datetime]:
    """The start of each entry; a class holds from an instant on, so entries of two classes never
    begin at the same one.
    """
    starts: dict[int, datetime] = {}
    for ticket in _tickets(case):
        taken: dict[datetime, str] = {}
        for event in _logged(case, ticket):
            start = event.start.astimezone(UTC)
            while taken.setdefault(start, event.ticket_class) != event.ticket_class:
                start += _TICK
            starts[id(event)] = start
    return starts


def _appointments(case: Case) -> dict[str, tuple[str, int]]:
    """Ticket and number of each appointment: the ticket that it was booked on."""
    booked = {event.appt: event.ticket for event in reversed(case.events) if isinstance(event, CaseAppointmentBooked)}
    prepared = {event.appt: event.ticket for event in case.events if isinstance(event, CaseTimeLogged) and event.appt}
    return {name: (ticket, number) for number, (name, ticket) in enumerate((prepared | booked).items(), start=1)}


def _days(case: Case) -> list[date]:
    """Every local day that a case names, but not the ends of what is open."""
    home = zone(case.contract.tz)
    instants = [instant for event in case.events for name in ("start", "at") if (instant := getattr(event, name, None))]
    days = [instant.astimezone(home).date() for instant in instants]
    days += [event.rec for event in case.events if event.rec is not None]
    days += [each.valid_from for each in case.contract.packages]
    segments = case.contract.addon.segments if case.contract.addon else []
    days += [day for segment in segments for day in segment if day is not None]
    return days + case.cutoffs or [date(2000, 1, 1)]
