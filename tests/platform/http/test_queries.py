"""Queries that are read again and again, and the address of the next page."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field
from starlette.requests import Request

from fristwerk_platform.http.queries import NOT_KEPT, SHORT, Page, _known, next_link, read_query


def asked(query: bytes, path: bytes = b"/v1/things") -> Request:
    return Request(
        {"type": "http", "path": path.decode("latin-1"), "raw_path": path, "query_string": query, "headers": []}
    )


@pytest.mark.parametrize(
    ("query", "following"),
    [
        (b"", "after=x+y"),
        (b"limit=2", "limit=2&after=x+y"),
        (b"after=1&limit=2", "after=x+y&limit=2"),
        (b"limit=2&%61fter=1", "limit=2&after=x+y"),
        (b"&q=Z%C3%BCrich+a%26b&", "q=Z%C3%BCrich+a%26b&after=x+y"),
        (b'q=a>b"\xff', "q=a%3Eb%22%C3%BF&after=x+y"),
    ],
)
def test_the_next_page_is_asked_for_in_the_same_words_behind_another_place(query: bytes, following: str) -> None:
    assert next_link(asked(query), "x y") == {"Link": f'</v1/things?{following}>; rel="next"'}


def test_no_character_of_a_path_ends_its_address() -> None:
    assert next_link(asked(b"", b'/v1/a%20b>"'), 1) == {"Link": '</v1/a%20b%3E%22?after=1>; rel="next"'}
    assert next_link(asked(b"limit=1"), None) == {}


@pytest.mark.parametrize("query", [b"limit=7", b"after=" + b"a" * (SHORT - 40)])
def test_a_query_that_was_read_before_says_the_same_to_its_own_list_only(query: bytes) -> None:
    class Other(Page):
        limit: int = 1

    first, second = read_query(asked(query), Page), read_query(asked(query), Page)

    assert first == second
    assert first[1] == []
    assert type(read_query(asked(query), Other)[0]) is Other


@pytest.mark.parametrize(
    "query", [b"limit=no", b"limit=1&limit=1", b"limit=", b"other=1", b"limit=no&" + b"a=1&" * SHORT]
)
def test_a_wrong_query_is_refused_each_time(query: bytes) -> None:
    for _ in range(3):
        found, wrong = read_query(asked(query), Page)
        assert found is None
        assert len(wrong) > 0
        wrong.clear()


def test_what_is_asked_of_a_person_stays_in_no_memory() -> None:
    class Search(Page):
        q: Annotated[str | None, NOT_KEPT] = None
        phone: Annotated[str | None, NOT_KEPT] = Field(None, max_length=40)
        group: str | None = None

    _known.cache_clear()
    for query in (b"q=Muster", b"group=first&phone=%2B49", b"limit=3&q=a&q=b"):
        read_query(asked(query), Search)
    assert _known.cache_info().misses == 0

    assert read_query(asked(b"group=first"), Search)[0] == Search.model_validate({"group": "first"})
    assert _known.cache_info().misses == 1
