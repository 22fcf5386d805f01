"""The filters of every list of tickets, as conditions of the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, or_, select

from ticket_service.projections.tables import customers, tickets
from ticket_service.queries.search import Digest, Search, search_conditions

FILTERS: Final = (
    "state",
    "customer",
    "contract",
    "severity",
    "type",
    "group",
    "assignee",
    "channel",
    "agreement",
    "department",
    "level",
    "site",
    "opened_by",
)
"""The columns of a ticket by which lists are filtered."""
INDEXED: Final = ("assignee", "opened_by", "contract", "customer", "group", "department", "severity", "state")
"""Those with an index in the order of creation, what few tickets share first."""


class WantedTickets(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets: of each column named one of the values (None: where it has none), of customers
    with one of the languages, found by a search, and only what has changed after a position of the log.
    """

    values: Mapping[str, Collection[str | None]] = {}
    languages: Collection[str] = ()
    changed_after: int = 0
    search: Search | None = None

    @property
    def needs_database(self) -> bool:
        """Whether what is kept of tickets in memory does not say which they are."""
        return bool(self.languages) or self.search is not None


def conditions(provider: str, wanted: WantedTickets, digest: Digest) -> list[ColumnElement[bool]]:
    """What holds for a provider's wanted tickets."""
    found = [tickets.c.provider == provider]
    found += [_has_one_of(tickets.c[name], values) for name, values in wanted.values.items()]
    if wanted.languages:
        speaking = select(customers.c.customer).where(
            customers.c.provider == provider, _has_one_of(customers.c.language, wanted.languages)
        )
        found.append(tickets.c.customer.in_(speaking))
    if wanted.search is not None:
        found += search_conditions(provider, wanted.search, digest)
    if wanted.changed_after:
        found.append(tickets.c.position > wanted.changed_after)
    return found


def divided(wanted: WantedTickets) -> list[WantedTickets]:
    """The filter in parts, each of which reads its tickets in order from an index, where as a whole it does not."""
    named = next((each for each in INDEXED if each in wanted.values), None)
    if named is None:
        return [wanted]
    return [
        msgspec.structs.replace(wanted, values={**wanted.values, named: (value,)})
        for value in dict.fromkeys(wanted.values[named])
    ]


def _has_one_of(column: ColumnElement[str], values: Collection[str | None]) -> ColumnElement[bool]:
    given = [each for each in values if each is not None]
    one = column == given[0] if len(given) == 1 else column.in_(given)
    if None not in values:
        return one
    return or_(one, column.is_(None)) if given else column.is_(None)
