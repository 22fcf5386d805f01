"""Lines of a feed as messages: their subjects, their headers as CloudEvents has them, and what is too large for one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from fristwerk_platform.relay.messages import NatsMessage, Previous, as_message, position_and_id
from fristwerk_platform.subscriptions.partitions import partition_of

STREAM = "ticket-019f043a-f300-7595-a652-c02496c1ba09"
LINE = {
    "position": 41,
    "id": "019f12d2-4d34-7bc3-b5d4-38da9de25a20",
    "type": "AcceptanceRefused",
    "schema": 1,
    "provider": "digidesk",
    "stream": STREAM,
    "version": 8,
    "occurred_at": "2026-06-29T10:00:00Z",
    "data": {"on_behalf": None},
}


def message(max_bytes: int = 1_048_576, **changed: Any) -> NatsMessage:
    line = json.dumps(LINE | changed).encode()
    return as_message(line, log="ticket", previous=Previous(40, {partition_of(STREAM): 17}), max_bytes=max_bytes)


def test_readers_of_cloud_events_read_a_message() -> None:
    made = message()
    event = from_http_event(HTTPMessage(made.headers, made.data))

    assert event.get_id() == LINE["id"]
    assert event.get_source() == "/providers/digidesk/ticket"
    assert event.get_type() == "fristwerk.ticket.AcceptanceRefused.v1"
    assert event.get_subject() == STREAM
    assert event.get_time() == datetime(2026, 6, 29, 10, tzinfo=UTC)
    assert event.get_extension("sequence") == "41"
    assert event.get_extension("partitionkey") == STREAM
    assert event.get_data() == LINE


def test_a_message_says_which_one_was_before_it() -> None:
    headers = message().headers
    assert (headers["Fristwerk-Previous-Position"], headers["Fristwerk-Previous-In-Partition"]) == ("40", "17")
    assert message(stream="ticket-2").headers["Fristwerk-Previous-In-Partition"] == "0"


@pytest.mark.parametrize(
    ("provider", "token"),
    [
        ("digidesk", "digidesk"),
        ("a.b", "a%2Eb"),
        ("a b", "a%20b"),
        ("*", "%2A"),
        (">", "%3E"),
        ("müller\r\nNats-Msg-Id: x", "m%C3%BCller%0D%0ANats-Msg-Id%3A%20x"),
    ],
)
def test_no_name_means_anything_to_the_server(provider: str, token: str) -> None:
    made = message(provider=provider)
    assert made.subject == f"fristwerk.{token}.AcceptanceRefused.{partition_of(STREAM)}"
    assert all(value.isascii() and value.isprintable() for value in made.headers.values())
    assert from_http_event(HTTPMessage(made.headers, made.data)).get_source() == f"/providers/{provider}/ticket"


def test_a_line_that_the_server_would_not_take_stands_in_the_feed_alone() -> None:
    whole = message()
    size = len(whole.data) + sum(len(f"{name}: {value}\r\n") for name, value in whole.headers.items())

    assert message(max_bytes=size + 256).data == whole.data
    too_large = message(max_bytes=size + 255)
    assert too_large.data == b""
    assert too_large.headers == whole.headers


def test_position_and_id_of_a_line() -> None:
    assert position_and_id(json.dumps(LINE).encode()) == (41, LINE["id"])
