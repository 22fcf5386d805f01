"""What if: an account's bill under other terms, side by side with the real one; nothing is stored."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from billing_service.application.statements import Statements
from billing_service.domain.errors import NotAcceptable
from billing_service.domain.facts.account_row import AccountRow
from billing_service.domain.invoice.invoice import difference
from billing_service.domain.invoice.rated import Cutoff, Rated
from billing_service.domain.invoice.views import preview, shown
from billing_service.domain.statement.statement import Statement
from billing_service.queries.accounts import AccountQueries
from fristwerk_language.terms import AgreementDocument, TermsError, agreement_document

_NAMED: Final = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.\-]{0,63})(@(?P<version>[0-9]{1,6}))?")
_SUMS: Final = ("net", "vat", "gross", "payable")


class WhatIf:
    """Rates the same facts twice."""

    def __init__(self, read_model: AccountQueries, statements: Statements) -> None:
        self._read_model = read_model
        self._statements = statements

    async def compared(self, row: AccountRow, until: date | None, agreement: str | dict[str, Any]) -> dict[str, Any]:
        """The preview ``now``, the preview ``then``, and what then differs.

        The agreement is a document, or the ``name`` or ``name@version`` of a published one; it
        takes the place of every version of the account's own. Raises NotAcceptable for one that is
        neither.
        """
        instead = await self._document(row.provider, agreement)
        moment = Cutoff(until=until)
        now = await self._statements.rated(row, moment)
        then = await self._statements.rated(row, moment, instead=instead)
        assert now is not None, "a contract has terms"
        assert then is not None, "a contract has terms"
        return {
            "until": now.statement.until,
            "now": preview([now]),
            "then": preview([then]),
            "difference": _difference(now.statement, then.statement),
            "lines": _changed(now, then),
        }

    async def _document(self, provider: str, agreement: str | dict[str, Any]) -> AgreementDocument:
        if isinstance(agreement, dict):
            try:
                return agreement_document(agreement)
            except TermsError as error:
                places = [(f"/agreement{pointer}", sentence) for pointer, sentence in error.errors]
                raise NotAcceptable("terms-refused", f"The agreement is no terms document: {error}.", places) from error
        found = _NAMED.fullmatch(agreement)
        published = await self._read_model.agreements(provider)
        versions = [] if found is None else [version for name, version in published if name == found["name"]]
        if found is None or not versions or (found["version"] and int(found["version"]) not in versions):
            sentence = f"there is no published agreement {agreement!r}"
            raise NotAcceptable(
                "agreement-unknown", f"Nothing can be compared: {sentence}.", [("/agreement", sentence)]
            )
        version = int(found["version"]) if found["version"] else max(versions)
        return published[found["name"], version].document


def _difference(now: Statement, then: Statement) -> dict[str, Any] | None:
    """Then less now; None if the currencies differ."""
    if now.currency != then.currency:
        return None
    return {name: getattr(then, name) - getattr(now, name) for name in _SUMS}


def _changed(now: Rated, then: Rated) -> list[dict[str, Any]]:
    """What an invoice under the other terms would add to one under the real ones."""
    if now.statement.currency != then.statement.currency:
        return []
    return [shown(now.row.account, line) for line in difference(then.statement.lines, now.statement.lines)]
