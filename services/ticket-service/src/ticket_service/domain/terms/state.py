"""The versions of a calendar or agreement that were published."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from ticket_service.domain.errors import NotFound

Version = TypeVar("Version", bound=CalendarPublished | AgreementPublished)


class Published(msgspec.Struct, Generic[Version], frozen=True):
    """A calendar or agreement as its events tell it: all versions, the oldest first."""

    versions: tuple[Version, ...] = ()

    @property
    def current(self) -> Version | None:
        """The version in force for what is opened or signed now."""
        return self.versions[-1] if self.versions else None

    @property
    def next_version(self) -> int:
        """The number that the next publication gets."""
        return len(self.versions) + 1

    def version(self, number: int) -> Version:
        """That version. Raises NotFound."""
        if not 1 <= number <= len(self.versions):
            raise NotFound("version-not-found", f"there is no version {number}; the newest is {len(self.versions)}")
        return self.versions[number - 1]

    def superseded_by(self, number: int) -> int | None:
        """The version that followed, null while it is the current one."""
        return number + 1 if number < len(self.versions) else None
