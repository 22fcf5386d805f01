"""The lines of a feed as messages of NATS.

A message is a CloudEvent in binary mode (CloudEvents 1.0.2; NATS protocol binding, section 3.1):
the line as the feed serves it is its data, and the attributes stand in headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from fristwerk_platform.subscriptions.partitions import partition_of

SUBJECTS: Final = "fristwerk.>"
"""``fristwerk.<provider>.<type>.<partition>``"""
MESSAGE_ID: Final = "Nats-Msg-Id"
"""The event's id: a message that comes twice within the stream's window is stored once."""
PREVIOUS_IN_LOG: Final = "Fristwerk-Previous-Position"
"""Position of the message before in the stream, 0 for the first."""
PREVIOUS_IN_PARTITION: Final = "Fristwerk-Previous-In-Partition"
"""The same of the message before in the partition."""
POSITION: Final = "ce-sequence"
"""The event's position, as the extension ``sequence`` of CloudEvents has it."""
_HEADERS_AROUND: Final = 256
"""Bytes of the first header line and of those that the stream asks for when it is published."""
_PRINTABLE: Final = "".join(chr(each) for each in range(0x21, 0x7F) if chr(each) not in '"%')
"""What stands as it is in a header; the NATS binding (3.1.3.2) percent-encodes all else."""


class Previous(msgspec.Struct, frozen=True):
    """Where the messages before stand in the log: of the whole stream, and by partition."""

    in_log: int
    by_partition: Mapping[int, int]


class NatsMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is ready to be published."""

    id: str
    position: int
    partition: int
    subject: str
    headers: dict[str, str]
    data: bytes
    """The line; empty where it is larger than the server takes, and stands in the feed alone."""


class _Head(msgspec.Struct, frozen=True):
    position: int
    id: str
    type: str
    schema: int
    provider: str
    stream: str
    occurred_at: str


_heads = msgspec.json.Decoder(_Head)


def position_and_id(line: bytes) -> tuple[int, str]:
    """Position and id of a line's event."""
    head = _heads.decode(line)
    return head.position, head.id


def as_message(line: bytes, *, log: str, previous: Previous, max_bytes: int) -> NatsMessage:
    """The message of a line of the feed.

    ``log`` is what the events are of, in one word; ``max_bytes`` is how many the server
    takes for headers and data.
    """
    head = _heads.decode(line)
    partition = partition_of(head.stream)
    attributes = {
        "ce-specversion": "1.0",
        "ce-id": head.id,
        "ce-source": f"/providers/{head.provider}/{log}",
        "ce-type": f"fristwerk.{log}.{head.type}.v{head.schema}",
        "ce-subject": head.stream,
        "ce-time": head.occurred_at,
        POSITION: str(head.position),
        "ce-partitionkey": head.stream,
        "content-type": "application/json",
        MESSAGE_ID: head.id,
        PREVIOUS_IN_LOG: str(previous.in_log),
        PREVIOUS_IN_PARTITION: str(previous.by_partition.get(partition, 0)),
    }
    headers = {name: quote(value, safe=_PRINTABLE) for name, value in attributes.items()}
    size = len(line) + sum(len(name) + len(value) + 4 for name, value in headers.items())
    return NatsMessage(
        id=head.id,
        position=head.position,
        partition=partition,
        subject=f"fristwerk.{_token(head.provider)}.{_token(head.type)}.{partition}",
        headers=headers,
        data=line if size + _HEADERS_AROUND <= max_bytes else b"",
    )


def _token(text: str) -> str:
    """A token of a subject: dots, blanks and wildcards would mean something there."""
    return quote(text, safe="").replace(".", "%2E")
