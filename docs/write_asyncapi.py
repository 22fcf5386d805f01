"""Writes ``docs/reference/asyncapi.json``: what the relay publishes to NATS, as AsyncAPI 3.0 has it.

``.venv/bin/python docs/write_asyncapi.py``; the types are those of the ticket service's OpenAPI document. A test compares.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import ticket_service.app
from fristwerk_platform.http import Stopping
from fristwerk_platform.relay.messages import Previous, as_message
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions.partitions import PARTITIONS
from ticket_service.relay_app import LOG

PAGE: Final = Path(__file__).parent / "reference" / "asyncapi.json"
EXAMPLES: Final = Path(__file__).parents[1] / "tests" / "contracts" / "events"
UNION: Final = "Event"
HEADERS: Final = {
    "ce-specversion": "1.0",
    "ce-id": "Id of the event",
    "ce-source": "/providers/<provider>/<log>",
    "ce-type": "fristwerk.<log>.<type>.v<schema>",
    "ce-subject": "Stream of the event, such as a ticket",
    "ce-time": "When it occurred (RFC 3339)",
    "ce-sequence": "Position in the log",
    "ce-partitionkey": "What the partition follows from: the stream",
    "content-type": "Media type of the line",
    "Nats-Msg-Id": "Id of the event, by which the server recognises a repetition",
    "Fristwerk-Previous-Position": "Position of the message before in the stream, 0 for the first",
    "Fristwerk-Previous-In-Partition": "The same of the message before in the partition",
}
DESCRIPTION: Final = (
    "Every event of the ticket service, as `python -m ticket_service relay` publishes it to NATS JetStream. It is never "
    "the record: a reader that misses the position named by `Fristwerk-Previous-Position`, or finds a message without "
    "data, reads `GET /v1/events` from its own position on."
)
Json = dict[str, Any]


def document() -> Json:
    """The whole document."""
    with tempfile.TemporaryDirectory() as folder:
        openapi = ticket_service.app.create_app(Settings(var=Path(folder)), Stopping()).openapi()
    schemas: Json = openapi["components"]["schemas"]
    mapping: dict[str, str] = schemas[UNION]["discriminator"]["mapping"]
    names = sorted(mapping)
    wanted = dict.fromkeys(each for name in names for each in _reached(mapping[name], schemas))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Fristwerk's events over NATS",
            "version": openapi["info"]["version"],
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"nats": {"host": "127.0.0.1:4222", "protocol": "nats", "description": "FRISTWERK_NATS_URL"}},
        "channels": {"events": _channel(names)},
        "operations": {
            "publishEvents": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "summary": "Every event, in the order of the log, each once",
            }
        },
        "components": {
            "messages": {name: _message(name, mapping[name]) for name in names},
            "schemas": {"MessageHeaders": _headers(), **{each: schemas[each] for each in sorted(wanted)}},
        },
    }


def _channel(names: list[str]) -> Json:
    return {
        "address": "fristwerk.{provider}.{type}.{partition}",
        "title": "Events",
        "description": "Characters that mean something in subjects are percent-encoded in the provider.",
        "parameters": {
            "provider": {"description": "The provider whose event it is"},
            "type": {"description": "Type of the event", "enum": names},
            "partition": {
                "description": "The first byte of the stream's SHA-256, modulo 64",
                "enum": [*map(str, range(PARTITIONS))],
            },
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _message(name: str, payload: str) -> Json:
    line = (EXAMPLES / f"{name}.1.json").read_bytes().strip()
    line = b'{"position":1042,%s' % line[1:]
    made = as_message(line, log=LOG, previous=Previous(1041, {}), max_bytes=2**20)
    return {
        "name": name,
        "title": name,
        "headers": {"$ref": "#/components/schemas/MessageHeaders"},
        "payload": {"$ref": payload},
        "examples": [{"name": name, "headers": made.headers, "payload": json.loads(line)}],
    }


def _headers() -> Json:
    properties = {name: {"type": "string", "description": words} for name, words in HEADERS.items()}
    return {"type": "object", "required": [*HEADERS], "properties": properties}


def _reached(reference: str, schemas: Json, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names of a schema and of all that it refers to."""
    name = reference.rpartition("/")[2]
    if name in seen:
        return
    yield name
    for each in _references(schemas[name]):
        yield from _reached(each, schemas, seen | {name})


def _references(schema: Any) -> Iterator[str]:
    match schema:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for each in schema.values():
                yield from _references(each)
        case list():
            for each in schema:
                yield from _references(each)


def text() -> str:
    """The document as it is stored."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), "utf-8")
