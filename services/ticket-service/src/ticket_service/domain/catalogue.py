"""The catalogue of published terms: when a document becomes a new version, and what differs between two versions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Generic, TypeVar

import msgspec

from fristwerk_language.events.catalogue import AgreementPublished, CalendarPublished, ClosedDay
from fristwerk_language.terms import AgreementDocument, CalendarDocument, canonical, digest
from ticket_service.domain.errors import NotAcceptable, NotFound
from ticket_service.domain.fact import Fact

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


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One place where two documents differ; ``old`` null: it was added, ``new`` null: it was taken away.

    ``pointer`` (RFC 6901) is the place in the new document, for what was taken away the place in the old one.
    """

    pointer: str
    old: Any = None
    new: Any = None


class CalendarChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two versions of a calendar, down to the days it closes."""

    changes: list[Change]
    closed_days_gained: list[ClosedDay]
    closed_days_lost: list[ClosedDay]


def evolve(published: Published[Version], event: Version) -> Published[Version]:
    """The catalogue's entry after a publication."""
    return Published((*published.versions, event))


def is_current(published: Published[Version], document: CalendarDocument | AgreementDocument) -> bool:
    """Whether the document says what the current version's says: publishing it again makes no new version.

    A newer ``holidays`` library alone makes none either; a day that has moved shows in the preview.
    """
    return published.current is not None and published.current.document == canonical(document)


def publish_calendar(published: Published[CalendarPublished], materialised: CalendarPublished) -> list[Fact]:
    """The next version of a calendar, materialised beforehand with ``published.next_version``; nothing if it is the same."""
    if published.current is not None and published.current.document == materialised.document:
        return []
    assert materialised.version == published.next_version, "materialised for another version"
    return [Fact(materialised)]


def publish_agreement(
    published: Published[AgreementPublished], document: AgreementDocument, calendars: Collection[str]
) -> list[Fact]:
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
    return [Fact(event)]


def calendar_changes(old: CalendarPublished, new: CalendarPublished) -> CalendarChanges:
    """The differences of the documents, and the dates that are closed in only one of the two versions."""
    old_dates, new_dates = {day.on for day in old.closed_days}, {day.on for day in new.closed_days}
    return CalendarChanges(
        changes=diff(old.document, new.document),
        closed_days_gained=[day for day in new.closed_days if day.on not in old_dates],
        closed_days_lost=[day for day in old.closed_days if day.on not in new_dates],
    )


def diff(old: Any, new: Any) -> list[Change]:
    """Where two canonical documents differ, in the order of the document."""
    return list(_changes("", old, new))


def _changes(pointer: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _changes(f"{pointer}/{_escaped(key)}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_changes(pointer, old, new)
    elif old != new:
        yield Change(pointer=pointer, old=old, new=new)


def _list_changes(pointer: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Change]:
    """A line put in or taken out is one change; the lines after it are not compared with their neighbours."""
    matcher = SequenceMatcher(None, [_text(each) for each in old], [_text(each) for each in new], autojunk=False)
    for _, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if old[old_start:old_end] == new[new_start:new_end]:
            continue
        both = min(old_end - old_start, new_end - new_start)
        for number in range(both):
            yield from _changes(f"{pointer}/{new_start + number}", old[old_start + number], new[new_start + number])
        for number in range(old_start + both, old_end):
            yield Change(pointer=f"{pointer}/{number}", old=old[number])
        for number in range(new_start + both, new_end):
            yield Change(pointer=f"{pointer}/{number}", new=new[number])


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
