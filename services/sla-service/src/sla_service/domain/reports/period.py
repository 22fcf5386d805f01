"""A period to look at: between instants, or between local days, both of which count."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

import msgspec

_DAY: Final = timedelta(days=1)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """From ``since`` until ``until``: an instant ``until`` itself does not count, a local day does.
    None: without end.
    """

    since: date | datetime | None = None
    until: date | datetime | None = None

    @property
    def is_reversed(self) -> bool:
        """Whether it ends before it begins, in whichever zone."""
        since, until = self.since, self.until
        if isinstance(since, datetime) != isinstance(until, datetime):
            since, until = self.bounds
        return since is not None and until is not None and until < since

    @property
    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Instants that enclose the period in every zone: local days differ by at most one from
        those of UTC.
        """
        return _earliest(self.since), _latest(self.until)

    def holds(self, instant: datetime, zone: tzinfo) -> bool:
        """Whether the instant lies in the period, local days being those of ``zone``."""
        day = instant.astimezone(zone).date()
        begun = self.since is None or (instant >= self.since if isinstance(self.since, datetime) else day >= self.since)
        over = self.until is not None and (
            instant >= self.until if isinstance(self.until, datetime) else day > self.until
        )
        return begun and not over


def bound_text(bound: date | datetime | None) -> str | None:
    """A bound as text, to be read by ``bound_of``."""
    return None if bound is None else bound.isoformat()


def bound_of(text: str | None) -> date | datetime | None:
    """The bound that ``bound_text`` wrote."""
    if text is None:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _earliest(bound: date | datetime | None) -> datetime | None:
    if bound is None or isinstance(bound, datetime):
        return bound
    midnight = datetime.combine(bound, time(), UTC)
    return midnight - _DAY if midnight - _FIRST > _DAY else _FIRST


def _latest(bound: date | datetime | None) -> datetime | None:
    if bound is None or isinstance(bound, datetime):
        return bound
    midnight = datetime.combine(bound, time(), UTC)
    return midnight + 2 * _DAY if _LAST - midnight > 2 * _DAY else _LAST
