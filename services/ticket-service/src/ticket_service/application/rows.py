"""Rows of lists: a ticket with its subject, its customer's name and its next deadline, for one request.

A row is made once and shown again for as long as all that it rests on is the same: the ticket, its
customer, the deadline derived last. Forgetting a person is a change of the customer, so what was
opened before is not shown afterwards, whichever process forgot it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from fristwerk_language.events import streams
from fristwerk_platform.auth import Principal
from ticket_service.application.consistent_reads import ConsistentReads
from ticket_service.application.deadlines import NEVER, DeadlineIs, Deadlines, DerivedDeadline, Freshness, ShownDeadline
from ticket_service.application.present_customers import PresentCustomers
from ticket_service.application.states import States
from ticket_service.application.subjects import subjects_of
from ticket_service.application.ticket_lists import FoundTicket, ListQuestion, Standing, TicketLists, Total
from ticket_service.domain.ticket.state import Ticket, TicketState
from ticket_service.domain.ticket.visibility import TICKET_SHOWS
from ticket_service.personal_data import PersonalData, Sealed, subject_of
from ticket_service.queries.read_model import CustomerRow, TicketRow
from ticket_service.queries.ticket_lists import TicketListReads

KEPT_ROWS: Final = 5_000
UNSET: Final = msgspec.UNSET


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
    opened_by: str | None
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


class ShownRows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows (JSON, each a ``Row``) as of one position of the log, and how fresh their deadlines are; ``total`` where it was
    asked for.
    """

    items: list[msgspec.Raw]
    total: Total | msgspec.UnsetType = UNSET
    as_of: datetime
    deadlines: Freshness
    position: int | msgspec.UnsetType = UNSET


