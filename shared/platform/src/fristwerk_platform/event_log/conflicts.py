"""Which appends of a group can be stored together: each stream continued version by version, each key used once."""

from __future__ import annotations

from collections.abc import Sequence

from fristwerk_language.events import NewEvent
from fristwerk_platform.event_log.group_commit import Append
from fristwerk_platform.event_log.interface import VersionConflictError


def contradicts_itself(group: Sequence[Append]) -> bool:
    """Whether the group's appends cannot all be stored, whatever the log holds: rivals for a version, a gap, one key twice."""
    reached: dict[str, int] = {}
    keys: set[tuple[str, str]] = set()
    keyed = 0
    for each in group:
        if each.keyed is not None:
            keyed += 1
            keys.add((each.keyed.key.scope, each.keyed.key.key))
        for new in each.events:
            if reached.get(new.stream, new.version - 1) != new.version - 1:
                return True
            reached[new.stream] = new.version
    return len(keys) != keyed


def versions_before(events: Sequence[NewEvent]) -> list[int]:
    """For each event the version at which its stream stands before the first of them."""
    before: dict[str, int] = {}
    return [before.setdefault(new.stream, new.version - 1) for new in events]


def conflict(events: Sequence[NewEvent], versions: dict[str, int]) -> VersionConflictError | None:
    """Why the events do not continue their streams, which stand at those versions; null where they do."""
    reached: dict[str, int] = {}
    for new in events:
        if new.version != 1 + reached.get(new.stream, versions.get(new.stream, 0)):
            return VersionConflictError(f"{new.stream} does not continue with version {new.version}")
        reached[new.stream] = new.version
    return None
