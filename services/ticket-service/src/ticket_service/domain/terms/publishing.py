"""The catalogue of published terms: when a document becomes a new version, and what differs between two versions."""

from __future__ import annotations

from collections.abc import Collection

from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.terms import AgreementDocument, CalendarDocument, canonical, digest
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.terms.state import Published, Version


def is_current(published: Published[Version], document: CalendarDocument | AgreementDocument) -> bool:
    """Whether the document says what the current version's says: publishing it again makes no new version.

    A newer ``holidays`` library alone makes none either; a day that has moved shows in the preview.
    """
    return published.current is not None and published.current.document == canonical(document)


def publish_calendar(published: Published[CalendarPublished], materialised: CalendarPublished) -> list[DecidedEvent]:
    """The next version of a calendar, materialised beforehand with ``published.next_version``; nothing if it is the same."""
    if published.current is not None and published.current.document == materialised.document:
        return []
    assert materialised.version == published.next_version, "materialised for another version"
    return [DecidedEvent(materialised)]


def publish_agreement(
    published: Published[AgreementPublished], document: AgreementDocument, calendars: Collection[str]
) -> list[DecidedEvent]:
    """The next version of an agreement; nothing if it is the same. ``calendars`` are the names published so far.

    Raises NotAcceptable (``unknown-calendar``) if the agreement refers to a calendar that is not among them.
    """
    if is_current(published, document):
        return []
    unknown = [
        (pointer, f"there is no calendar {name!r}; publish it first")
        for pointer, name in document.calendar_names()
        if name not in calendars
    ]
    if unknown:
        raise NotAcceptable(
            f"agreement {document.agreement} refers to calendars that are not published",
            unknown,
            code="unknown-calendar",
        )
    data = canonical(document)
    event = AgreementPublished(
        name=document.agreement, version=published.next_version, document=data, digest=digest(data)
    )
    return [DecidedEvent(event)]
