"""From recorded events to the facts of one account: the same in whatever order they arrive, each
event once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from billing_service.domain.facts.account import (
    Account,
    AppointmentFact,
    BilledContract,
    BilledCustomer,
    BilledTicket,
    Booking,
    BookingEnd,
    ChargeDecision,
    Correction,
    CostDecision,
    Fact,
    FactStamp,
    HandedOver,
    LoggedWork,
    Purchase,
    Stay,
    Termination,
    TermsChange,
    TicketDone,
    TypeChange,
)
from billing_service.domain.facts.between_tickets import handed_over, stay, taken_over
from billing_service.domain.facts.fact_events import AppointmentFactEvent, TicketChangeEvent
from fristwerk_language.events import ContractEvent, Recorded, billing, customers, relations, streams
from fristwerk_language.events import tickets as events

_DONE: Final = frozenset({"resolved", "closed"})
"""The states in which a ticket whose reopening is taken back is done again."""


def account(account_id: str, recorded: Iterable[Recorded], *, read_before: Iterable[BilledTicket] = ()) -> Account:
    """The account of a contract or customer, made of recorded events; events of other accounts are
    ignored. ``read_before`` are tickets of which nothing is among the events, as they were read before.

    Events may come in any order and repeatedly: an event counts once, by its envelope's id. Work on
    tickets without a contract belongs to the customer's account.
    """
    by_stream: defaultdict[str, dict[str, Recorded]] = defaultdict(dict)
    for each in recorded:
        by_stream[each.envelope.stream].setdefault(each.envelope.id, each)
    contract_events: list[tuple[FactStamp, ContractEvent]] = []
    registrations: list[tuple[FactStamp, customers.CustomerRegistered]] = []
    decisions: list[ChargeDecision] = []
    tickets = list(read_before)
    for stream, by_id in by_stream.items():
        ordered = sorted(by_id.values(), key=lambda one: one.envelope.version)
        if streams.TICKET.includes(stream):
            tickets += [found] if (found := _ticket(account_id, streams.TICKET.subject(stream), ordered)) else []
            continue
        for one in ordered:
            event = one.event
            if isinstance(event, customers.CustomerRegistered):
                registrations.append((_stamp(one), event))
            elif isinstance(event, billing.ChargeDecided):
                decisions.append(_decision(one, event))
            elif isinstance(event, ContractEvent) and event.contract == account_id:
                contract_events.append((_stamp(one), event))
    contract, owner = _contract(contract_events)
    return Account(
        id=account_id,
        contract=contract,
        customer=_customer(owner or account_id, registrations),
        tickets=tuple(sorted(tickets, key=lambda ticket: ticket.id)),
        decisions=_ordered(decisions),
    )


def _stamp(recorded: Recorded) -> FactStamp:
    envelope = recorded.envelope
    return FactStamp(envelope.id, envelope.occurred_at, envelope.recorded_at, envelope.version)


def _ordered(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple(sorted(facts, key=lambda fact: fact.stamp.order))


def _decision(recorded: Recorded, event: billing.ChargeDecided) -> ChargeDecision:
    return ChargeDecision(
        stamp=_stamp(recorded),
        charge=event.charge,
        decision=event.decision,
        reason=event.reason,
        actor=recorded.envelope.actor.id,
        at_most=event.at_most,
        at_most_minutes=event.at_most_minutes,
    )


def _customer(
    customer_id: str, registrations: Sequence[tuple[FactStamp, customers.CustomerRegistered]]
) -> BilledCustomer | None:
    for stamp, event in registrations:
        if event.customer == customer_id:
            return BilledCustomer(stamp=stamp, kind=event.kind, country=event.country, vat_id=event.vat_id)
    return None


class _ContractFacts(msgspec.Struct):
    terminations: list[Termination] = []
    purchases: list[Purchase] = []
    bookings: list[Booking] = []
    booking_ends: list[BookingEnd] = []


def _contract(recorded: Sequence[tuple[FactStamp, ContractEvent]]) -> tuple[BilledContract | None, str | None]:
    """The contract and the customer who signed it; None, None while the signing is not among the
    events.
    """
    signed: tuple[FactStamp, customers.ContractSigned] | None = None
    facts = _ContractFacts()
    for stamp, event in recorded:
        match event:
            case customers.ContractSigned():
                signed = stamp, event
                facts.bookings += [
                    Booking(stamp=stamp, addon=each.addon, from_on=each.from_on, until_on=each.until_on)
                    for each in event.addons
                ]
            case customers.ContractTerminated():
                facts.terminations.append(Termination(stamp=stamp, until_on=event.until_on))
            case customers.PackagePurchased():
                purchase = Purchase(stamp=stamp, package=event.package, hours=event.hours, from_on=event.from_on)
                facts.purchases.append(purchase)
            case customers.AddonBooked():
                facts.bookings.append(Booking(stamp=stamp, addon=event.addon, from_on=event.from_on))
            case customers.AddonEnded():
                facts.booking_ends.append(BookingEnd(stamp=stamp, addon=event.addon, until_on=event.until_on))
    if signed is None:
        return None, None
    stamp, event = signed
    contract = BilledContract(
        id=event.contract,
        stamp=stamp,
        agreement=event.agreement,
        agreement_version=event.agreement_version,
        plan=event.plan,
        package_hours=event.package_hours,
        site=event.site,
        from_on=event.from_on,
        until_on=event.until_on,
        terminations=_ordered(facts.terminations),
        purchases=_ordered(facts.purchases),
        bookings=_ordered(facts.bookings),
        booking_ends=_ordered(facts.booking_ends),
    )
    return contract, event.customer


class _TicketFacts(msgspec.Struct):
    work: list[LoggedWork] = []
    corrections: list[Correction] = []
    type_changes: list[TypeChange] = []
    terms_changes: list[TermsChange] = []
    cost_decisions: list[CostDecision] = []
    appointments: list[AppointmentFact] = []
    done: list[TicketDone] = []
    handed_over: list[HandedOver] = []


def _ticket(account_id: str, ticket_id: str, recorded: Sequence[Recorded]) -> BilledTicket | None:
    """The ticket; None if it is another account's, or its creation is not among the events."""
    created: tuple[FactStamp, events.TicketCreated] | None = None
    moves: list[Stay] = []
    facts = _TicketFacts()
    for one in recorded:
        event = one.event
        if isinstance(event, TicketChangeEvent):
            _add(facts, _stamp(one), event)
        elif isinstance(event, events.TicketCreated) and created is None:
            created = _stamp(one), event
        elif isinstance(event, relations.TicketMoved):
            moves.append(stay(_stamp(one), event))
    if created is None:
        return None
    stamp, opened = created
    facts.done += [TicketDone(stamp=each.stamp) for each in facts.handed_over if each.entries is None]
    stays = (stay(stamp, opened), *moves)
    here = [each for each in stays if each.account == account_id]
    if not here:
        return None
    last = here[-1]
    return BilledTicket(
        id=ticket_id,
        stamp=stamp,
        plan=last.plan,
        group=last.group,
        entitled_by=last.entitled_by,
        agreement=last.agreement,
        agreement_version=last.agreement_version,
        type=last.type,
        site=last.site,
        stays=stays if moves else (),
        performer=opened.performer,
        prices=opened.prices,
        work=tuple(sorted(facts.work, key=lambda each: (each.start, each.entry, each.stamp.order))),
        corrections=_ordered(facts.corrections),
        type_changes=_ordered(facts.type_changes),
        terms_changes=_ordered(facts.terms_changes),
        cost_decisions=_ordered(facts.cost_decisions),
        appointments=_ordered(facts.appointments),
        done=_ordered(facts.done),
        handed_over=_ordered(facts.handed_over),
    )


