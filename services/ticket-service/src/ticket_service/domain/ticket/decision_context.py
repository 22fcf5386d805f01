"""What surrounds a decision: the instants, the caller, and the terms the ticket is under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from fristwerk_language.events import Recorded
from fristwerk_language.events.terms import CalendarPublished
from fristwerk_language.events.tickets import TicketCreated
from fristwerk_language.terms import AgreementDocument, zone
from ticket_service.domain.agent.state import Absence
from ticket_service.domain.ticket.state import KeptAppointment, Ticket


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who gives a command. ``customer`` is set for the role ``customer``: the company the caller belongs to."""

    id: str
    role: str
    customer: str | None = None


class DatingRules(msgspec.Struct, frozen=True, kw_only=True):
    """How far from the present facts and appointments may be dated; an installation's settings.

    ``receipt_before_contracts`` is how long before the provider's first contract a request may have been received.
    ``customers_may_date`` lets customers date their own facts freely, for stories that play the past.
    """

    customers_may_date: bool = False
    receipt_before_contracts: timedelta = timedelta(days=365)
    appointments_ahead: timedelta = timedelta(days=3 * 365 + 1)


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """How a ticket would have been opened for the customer that it is moved to, the agreement it is under there, and whose
    key seals what is personal from then on.
    """

    opened: TicketCreated
    agreement: AgreementDocument
    sealed_for: str


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """``now`` is the clock, ``occurred_at`` when the fact happened; both in UTC.

    ``agreement`` is the version the ticket is under. What only the application can look up: ``contacts`` (role → the
    member of staff who holds it for this customer) and, for a migration of terms, the newest published versions of the
    ticket's agreement and calendar, and the versions in force of the ``line_calendars`` that another agreement version
    names; for a booking, the provider's other ``bookings``, the ``absences`` of who is
    booked, and that one's own ``calendar``, else the ticket's; ``stand_ins`` (absent agent → who stands in);
    ``contract_began``, the beginning of the ticket's contract, for work that is logged;
    ``earliest_receipt``, before which no new ticket was received; ``other``, the ticket that a merge or a link names;
    ``history``, the ticket's events in the order of their versions, for a mark on one of its messages;
    ``destination``, where a ticket is moved to.
    """

    now: datetime
    occurred_at: datetime
    actor: Caller
    agreement: AgreementDocument
    contacts: Mapping[str, str] = {}
    newest_agreement_version: int | None = None
    newest_calendar_version: int | None = None
    line_calendars: Mapping[str, int] | None = None
    bookings: Sequence[KeptAppointment] = ()
    calendar: CalendarPublished | None = None
    absences: Sequence[Absence] = ()
    stand_ins: Mapping[str, str] = {}
    contract_began: datetime | None = None
    earliest_receipt: datetime | None = None
    history: Sequence[Recorded] = ()
    dating: DatingRules = DatingRules()
    other: Ticket | None = None
    destination: Destination | None = None


def local_day(instant: datetime, agreement: AgreementDocument, site: str | None) -> date:
    """The date on which the instant falls at a site, or (None) where the agreement counts its days."""
    return instant.astimezone(zone(agreement.timezone_at(site))).date()
