"""Rows of lists: a ticket with its subject, its customer's name and its next deadline, for one request.

What is sealed is opened for each list anew: what was forgotten meanwhile is not shown.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from fristwerk_language.events import streams
from fristwerk_platform.auth import Principal
from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.application.deadlines import DeadlineIs, Deadlines, Freshness, ShownDeadline
from ticket_service.application.states import States
from ticket_service.application.subjects import subjects_of
from ticket_service.application.worklist import Worklist
from ticket_service.domain.ticket.state import Ticket, TicketState
from ticket_service.domain.ticket.visibility import TICKET_SHOWS
from ticket_service.personal_data import PersonalData, Sealed, subject_of
from ticket_service.queries.read_model import CustomerRow, TicketRow
from ticket_service.queries.rows import RowReads

KEPT_ROWS: Final = 5_000
UNSET: Final = msgspec.UNSET
MOST_COUNTED: Final = 10_000
"""So many rows are counted at most."""
RowOrder = Literal["worklist", "opened", "updated"]


class RowQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows, in which order; ``wanted`` are, by column, the values of which one is meant.

    ``after`` is a ticket's id or, in the order of the last change, the position of that change. Only
    what has changed after the position ``changed_after``; in the worklist's order all.
    """

    wanted: Mapping[str, Collection[str]]
    order: RowOrder
    after: str = ""
    changed_after: int = 0
    limit: int
    counted: bool = False


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows there are on all pages, or that there are more than are counted."""

    count: int
    more: bool


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer rests on besides the time: while it is the same, so is the answer."""

    position: int
    deadlines: int
    state: str


class TicketColumns(msgspec.Struct, frozen=True, kw_only=True):
    """What a row says of the ticket itself; a customer is not shown all of it."""

    id: str
    reference: str
    version: int
    customer: str
    contract: str | None
    agreement: str
    state: TicketState
    type: str
    severity: str | None
    channel: str
    site: str | None
    received_at: datetime
    priority: int | msgspec.UnsetType = UNSET
    group: str | msgspec.UnsetType | None = UNSET
    assignee: str | msgspec.UnsetType | None = UNSET
    department: str | msgspec.UnsetType | None = UNSET
    level: str | msgspec.UnsetType | None = UNSET
    last_activity_at: datetime | msgspec.UnsetType = UNSET


class Row(TicketColumns, frozen=True, kw_only=True):
    """A ticket as lists show it. ``subject`` and ``customer_name`` are null where nothing was said, or
    the person was forgotten. ``deadline_is`` says whether the deadline rests on all that the row shows.
    """

    subject: str | None
    customer_name: str | None
    next_deadline: ShownDeadline | None
    deadline_is: DeadlineIs


