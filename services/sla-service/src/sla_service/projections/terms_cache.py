"""Each provider's terms, compiled once, and read again when another version is published."""

from __future__ import annotations

from typing import Final

from fristwerk_platform.read_models import Database, Query
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.projections.writer import stored_terms

_COUNTED: Final = Query("SELECT count(*) FROM terms WHERE provider = $1")


class TermsCache:
    """The terms as they stand in the database now."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, tuple[int, PublishedTerms]] = {}

    async def of(self, provider: str, published: int | None = None) -> PublishedTerms:
        """All versions of a provider's terms. Versions are only ever added, so their number shows
        whether the cache has all; without it, it is counted.
        """
        known = self._kept.get(provider)
        if known is not None and known[0] == published:
            return known[1]
        counted = published if published is not None else (await self._database.fetch(_COUNTED, provider))[0][0]
        if known is None or known[0] != counted:
            # A version published since it was counted is among them, and makes them be read once more.
            async with self._database.reading() as connection:
                known = self._kept[provider] = (counted, await stored_terms(connection, provider))
        return known[1]
