"""Customers as they stand at a position of the log, for lists that name many of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from ticket_service.queries.read_model import CustomerRow
from ticket_service.queries.ticket_lists import TicketListReads

KEPT_CUSTOMERS: Final = 5_000


class PresentCustomers:
    """Reads them once, and once more only where their version has changed."""

    def __init__(self, reads: TicketListReads) -> None:
        self._reads = reads
        self._kept: OrderedDict[tuple[str, int], CustomerRow] = OrderedDict()
        self._present: dict[str, CustomerRow] = {}
        self._position = -1

    async def at(self, position: int, wanted: Collection[str]) -> dict[str, CustomerRow]:
        """The customers for whom has waited for the read model to reach the position.

        What stood there is kept apart for each position: one that was read before a person was forgotten is not taken for
        the present one.
        """
        if position != self._position:
            self._present, self._position = {}, position
        present = self._present
        if missing := [each for each in wanted if each not in present]:
            await self._look(missing, present)
        return {each: present[each] for each in wanted}

    async def _look(self, missing: Collection[str], present: dict[str, CustomerRow]) -> None:
        versions = await self._reads.customer_versions([*missing])
        found = {key: row for key, version in versions.items() if (row := self._kept.get((key, version))) is not None}
        if new := [each for each in missing if each not in found]:
            found |= await self._reads.customers_with(new)
        for key, row in found.items():
            present[key] = self._kept[key, row.version] = row
            self._kept.move_to_end((key, row.version))
        while len(self._kept) > KEPT_CUSTOMERS:
            self._kept.popitem(last=False)