def _done(stamp: FactStamp, event: events.Resolved | events.Closed | events.NoAnswerNeeded) -> list[TicketDone]:
    """A mark on a message says so where it takes a reopening back."""
    if isinstance(event, events.NoAnswerNeeded) and (event.reopening is None or event.state not in _DONE):
        return []
    return [TicketDone(stamp=stamp)]


def _add(facts: _TicketFacts, stamp: FactStamp, event: TicketChangeEvent) -> None:
    match event:
        case events.TimeLogged():
            logged = LoggedWork(
                stamp=stamp,
                entry=event.entry,
                start=event.start,
                minutes=event.minutes,
                activity=event.activity,
                appointment=event.appointment,
                performer=event.performer,
            )
            facts.work.append(logged)
        case events.TimeLogCorrected():
            facts.corrections.append(Correction(stamp=stamp, entry=event.entry, minutes=event.minutes))
        case events.TypeChanged():
            facts.type_changes.append(TypeChange(stamp=stamp, type=event.type))
        case events.TermsMigrated():
            facts.terms_changes.append(TermsChange(stamp=stamp, version=event.agreement_version))
        case events.CostApproved(approval=number, extra_minutes=extra):
            approved = CostDecision(stamp=stamp, number=number, approved=True, extra_minutes=extra)
            facts.cost_decisions.append(approved)
        case events.CostRejected(approval=number):
            facts.cost_decisions.append(CostDecision(stamp=stamp, number=number, approved=False))
        case relations.MergedInto() | relations.SplitOff():
            facts.handed_over.append(handed_over(stamp, event))
        case relations.DuplicateMerged(entries=carried) | relations.SplitFrom(entries=carried):
            facts.work += [taken_over(stamp, each) for each in carried]
        case events.Resolved() | events.Closed() | events.NoAnswerNeeded():
            facts.done += _done(stamp, event)
        case _:
            facts.appointments.append(_appointment(stamp, event))


def _appointment(stamp: FactStamp, event: AppointmentFactEvent) -> AppointmentFact:
    match event:
        case events.AppointmentBooked(appointment=number, start=start):
            return AppointmentFact(stamp=stamp, number=number, what="booked", start=start)
        case events.AppointmentCancelled(appointment=number, by=by, written=written):
            return AppointmentFact(stamp=stamp, number=number, what="cancelled", by=by, written=written)
        case events.AppointmentHeld(appointment=number):
            return AppointmentFact(stamp=stamp, number=number, what="held")
        case events.AppointmentMissed(appointment=number):
            return AppointmentFact(stamp=stamp, number=number, what="missed")
