"""What the billing service keeps: the recorded facts of each account, the terms they are rated under, and issued documents.

An account is a contract with its tickets, or a customer's tickets without one. What is owed is derived from its facts whenever it
is asked for: a pure function needs no stored copy that could disagree with it.
"""

from __future__ import annotations

from billing_service.read_model.documents import Document, DocumentFilter, Documents, IssuedLine, Ledger, LineFilter
from billing_service.read_model.queries import AccountRow, Published, ReadModel, TicketRow
from billing_service.read_model.run_book import NewRun, Outcome, Run, RunBook, RunItem
from billing_service.read_model.tables import following, metadata

__all__ = [
    "AccountRow",
    "Document",
    "DocumentFilter",
    "Documents",
    "IssuedLine",
    "Ledger",
    "LineFilter",
    "NewRun",
    "Outcome",
    "Published",
    "ReadModel",
    "Run",
    "RunBook",
    "RunItem",
    "TicketRow",
    "following",
    "metadata",
]
