"""Traces: from a line back to events, clauses and arithmetic, as data and as sentences."""

from __future__ import annotations

from typing import Any

import msgspec

from billing_service.application.invoices import Invoices
from billing_service.application.reasons import Reasons
from billing_service.application.statements import Statements, foreign
from billing_service.application.visibility import line_seen_by
from billing_service.domain.errors import NotFound
from billing_service.domain.explanation.messages import sentences
from billing_service.domain.explanation.trace import trace
from billing_service.domain.invoice.views import public_charge, shown
from billing_service.domain.statement.charge_line import ChargeLine, Waived
from billing_service.queries.accounts import AccountQueries
from fristwerk_language.terms import canonical
from fristwerk_platform.auth import Principal


class Traces:
    """Explains lines of documents, and charges that are not invoiced yet."""

    def __init__(
        self, read_model: AccountQueries, statements: Statements, invoices: Invoices, reasons: Reasons
    ) -> None:
        self._read_model = read_model
        self._statements = statements
        self._invoices = invoices
        self._reasons = reasons

    async def of_line(self, principal: Principal, number: int, place: int, language: str | None) -> dict[str, Any]:
        """How a line of a document came about; in the document's language unless another is named.
        Raises NotFound.
        """
        document = await self._invoices.document(principal, number)
        line = await self._invoices.line(principal, number, place)
        spoken = _spoken(language, document.document.language)
        explained = await self._explained(
            principal.provider, line.line.account, line_seen_by(principal, line.line), spoken
        )
        return {"invoice": number, "n": place} | explained

    async def of_charge(self, principal: Principal, public_id: str, language: str | None) -> list[dict[str, Any]]:
        """How each line of a charge came about, as rated now. Raises NotFound."""
        account, _, charge = public_id.partition(":")
        row = await self._read_model.account(principal.provider, account)
        if row is not None and not foreign(principal, row.customer):
            rated = await self._statements.rated(row)
            lines = () if rated is None else (*rated.statement.proposed, *rated.statement.lines)
            spoken = _spoken(language, "" if rated is None else rated.agreement.language)
            found = [line for line in lines if line.charge == charge]
            if found:
                seen = [line_seen_by(principal, line) for line in found]
                return [await self._explained(row.provider, row.account, line, spoken) for line in seen]
        raise NotFound("charge-not-found", f"There is no charge {public_id}.")

    async def _explained(self, provider: str, account: str, line: ChargeLine, language: str) -> dict[str, Any]:
        line = await self._with_reason(provider, line)
        explained = trace(line)
        return {
            "line": shown(account, line),
            "charge": public_charge(account, line.charge),
            "steps": explained.steps,
            "sentences": sentences(explained.steps, language),
            "language": language,
            "events": await self._events(line),
            "clauses": await self._clauses(provider, line),
        }

    async def _with_reason(self, provider: str, line: ChargeLine) -> ChargeLine:
        """The line with the reason of a waiver opened, as its sentences are made of it."""
        basis = line.basis
        if not isinstance(basis, Waived) or basis.reason is None:
            return line
        reasons = await self._reasons.opened(provider, [basis.reason])
        return msgspec.structs.replace(line, basis=msgspec.structs.replace(basis, reason=reasons[basis.reason]))

    async def _events(self, line: ChargeLine) -> list[dict[str, Any]]:
        """The stream, version and times of each source event."""
        return [
            {
                "id": each.envelope.id,
                "type": each.envelope.type,
                "stream": each.envelope.stream,
                "version": each.envelope.version,
                "occurred_at": each.envelope.occurred_at,
                "recorded_at": each.envelope.recorded_at,
            }
            for each in await self._read_model.events(line.sources)
        ]

    async def _clauses(self, provider: str, line: ChargeLine) -> list[dict[str, Any]]:
        """What each clause says, in the version that the line was rated under."""
        published = (await self._read_model.agreements(provider))[line.agreement, line.agreement_version]
        document = canonical(published.document)
        return [
            {
                "agreement": line.agreement,
                "version": line.agreement_version,
                "digest": published.digest,
                "pointer": pointer,
                "says": _at(document, pointer),
            }
            for pointer in line.clauses
        ]


def _spoken(wanted: str | None, own: str) -> str:
    """The agreement's own language, with its country's way of writing figures, unless another one
    is wanted.
    """
    return own if wanted is None or own.startswith(wanted) else wanted


def _at(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901)."""
    value = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return msgspec.to_builtins(value)
