"""How a publication changes what is published under a name."""

from __future__ import annotations

from fristwerk_language.events import Recorded
from fristwerk_language.events.terms import AgreementPublished, CalendarPublished
from ticket_service.domain.terms.state import Published, Version


def evolve_calendar(
    published: Published[CalendarPublished] | None, recorded: Recorded
) -> Published[CalendarPublished] | None:
    """A calendar's versions after an event of its stream; other events change nothing."""
    event = recorded.event
    return apply(published or Published(), event) if isinstance(event, CalendarPublished) else published


def evolve_agreement(
    published: Published[AgreementPublished] | None, recorded: Recorded
) -> Published[AgreementPublished] | None:
    """An agreement's versions after an event of its stream; other events change nothing."""
    event = recorded.event
    return apply(published or Published(), event) if isinstance(event, AgreementPublished) else published


def apply(published: Published[Version], event: Version) -> Published[Version]:
    """The versions after a publication."""
    return Published((*published.versions, event))
