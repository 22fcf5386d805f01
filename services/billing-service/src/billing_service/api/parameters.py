"""Parameters that several routes share, with their limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fristwerk_platform.http import LocalDate
from fristwerk_platform.http.queries import At, KnownAt, QueryParameters

ContractId = Annotated[str, Field(max_length=64, examples=["0199c3c4-6b20-7f33-a2e6-7b2a4d3f0c81"])]
CustomerId = Annotated[str, Field(max_length=64, examples=["0199c3c4-5a10-7e22-b1d5-6a1f3c2e9b70"])]
ChargeId = Annotated[str, Field(max_length=200)]
Number = Annotated[
    int, Field(ge=1, le=2**31 - 1, description="Number of the document in the provider's series", examples=[1])
]
LineNumber = Annotated[int, Field(ge=1, le=2**31 - 1, description="Line of the document, from 1", examples=[1])]
UntilDay = Annotated[
    LocalDate | None, Field(description="Last local day, inclusive; default today", examples=["2026-06-30"])
]
SentenceLanguage = Annotated[
    Literal["de", "en"] | None, Field(description="Language of the sentences; default the agreement's")
]
Table = Annotated[
    Literal["json", "csv"], Field(alias="format", description="csv for spreadsheets: all of it, not a page")
]


class AsOfQuery(QueryParameters):
    """By what had occurred at one instant, and had been recorded at another."""

    at: At = None
    known_at: Annotated[KnownAt, Field(description="By what had been recorded then")] = None


class LanguageQuery(QueryParameters):
    """In which language the sentences are."""

    lang: SentenceLanguage = None


class TableQuery(QueryParameters):
    """As data, or as a table."""

    table: Table = "json"
