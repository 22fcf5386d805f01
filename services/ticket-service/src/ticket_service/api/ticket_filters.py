"""Which tickets a list has and in which order, as its caller asks: the same for every list of tickets."""

from __future__ import annotations

import re
from typing import Annotated, Final, get_args

from pydantic import Field

from fristwerk_platform.auth import Principal
from fristwerk_platform.http import own_only
from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import NOT_KEPT, Page
from ticket_service.application.ticket_lists import OF_OPEN, ListOrder, ListQuestion
from ticket_service.domain.ticket.state import TicketState
from ticket_service.domain.ticket.visibility import TICKET_SHOWS
from ticket_service.queries.search import MOST_TERMS, Search, search_for
from ticket_service.queries.ticket_filters import FILTERS, WantedTickets

VENDORS: Final[frozenset[ListOrder]] = frozenset({"worklist", "updated"})
"""The orders that would tell a customer what else the vendor does."""
CURSORS: Final = {
    order: re.compile(rf"(-?[0-9]{{1,18}}\.){{{numbers}}}[\w-]{{1,40}}", re.ASCII)
    for order, numbers in (("received", 1), ("severity", 2), ("deadline", 1))
} | {"updated": re.compile(r"[0-9]{1,18}", re.ASCII)}
"""What cursors look like; of the others a ticket's id is one."""
_STATES: Final = "|".join(get_args(TicketState))
Several = Annotated[
    str | None,
    Field(pattern=r"^[^,]{1,64}(,[^,]{1,64}){0,49}$", description="One value, or several separated by commas"),
]
SeveralStates = Annotated[
    str | None,
    Field(pattern=f"^({_STATES})(,({_STATES})){{0,49}}$", description="One state, or several separated by commas"),
]


class TicketFilters(Page):
    """Which tickets; a customer sees the own company's, may name no other, and lists by what it sees of them."""

    state: SeveralStates = None
    customer: Several = None
    contract: Several = None
    severity: Several = None
    unclassified: bool = Field(False, description="Only tickets that have no severity yet; not with `severity`")
    type: Several = None
    group: Several = None
    assignee: Several = None
    channel: Several = None
    agreement: Several = None
    department: Several = None
    level: Several = None
    site: Several = None
    opened_by: Annotated[Several, Field(description="Who of the customer's people opened it, one or several")] = None
    q: Annotated[
        str | None,
        NOT_KEPT,
        Field(
            min_length=2,
            max_length=200,
            description="Words, each of which must be found: how a reference or a word of a company's name begins, a whole word"
            " of a person's name or of a subject; case and accents do not count",
        ),
    ] = None
    language: Annotated[Several, Field(description="The customer's language, one or several")] = None

    def wanted(self, principal: Principal, changed_after: int = 0) -> WantedTickets:
        """The filter for this caller. Raises Problem 403 and 422."""
        own = own_only(principal, self.customer, "customer")
        named = self.model_fields_set
        given: dict[str, tuple[str, ...]] = {
            name: tuple(getattr(self, name).split(",")) for name in FILTERS if name in named
        }
        if principal.role == "customer" and (hidden := [name for name in given if name not in TICKET_SHOWS]):
            raise Problem(403, f"A customer does not see {', '.join(hidden)} of a ticket, and lists none by it.")
        values: dict[str, tuple[str | None, ...]] = {**given}
        if own is not None:
            values["customer"] = tuple(own.split(","))
        if self.unclassified:
            if "severity" in values:
                raise wrong("unclassified", "does not go with `severity`")
            values["severity"] = (None,)
        search = None if self.q is None else _search(principal, self.q)
        languages = () if self.language is None else tuple(self.language.split(","))
        return WantedTickets(values=values, languages=languages, search=search, changed_after=changed_after)


class WorklistQuery(TicketFilters):
    """Which tickets, and whether their places are explained."""

    explain: bool = Field(
        False,
        description="Also answer `places`: where each ticket stands and why, how old it is, and how often it was passed over",
    )


class ListedTickets(TicketFilters):
    """Which tickets, in which order."""

    sort: Annotated[
        ListOrder | None,
        Field(
            description="All tickets: `opened`, in the order of creation; `received`, what was received first first;"
            " `updated`, what changed last first (the default with `changed_after`). Open ones: `worklist`, as they are to"
            " be done; `severity`, by its place on the agreement's scale; `deadline`, by the next one, those without one"
            " last. A customer has `opened`, `received`, `severity` and `deadline`"
        ),
    ] = None
    changed_after: Annotated[
        int | None,
        Field(ge=0, le=2**63 - 1, description="Only what has changed after this position, as an earlier answer had it"),
    ] = None
    total: bool = Field(False, description="Also count the tickets of all pages, up to 10,000")

    def question(self, principal: Principal, default: ListOrder) -> ListQuestion:
        """What this caller asks; the ``default`` order is staff's. Raises Problem 403 and 422."""
        order = self.sort or (default if self.changed_after is None else "updated")
        if principal.role == "customer":
            order = self.sort or "opened"
            if order in VENDORS or self.changed_after is not None:
                raise Problem(403, "A customer does not list tickets by what the vendor does with them.")
        if order in OF_OPEN and self.changed_after is not None:
            raise wrong("changed_after", "goes with the orders `opened`, `received` and `updated`")
        if order in CURSORS and self.after and not CURSORS[order].fullmatch(self.after):
            raise wrong("after", "is no cursor of this list; take it from the Link header")
        return ListQuestion(
            wanted=self.wanted(principal, self.changed_after or 0),
            order=order,
            after=self.after,
            limit=self.limit,
            counted=self.total,
        )


def _search(principal: Principal, text: str) -> Search:
    if principal.role == "auditor":
        raise Problem(
            403, "What an auditor asks is recorded for good, so no words may be in it: `q` is for the others."
        )
    if (found := search_for(text, principal.belongs_to)) is None:
        raise wrong("q", f"must have one to {MOST_TERMS} words of two letters or digits at least")
    return found


def wrong(parameter: str, sentence: str) -> Problem:
    """A parameter of the query that does not fit the others."""
    detail = f"`{parameter}` {sentence}."
    return Problem(422, detail, code="invalid-request", errors=[(f"#query/{parameter}", sentence)])
