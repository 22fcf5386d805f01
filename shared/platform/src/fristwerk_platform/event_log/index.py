"""The index that is kept with a log: what the events of a group change in it, and rows for events that were stored without."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from fristwerk_platform.event_log.group_commit import Append
from fristwerk_platform.event_log.interface import NO_NAMES

Entry = tuple[str, str]
"""A claim or a label, and its stream."""


class IndexChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is written to the index in one transaction. No entry is both added and dropped."""

    claims: Sequence[Entry] = ()
    added: Sequence[Entry] = ()
    dropped: Sequence[Entry] = ()

    def __bool__(self) -> bool:
        return bool(self.claims or self.added or self.dropped)


def index_change(group: Sequence[Append]) -> IndexChange:
    """What a group changes in all: of two events that add and drop the same label the later one counts."""
    claims: list[Entry] = []
    labels: dict[Entry, bool] = {}
    for append in group:
        for new in append.events:
            if new.names is NO_NAMES:
                continue
            claims += [(each, new.stream) for each in new.names.claims]
            labels |= {(each, new.stream): True for each in new.names.labels}
            labels |= {(each, new.stream): False for each in new.names.dropped_labels}
    return IndexChange(
        claims=claims,
        added=[entry for entry, is_added in labels.items() if is_added],
        dropped=[entry for entry, is_added in labels.items() if not is_added],
    )


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """Entries for streams that were stored without them, and how far the filling has come with these.

    ``rules`` names the rules by which entries are made, ``until`` the last stream that was looked at, in the order of
    their names; ``None`` once there is none left.
    """

    rules: str
    until: str | None
    claims: Sequence[Entry]
    labels: Sequence[Entry]