class RowPage(msgspec.Struct, frozen=True, kw_only=True):
    """Rows as of one position of the log, and how fresh their deadlines are; ``total`` where it was asked for."""

    items: list[Row]
    total: Total | msgspec.UnsetType = UNSET
    as_of: datetime
    deadlines: Freshness
    position: int | msgspec.UnsetType = UNSET


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What rows of a ticket are made of until it changes; ``moved`` is the ticket where it was moved."""

    position: int
    columns: dict[str, Any]
    sealed: Sealed | None
    moved: Ticket | None


class RowLists:
    """Lists of rows."""

    def __init__(
        self,
        current: ConsistentReads,
        reads: RowReads,
        worklist: Worklist,
        states: States,
        personal: PersonalData,
        deadlines: Deadlines,
    ) -> None:
        self._current = current
        self._reads = reads
        self._worklist = worklist
        self._states = states
        self._personal = personal
        self._deadlines = deadlines
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._customers: dict[str, CustomerRow] = {}
        self._customers_at = -1

    async def standing(self) -> Standing:
        """What answers rest on now, once everything recorded so far is shown."""
        await self._deadlines.asked_for()
        await self._current()
        return self._standing(self._current.position)

    def _standing(self, position: int) -> Standing:
        state = self._deadlines.freshness(position).state
        return Standing(position=position, deadlines=self._deadlines.position, state=state)

    async def page(
        self, principal: Principal, now: datetime, asked: RowQuestion
    ) -> tuple[RowPage, str | None, Standing]:
        """A page, the cursor of the next one if there is more, and what the page rests on.

        Raises what ``Worklist.places`` raises.
        """
        await self._deadlines.asked_for()
        await self._current()
        position = self._current.position
        total = await self._total(principal.provider, now, asked) if asked.counted else UNSET
        found = await self._found(principal.provider, now, asked)
        known = found[: asked.limit]
        items = await self._rows(principal, known, position, now)
        freshness, standing = self._deadlines.freshness(position), self._standing(position)
        while len(self._known) > KEPT_ROWS:
            self._known.popitem(last=False)
        cursor = None
        if len(found) > asked.limit:
            cursor = str(known[-1].position) if asked.order == "updated" else items[-1].id
        page = RowPage(items=items, as_of=now, deadlines=freshness, position=position, total=total)
        return (page if principal.role != "customer" else _without_positions(page)), cursor, standing

    async def _found(self, provider: str, now: datetime, asked: RowQuestion) -> list[_Known]:
        if asked.order == "worklist":
            places = await self._worklist.places(
                provider, now, after=asked.after or None, limit=asked.limit + 1, wanted=asked.wanted
            )
            missing = [each.id for each in places if not self._has(each.id, each.position)]
            if missing:
                await self._keep((await self._current.so_far.tickets_with(missing)).values())
            return [self._known[each.id] for each in places]
        if asked.order == "updated":
            before = int(asked.after) if asked.after else None
            found = await self._reads.updated(
                provider, asked.wanted, before=before, limit=asked.limit + 1, changed_after=asked.changed_after
            )
        else:
            found = await self._reads.opened(
                provider, asked.wanted, after=asked.after, limit=asked.limit + 1, changed_after=asked.changed_after
            )
        await self._keep(each for each in found if not self._has(each.state.id, each.position))
        return [self._known[each.state.id] for each in found]

    async def _total(self, provider: str, now: datetime, asked: RowQuestion) -> Total:
        if asked.order == "worklist":
            found = len(
                await self._worklist.places(provider, now, after=None, limit=MOST_COUNTED + 1, wanted=asked.wanted)
            )
        else:
            found = await self._reads.count(
                provider, asked.wanted, limit=MOST_COUNTED + 1, changed_after=asked.changed_after
            )
        return Total(count=min(found, MOST_COUNTED), more=found > MOST_COUNTED)

    def _has(self, ticket: str, position: int) -> bool:
        known = self._known.get(ticket)
        if known is not None:
            self._known.move_to_end(ticket)
        return known is not None and known.position >= position

    async def _keep(self, found: Iterable[TicketRow]) -> None:
        for each in found:
            ticket = each.state
            loaded = await self._states.tickets.kept(streams.TICKET.stream(ticket.id))
            if self._has(ticket.id, each.position):
                continue  # another list was faster
            self._known[ticket.id] = _Known(
                position=each.position,
                columns={name: getattr(ticket, name) for name in TicketColumns.__struct_fields__},
                sealed=None if loaded is None else loaded.sealed,
                moved=ticket if ticket.moves else None,
            )

    async def _rows(self, principal: Principal, known: Sequence[_Known], position: int, now: datetime) -> list[Row]:
        customers = await self._with_names({each.columns["customer"] for each in known}, position)
        opened = await self._opened(principal, known, customers)
        return [self._row(principal, each, customers[each.columns["customer"]], opened, now) for each in known]

    async def _opened(
        self, principal: Principal, known: Sequence[_Known], customers: Mapping[str, CustomerRow]
    ) -> dict[str, dict[str, Any]]:
        """What may be opened of requests and registrations, by the id of the event that sealed it."""
        subjects = {key: each.state.subject for key, each in customers.items()}
        sealed = [each for one in known if (each := await self._may_open(principal, one, subjects)) is not None]
        present = {subject_of(each.text) for each in sealed} | set(subjects.values())
        persons = [each for each in customers.values() if each.state.name is None]
        sealed += [Sealed(each.event, each.sealed) for each in persons if each.event and each.sealed]
        return await self._personal.open(sealed, present)

    def _row(
        self,
        principal: Principal,
        known: _Known,
        customer: CustomerRow,
        opened: Mapping[str, Mapping[str, Any]],
        now: datetime,
    ) -> Row:
        said = {} if known.sealed is None else opened.get(known.sealed.event, {})
        deadline, standing = self._deadlines.of(known.columns["id"], known.position, now)
        return Row(
            **_seen(principal, known.columns),
            subject=said.get("subject") or None,
            customer_name=customer.state.name or opened.get(customer.event or "", {}).get("name"),
            next_deadline=deadline,
            deadline_is=standing,
        )

    async def _may_open(self, principal: Principal, known: _Known, subjects: Mapping[str, str]) -> Sealed | None:
        """The request, if it is for the caller's eyes and was sealed for who the ticket is about now."""
        if known.sealed is None or (principal.role == "customer" and known.moved and known.moved.moved_here):
            return None
        present = [subjects[known.columns["customer"]]]
        if known.moved is not None:
            present = await subjects_of(known.moved, self._states.customers)
        return known.sealed if subject_of(known.sealed.text) in present else None

    async def _with_names(self, wanted: Collection[str], position: int) -> dict[str, CustomerRow]:
        """The customers; kept only as long as nothing is recorded, apart for each position: one that
        was read before a person was forgotten is not taken for the present one.
        """
        if position != self._customers_at:
            self._customers, self._customers_at = {}, position
        kept = self._customers
        missing = [each for each in wanted if each not in kept]
        if missing:
            kept.update(await self._reads.customers_with(missing))
        return {each: kept[each] for each in wanted}


def _without_positions(page: RowPage) -> RowPage:
    """For a customer: positions would tell how much the vendor does."""
    return msgspec.structs.replace(
        page, position=UNSET, deadlines=msgspec.structs.replace(page.deadlines, position=UNSET)
    )


def _seen(principal: Principal, columns: dict[str, Any]) -> dict[str, Any]:
    if principal.role != "customer":
        return columns
    return {name: value for name, value in columns.items() if name in TICKET_SHOWS}
