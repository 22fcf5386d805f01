"""What hangs on forgetting a person and on ending a contract.

Only what this service's own log says is known here. Whether logged work was invoiced is billing's knowledge, so all of it is
named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from fristwerk_language.terms import AgreementDocument
from ticket_service.domain.confirmation import Consequence
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.retention import Retention
from ticket_service.domain.ticket.state import Ticket
from ticket_service.domain.ticket.unsettled import held_minutes

NAMED = 10
"""So many tickets are named in a sentence; of more, how many they are."""


def of_forgetting(
    customer: Customer,
    tickets: Sequence[Ticket],
    contracts: Sequence[Contract],
    today: date,
    kept: Retention | None,
) -> list[Consequence]:
    """What hangs on a person's name: of a company only the contact is forgotten, so nothing does.

    ``kept`` is how long the recipient of the person's invoices is kept all the same.
    """
    if customer.kind == "company":
        return []
    found: list[Consequence] = []
    if pending := [each for each in tickets if each.state not in {"resolved", "closed"}]:
        found.append(Consequence("open_tickets", f"{_named(pending)} open, and nobody could be answered any more"))
    if running := [each for each in contracts if each.until_on is None or each.until_on >= today]:
        named = ", ".join(each.id for each in running)
        sentence = f"in force: contract {named}, and it goes on, to be invoiced to whom nobody can reach any more"
        found.append(Consequence("contracts", sentence))
    return found if kept is None else found + _logged(tickets, _kept(kept))  # without work nothing is kept


def of_termination(tickets: Sequence[tuple[Ticket, AgreementDocument]]) -> list[Consequence]:
    """What a contract that ends leaves to be invoiced or decided; each ticket with the agreement that it is under."""
    found: list[Consequence] = []
    if undecided := [
        each for each, _ in tickets if any(approval.state == "requested" for approval in each.cost_approvals)
    ]:
        found.append(Consequence("undecided_approvals", f"the costs of {_named(undecided)} undecided by the customer"))
    if held := [each for each, agreement in tickets if held_minutes(each, agreement) > 0]:
        minutes = sum(max(0, held_minutes(each, agreement)) for each, agreement in tickets)
        found.append(
            Consequence("held_minutes", f"{minutes} minutes of {_named(held)} held until the costs are approved")
        )
    return found + _logged(
        [each for each, _ in tickets], "invoice it, and decide on its charges, before or after the end"
    )


def _kept(kept: Retention) -> str:
    clause = f"{kept.term.country}: {kept.term.years} years, {kept.term.source}"
    return f"the recipient is kept for invoices alone, up to {kept.until} or longer ({clause})"


def _logged(tickets: Iterable[Ticket], then: str) -> list[Consequence]:
    worked = [each for each in tickets if _minutes(each)]
    if not worked:
        return []
    minutes = sum(_minutes(each) for each in worked)
    return [Consequence("logged_work", f"{minutes} minutes were logged: {_named(worked)} concerned; {then}")]


def _minutes(ticket: Ticket) -> int:
    return sum(each.minutes for each in ticket.time_entries.values())


def _named(tickets: Sequence[Ticket]) -> str:
    names = ", ".join(each.reference for each in tickets[:NAMED])
    more = f" and {len(tickets) - NAMED} more" if len(tickets) > NAMED else ""
    return f"{names}{more} {'is' if len(tickets) == 1 else 'are'}"
