"""Who may ask, and the periods that several questions have."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from fristwerk_platform.http.problems import Problem
from fristwerk_platform.http.queries import query_instant
from fristwerk_platform.http.types import parse_date
from sla_service.domain.reports.period import Period

READERS: Final = frozenset({"admin", "agent", "specialist", "manager", "billing", "auditor"})
TICKET_READERS: Final = READERS | {"customer"}
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day_or_instant(value: object) -> date | datetime | None:
    """A local date, or an instant with its offset; None where it was not given."""
    return parse_date(value) if isinstance(value, str) and _DATE.fullmatch(value) else query_instant(value)


Bound = Annotated[date | datetime | None, BeforeValidator(day_or_instant)]
Since = Annotated[
    Bound, Field(alias="from", description="From this instant on, or from this local day on", examples=["2026-06-01"])
]
Until = Annotated[
    Bound, Field(description="Before this instant, or until the end of this local day", examples=["2026-06-30"])
]
After = Annotated[str, Field(max_length=300, description="Where the page before ended")]


def period(since: date | datetime | None, until: date | datetime | None, pointer: str = "#query/from") -> Period:
    """The period between two bounds. Raises Problem 422, pointing at the first, if it ends before it begins."""
    found = Period(since=since, until=until)
    if found.is_reversed:
        sentence = "ends before it begins: 'from' lies behind 'until'"
        raise Problem(422, f"The period {sentence}.", code="period-reversed", errors=[(pointer, sentence)])
    return found
