"""Published versions of agreements, as what is billed rests on them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from fristwerk_language.events import Recorded
from fristwerk_language.events.terms import AgreementPublished
from fristwerk_language.terms import AgreementDocument, Publication, stored_agreement


class PublishedAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an agreement, the digest it was published with, and since when it was known and
    is in force. ``event`` published it, at ``position`` of the ticket service's log.
    """

    document: AgreementDocument
    digest: str
    publication: Publication
    recorded_at: datetime
    event: str
    position: int


def published_agreement(published: Recorded) -> tuple[tuple[str, int], PublishedAgreement]:
    """A version of an agreement under its name and number, from the event that published it."""
    event = published.event
    assert isinstance(event, AgreementPublished), "only agreements are stored here"
    document, envelope = stored_agreement(event.document), published.envelope
    return (event.name, event.version), PublishedAgreement(
        document=document,
        digest=event.digest,
        publication=Publication(
            version=event.version,
            published_at=envelope.occurred_at,
            valid_from=document.valid_from,
            timezone=document.timezone,
        ),
        recorded_at=envelope.recorded_at,
        event=envelope.id,
        position=envelope.position,
    )
