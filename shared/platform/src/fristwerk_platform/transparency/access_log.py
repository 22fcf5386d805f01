"""Who read what as an auditor, recorded before it is answered (GeBüV art. 8), in a hash tree of its own.

It stands beside the trees and not in the service's log: reading must not make the log grow that is being read, and a bundle
of it would never end. The line is the leaf of a tree for each provider, so a signed head that somebody kept shows every
later change, as it does for events.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from sqlalchemy import desc, select
from sqlalchemy.ext.asyncio import AsyncConnection

from fristwerk_platform.auth import Principal
from fristwerk_platform.read_models import Database, advisory_lock
from fristwerk_platform.transparency.keys import CheckpointKeys
from fristwerk_platform.transparency.tables import accesses
from fristwerk_proof.checkpoints import Checkpoint
from fristwerk_proof.merkle import grown, leaf_hash, root_of_peaks
from fristwerk_proof.tiles import split_hashes

RECORDED: Final = frozenset({"auditor"})
"""The roles whose every request is recorded."""
KEPT_PARAMETERS: Final = frozenset({"after", "at", "format", "from", "known_at", "limit", "position", "to", "until"})
"""Parameters whose values are recorded: of any other only the name, as it may tell of a person."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """A request: when, by whom, and for what. ``query`` has the values of harmless parameters only."""

    number: int
    at: datetime
    who: str
    method: str
    path: str
    query: str
    correlation_id: str


class RecordedAccess(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it was recorded, and the line that was hashed."""

    access: Access
    line: bytes


class AccessLog:
    """The accesses to what a service knows of a log, ``name``, in the database of the log's trees."""

    def __init__(self, database: Database, name: str, keys: CheckpointKeys, now: Callable[[], datetime]) -> None:
        self.name = f"{name}-accesses"
        self._database = database
        self._keys = keys
        self._now = now

    async def record(self, principal: Principal, method: str, path: str, query: str, correlation_id: str) -> None:
        """Record a request durably. Raises DatabaseUnavailableError, or what else prevents that."""
        provider = principal.provider
        async with self._database.transaction() as connection:
            await advisory_lock(connection, f"{self.name} {provider}")
            number, peaks = await _grown_to(connection, provider)
            access = Access(
                number=number + 1,
                at=self._now(),
                who=principal.sub,
                method=method,
                path=path,
                query=_harmless(query),
                correlation_id=correlation_id,
            )
            line = msgspec.json.encode(access)
            after = grown(peaks, number, leaf_hash(line))
            row = {"provider": provider, "number": number + 1, "line": line, "peaks": b"".join(after)}
            await connection.execute(accesses.insert(), row)

    async def listed(self, provider: str, after: int, limit: int) -> list[RecordedAccess]:
        """The provider's accesses with higher numbers, in order."""
        wanted = select(accesses.c.line).where(accesses.c.provider == provider, accesses.c.number > after)
        async with self._database.reading() as connection:
            lines = (await connection.execute(wanted.order_by(accesses.c.number).limit(limit))).scalars().all()
        return [RecordedAccess(access=msgspec.json.decode(each, type=Access), line=each) for each in lines]

    async def head(self, provider: str) -> bytes:
        """The head over all accesses of a provider so far, signed now."""
        async with self._database.reading() as connection:
            number, peaks = await _grown_to(connection, provider)
        origin = self._keys.origin(provider, self.name)
        return self._keys.signed(Checkpoint(origin, number, root_of_peaks(peaks)))


async def _grown_to(connection: AsyncConnection, provider: str) -> tuple[int, list[bytes]]:
    """How many accesses a provider's tree has, and its peaks."""
    wanted = select(accesses.c.number, accesses.c.peaks).where(accesses.c.provider == provider)
    last = (await connection.execute(wanted.order_by(desc(accesses.c.number)).limit(1))).first()
    return (0, []) if last is None else (last.number, split_hashes(last.peaks))


def _harmless(query: str) -> str:
    """A query without the values that may tell of a person."""
    given = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, value if name in KEPT_PARAMETERS else "") for name, value in given])
