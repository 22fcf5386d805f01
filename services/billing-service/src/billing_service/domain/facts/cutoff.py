"""Which facts of an account count: up to a local day, and as far as they were known at an instant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from billing_service.domain.facts.account import (
    Account,
    BilledContract,
    BilledTicket,
    Correction,
    Fact,
    LoggedWork,
    Stay,
)

_CUT_BY_OCCURRENCE: Final = ("corrections", "type_changes", "terms_changes", "cost_decisions", "appointments", "done")


def up_to(whole: Account, known_at: datetime | None, end_of: Callable[[BilledTicket], datetime]) -> Account:
    """The facts that count: what occurred before ``end_of`` the ticket, and of everything what was
    recorded by ``known_at``. What a ticket handed over counts with the other one, and a
    ticket that was moved with the account it was moved to, whenever that was.

    Contracts, packages, add-ons and decisions are not cut by when they occurred: they count by
    their own dates.
    """

    def counted(opened: BilledTicket) -> BilledTicket | None:
        ticket = _where_it_is(opened, whole.id, known_at) if opened.stays else opened
        if ticket is None:
            return None
        end = end_of(ticket)
        gone = _known(ticket.handed_over, known_at)
        work = tuple(
            each
            for each in _known(ticket.work, known_at)
            if each.start < end and not (gone and any(hand.has(each) for hand in gone))
        )
        others = {
            name: tuple(each for each in _known(facts, known_at) if each.stamp.occurred_at < end)
            for name in _CUT_BY_OCCURRENCE
            if (facts := getattr(ticket, name))
        }
        if gone:
            others["corrections"] = _of_entries(work, others.get("corrections", ()))
        return msgspec.structs.replace(ticket, work=work, **others)

    signed = _known([whole.contract] if whole.contract else [], known_at)
    return Account(
        id=whole.id,
        contract=_known_contract(signed[0], known_at) if signed else None,
        customer=whole.customer,
        tickets=tuple(found for each in _known(whole.tickets, known_at) if (found := counted(each)) is not None),
        decisions=tuple(_known(whole.decisions, known_at)),
    )


def _where_it_is(ticket: BilledTicket, account: str, known_at: datetime | None) -> BilledTicket | None:
    """A moved ticket by what it is billed by in the account; None where it is in another one. What
    changed its type or terms before counts no more.
    """
    last = _known(ticket.stays, known_at)[-1]
    if last.account != account:
        return None
    return msgspec.structs.replace(
        ticket,
        plan=last.plan,
        group=last.group,
        entitled_by=last.entitled_by,
        agreement=last.agreement,
        agreement_version=last.agreement_version,
        type=last.type,
        site=last.site,
        type_changes=_since(last, ticket.type_changes),
        terms_changes=_since(last, ticket.terms_changes),
    )


def _since(stay: Stay, changes: Sequence[Fact]) -> tuple[Fact, ...]:
    return tuple(each for each in changes if each.stamp.version > stay.stamp.version)


def _of_entries(work: Sequence[LoggedWork], corrections: Iterable[Correction]) -> tuple[Correction, ...]:
    """The corrections of these entries; what was corrected before an entry came back is in its minutes."""
    since = {each.entry: each.stamp.version for each in work}
    return tuple(each for each in corrections if since.get(each.entry, each.stamp.version) < each.stamp.version)


def _known_contract(contract: BilledContract, known_at: datetime | None) -> BilledContract:
    return msgspec.structs.replace(
        contract,
        **{
            name: tuple(_known(getattr(contract, name), known_at))
            for name in ("terminations", "purchases", "bookings", "booking_ends")
        },
    )


def _known(facts: Sequence[Fact], known_at: datetime | None) -> Sequence[Fact]:
    return facts if known_at is None else [each for each in facts if each.stamp.recorded_at <= known_at]
