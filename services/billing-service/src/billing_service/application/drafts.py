"""Drafts of documents: the frozen copy of an invoice or credit note, put together before it gets its number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from billing_service.application.statements import Rated
from billing_service.application.views import common_frame
from billing_service.domain.invoice import invoice
from billing_service.domain.invoice.invoice import DocumentOutcome
from billing_service.domain.statement.ledger import reversed_line
from billing_service.domain.statement.statement import ChargeLine, Tax, Totals
from billing_service.queries.accounts import PublishedTerms
from billing_service.queries.documents import IssuedDocument
from fristwerk_language.terms import zone


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a document would say, and whether it is one at all."""

    outcome: DocumentOutcome
    document: dict[str, Any]


def difference_draft(
    account: str,
    contract: str | None,
    rated: Sequence[Rated],
    *,
    until: date,
    occurred_at: datetime,
    buyer: Mapping[str, Any],
    published: Mapping[tuple[str, int], PublishedTerms],
    references: Mapping[str, str],
) -> Draft:
    """What the accounts' statements add to what was invoiced. Raises NotAcceptable where two currencies meet."""
    added = [(each.row.account, line) for each in rated for line in each.to_invoice]
    lines = [line for _, line in added]
    first = rated[0]
    currency, cash_rounding = common_frame([each.statement for each in rated])
    frame = msgspec.structs.replace(
        first.statement, account=account, until=until, currency=currency, cash_rounding=cash_rounding
    )
    seller = {"provider": first.row.provider, "name": first.agreement.title or first.agreement.agreement}
    body = invoice.document(
        frame, lines, parties={"seller": seller, "buyer": dict(buyer)}, terms=_terms(rated, lines, published)
    )
    invoiced_in = (each.ledger.numbers.get(line.charge, ()) for each in rated for line in each.to_invoice)
    document = body | {
        "contract": contract,
        "issued_on": _local_day(occurred_at, first.agreement.timezone),
        "timezone": first.agreement.timezone,
        "language": first.agreement.language,
        "reason": None,
        "refers_to": sorted({number for numbers in invoiced_in for number in numbers}),
        "lines": [
            line | {"account": owner, "reference": references.get(line["ticket"])}
            for line, (owner, _) in zip(body["lines"], added, strict=True)
        ],
    }
    return Draft(outcome=invoice.outcome(invoice.totals(frame, lines)), document=document)


def reversal_draft(original: IssuedDocument, *, reason: str, occurred_at: datetime) -> dict[str, Any]:
    """The credit note that takes a whole invoice back: every line and sum with its sign turned."""
    issued = original.event.document
    lines = [
        msgspec.to_builtins(reversed_line(line)) | {name: stored[name] for name in ("account", "reference")}
        for line, stored in zip(invoice.lines_of(issued), issued["lines"], strict=True)
    ]
    return issued | {
        "corrects": original.number,
        "refers_to": [original.number],
        "reason": reason,
        "issued_on": _local_day(occurred_at, issued["timezone"]),
        "lines": lines,
        "totals": msgspec.to_builtins(_negative(msgspec.convert(issued["totals"], Totals))),
    }


def _terms(
    rated: Sequence[Rated], lines: Sequence[ChargeLine], published: Mapping[tuple[str, int], PublishedTerms]
) -> list[dict[str, Any]]:
    """Each version of an agreement that the accounts or the lines rest on."""
    used = {key for each in rated for key in invoice.terms_used(each.statement, lines)}
    return [
        {"agreement": name, "version": version, "digest": published[name, version].digest}
        for name, version in sorted(used)
    ]


def _local_day(instant: datetime, timezone: str) -> str:
    return instant.astimezone(zone(timezone)).date().isoformat()


def _negative(totals: Totals) -> Totals:
    taxes = tuple(
        Tax(percent=each.percent, category=each.category, net=-each.net, vat=-each.vat) for each in totals.taxes
    )
    return Totals(net=-totals.net, taxes=taxes, vat=-totals.vat, gross=-totals.gross, payable=-totals.payable)
