"""The terms a ticket is measured by: its agreement's promises and its calendar, by name and
version.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final, Literal, Protocol

from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.terms import AgreementDocument, Publication, Validity, stored_agreement
from fristwerk_language.terms.validity import ALWAYS
from sla_service.domain.calendar.calendar import Calendar
from sla_service.domain.timers.service_levels import ServiceLevels, service_levels

MAX_VERSION_DIGITS: Final = 9
Kind = Literal["agreement", "calendar"]


class UnknownTermsError(Exception):
    """Raised when a ticket rests on terms that were never published here."""

    def __init__(self, kind: str, name: str, version: int) -> None:
        super().__init__(f"There is no version {version} of the {kind} {name}.")


class TermsLookup(Protocol):
    """Where timers look terms up. Raises UnknownTermsError."""

    def agreement(self, name: str, version: int) -> ServiceLevels: ...
    def calendar(self, name: str, version: int) -> Calendar: ...
    def line_calendar(self, name: str, version: int) -> Calendar: ...


class PublishedTerms:
    """Published versions, read once and kept: a version never changes."""

    def __init__(self, published: Iterable[AgreementPublished | CalendarPublished] = ()) -> None:
        self._agreements: dict[tuple[str, int], ServiceLevels] = {}
        self._calendars: dict[tuple[str, int], Calendar] = {}
        self._publications: dict[tuple[Kind, str], list[Publication]] = {}
        for event in published:
            self.publish(event)

    def publish(self, event: AgreementPublished | CalendarPublished, at: datetime = ALWAYS) -> None:
        """Take in a further version, published ``at`` an instant; without one it has been in force ever since."""
        if isinstance(event, AgreementPublished):
            self.publish_agreement(event.version, stored_agreement(event.document), at)
            return
        self._calendars[event.name, event.version] = Calendar.published(event)
        named = event.document.get("valid_from")
        valid_from = None if named is None else date.fromisoformat(named)
        self._note(
            "calendar",
            event.name,
            Publication(version=event.version, published_at=at, valid_from=valid_from, timezone=event.timezone),
        )

    def publish_agreement(self, version: int, document: AgreementDocument, at: datetime = ALWAYS) -> None:
        """Take in a version of an agreement whose document is read already."""
        self._agreements[document.agreement, version] = service_levels(document)
        publication = Publication(
            version=version, published_at=at, valid_from=document.valid_from, timezone=document.timezone
        )
        self._note("agreement", document.agreement, publication)

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

    def line_calendar(self, name: str, version: int) -> Calendar:
        """The version of a calendar that a line of the service levels names for itself."""
        return self.calendar(name, version)

    def agreement_at(self, name: str, instant: datetime) -> ServiceLevels:
        """The version of an agreement in force at an instant. Raises UnknownTermsError."""
        return self.agreement(name, self._in_force("agreement", name, instant))

    def calendar_at(self, name: str, instant: datetime) -> Calendar:
        """The version of a calendar in force at an instant. Raises UnknownTermsError."""
        return self.calendar(name, self._in_force("calendar", name, instant))

    def knows_agreement(self, name: str) -> bool:
        """Whether any version of an agreement was published."""
        return ("agreement", name) in self._publications

    def knows_calendar(self, name: str) -> bool:
        """Whether any version of a calendar was published."""
        return ("calendar", name) in self._publications

    def _in_force(self, kind: Kind, name: str, instant: datetime) -> int:
        publications = self._publications.get((kind, name))
        return Validity(publications).version_at(instant) if publications else 0

    def _note(self, kind: Kind, name: str, publication: Publication) -> None:
        self._publications.setdefault((kind, name), []).append(publication)


def versioned(label: str) -> tuple[str, int]:
    """Name and version of ``name@version``. Raises ValueError."""
    name, _, version = label.rpartition("@")
    if not (name and version.isascii() and version.isdigit() and len(version) <= MAX_VERSION_DIGITS):
        raise ValueError(f"{label!r} is not a name and a version such as 'infoniqa@1'")
    return name, int(version)
