"""A ticket with what is personal in its request, and its history: each from one query of the log.

What another process has stored, a forgetting as well, may be shown no later than what this one has.
So every request reads what is new of the ticket and of its customers, all at once, as the states
that are kept say whose it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fristwerk_language.events import streams
from fristwerk_platform.auth import Principal
from fristwerk_platform.event_log import ALL, EventLog, FeedLine, StreamAfter, is_full_page
from ticket_service.application.command_executor import CommandExecutor
from ticket_service.application.state_cache import Loaded, StateCache, unread
from ticket_service.application.subjects import customers_of, subjects_among
from ticket_service.application.tickets import visible
from ticket_service.application.views import event_seen_by
from ticket_service.domain.customer.state import Customer
from ticket_service.domain.ticket.state import Ticket


class TicketReads:
    """A ticket as it is now, and how it came to be."""

    def __init__(
        self, log: EventLog, executor: CommandExecutor, tickets: StateCache[Ticket], customers: StateCache[Customer]
    ) -> None:
        self._log = log
        self._executor = executor
        self._tickets = tickets
        self._customers = customers

    async def newest(self, principal: Principal, ticket: str) -> tuple[Loaded[Ticket], dict[str, Any]]:
        """The ticket as the log tells it now, and what is personal in its request: empty once the
        person was forgotten. Raises NotFound.
        """
        loaded, subjects, _ = await self._read(principal, ticket)
        return loaded, await self._executor.personal(loaded, *subjects)

    async def history(
        self, principal: Principal, ticket: str, *, after: int, limit: int
    ) -> tuple[Sequence[Any], int | None]:
        """The ticket's first events after a version, opened, and after which there are more
        (``None``: none), in pages that end early where they have many bytes; where a customer sees
        nothing of one, the next is read. Raises NotFound.
        """
        loaded, subjects, (lines,) = await self._read(
            principal, ticket, (streams.TICKET.stream(ticket), after, limit + 1)
        )
        if principal.role == "customer":
            return await self._history_for_customer(principal, loaded, subjects, lines, after, limit)
        items = await self._executor.opened_lines([each.line for each in lines[:limit]], subjects)
        has_more = len(lines) > limit or is_full_page(lines, ALL)
        return items, after + len(items) if has_more else None  # the versions of a stream have no gaps

    async def _history_for_customer(
        self,
        principal: Principal,
        loaded: Loaded[Ticket],
        subjects: Sequence[str],
        lines: Sequence[FeedLine],
        after: int,
        limit: int,
    ) -> tuple[Sequence[Any], int | None]:
        found, moved_here = list[dict[str, Any]](), loaded.state.moved_here
        while lines:
            items = await self._executor.opened((line.line for line in lines), subjects)
            found += [seen for each in items if (seen := event_seen_by(principal, each, moved_here)) is not None]
            if len(found) > limit:
                return found[:limit], found[limit - 1]["version"]
            if found and is_full_page(lines, ALL):
                return found, items[-1]["version"]
            if not is_full_page(lines, limit + 1):
                break
            after += len(lines)
            lines = await self._log.read_stream(streams.TICKET.stream(loaded.state.id), after, limit + 1)
        return found, None

    async def _read(
        self, principal: Principal, ticket: str, *pages: StreamAfter
    ) -> tuple[Loaded[Ticket], Sequence[str], Sequence[Sequence[FeedLine]]]:
        """The ticket, the subjects whose keys open what is personal on it, and more pages of the log. Raises NotFound."""
        stream = streams.TICKET.stream(ticket)
        known = self._tickets.peek(stream)
        owners = {each: streams.CUSTOMER.stream(each) for each in customers_of(known.state)} if known else {}
        kept = [self._customers.peek(each) for each in owners.values()]
        wanted = [unread(stream, known), *map(unread, owners.values(), kept), *pages]
        new, *rest = await self._log.read_streams(wanted)
        loaded = visible(principal, ticket, await self._tickets.continued_by(stream, known, new))
        customers = {
            each: await self._customers.continued_by(its, before, lines)
            for (each, its), before, lines in zip(owners.items(), kept, rest, strict=False)
        }
        if loaded is not known:
            for each in customers_of(loaded.state):
                if each not in customers:
                    customers[each] = await self._customers.newest(streams.CUSTOMER.stream(each))
        return loaded, subjects_among(loaded.state, customers), rest[len(owners) :]
