"""Reading: from recorded events to the facts of one account, the same however the events arrived, each event once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

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
    FactStamp,
    LoggedWork,
    Purchase,
    Stamped,
    Termination,
    TermsChange,
    TicketDone,
    TypeChange,
)
from fristwerk_language.events import Recorded, billing, customers
from fristwerk_language.events import tickets as events
from fristwerk_language.events.streams import TICKET

Fact = TypeVar("Fact", bound=Stamped)


def account(account_id: str, recorded: Iterable[Recorded]) -> Account:
    """The account of a contract or customer out of recorded events; events of other accounts are left aside.

    Events may come in any order and repeatedly: an event counts once, by its envelope's id. Work on tickets whose
    contract is null belongs to the customer's account.
    """
    streams: defaultdict[str, dict[str, Recorded]] = defaultdict(dict)
    for each in recorded:
        streams[each.envelope.stream].setdefault(each.envelope.id, each)
    contracts: list[Recorded] = []
    registrations: list[Recorded] = []
    decisions: list[ChargeDecision] = []
    tickets: list[BilledTicket] = []
    for stream, by_id in streams.items():
        ordered = sorted(by_id.values(), key=lambda one: one.envelope.version)
        if TICKET.includes(stream):
            tickets += [found] if (found := _ticket(account_id, stream, ordered)) else []
            continue
        for one in ordered:
            match one.event:
                case customers.CustomerRegistered():
                    registrations.append(one)
                case billing.ChargeDecided() as event:
                    decisions.append(_decision(one, event))
                case _ if getattr(one.event, "contract", None) == account_id:
                    contracts.append(one)
                case _:
                    pass
    contract, owner = _contract(contracts)
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
    )


def _customer(customer_id: str, registrations: Sequence[Recorded]) -> BilledCustomer | None:
    for one in registrations:
        match one.event:
            case customers.CustomerRegistered(customer=found) as event if found == customer_id:
                return BilledCustomer(stamp=_stamp(one), kind=event.kind, country=event.country, vat_id=event.vat_id)
    return None


def _contract(recorded: Sequence[Recorded]) -> tuple[BilledContract | None, str | None]:
    """The contract of a stream's events and the customer who signed it."""
    signed: customers.ContractSigned | None = None
    stamp: FactStamp | None = None
    facts: defaultdict[str, list[Any]] = defaultdict(list)
    for one in recorded:
        match one.event:
            case customers.ContractSigned() as event:
                signed, stamp = event, _stamp(one)
                facts["bookings"] += [
                    Booking(stamp=stamp, addon=each.addon, from_on=each.from_on, until_on=each.until_on)
                    for each in event.addons
                ]
            case customers.ContractTerminated() as event:
                facts["terminations"].append(Termination(stamp=_stamp(one), until_on=event.until_on))
            case customers.PackagePurchased() as event:
                facts["purchases"].append(
                    Purchase(stamp=_stamp(one), package=event.package, hours=event.hours, from_on=event.from_on)
                )
            case customers.AddonBooked() as event:
                facts["bookings"].append(Booking(stamp=_stamp(one), addon=event.addon, from_on=event.from_on))
            case customers.AddonEnded() as event:
                facts["booking_ends"].append(BookingEnd(stamp=_stamp(one), addon=event.addon, until_on=event.until_on))
            case _:
                pass
    if signed is None or stamp is None:
        return None, None
    contract = BilledContract(
        id=signed.contract,
        stamp=stamp,
        agreement=signed.agreement,
        agreement_version=signed.agreement_version,
        plan=signed.plan,
        package_hours=signed.package_hours,
        from_on=signed.from_on,
        until_on=signed.until_on,
        **{name: _ordered(each) for name, each in facts.items()},
    )
    return contract, signed.customer


def _ticket(account_id: str, stream: str, recorded: Sequence[Recorded]) -> BilledTicket | None:
    """The ticket of a stream's events; null if it is another account's, or its creation is not among them."""
    created = next((one for one in recorded if isinstance(one.event, events.TicketCreated)), None)
    if created is None:
        return None
    event = created.event
    assert isinstance(event, events.TicketCreated), "found by that"
    if account_id != (event.contract or event.customer):
        return None
    facts: defaultdict[str, list[Any]] = defaultdict(list)
    for one in recorded:
        if (found := _ticket_fact(_stamp(one), one.event)) is not None:
            facts[found[0]].append(found[1])
    work = sorted(facts.pop("work", []), key=lambda each: (each.start, each.entry, each.stamp.order))
    return BilledTicket(
        id=TICKET.subject(stream),
        stamp=_stamp(created),
        plan=event.plan,
        group=event.group,
        entitled_by=event.entitled_by,
        agreement=event.agreement,
        agreement_version=event.agreement_version,
        type=event.type,
        work=tuple(work),
        **{name: _ordered(each) for name, each in facts.items()},
    )


def _ticket_fact(stamp: FactStamp, event: msgspec.Struct) -> tuple[str, Any] | None:  # noqa: PLR0911 - one for each event
    """The fact of an event of a ticket, and the kind it is listed under; null for what costs nothing."""
    match event:
        case events.TimeLogged():
            return "work", LoggedWork(
                stamp=stamp,
                entry=event.entry,
                start=event.start,
                minutes=event.minutes,
                activity=event.activity,
                appointment=event.appointment,
            )
        case events.TimeLogCorrected():
            return "corrections", Correction(stamp=stamp, entry=event.entry, minutes=event.minutes)
        case events.TypeChanged():
            return "type_changes", TypeChange(stamp=stamp, type=event.type)
        case events.TermsMigrated():
            return "terms_changes", TermsChange(stamp=stamp, version=event.agreement_version)
        case events.CostApproved(approval=number, extra_minutes=extra):
            return "cost_decisions", CostDecision(stamp=stamp, number=number, approved=True, extra_minutes=extra)
        case events.CostRejected(approval=number):
            return "cost_decisions", CostDecision(stamp=stamp, number=number, approved=False)
        case events.Resolved() | events.Closed():
            return "done", TicketDone(stamp=stamp)
        case _:
            step = _appointment_step(stamp, event)
            return None if step is None else ("appointments", step)


def _appointment_step(stamp: FactStamp, event: msgspec.Struct) -> AppointmentFact | None:
    match event:
        case events.AppointmentBooked(appointment=number, start=start):
            return AppointmentFact(stamp=stamp, number=number, what="booked", start=start)
        case events.AppointmentCancelled(appointment=number, by=by, written=written):
            return AppointmentFact(stamp=stamp, number=number, what="cancelled", by=by, written=written)
        case events.AppointmentHeld(appointment=number):
            return AppointmentFact(stamp=stamp, number=number, what="held")
        case events.AppointmentMissed(appointment=number):
            return AppointmentFact(stamp=stamp, number=number, what="missed")
        case _:
            return None
