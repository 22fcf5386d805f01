"""What differs between two versions of a document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import msgspec

from fristwerk_language.events.terms import CalendarPublished, ClosedDay


class DocumentChange(msgspec.Struct, frozen=True, kw_only=True):
    """One place where two documents differ; ``old`` null: it was added, ``new`` null: it was taken away.

    ``pointer`` (RFC 6901) is the place in the new document, for what was taken away the place in the old one.
    """

    pointer: str
    old: object = None
    new: object = None


class CalendarChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two versions of a calendar, down to the days it closes."""

    changes: list[DocumentChange]
    closed_days_gained: list[ClosedDay]
    closed_days_lost: list[ClosedDay]


def calendar_changes(old: CalendarPublished, new: CalendarPublished) -> CalendarChanges:
    """The differences of the documents, and the dates that are closed in only one of the two versions."""
    old_dates, new_dates = {day.on for day in old.closed_days}, {day.on for day in new.closed_days}
    return CalendarChanges(
        changes=diff(old.document, new.document),
        closed_days_gained=[day for day in new.closed_days if day.on not in old_dates],
        closed_days_lost=[day for day in old.closed_days if day.on not in new_dates],
    )


def diff(old: object, new: object) -> list[DocumentChange]:
    """Where two canonical documents differ, in the order of the document."""
    return list(_changes("", old, new))


def _changes(pointer: str, old: object, new: object) -> Iterator[DocumentChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _changes(f"{pointer}/{_escaped(key)}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_changes(pointer, old, new)
    elif old != new:
        yield DocumentChange(pointer=pointer, old=old, new=new)


def _list_changes(pointer: str, old: Sequence[object], new: Sequence[object]) -> Iterator[DocumentChange]:
    """A line put in or taken out is one change; the lines after it are not compared with their neighbours."""
    matcher = SequenceMatcher(None, [_text(each) for each in old], [_text(each) for each in new], autojunk=False)
    for _, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if old[old_start:old_end] == new[new_start:new_end]:
            continue
        both = min(old_end - old_start, new_end - new_start)
        for number in range(both):
            yield from _changes(f"{pointer}/{new_start + number}", old[old_start + number], new[new_start + number])
        for number in range(old_start + both, old_end):
            yield DocumentChange(pointer=f"{pointer}/{number}", old=old[number])
        for number in range(new_start + both, new_end):
            yield DocumentChange(pointer=f"{pointer}/{number}", new=new[number])


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
