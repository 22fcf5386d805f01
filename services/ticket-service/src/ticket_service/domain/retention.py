"""Whether the recipient of a person's invoices outlives the person's forgetting, and until when.

What was invoiced is billing's knowledge: it says so when it issues a document (``invoiced_until``).
What is still to be invoiced can only be supposed here, from work, appointments and contracts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import msgspec

from fristwerk_language.terms import AgreementDocument
from fristwerk_language.terms.retention import RetentionTerm
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.ticket.state import Ticket


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """The recipient is kept up to and including ``until``, as the term says."""

    until: date
    term: RetentionTerm


def vat_countries(agreements: Iterable[AgreementDocument]) -> set[str]:
    """Whose tax the invoices under these agreements state, at any of their sites."""
    return {each for agreement in agreements for each in _countries(agreement)}


def retention_of(
    customer: Customer,
    tickets: Sequence[Ticket],
    contracts: Sequence[Contract],
    term: RetentionTerm,
    *,
    today: date,
    invoiced_until: date | None,
) -> Retention | None:
    """How long the recipient outlives a forgetting of ``today``; None where there is nothing to
    keep: a company's name is not personal, and who never had a contract, work or an appointment has
    no invoice.

    What may still be invoiced is counted as if it were invoiced today: issuing it later extends the
    term.
    """
    if customer.kind == "company":
        return None
    chargeable = contracts or any(each.time_entries or each.appointments for each in tickets)
    until = max(filter(None, [term.ends_on(today) if chargeable else None, invoiced_until]), default=None)
    return None if until is None else Retention(until=until, term=term)


def _countries(agreement: AgreementDocument) -> Iterator[str]:
    for vat in (agreement.billing.vat, *(site.vat for site in agreement.sites)):
        if vat is not None:
            yield vat.country
