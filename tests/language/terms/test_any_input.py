"""Whatever is sent as a terms document, the answer is a document or a refusal with places, never a fault."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from fristwerk_language.terms import (
    NotReadableError,
    TermsError,
    agreement_document,
    calendar_document,
    canonical,
    read_yaml,
)
from tests.lanes import examples

TERMS = Path(__file__).parents[3] / "deploy/local/src/fristwerk_local/terms"
CALENDAR = read_yaml((TERMS / "calendars/infoniqa-literal.yaml").read_bytes())
AGREEMENTS = [read_yaml(path.read_bytes()) for path in sorted((TERMS / "agreements").glob("*.yaml"))]
LEAVES = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(),
    some.floats(),
    some.decimals(),
    some.text(max_size=20),
    some.binary(max_size=5),
    some.sampled_from(
        ["-", "mon-fri", "24:00-24:00", "2026-06-31", "1 business days", "75%", "9" * 400, "\ud800", "/~"]
    ),
)
JSON_LIKE = some.recursive(
    LEAVES,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places_in(data: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside: Any = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [place, *(found for key, value in inside for found in places_in(value, (*place, key)))]


def replaced(data: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(data)
    target = changed
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    return changed


def refusal_of(read: Any, data: Any) -> TermsError | NotReadableError | None:
    try:
        read(data)
    except (TermsError, NotReadableError) as refusal:
        return refusal
    return None


def assert_answered(read: Any, data: Any) -> None:
    refusal = refusal_of(read, data)
    if refusal is None:
        assert read(canonical(read(data))) == read(data)
        return
    assert isinstance(refusal, TermsError)
    assert refusal.errors
    assert all(sentence and (pointer == "" or pointer.startswith("/")) for pointer, sentence in refusal.errors)


@settings(max_examples=examples(200), deadline=None)
@given(place=some.sampled_from(places_in(CALENDAR)), value=JSON_LIKE)
def test_a_calendar_with_anything_anywhere_is_answered(place: tuple[Any, ...], value: Any) -> None:
    assert_answered(calendar_document, replaced(CALENDAR, place, value))


@pytest.mark.parametrize("document", AGREEMENTS, ids=lambda document: str(document["agreement"]))
@settings(max_examples=100, deadline=None)
@given(data=some.data(), value=JSON_LIKE)
def test_an_agreement_with_anything_anywhere_is_answered(document: dict[str, Any], data: Any, value: Any) -> None:
    assert_answered(agreement_document, replaced(document, data.draw(some.sampled_from(places_in(document))), value))


@settings(max_examples=examples(300), deadline=None)
@given(text=some.binary(max_size=80) | some.text(alphabet="ab:-[]{},&*!|>'\"#\n\t 1.\\u", max_size=60).map(str.encode))
def test_any_text_is_read_or_refused_with_a_sentence(text: bytes) -> None:
    refusal = refusal_of(read_yaml, text)
    assert refusal is None or str(refusal)
