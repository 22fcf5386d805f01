"""Which tickets a process watches where several share the work: those of its partitions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, literal_column, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_language.events import streams
from fristwerk_platform.subscriptions import partition_in_sql
from sla_service.projections.projector import SOURCE
from sla_service.projections.tables import partitions, timers

PARTITION_OF_TIMER: Final = partition_in_sql(f"'{streams.TICKET.prefix}' || timers.ticket")


class WatchedShare(msgspec.Struct, frozen=True):
    """The partitions of a process, each with its epoch, that are applied as far as it has read."""

    member: str
    epochs: Mapping[int, int]

    async def hold(self, connection: AsyncConnection) -> list[int]:
        """Those that are still this process's; nobody takes them over before the transaction ends."""
        return await partitions.hold_own(connection, SOURCE, self.member, self.epochs)


def of_partitions(numbers: Collection[int]) -> ColumnElement[bool]:
    """Whether a row's timer belongs to a ticket of the partitions, or to none any more."""
    return or_(timers.c.ticket.is_(None), literal_column(f"({PARTITION_OF_TIMER})").in_(sorted(numbers)))
