"""How much a simulation may ask for at once: calendars as documents have to be expanded while the
client waits; and how many simulations a provider may have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sla_service.domain.errors import NotAcceptable

MAX_DOCUMENTS: Final = 8
"""Calendars given as documents; published ones are expanded already and count for nothing."""
MAX_REGION_YEARS: Final = 400
"""Regions of holidays times years, over all documents: expanding one takes about a millisecond."""
MAX_UNFINISHED: Final = 10
"""Simulations of a provider that wait: all providers' are carried out one after the other."""
MAX_KEPT: Final = 1_000
"""Simulations of a provider that are kept for a week; each may hold thirty years of calendars."""
_YEARS: Final = re.compile(r"([0-9]{4})(?:-([0-9]{4}))?")


def check_room(unfinished: int, kept: int) -> None:
    """Raises NotAcceptable where a provider has as many simulations as there may be."""
    if unfinished >= MAX_UNFINISHED:
        raise _too_much("", f"{MAX_UNFINISHED} simulations are not finished yet; wait for one of them")
    if kept >= MAX_KEPT:
        raise _too_much("", f"{MAX_KEPT} simulations are kept, each for a week")


def check_bounds(calendars: Mapping[str, Any], calendar: Any) -> None:
    """Raises NotAcceptable with the place of the first document beyond a bound."""
    work = 0
    for number, (pointer, document) in enumerate(_documents(calendars, calendar), start=1):
        work += region_years(document)
        if number > MAX_DOCUMENTS:
            raise _too_much(pointer, f"at most {MAX_DOCUMENTS} calendars are given as documents; publish the others")
        if work > MAX_REGION_YEARS:
            raise _too_much(pointer, f"regions of holidays times years come to more than {MAX_REGION_YEARS} in all")


def region_years(document: Mapping[str, Any]) -> int:
    """How many years of a region's holidays a calendar takes to expand, at least 1; what is wrong in it is found later."""
    regions, years = document.get("holidays"), document.get("years")
    found = _YEARS.fullmatch(str(years)) if isinstance(years, str | int) else None
    span = int(found[2] or found[1]) - int(found[1]) + 1 if found else 1
    return max(1, len(regions) if isinstance(regions, list) else 0) * max(1, span)


def _documents(calendars: Mapping[str, Any], calendar: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for pointer, given in [
        *((f"/calendars/{name}", each) for name, each in calendars.items()),
        ("/calendar", calendar),
    ]:
        if isinstance(given, dict):
            yield pointer, given


def _too_much(pointer: str, sentence: str) -> NotAcceptable:
    return NotAcceptable("too-much-at-once", f"The simulation asks for too much: {sentence}.", [(pointer, sentence)])
