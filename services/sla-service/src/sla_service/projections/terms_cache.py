"""Each provider's terms, compiled once, and read again when another version is published."""

from __future__ import annotations

from sqlalchemy import func, select

from fristwerk_platform.read_models import Database
from sla_service.domain.timers.published_terms import PublishedTerms
from sla_service.projections.tables import terms
from sla_service.projections.writer import stored_terms


class TermsCache:
    """The terms as they stand in the database now."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, tuple[int, PublishedTerms]] = {}

    async def of(self, provider: str) -> PublishedTerms:
        """All versions of a provider's terms. Versions are only ever added, so their number shows
        whether the cache has all.
        """
        counted = select(func.count()).select_from(terms).where(terms.c.provider == provider)
        async with self._database.reading() as connection:
            published = (await connection.execute(counted)).scalar() or 0
            if provider not in self._kept or self._kept[provider][0] != published:
                self._kept[provider] = (published, await stored_terms(connection, provider))
        return self._kept[provider][1]
