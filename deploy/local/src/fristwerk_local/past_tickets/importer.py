"""Imports past tickets over HTTP: each fact a command of its own time under a key of its own, so that nothing counts twice."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from fristwerk_local.client import Client, RefusedError, staff
from fristwerk_local.past_tickets.facts import PastTicket, commands, opening
from fristwerk_local.past_tickets.mapping import NotMappedError, TicketMapping
from fristwerk_local.past_tickets.rows import ExportRow
from fristwerk_local.progress import Done, Journal

AT_ONCE: Final = 8
"""Tickets that are imported at the same time."""
_KEYS: Final = uuid.uuid5(uuid.NAMESPACE_OID, "fristwerk-import")


class NotTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that was not recorded: the row's line, the old ticket's id where it is known, which fact, and why."""

    line: int
    ticket: str
    fact: str
    reason: str


class ImportReport(msgspec.Struct, kw_only=True):
    """What came of the rows: facts recorded by kind (or to be recorded, where it was only tried), and those not taken."""

    recorded: Counter[str] = msgspec.field(default_factory=Counter)
    before: int = 0
    not_taken: list[NotTaken] = []


class Importer:
    """Imports tickets for one provider, as its agent; customers of the mapping are registered by its administrator.

    With ``dry_run`` nothing is written: rows are read, mapped, and their customers looked up.
    """

    def __init__(
        self, client: Client, provider: str, mapping: TicketMapping, journal: Journal, *, dry_run: bool = False
    ) -> None:
        self.report = ImportReport()
        self._client = client
        self._provider = provider
        self._mapping = mapping
        self._journal = journal
        self._dry_run = dry_run
        self._customers: dict[str, list[str]] = {}  # the ids of those of a name

    async def run(
        self, rows: Iterable[ExportRow], progress: Callable[[int], None] = lambda _rows: None
    ) -> ImportReport:
        """Import all rows. Raises ServiceDownError where a service stays away: the next run goes on from there."""
        await self._know_customers()
        for several in _batches(rows):
            async with asyncio.TaskGroup() as group:
                for row in several:
                    group.create_task(self._row(row))
            progress(len(several))
        return self.report

    async def _know_customers(self) -> None:
        """Who is registered, by id and by name; and those whom the mapping names and nobody knows."""
        self._customers = {}
        for each in await self._client.get_all("/v1/customers", staff("admin", self._provider)):
            self._customers[each["id"]] = [each["id"]]
            self._customers.setdefault(each["name"], []).append(each["id"])
        for name, contract in self._mapping.customers.items():
            if name not in self._customers:
                self._customers[name] = [await self._register(name)]
            for customer in self._customers[name]:
                await self._sign(name, customer, contract.body())

    async def _register(self, name: str) -> str:
        self.report.recorded["customer"] += 1
        created = await self._send(f"customer {name}", "/v1/customers", {"name": name, "kind": "company"}, admin=True)
        return str(created["customer"]["id"])

    async def _sign(self, name: str, customer: str, contract: dict[str, Any]) -> None:
        """Sign the contract, unless there is one already."""
        admin = staff("admin", self._provider)
        if customer:
            overview = await self._client.get("ticket", f"/v1/customers/{customer}/overview", admin)
            if overview["contracts"]:
                return
        self.report.recorded["contract"] += 1
        await self._send(f"contract of {name}", f"/v1/customers/{customer}/contracts", contract, admin=True)

    async def _row(self, row: ExportRow) -> None:
        if row.values is None:
            self._not_taken(row, "", "row", row.wrong)
            return
        try:
            ticket = self._mapping.ticket_of(row.values)
        except NotMappedError as error:
            self._not_taken(row, "", "row", str(error))
            return
        customers = self._customers.get(ticket.customer, [])
        if len(customers) != 1:
            reason = f"{len(customers) or 'No'} customers are called {ticket.customer!r}."
            self._not_taken(row, ticket.id, "ticket", reason)
        elif self._journal.is_done(ticket.id):
            self.report.before += 1
        else:
            await self._ticket(row, ticket, customers[0])

    async def _ticket(self, row: ExportRow, ticket: PastTicket, customer: str) -> None:
        """Open the ticket and record what happened to it; it is done once nothing of it was refused."""
        system = self._mapping.system
        refused = len(self.report.not_taken)
        try:
            opened = await self._send(f"{ticket.id}", "/v1/tickets", opening(ticket, customer, system))
        except RefusedError as error:
            self._not_taken(row, ticket.id, "ticket", str(error))
            return
        self.report.recorded["ticket"] += 1
        for each in commands(ticket, system):
            try:
                await self._send(
                    f"{ticket.id}/{each.name}", f"/v1/tickets/{opened['ticket']['id']}/{each.path}", each.body
                )
                self.report.recorded[each.kind] += 1
            except RefusedError as error:
                self._not_taken(row, ticket.id, each.name, str(error))
        if not self._dry_run and not any(each.line == row.line for each in self.report.not_taken[refused:]):
            self._journal.note(Done(step=ticket.id, names={f"ticket:{ticket.id}": opened["ticket"]["id"]}))

    async def _send(self, fact: str, path: str, body: dict[str, Any], *, admin: bool = False) -> dict[str, Any]:
        """The answer to a command. Raises RefusedError."""
        if self._dry_run:
            return {"ticket": {"id": ""}, "customer": {"id": ""}}
        key = str(uuid.uuid5(_KEYS, f"{self._provider}/{self._mapping.system}/{fact}"))
        who = staff("admin" if admin else "agent", self._provider)
        answer = await self._client.post("ticket", path, body, who, key)
        if not answer.is_success:
            raise RefusedError(f"POST {path}", answer)
        return dict(answer.json())

    def _not_taken(self, row: ExportRow, ticket: str, fact: str, reason: str) -> None:
        self.report.not_taken.append(NotTaken(line=row.line, ticket=ticket, fact=fact, reason=reason))


def _batches(rows: Iterable[ExportRow]) -> Iterator[list[ExportRow]]:
    remaining = iter(rows)
    while several := list(itertools.islice(remaining, AT_ONCE)):
        yield several
