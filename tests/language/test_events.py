"""The published language: what was once released reads the same for ever."""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fristwerk_language.events import (
    EVENT_TYPES,
    Actor,
    Envelope,
    UnknownEvent,
    decode,
    encode_line,
    new_event_id,
    read_line,
    type_name,
)
from fristwerk_language.events.tickets import Closed, Responded
from fristwerk_language.examples import example, line
from fristwerk_platform.subscriptions import with_position

CONTRACTS = Path(__file__).parents[1] / "contracts/events"
STORED = sorted(CONTRACTS.glob("*.json"))
ENVELOPE_FIELDS = [
    "id",
    "type",
    "schema",
    "provider",
    "stream",
    "version",
    "occurred_at",
    "recorded_at",
    "actor",
    "correlation_id",
    "causation_id",
    "data",
    "personal",
]


def stored(path: Path) -> bytes:
    return path.read_bytes().rstrip(b"\n")


def encoded_again(envelope: Envelope, event: Any) -> bytes:
    return encode_line(
        event_id=envelope.id,
        type=type_name(event),
        schema=envelope.schema,
        provider=envelope.provider,
        stream=envelope.stream,
        version=envelope.version,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        actor=envelope.actor,
        correlation_id=envelope.correlation_id,
        causation_id=envelope.causation_id,
        data=event,
        personal=envelope.personal,
    )


def without_additions(new: Any, old: Any) -> Any:
    """The new JSON without the keys that the old did not have: what a reader of the old release sees."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {key: without_additions(value, old[key]) for key, value in new.items() if key in old}
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [without_additions(each, other) for each, other in zip(new, old, strict=True)]
    return new


def changed(stored_line: bytes, **fields: Any) -> bytes:
    return msgspec.json.encode(json.loads(stored_line) | fields)


def test_every_event_type_has_a_stored_line_of_its_first_schema() -> None:
    assert {path.name for path in STORED} >= {f"{name}.1.json" for name in EVENT_TYPES}


def test_no_released_event_type_is_taken_away() -> None:
    assert {path.name.split(".")[0] for path in STORED} <= EVENT_TYPES.keys()


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_line_is_read_as_its_type_and_schema(path: Path) -> None:
    name, schema, _ = path.name.split(".")
    found = decode(stored(path))
    assert type(found.event) is EVENT_TYPES[name]
    assert found.envelope.schema == int(schema)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_line_says_the_same_when_written_again(path: Path) -> None:
    old = stored(path)
    found = decode(old)
    new = encoded_again(found.envelope, found.event)
    what_old_readers_see = without_additions(json.loads(new), json.loads(old))
    assert json.dumps(what_old_readers_see) == json.dumps(json.loads(old))
    fields_were_added = json.loads(new) != json.loads(old)
    assert fields_were_added or new == old


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_data_is_what_the_event_says(name: str) -> None:
    found = example(name)
    assert msgspec.json.encode(found.event) == bytes(found.envelope.data)


def test_the_fields_of_a_line_stand_in_the_documented_order() -> None:
    assert list(json.loads(line("TicketCreated"))) == ENVELOPE_FIELDS
    assert list(json.loads(line("TicketCreated"))["actor"]) == ["id", "role"]


def test_the_feed_puts_the_position_in_front_of_the_stored_bytes() -> None:
    served = with_position(1042, line("Responded"))
    assert served == b'{"position":1042,' + line("Responded")[1:]
    assert list(json.loads(served)) == ["position", *ENVELOPE_FIELDS]
    assert decode(served).envelope.position == 1042
    assert decode(served).event == example("Responded").event


def test_a_stored_line_knows_no_position() -> None:
    assert read_line(line("Responded")).position == 0


def test_a_line_has_no_line_feed() -> None:
    assert all(b"\n" not in line(name) for name in EVENT_TYPES)


def test_an_unknown_type_is_an_unknown_event_and_no_error() -> None:
    found = decode(changed(line("Responded"), type="TicketPraised", data={"by": ["whom", 1]}))
    assert found.event == UnknownEvent(type="TicketPraised")
    assert found.envelope.type == "TicketPraised"


def test_fields_that_came_later_are_ignored() -> None:
    data = json.loads(line("Responded"))["data"] | {"mood": "friendly"}
    found = decode(changed(line("Responded"), data=data, shard=7))
    assert found.event == example("Responded").event


def test_fields_that_came_later_are_kept_in_the_bytes_of_data() -> None:
    found = decode(changed(line("Responded"), data={"channel": "email", "visible": True, "mood": "friendly"}))
    assert json.loads(bytes(found.envelope.data))["mood"] == "friendly"


def test_fields_that_an_older_release_did_not_write_have_their_default() -> None:
    found = decode(changed(line("Responded"), data={"channel": "email"}))
    assert found.event == Responded(channel="email", visible=True)


@pytest.mark.parametrize("broken", [b"", b"{}", b"[]", b'{"id": 1}', b"\xff"])
def test_a_line_that_is_no_envelope_is_an_error(broken: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode(broken)


def test_a_known_type_with_impossible_data_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(changed(line("Responded"), data={"channel": 5}))


def test_events_cannot_be_changed() -> None:
    event: Any = example("Responded").event
    with pytest.raises(AttributeError):
        event.channel = "fax"


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_a_stored_name_is_the_documented_one_and_every_type_is_immutable(name: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]+", name)
    assert EVENT_TYPES[name].__struct_config__.frozen


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_an_event_id_is_a_uuid_of_version_seven_that_tells_when_it_was_recorded(name: str) -> None:
    envelope = example(name).envelope
    identifier = uuid.UUID(envelope.id)
    assert str(identifier) == envelope.id
    assert (identifier.version, identifier.variant) == (7, uuid.RFC_4122)
    assert identifier.int >> 80 == int(envelope.recorded_at.timestamp() * 1000)


def test_event_ids_are_in_the_order_of_time_whatever_the_randomness() -> None:
    earlier = new_event_id(datetime(2026, 6, 3, 14, 30, tzinfo=UTC), b"\xff" * 10)
    later = new_event_id(datetime(2026, 6, 3, 14, 30, 0, 1_000, tzinfo=UTC), b"\x00" * 10)
    assert earlier < later


def test_event_ids_of_the_same_instant_differ_by_their_randomness() -> None:
    instant = datetime(2026, 6, 3, 14, 30, tzinfo=UTC)
    assert len({new_event_id(instant, bytes([number] * 10)) for number in range(256)}) == 256


def test_naive_instants_are_never_written() -> None:
    with pytest.raises(AssertionError, match="instants are UTC"):
        encode_line(
            event_id="x",
            type="Closed",
            schema=1,
            provider="hamburg",
            stream="ticket-1",
            version=1,
            occurred_at=datetime(2026, 6, 3),  # noqa: DTZ001 - the point of the test
            recorded_at=datetime(2026, 6, 3, tzinfo=UTC),
            actor=Actor(id="a", role="agent"),
            correlation_id=None,
            causation_id=None,
            data=Closed(),
            personal=None,
        )
