"""The AsyncAPI document of what the relay publishes: as the code has it, complete, and true of a message of each type."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from fristwerk_language import events
from tests.test_house_rules_documents import ROOT, loaded

DOCUMENT: Any = json.loads((ROOT / "docs" / "reference" / "asyncapi.json").read_text("utf-8"))
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema | {"components": DOCUMENT["components"]}, validate_formats=True)


def references(part: Any) -> list[str]:
    match part:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [each for value in part.values() for each in references(value)]
        case list():
            return [each for value in part for each in references(value)]
        case _:
            return []


def test_the_document_is_what_the_code_says() -> None:
    script = loaded(ROOT / "docs" / "write_asyncapi.py")

    assert script.PAGE.read_text("utf-8") == script.text(), "run: .venv/bin/python docs/write_asyncapi.py"


def test_it_has_every_type_that_the_ticket_service_records() -> None:
    recorded = events.CATALOGUE | events.CUSTOMERS | events.AGENTS | events.TICKETS | events.KEPT_CALLS

    assert MESSAGES.keys() == recorded.keys()
    assert DOCUMENT["channels"]["events"]["messages"].keys() == recorded.keys()
    assert set(DOCUMENT["channels"]["events"]["parameters"]["type"]["enum"]) == recorded.keys()


def test_every_reference_leads_somewhere() -> None:
    for each in references(DOCUMENT):
        part = DOCUMENT
        for name in each.removeprefix("#/").split("/"):
            part = part[name]


@pytest.mark.parametrize("name", MESSAGES)
def test_the_example_of_a_message_is_as_described(name: str) -> None:
    message = MESSAGES[name]
    (example,) = message["examples"]

    validator(message["payload"]).validate(example["payload"])
    validator(message["headers"]).validate(example["headers"])
    assert example["headers"].keys() == DOCUMENT["components"]["schemas"]["MessageHeaders"]["properties"].keys()
    spoilt = example["payload"] | {"data": {"channel": 5, "text": 5, "minutes": "x", "reason": 5, "at": 5}}
    assert not validator(message["payload"]).is_valid(spoilt | {"occurred_at": 5})
