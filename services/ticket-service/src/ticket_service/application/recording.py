"""From facts to stored lines: ids, sealed personal parts, versions; and back, for those who may read.

Every command ends here, so nothing personal reaches the log unsealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from shared.event_log import Answer, EventLog
from shared.events import NewEvent, read_line
from shared.http import CommandMeta, NewFact, StreamChange, lines_of, record
from ticket_service.domain.fact import Fact
from ticket_service.personal_data import PersonalData


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that continue a stream after a version; ``subject`` is whose key seals their personal parts."""

    stream: str
    after_version: int
    subject: str
    facts: Sequence[Fact]
    occurred_at: datetime


class Recording:
    """Records facts in the log; ``new_id`` gives time-ordered ids."""

    def __init__(self, log: EventLog, personal_data: PersonalData, new_id: Callable[[], str]) -> None:
        self._log = log
        self._personal_data = personal_data
        self.new_id = new_id

    async def lines(self, meta: CommandMeta, changes: Sequence[Change]) -> list[NewEvent]:
        """The changes as lines ready to be stored."""
        return lines_of(meta, [await self._sealed(change) for change in changes if change.facts])

    async def store(self, meta: CommandMeta, lines: Sequence[NewEvent], answer: Answer) -> Answer:
        """Append the lines with the answer. Raises Replay, Problem or VersionConflictError."""
        return await record(self._log, meta, lines, answer)

    async def opened(self, lines: Iterable[bytes]) -> list[dict[str, Any]]:
        """Envelopes as plain data, personal parts opened; null where the person was forgotten."""
        envelopes = [msgspec.json.decode(line, type=dict[str, Any]) for line in lines]
        contents = await self._personal_data.open(
            {each["id"]: each["personal"] for each in envelopes if each["personal"]}
        )
        return [each | {"personal": contents.get(each["id"])} for each in envelopes]

    async def personal_of(self, line: bytes) -> dict[str, Any] | None:
        """The opened personal part of one line; null if it has none or the person was forgotten."""
        envelope = read_line(line)
        if envelope.personal is None:
            return None
        return (await self._personal_data.open({envelope.id: envelope.personal})).get(envelope.id)

    async def _sealed(self, change: Change) -> StreamChange:
        facts: list[NewFact] = []
        for fact in change.facts:
            event_id, sealed = self.new_id(), None
            if fact.personal:
                key = await self._personal_data.key_for(change.subject)
                sealed = self._personal_data.seal(key, change.subject, event_id, fact.personal)
            facts.append(NewFact(id=event_id, event=fact.event, occurred_at=change.occurred_at, sealed=sealed))
        return StreamChange(stream=change.stream, after_version=change.after_version, facts=facts)
