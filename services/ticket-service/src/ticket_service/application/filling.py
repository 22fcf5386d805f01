"""Fills the index of a log that is older than the index, so that commands find what is stored in
it. Once it is filled, a start costs one query. A stream that cannot be read is left out and named
in the service's own log: its own commands are refused as before, and nothing else waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from fristwerk_language.events import streams
from fristwerk_platform.event_log import DamagedEventError, LogUnavailableError
from fristwerk_platform.event_log.index import Entry
from ticket_service.application import names
from ticket_service.application.customers import Customers
from ticket_service.application.sources import Sources
from ticket_service.application.state_cache import StateCache
from ticket_service.application.states import States

_log = structlog.get_logger()


class IndexFilling:
    """Claims and labels of streams, by their states."""

    def __init__(self, states: States, customers: Customers, sources: Sources) -> None:
        self._sources = sources
        self._customers = customers
        self._caches: dict[streams.StreamCategory, StateCache[Any]] = {
            streams.TICKET: states.tickets,
            streams.CALL: states.calls,
            streams.CUSTOMER: states.customers,
            streams.CONTRACT: states.contracts,
            streams.AGENT: states.agents,
            streams.CALENDAR: states.calendars,
            streams.AGREEMENT: states.agreements,
        }

    async def entries(self, found: Sequence[str]) -> tuple[list[Entry], list[Entry]]:
        """The claims and labels of some streams. Raises LogUnavailableError."""
        claims: list[Entry] = []
        labels: list[Entry] = []
        for more_claims, more_labels in await asyncio.gather(*map(self._of_stream, found)):
            claims += more_claims
            labels += more_labels
        return claims, labels

    async def _of_stream(self, stream: str) -> tuple[list[Entry], list[Entry]]:
        cache = next((each for category, each in self._caches.items() if category.includes(stream)), None)
        if cache is None:
            return [], []
        try:
            return await self._entries(stream, cache)
        except LogUnavailableError as error:
            if not isinstance(error, DamagedEventError):
                raise
            _log.error("stream_not_indexed", stream=stream, error=str(error))
        except Exception as error:  # noqa: BLE001 - one event that cannot be applied must not keep the service from starting
            _log.error("stream_not_indexed", stream=stream, error=type(error).__name__)
        return [], []

    async def _entries(self, stream: str, cache: StateCache[Any]) -> tuple[list[Entry], list[Entry]]:
        loaded = await cache.newest(stream)
        if loaded is None:
            return [], []
        labels = {*cache.labels(loaded)}
        claims = []
        if streams.CUSTOMER.includes(stream):
            labels.update(await self._customers.sealed_labels(loaded))
        if streams.TICKET.includes(stream):
            claims.append((names.reference_claim(loaded.provider, loaded.state.reference), stream))
        if streams.TICKET.includes(stream) or streams.CALL.includes(stream):
            claims += [(each, stream) for each in await self._sources.claimed_by(loaded.provider, stream)]
        return claims, [(each, stream) for each in sorted(labels)]
