"""What the operations on terms answer, as types that describe it for OpenAPI (see ``answers``)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from fristwerk_language.events.terms import AgreementPublished, CalendarPublished, ClosedDay
from ticket_service.api.answers import CommandAnswer
from ticket_service.domain.terms.comparison import DocumentChange
from ticket_service.domain.terms.publishing import PublicationWarning
from ticket_service.queries.read_model import TermsRow
from ticket_service.terms_migration_ledger import Failure


class CalendarAnswer(msgspec.Struct):
    """One version of a calendar, materialised."""

    calendar: CalendarPublished


class CalendarVersion(CalendarAnswer):
    """One version of a calendar, and the version in force where that came later."""

    superseded_by: int | None


class CalendarChanged(CommandAnswer):
    """The newest version of the calendar."""

    calendar: CalendarPublished


class AgreementAnswer(msgspec.Struct):
    """One version of an agreement."""

    agreement: AgreementPublished


class AgreementVersion(AgreementAnswer):
    """One version of an agreement, and the version in force where that came later."""

    superseded_by: int | None


class AgreementChanged(CommandAnswer):
    """The newest version of the agreement, and what is probably not meant in it."""

    agreement: AgreementPublished
    warnings: list[PublicationWarning]


class TermsPage(msgspec.Struct):
    """Calendars or agreements."""

    items: list[TermsRow]


class ListedVersion(msgspec.Struct):
    """One version of a document. ``superseded_by`` is the version in force, for those that came before it."""

    name: str
    version: int
    digest: str
    valid_from: date | None
    published_at: datetime
    published_by: str
    in_force: bool
    superseded_by: int | None


class VersionPage(msgspec.Struct):
    """Versions of one document."""

    items: list[ListedVersion]


class AgreementDiff(msgspec.Struct):
    """What differs between two versions."""

    from_version: int = msgspec.field(name="from")
    to: int
    changes: list[DocumentChange]


class CalendarDiff(AgreementDiff):
    """What differs between two versions, down to the days that are closed in only one of them."""

    closed_days_gained: list[ClosedDay]
    closed_days_lost: list[ClosedDay]


class MigrationRead(msgspec.Struct):
    """Tickets that move to another version of an agreement or of a calendar; the one of the two that it is is there."""

    id: str
    from_version: int
    to_version: int
    reason: str
    state: Literal["running", "done"]
    total: int
    done: int
    failed: int
    failures: list[Failure]
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None
    agreement: str | msgspec.UnsetType = msgspec.UNSET
    calendar: str | msgspec.UnsetType = msgspec.UNSET


class MigrationAnswer(msgspec.Struct):
    """One migration of terms."""

    migration: MigrationRead


class MigrationPage(msgspec.Struct):
    """Migrations of terms."""

    items: list[MigrationRead]
