"""Which appends of a group can be stored: each continues its streams version by version, each key is used once."""

from __future__ import annotations

from collections.abc import Sequence

from fristwerk_platform.event_log.group_commit import Append
from fristwerk_platform.event_log.interface import ClaimedError, NewEvent, VersionConflictError


def has_rivals(group: Sequence[Append]) -> bool:
    """Whether appends of the group exclude one another, whatever the log holds.

    They do when two want the same version of a stream, leave a gap in it, claim the same name or use the same key.
    """
    claims: list[str] = []
    versions: dict[str, int] = {}
    keys: set[tuple[str, str]] = set()
    keyed_appends = 0
    for append in group:
        if append.keyed is not None:
            keyed_appends += 1
            keys.add((append.keyed.key.scope, append.keyed.key.key))
        for new in append.events:
            if versions.get(new.stream, new.version - 1) != new.version - 1:
                return True
            versions[new.stream] = new.version
            claims += new.names.claims
    return len(keys) != keyed_appends or len(set(claims)) != len(claims)


def expected_versions(events: Sequence[NewEvent]) -> list[int]:
    """For each event the version that its stream must have before the first event of that stream."""
    expected: dict[str, int] = {}
    return [expected.setdefault(new.stream, new.version - 1) for new in events]


def version_conflict(events: Sequence[NewEvent], versions: dict[str, int]) -> VersionConflictError | None:
    """The error if the events do not continue their streams, whose last versions are given; otherwise ``None``."""
    reached: dict[str, int] = {}
    for new in events:
        if new.version != 1 + reached.get(new.stream, versions.get(new.stream, 0)):
            return VersionConflictError(f"{new.stream} does not continue with version {new.version}")
        reached[new.stream] = new.version
    return None


def claim_conflict(events: Sequence[NewEvent], claimants: dict[str, str]) -> ClaimedError | None:
    """The error if a name that the events claim belongs to one of the given streams already, or is claimed twice."""
    taken = dict(claimants)
    for new in events:
        for claim in new.names.claims:
            if claim in taken:
                return ClaimedError(claim, taken[claim])
            taken[claim] = new.stream
    return None
