"""Validity: which published version of a calendar or an agreement is in force at an instant.

A version is in force from the beginning of its ``valid_from`` in its own time zone, or, where it
names none, from its publication. It stays so until another comes into force: a version that was
announced for a later day still comes then, whatever was published in between. The first version
covers everything before it as well, because nothing else could.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime, time

import msgspec

from fristwerk_language.terms.time_zones import zone

ALWAYS = datetime.min.replace(tzinfo=UTC)
"""Since when the first version is in force."""


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What the validity of a version rests on: its document's day and zone, and when it was
    published.
    """

    version: int
    published_at: datetime
    valid_from: date | None
    timezone: str

    @property
    def in_force_since(self) -> datetime:
        """The instant from which on this version is in force."""
        if self.version == 1:
            return ALWAYS
        if self.valid_from is None:
            return self.published_at
        return datetime.combine(self.valid_from, time(), zone(self.timezone)).astimezone(UTC)


class Validity:
    """The versions of one document in the order in which they come into force.

    Of two that come into force at the same instant the later published one holds.
    """

    def __init__(self, publications: Iterable[Publication]) -> None:
        changes = sorted((each.in_force_since, each.version) for each in publications)
        self.changes: tuple[tuple[datetime, int], ...] = tuple(changes)
        self._since = [since for since, _ in changes]

    def version_at(self, instant: datetime) -> int:
        """The version in force at an instant. There is at least one."""
        return self.changes[bisect_right(self._since, instant) - 1][1]
