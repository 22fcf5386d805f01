"""The terms a ticket is measured by: its agreement's promises and its calendar, by name and
version.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.terms import AgreementDocument, agreement_document
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.timers.service_levels import ServiceLevels, service_levels

MAX_VERSION_DIGITS: Final = 9


class UnknownTermsError(Exception):
    """Raised when a ticket rests on terms that were never published here."""

    def __init__(self, kind: str, name: str, version: int) -> None:
        super().__init__(f"There is no version {version} of the {kind} {name}.")


class TermsLookup(Protocol):
    """Where timers look terms up. Raises UnknownTermsError."""

    def agreement(self, name: str, version: int) -> ServiceLevels: ...
    def calendar(self, name: str, version: int) -> Calendar: ...


class PublishedTerms:
    """Published versions, read once and kept: a version never changes."""

    def __init__(self, published: Iterable[AgreementPublished | CalendarPublished] = ()) -> None:
        self._agreements: dict[tuple[str, int], ServiceLevels] = {}
        self._calendars: dict[tuple[str, int], Calendar] = {}
        for event in published:
            self.publish(event)

    def publish(self, event: AgreementPublished | CalendarPublished) -> None:
        """Take in a further version."""
        match event:
            case AgreementPublished():
                self.publish_agreement(event.version, agreement_document(event.document))
            case CalendarPublished():
                self._calendars[event.name, event.version] = Calendar.published(event)

    def publish_agreement(self, version: int, document: AgreementDocument) -> None:
        """Take in a version of an agreement whose document is read already."""
        self._agreements[document.agreement, version] = service_levels(document)

    def agreement(self, name: str, version: int) -> ServiceLevels:
        """The promises of an agreement's version."""
        try:
            return self._agreements[name, version]
        except KeyError:
            raise UnknownTermsError("agreement", name, version) from None

    def calendar(self, name: str, version: int) -> Calendar:
        """A calendar's version."""
        try:
            return self._calendars[name, version]
        except KeyError:
            raise UnknownTermsError("calendar", name, version) from None

    def newest_calendar(self, name: str) -> int:
        """A calendar's newest version, 0 if there is none."""
        return max((version for known, version in self._calendars if known == name), default=0)

    def newest_agreement(self, name: str) -> int:
        """An agreement's newest version, 0 if there is none."""
        return max((version for known, version in self._agreements if known == name), default=0)


def versioned(label: str) -> tuple[str, int]:
    """Name and version of ``name@version``. Raises ValueError."""
    name, _, version = label.rpartition("@")
    if not (name and version.isascii() and version.isdigit() and len(version) <= MAX_VERSION_DIGITS):
        raise ValueError(f"{label!r} is not a name and a version such as 'infoniqa@1'")
    return name, int(version)
