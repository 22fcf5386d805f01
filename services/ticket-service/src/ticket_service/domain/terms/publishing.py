"""The catalogue of published terms: when a document becomes a new version, and from which day it can be in force."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.terms import AgreementDocument, CalendarDocument, canonical, digest, zone
from fristwerk_language.terms.service_level import BUSINESS, ServiceLevel, may_be_later
from fristwerk_language.terms.values import place
from ticket_service.domain.decided_event import DecidedEvent
from ticket_service.domain.errors import NotAcceptable
from ticket_service.domain.terms.opening import never_closes
from ticket_service.domain.terms.state import Published, Version


class PublicationWarning(msgspec.Struct, frozen=True, kw_only=True):
    """What a publication is warned of; ``pointer`` is the place in the document (RFC 6901)."""

    pointer: str
    detail: str


def is_published(published: Published[Version], document: CalendarDocument | AgreementDocument, now: datetime) -> bool:
    """Whether the document says what the newest version says, or the one in force: publishing it makes no new version.

    A newer ``holidays`` library alone makes none either; a day that has moved shows in the preview.
    """
    if not published.versions:
        return False
    numbers = {len(published.versions), published.in_force_at(now)}
    return any(published.version(number).document == canonical(document) for number in numbers)


def check_valid_from(
    published: Published[Version], document: CalendarDocument | AgreementDocument, now: datetime
) -> None:
    """Terms are published ahead. Raises NotAcceptable for a validity that would begin before the day of publication.

    The first version may name any day: what came before it has no other terms.
    """
    day = document.valid_from
    today = now.astimezone(zone(document.timezone)).date()
    if published.versions and day is not None and day < today:
        sentence = f"{day} lies before the day of publication, {today}: terms are published ahead"
        raise NotAcceptable(f"Nothing was published: {sentence}.", [("/valid_from", sentence)])


def publish_calendar(published: Published[CalendarPublished], materialised: CalendarPublished) -> list[DecidedEvent]:
    """The next version of a calendar, materialised beforehand with ``published.next_version``; nothing if it is the same."""
    if published.newest is not None and published.newest.document == materialised.document:
        return []
    assert materialised.version == published.next_version, "materialised for another version"
    return [DecidedEvent(materialised)]


def publish_agreement(
    published: Published[AgreementPublished],
    document: AgreementDocument,
    calendars: Collection[str],
    now: datetime,
) -> list[DecidedEvent]:
    """The next version of an agreement; nothing if it is the same. ``calendars`` are the names published so far.

    Raises NotAcceptable (``unknown-calendar``) if the agreement refers to a calendar that is not among them, for a
    validity that would begin in the past, and for soft targets that could come after their targets.
    """
    if is_published(published, document, now):
        return []
    check_valid_from(published, document, now)
    _check_soft_targets(document)
    unknown = [
        (pointer, f"there is no calendar {name!r}; publish it first")
        for pointer, name in document.calendar_names
        if name not in calendars
    ]
    if unknown:
        raise NotAcceptable(
            f"The agreement {document.agreement} refers to calendars that are not published.",
            unknown,
            code="unknown-calendar",
        )
    data = canonical(document)
    event = AgreementPublished(
        name=document.agreement, version=published.next_version, document=data, digest=digest(data)
    )
    return [DecidedEvent(event)]


def publication_warnings(
    document: AgreementDocument, calendars: Mapping[str, CalendarPublished]
) -> list[PublicationWarning]:
    """What is allowed and probably not meant: business time on a calendar that never closes is time around the clock.

    ``calendars`` are the versions of those that the agreement names.
    """
    always = {name for name, calendar in calendars.items() if never_closes(calendar)}
    return [
        PublicationWarning(
            pointer=place("service_levels", number, "target"),
            detail=f"{line.target} on the calendar {', '.join(found)}, which never closes, is time around the clock; "
            "a line may name another calendar",
        )
        for number, line in enumerate(document.service_levels)
        if line.target is not None
        and line.target.clock in BUSINESS
        and (found := sorted(always & _of_line(document, line)))
    ]


def _of_line(document: AgreementDocument, line: ServiceLevel) -> set[str]:
    """The calendars that a line's time may be counted on, by the channel and site of the ticket."""
    if line.calendar is not None:
        return {line.calendar}
    channels = document.channels if line.channel is None else [line.channel]
    sites = [line.site] if line.site is not None else [None, *(each.id for each in document.sites)]
    return {document.calendar_for(channel, site) for channel in channels for site in sites}


def _check_soft_targets(document: AgreementDocument) -> None:
    """A soft target is a promise before the binding one. Raises NotAcceptable.

    Refused when published only: versions that are published already stay readable.
    """
    later = [
        (place("service_levels", number, "soft"), f"{line.soft} may come after the target, {line.target}")
        for number, line in enumerate(document.service_levels)
        if line.soft is not None and line.target is not None and may_be_later(line.soft, line.target)
    ]
    if later:
        raise NotAcceptable(
            f"The agreement {document.agreement} has soft targets that are later than their targets.", later
        )
