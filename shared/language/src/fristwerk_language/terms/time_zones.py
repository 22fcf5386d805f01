"""Time zones from the pinned ``tzdata`` package, so that every machine computes with the same
rules.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

import tzdata

TZDATA_VERSION: str = tzdata.IANA_VERSION
"""The IANA release in use, e.g. ``2026f``; every published calendar names it."""

MAX_NAME: Final = 64


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The IANA zone ``name``. Raises ValueError with a sentence if there is none."""
    parts = name.split("/")
    known = len(name) <= MAX_NAME and all(part and part.strip(".") and "\\" not in part for part in parts)
    unknown = f"{name[:MAX_NAME]!r} is not an IANA time zone such as 'Europe/Berlin'"
    file = resources.files("tzdata").joinpath("zoneinfo", *parts) if known else None
    if file is None or not file.is_file():
        raise ValueError(unknown)
    with file.open("rb") as data:
        try:
            return ZoneInfo.from_file(data, key=name)
        except ValueError:
            raise ValueError(unknown) from None
