"""The read model for commands that need its tables, brought up to date from the log without
waiting.

Only rare commands ask here: they read as many lines of the log as the read model is behind, usually
those of the last half second. What is decided all the time is found in the index of the log (see
``names``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Final

import msgspec

from fristwerk_language.events import Recorded, streams
from fristwerk_platform.commands import NotCurrentError
from fristwerk_platform.event_log import EventLog, is_full_page
from fristwerk_platform.subscriptions import Subscription
from ticket_service.application.state_cache import StateCache
from ticket_service.domain.contract.state import Contract
from ticket_service.domain.ticket.state import Ticket
from ticket_service.queries.read_model import ReadModel

PAGE: Final = 1_000


class _Place(msgspec.Struct, frozen=True):
    """The part of a line that says where its event belongs."""

    provider: str
    stream: str


class Beyond(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's tickets and contracts that changed after what the read model is known to show,
    with their positions.
    """

    tickets: dict[str, tuple[Ticket, int]]
    contracts: dict[str, Contract]


_place: Final = msgspec.json.Decoder(_Place)


class NewestReads:
    """Answers questions from every append so far, by any process."""

    def __init__(
        self,
        log: EventLog,
        follower: Subscription[Recorded],
        read_model: ReadModel,
        tickets: StateCache[Ticket],
        contracts: StateCache[Contract],
    ) -> None:
        self._log = log
        self._follower = follower
        self._tickets = tickets
        self._contracts = contracts
        self.so_far = read_model

    @property
    def position(self) -> int:
        """The position of the log up to which the read model is known to be current."""
        return self._follower.lag.position

    async def beyond(self, provider: str) -> Beyond:
        """What has changed since.

        Raises NotCurrentError where the read model has seen what the log has lost.
        """
        if self._follower.lag.stopped_because is not None:
            raise NotCurrentError
        after, changed = self.position, dict[str, int]()
        while lines := await self._log.read_feed(after, PAGE):
            for each in lines:
                place = _place.decode(each.line)
                if place.provider == provider:
                    changed[place.stream] = each.position
            after = lines[-1].position
            if not is_full_page(lines, PAGE):
                break
        tickets = await self._tickets.newest_of(each for each in changed if streams.TICKET.includes(each))
        contracts = await self._contracts.newest_of(each for each in changed if streams.CONTRACT.includes(each))
        return Beyond(
            tickets={each.state.id: (each.state, changed[stream]) for stream, each in tickets.items()},
            contracts={each.state.id: each.state for each in contracts.values()},
        )

    async def tickets_of(
        self, provider: str, *, customer: str | None = None, contract: str | None = None
    ) -> list[Ticket]:
        """Every ticket of a customer, or under a contract, in the order of creation."""
        beyond = await self.beyond(provider)
        rows = await self.so_far.tickets_of(provider, customer=customer, contract=contract)
        return merged(
            rows, beyond, lambda each: customer in (None, each.customer) and contract in (None, each.contract)
        )

    async def tickets_under(self, provider: str, agreement: str | None) -> list[Ticket]:
        """Every ticket of the provider, or every one under an agreement, in the order of creation."""
        beyond = await self.beyond(provider)
        wanted = {} if agreement is None else {"agreement": agreement}
        rows: list[Ticket] = []
        while page := await self.so_far.tickets(provider, wanted, after=rows[-1].id if rows else "", limit=PAGE):
            rows += page
        return merged(rows, beyond, lambda each: agreement in (None, each.agreement))

    async def first_contract_day(self, provider: str) -> date | None:
        """The first day of the provider's earliest contract; None without one.

        Reads every contract.
        """
        beyond = await self.beyond(provider)
        days = [each.from_on for each in beyond.contracts.values()]
        first = await self.so_far.first_contract_day(provider)
        return min(days if first is None else [*days, first], default=None)


def merged(rows: Iterable[Ticket], beyond: Beyond, fits: Callable[[Ticket], bool]) -> list[Ticket]:
    """The tickets of the read model, those that have changed since as they are now, where they fit
    the question.
    """
    found = {each.id: each for each in rows} | {key: ticket for key, (ticket, _) in beyond.tickets.items()}
    return [found[key] for key in sorted(found) if fits(found[key])]
