"""Work: a ticket's entries after corrections, each with the local day, type and terms that it is
billed under.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal

import msgspec

from billing_service.domain.facts.account import BilledTicket, LoggedWork
from billing_service.domain.statement.charge_line import EntryPart
from billing_service.domain.statement.statement import Violation
from fristwerk_language.terms import AgreementDocument, Validity, zone
from fristwerk_language.terms.validity import ALWAYS

AgreementLookup = Callable[[str, int], AgreementDocument]
"""The agreement of a name and version."""
ValidityLookup = Callable[[str], Validity]
"""When the versions of the agreement of a name came into force."""
VersionedDocuments = tuple[tuple[int, AgreementDocument], ...]


class Piece(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """``minutes`` of an entry that are billed alike. ``factor`` is the rate factor of ``type`` when
    it was done (R9).

    ``event`` logged the entry; ``sources`` are the ids of all events that it rests on, this one
    first. ``agreement`` is the ticket's, at ``version``; the hourly rate and the rate factor are
    those of ``prices``, at ``price_version``. It was done at ``site``, by ``performer``, where the
    ticket or the entry names them; ``ticket_performer`` is whom the ticket names.
    """

    ticket: str
    event: str
    sources: tuple[str, ...]
    entry: str
    start: datetime
    on: date
    minutes: int
    activity: str
    appointment: int | None
    type: str
    factor: Decimal
    agreement: AgreementDocument
    version: int
    prices: AgreementDocument
    price_version: int
    site: str | None
    performer: str | None
    ticket_performer: str | None = None

    @property
    def part(self) -> EntryPart:
        return EntryPart(self.event, self.entry, self.on, self.minutes)


class TermsInForce(msgspec.Struct, frozen=True, gc=False):
    """The versions of its agreement that a ticket is rated under: from ``since[n]`` on ``versions[n
    + 1]``; and in the same way those whose prices its work is billed at.
    """

    since: tuple[datetime, ...]
    versions: VersionedDocuments
    prices_since: tuple[datetime, ...]
    prices: VersionedDocuments

    def at(self, instant: datetime) -> tuple[int, AgreementDocument]:
        return self.versions[bisect_right(self.since, instant)]

    def prices_at(self, instant: datetime) -> tuple[int, AgreementDocument]:
        return self.prices[bisect_right(self.prices_since, instant)]

    @property
    def newest(self) -> tuple[int, AgreementDocument]:
        return self.versions[-1]


def without_validity(_: str) -> Validity:
    """No version ever comes into force: every ticket keeps the prices of its own version."""
    return Validity(())


def terms_in_force(ticket: BilledTicket, terms: AgreementLookup, validity: ValidityLookup) -> TermsInForce:
    """A ticket keeps the version it was opened under until a migration names another, from that
    instant on.

    Its work is billed at the prices in force when it was done: those of whichever came last, a
    version into force or the ticket to a version. A ticket opened before terms had a validity keeps
    the prices of its own version.
    """
    migrated = [(change.stamp.occurred_at, change.version) for change in ticket.terms_changes]
    published = validity(ticket.agreement).changes if ticket.prices == "when_done" else ()
    priced = sorted([*published, *migrated], key=lambda change: change[0])
    if not published:
        priced = [(ALWAYS, ticket.agreement_version), *migrated]

    def versions(numbers: Iterable[int]) -> VersionedDocuments:
        return tuple((number, terms(ticket.agreement, number)) for number in numbers)

    return TermsInForce(
        since=tuple(since for since, _ in migrated),
        versions=versions((ticket.agreement_version, *(version for _, version in migrated))),
        prices_since=tuple(since for since, _ in priced[1:]),
        prices=versions(version for _, version in priced),
    )


def corrected(ticket: BilledTicket) -> tuple[list[LoggedWork], list[Violation]]:
    """The entries with their last correction's minutes, each entry once; those without minutes left
    are gone.
    """
    entries: dict[str, LoggedWork] = {}
    for work in ticket.work:
        entries.setdefault(work.entry, work)
    violations: list[Violation] = []
    for correction in ticket.corrections:
        if correction.entry not in entries:
            detail = f"Ticket {ticket.id}: the correction {correction.stamp.event} names the unknown entry {correction.entry}."
            violations.append(Violation("correction_without_entry", detail))
            continue
        entries[correction.entry] = msgspec.structs.replace(entries[correction.entry], minutes=correction.minutes)
    for work in entries.values():
        if work.minutes < 0:
            detail = f"Ticket {ticket.id}: the entry {work.entry} has {work.minutes} minutes and is not billed."
            violations.append(Violation("negative_minutes", detail))
    return [work for work in entries.values() if work.minutes > 0], violations


def type_in_force(
    ticket: BilledTicket, agreement: AgreementDocument, instant: datetime
) -> tuple[str, Decimal, tuple[str, ...]]:
    """The ticket's type when work began, its rate factor, and the event that set it.

    Of several set at one instant the highest factor wins; factors are never multiplied (R9).
    """
    before = [change for change in ticket.type_changes if change.stamp.occurred_at <= instant]
    latest = max((change.stamp.occurred_at for change in before), default=None)
    if latest is None:
        return ticket.type, rate_factor(agreement, ticket.type), ()
    rivals = [change for change in before if change.stamp.occurred_at == latest]
    factor, chosen, event = max((rate_factor(agreement, each.type), each.type, each.stamp.event) for each in rivals)
    return chosen, factor, (event,)


def rate_factor(agreement: AgreementDocument, type_id: str) -> Decimal:
    """The factor that the agreement gives a type; 1 for one it does not know."""
    found = agreement.ticket_type(type_id)
    return Decimal(1) if found is None else found.rate_factor


def pieces(ticket: BilledTicket, in_force: TermsInForce, entries: list[LoggedWork]) -> list[Piece]:
    """The entries in the order of their start, each whole, with the terms and type in force when it
    began.
    """
    corrections: dict[str, tuple[str, ...]] = {}
    for correction in ticket.corrections:
        corrections[correction.entry] = (*corrections.get(correction.entry, ()), correction.stamp.event)
    changes = [change.stamp.occurred_at for change in ticket.type_changes]
    types: dict[tuple[int, int], tuple[str, Decimal, tuple[str, ...]]] = {}
    found: list[Piece] = []
    for work in entries:
        version, agreement = in_force.at(work.start)
        price_version, prices = in_force.prices_at(work.start)
        place = price_version, bisect_right(changes, work.start)
        if place not in types:
            types[place] = type_in_force(ticket, prices, work.start)
        type_id, factor, type_sources = types[place]
        found.append(
            Piece(
                ticket=ticket.id,
                event=work.stamp.event,
                sources=(work.stamp.event, *corrections.get(work.entry, ()), *type_sources),
                entry=work.entry,
                start=work.start,
                on=local_day(work.start, agreement, ticket.site),
                minutes=work.minutes,
                activity=work.activity,
                appointment=work.appointment,
                type=type_id,
                factor=factor,
                agreement=agreement,
                version=version,
                prices=prices,
                price_version=price_version,
                site=ticket.site,
                performer=work.performer or ticket.performer,
                ticket_performer=ticket.performer,
            )
        )
    return found


def priced_apart(piece: Piece, terms: AgreementDocument) -> str | None:
    """The performer of a piece whose hour costs something else than that of the ticket's performer;
    None where it is one price.
    """
    hourly = terms.billing.hourly
    if hourly is None or hourly.rate_of(piece.performer) == hourly.rate_of(piece.ticket_performer):
        return None
    return piece.performer


def resting_on(piece: Piece, events: Iterable[str]) -> Piece:
    """The same piece, resting on further events."""
    return msgspec.structs.replace(piece, sources=(*piece.sources, *events))


def local_day(instant: datetime, agreement: AgreementDocument, site: str | None) -> date:
    """The calendar day of an instant in the site's time zone, or (None) in the agreement's."""
    return instant.astimezone(zone(agreement.timezone_at(site))).date()
