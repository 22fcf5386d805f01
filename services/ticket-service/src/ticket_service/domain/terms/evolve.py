"""How a publication changes what is published under a name."""

from __future__ import annotations

from datetime import datetime

from fristwerk_language.events import Recorded
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from fristwerk_language.terms import Publication, Validity
from ticket_service.domain.terms.state import Origin, Published, Version, valid_from


def evolve_calendar(
    published: Published[CalendarPublished] | None, recorded: Recorded
) -> Published[CalendarPublished] | None:
    """A calendar's versions after an event of its stream; other events change nothing."""
    event, envelope = recorded.event, recorded.envelope
    if not isinstance(event, CalendarPublished):
        return published
    return apply(published or Published(), event, envelope.occurred_at, envelope.actor.id)


def evolve_agreement(
    published: Published[AgreementPublished] | None, recorded: Recorded
) -> Published[AgreementPublished] | None:
    """An agreement's versions after an event of its stream; other events change nothing."""
    event, envelope = recorded.event, recorded.envelope
    if not isinstance(event, AgreementPublished):
        return published
    return apply(published or Published(), event, envelope.occurred_at, envelope.actor.id)


def apply(published: Published[Version], event: Version, at: datetime, by: str) -> Published[Version]:
    """The versions after a publication at an instant by somebody."""
    versions, origins = (*published.versions, event), (*published.origins, Origin(at, by))
    publications = [
        Publication(
            version=each.version,
            published_at=origin.published_at,
            valid_from=valid_from(each),
            timezone=each.document["timezone"],
        )
        for each, origin in zip(versions, origins, strict=True)
    ]
    return Published(versions, origins, Validity(publications))
