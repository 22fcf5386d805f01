"""A feed collected exactly as far as the read model has applied it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing

from sqlalchemy.ext.asyncio import AsyncConnection

from billing_service.projections.projector import concerns_all_accounts
from billing_service.projections.tables import checkpoints, partitions
from fristwerk_language.events import decode_tolerantly
from fristwerk_platform.cli import CliError
from fristwerk_platform.subscriptions import AppliedPositions, Feed, applied_positions, pages_between

Collect = Callable[[Sequence[bytes], int], None]


class NothingToCompareError(CliError):
    """There is no read model, or its source ends before what it was made of; the message is a sentence."""


async def collect_applied(
    source: str, feed: Feed, connection: AsyncConnection, collect: Collect, *, at_once: int
) -> None:
    """Collect a feed as far as the read model has it: up to a position, or where processes share the
    work up to that of each partition. Raises NothingToCompareError where it ends before.
    """
    applied = await applied_positions(connection, checkpoints, partitions, source)
    until_position = applied.last
    async with aclosing(pages_between(feed, 0, until_position, lines=at_once)) as pages:
        async for page in pages:
            if page.last < until_position:
                raise NothingToCompareError(
                    f"The {source} ends at {page.last}, the read model was made of {until_position}."
                )
            collect(page.lines if applied.are_level else _applied(page.lines, applied), until_position)


def _applied(lines: Sequence[bytes], applied: AppliedPositions) -> list[bytes]:
    """The lines that are applied; what concerns all accounts is as far as any partition."""
    events = map(decode_tolerantly, lines)
    return [
        line
        for line, each in zip(lines, events, strict=True)
        if concerns_all_accounts(each) or applied.include(each.stream, each.position)
    ]