class FoundRows(msgspec.Struct, frozen=True, kw_only=True):
    """A page, the cursor of the next one if there is more, what the page rests on, and until when, in seconds of the epoch,
    its clocks are shown so.
    """

    page: ShownRows
    cursor: str | None
    standing: Standing
    until: int


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A row, and what it rests on besides the ticket: the customer's version, what was derived last, and the time."""

    row: msgspec.Raw
    customer_version: int
    deadline: DerivedDeadline | None
    deadline_is: DeadlineIs
    until: int


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What rows of a ticket are made of until it changes; ``moved`` is the ticket where it was moved. ``shown`` are the rows
    that were made of it, by whether a customer reads them.
    """

    id: str
    customer: str
    position: int
    columns: dict[str, Any]
    sealed: Sealed | None
    moved: Ticket | None
    shown: dict[bool, _Shown] = {}


class RowLists:
    """Lists of rows."""

    def __init__(
        self,
        current: ConsistentReads,
        reads: TicketListReads,
        lists: TicketLists,
        states: States,
        personal: PersonalData,
        deadlines: Deadlines,
    ) -> None:
        self._current = current
        self._lists = lists
        self._states = states
        self._personal = personal
        self._deadlines = deadlines
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._customers = PresentCustomers(reads)

    async def standing(self) -> Standing:
        """What answers rest on now, once everything recorded so far is shown."""
        await self._deadlines.asked_for()
        await self._current()
        return self._standing(self._current.position)

    def _standing(self, position: int) -> Standing:
        state = self._deadlines.freshness(position).state
        return Standing(position=position, deadlines=self._deadlines.position, state=state)

    async def page(self, principal: Principal, now: datetime, asked: ListQuestion) -> FoundRows:
        """A page. Raises what ``Worklist.places`` raises."""
        await self._deadlines.asked_for()
        await self._current()
        position = self._current.position
        freshness, standing = self._deadlines.freshness(position), self._standing(position)  # the order is no older
        total = await self._lists.total(principal.provider, now, asked) if asked.counted else UNSET
        found, cursor = await self._lists.page(principal.provider, now, asked)
        shown = await self._rows(principal, await self._known_of(found), position, now)
        while len(self._known) > KEPT_ROWS:
            self._known.popitem(last=False)
        page = ShownRows(
            items=[each.row for each in shown], total=total, as_of=now, deadlines=freshness, position=position
        )
        if principal.role == "customer":
            page = _without_positions(page)
        until = min((each.until for each in shown), default=NEVER)
        return FoundRows(page=page, cursor=cursor, standing=standing, until=until)

    async def _known_of(self, found: Sequence[FoundTicket]) -> list[_Known]:
        new = [each for each in found if not self._has(each.id, each.position)]
        if new:
            await self._keep([TicketRow(state=each.state, position=each.position) for each in new if each.state])
            if missing := [each.id for each in new if each.state is None]:
                await self._keep((await self._current.so_far.tickets_with(missing)).values())
        return [self._known[each.id] for each in found]

    def _has(self, ticket: str, position: int) -> bool:
        known = self._known.get(ticket)
        if known is None:
            return False
        self._known.move_to_end(ticket)
        return known.position >= position

    async def _keep(self, found: Collection[TicketRow]) -> None:
        streams_of = [streams.TICKET.stream(each.state.id) for each in found]
        loaded = await asyncio.gather(*map(self._states.tickets.kept, streams_of))
        for each, its in zip(found, loaded, strict=True):
            ticket = each.state
            if self._has(ticket.id, each.position):
                continue  # another list was faster
            self._known[ticket.id] = _Known(
                id=ticket.id,
                customer=ticket.customer,
                position=each.position,
                columns={name: getattr(ticket, name) for name in TicketColumns.__struct_fields__},
                sealed=None if its is None else its.sealed,
                moved=ticket if ticket.moves else None,
            )

    async def _rows(self, principal: Principal, known: Sequence[_Known], position: int, now: datetime) -> list[_Shown]:
        customers = await self._customers.at(position, {each.customer for each in known})
        stamp, of_customer = now.timestamp(), principal.role == "customer"
        shown = [self._still(each, customers[each.customer], of_customer, stamp) for each in known]
        if others := [each for each, kept in zip(known, shown, strict=True) if kept is None]:
            needed = {each.customer: customers[each.customer] for each in others}
            opened = await self._opened(principal, others, needed)
            made = iter([self._made(principal, each, needed[each.customer], opened, now) for each in others])
            return [each or next(made) for each in shown]
        return [each for each in shown if each is not None]

    def _still(self, known: _Known, customer: CustomerRow, of_customer: bool, stamp: float) -> _Shown | None:  # noqa: FBT001
        """The row as it was shown, if all that it rests on is the same."""
        shown = known.shown.get(of_customer)
        if (
            shown is None
            or shown.customer_version != customer.version
            or shown.deadline is not (last := self._deadlines.last(known.id))
            or shown.deadline_is != self._deadlines.standing(last, known.position)
            or stamp > shown.until
        ):
            return None
        return shown

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

    def _made(
        self,
        principal: Principal,
        known: _Known,
        customer: CustomerRow,
        opened: Mapping[str, Mapping[str, Any]],
        now: datetime,
    ) -> _Shown:
        said = {} if known.sealed is None else opened.get(known.sealed.event, {})
        deadline, standing = self._deadlines.of(known.id, known.position, now)
        row = Row(
            **_seen(principal, known.columns),
            subject=said.get("subject") or None,
            customer_name=customer.state.name or opened.get(customer.event or "", {}).get("name"),
            next_deadline=deadline,
            deadline_is=standing,
        )
        shown = _Shown(
            row=msgspec.Raw(msgspec.json.encode(row)),
            customer_version=customer.version,
            deadline=self._deadlines.last(known.id),
            deadline_is=standing,
            until=NEVER if deadline is None else deadline.until,
        )
        if known.moved is None:  # what is opened of a moved ticket rests on other customers too
            known.shown[principal.role == "customer"] = shown
        return shown

    async def _may_open(self, principal: Principal, known: _Known, subjects: Mapping[str, str]) -> Sealed | None:
        """The request, if it is for the caller's eyes and was sealed for who the ticket is about now."""
        if known.sealed is None or (principal.role == "customer" and known.moved and known.moved.moved_here):
            return None
        present = [subjects[known.customer]]
        if known.moved is not None:
            present = await subjects_of(known.moved, self._states.customers)
        return known.sealed if subject_of(known.sealed.text) in present else None


def _without_positions(page: ShownRows) -> ShownRows:
    """For a customer: positions would tell how much the vendor does."""
    return msgspec.structs.replace(
        page, position=UNSET, deadlines=msgspec.structs.replace(page.deadlines, position=UNSET)
    )


def _seen(principal: Principal, columns: dict[str, Any]) -> dict[str, Any]:
    if principal.role != "customer":
        return columns
    return {name: value for name, value in columns.items() if name in TICKET_SHOWS}
