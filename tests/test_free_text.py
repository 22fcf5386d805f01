"""Nothing that somebody writes freely stands in clear: every field of an event and every text of a request body is sealed,
an identifier, a word of the terms, a company's own, or named here with what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec import inspect as types

from fristwerk_language.events import EVENT_TYPES
from fristwerk_language.events.billing import ChargeDecided, SealedText

OPENAPI = Path(__file__).parent / "contracts" / "openapi"

IDENTIFIERS: Final = frozenset(
    [
        "account",
        "accounts",
        "agent",
        "asked_for",
        "call",
        "charge",
        "contract",
        "customer",
        "dedicated_number",
        "deputy",
        "deputy_for",
        "device",
        "digest",
        "entries",
        "entry",
        "follows",
        "for_agent",
        "from_contract",
        "from_customer",
        "sealed_for",
        "last_fact",
        "package",
        "reference",
        "rule",
        "series",
        "system",
        "ticket",
        "timer",
        "to",
        "user",
    ]
)
"""Ids that were given here, and those of the vendor's people, roles and numbers, and of tokens."""
WORDS_OF_THE_TERMS: Final = frozenset(
    [
        "activity",
        "addon",
        "addons",
        "against",
        "agreement",
        "agreement_channel",
        "calendar",
        "category",
        "code",
        "detail",
        "channel",
        "classification",
        "department",
        "group",
        "groups",
        "kind",
        "language",
        "languages",
        "level",
        "metric",
        "name",
        "notices",
        "plan",
        "role",
        "severity",
        "site",
        "title",
        "type",
        "why",
    ]
)
"""What an agreement or calendar defines, and what the service words itself."""
PUBLISHED: Final = frozenset(
    [
        "closed_days",
        "document",
        "exceptional_hours",
        "holidays_version",
        "hours",
        "opened_days",
        "source",
        "timezone",
        "tzdata_version",
    ]
)
"""Parts of terms that the vendor published, and documents, whose free text is sealed by itself."""
DATA: Final = frozenset({"address", "country", "entitled_why", "fields", "product", "serial", "vat_id"})
"""A company's, or a device's (decision 0002), and the service's own sentence about an entitlement."""
IN_CLEAR: Final = frozenset({"TermsMigrated.reason", "CalendarPublished.reason"})
"""The first was written in clear up to 0.2.0 and is sealed now; the second is the vendor's, why a day is closed."""

SEALED: Final = frozenset(
    [
        "id",
        "email",
        "contact",
        "description",
        "note",
        "outcome",
        "purpose",
        "question",
        "reason",
        "severity_reason",
        "subject",
        "text",
        "phone",
        "from",
    ]
)
"""Texts of bodies that are sealed; a private person's name, address and VAT id are as well."""
NOT_ABOUT_A_CUSTOMER: Final = frozenset({"/v1/terms-migrations reason"})
"""A sentence about terms, for all tickets at once; it stays in the ledger of migrations (decision 0026)."""
ASKED: Final = frozenset(
    {"until", "on", "occurred_at", "received_at", "started_at", "start", "at", "paid_on", "target", "warranty_until"}
)
"""Instants, days and spans, which have a parser of their own."""


def texts(found: types.Type, name: str) -> Iterator[str]:
    """The name of every field in a type, at any depth, that takes any text."""
    match found:
        case types.StrType(pattern=None):
            yield name
        case types.UnionType():
            for each in found.types:
                yield from texts(each, name)
        case types.ListType() | types.VarTupleType():
            yield from texts(found.item_type, name)
        case types.DictType():
            yield from texts(found.value_type, name)
        case types.AnyType():
            yield name
        case types.StructType():
            for field in found.fields:
                yield from texts(field.type, field.encode_name)
        case _:
            pass


def fields_of_text(event_type: type[msgspec.Struct]) -> Iterator[str]:
    for field in msgspec.structs.fields(event_type):
        if field.type is not SealedText:
            yield from texts(types.type_info(field.type), field.encode_name)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_text_of_an_event_is_named_or_sealed(name: str) -> None:
    known = IDENTIFIERS | WORDS_OF_THE_TERMS | PUBLISHED | DATA
    free = {each for each in fields_of_text(EVENT_TYPES[name]) if each not in known}

    assert {f"{name}.{each}" for each in free} <= IN_CLEAR


def test_a_new_field_of_free_text_would_be_found() -> None:
    class Praised(msgspec.Struct):
        praise: str
        by: list[dict[str, str]]
        score: int

    assert {*fields_of_text(Praised)} == {"praise", "by"}
    assert "reason" not in {*fields_of_text(ChargeDecided)}


NAMED = {
    "/v1/calls ticket": "looked up and not stored",
    "/v1/calls/{call}/attachment ticket": "the same",
    "/v1/calls/{call}/ticket voicemails": "the same",
    "/v1/customers name": "a company's is its own, a private person's is sealed",
    "/v1/customers/{customer}/portal-users name": "sealed",
    "/v1/contracts/{contract}/what-if agreement": "name or name@version, looked up and not stored",
    "/v1/deadlines calendar": "the same",
    "/v1/simulations agreement": "the same",
    "/v1/simulations calendar": "the same",
}
"""Other texts of bodies."""
NO_IDENTIFIER = ('=HYPERLINK("https://x.example")', "anna@muster.example", "Anna Muster, Luzern", "", "x" * 65)


def bodies() -> Iterator[tuple[str, str]]:
    """Path and name of every text of a body that has neither a pattern nor a list of values."""
    for file in OPENAPI.glob("*.json"):
        document = json.loads(file.read_bytes())
        for path, item in document["paths"].items():
            for operation in item.values():
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    yield from ((path, each) for each in _texts(content.get("schema", {}), document, ""))


def _texts(schema: Mapping[str, Any], document: Mapping[str, Any], name: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _texts(each, document, name)
    for key, each in schema.get("properties", {}).items():
        yield from _texts(each, document, key)
    for each in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(each, dict):
            yield from _texts(each, document, name)
    if schema.get("type") == "string" and not {"enum", "const", "pattern", "format"} & schema.keys():
        yield name


def test_every_text_of_a_body_is_named_or_sealed() -> None:
    known = DATA | SEALED | ASKED | {"proposals"}
    found = list(bodies())

    assert len(found) > 50  # instants and days are told by their format, and are no texts
    assert {f"{path} {name}" for path, name in found if name not in known} == NAMED.keys()
    assert {f"{path} {name}" for path, name in found} >= NOT_ABOUT_A_CUSTOMER


def patterns(value: Any) -> Iterator[str]:
    """Every pattern in a description."""
    match value:
        case {"type": "string", "pattern": str(pattern)}:
            yield pattern
        case dict():
            for each in value.values():
                yield from patterns(each)
        case list():
            for each in value:
                yield from patterns(each)
        case _:
            pass


def test_no_identifier_of_a_body_is_a_formula_an_address_or_a_name() -> None:
    found = {each for file in OPENAPI.glob("*.json") for each in patterns(json.loads(file.read_bytes())["components"])}

    assert found
    for pattern in found:
        assert not any(re.search(pattern, text) for text in NO_IDENTIFIER[:3]), pattern
        assert re.search(pattern, "agent-7") or re.search(pattern, "2026-06-03T14:30:00Z") or "~" in pattern, pattern
