"""The versions of a calendar or agreement that were published, and which is in force when."""

from __future__ import annotations

from datetime import date, datetime
from typing import Generic, TypeVar

import msgspec

from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.terms import Validity
from ticket_service.domain.errors import NotFound

Version = TypeVar("Version", bound=CalendarPublished | AgreementPublished)


class Origin(msgspec.Struct, frozen=True):
    """When a version was published, and by whom."""

    published_at: datetime
    published_by: str


class Published(msgspec.Struct, Generic[Version], frozen=True):
    """A calendar or agreement as its events tell it: all versions, the oldest first, each with its origin."""

    versions: tuple[Version, ...] = ()
    origins: tuple[Origin, ...] = ()
    validity: Validity = Validity(())

    @property
    def newest(self) -> Version | None:
        """The version that was published last, whether it is in force yet or not."""
        return self.versions[-1] if self.versions else None

    @property
    def next_version(self) -> int:
        """The number that the next publication gets."""
        return len(self.versions) + 1

    def version(self, number: int) -> Version:
        """That version. Raises NotFound."""
        if not 1 <= number <= len(self.versions):
            raise NotFound("version-not-found", f"There is no version {number}; the newest is {len(self.versions)}.")
        return self.versions[number - 1]

    def in_force_at(self, instant: datetime) -> int:
        """The number of the version in force at an instant. At least one is published."""
        return self.validity.version_at(instant)

    def superseded_by(self, number: int, now: datetime) -> int | None:
        """The version in force now, where it came after that one; None for what is in force or is still to come."""
        current = self.in_force_at(now)
        order = [version for _, version in self.validity.changes]
        return current if order.index(number) < order.index(current) else None


def valid_from(version: CalendarPublished | AgreementPublished) -> date | None:
    """The first local day of a version's validity, as its document names it."""
    named = version.document.get("valid_from")
    return None if named is None else date.fromisoformat(named)
