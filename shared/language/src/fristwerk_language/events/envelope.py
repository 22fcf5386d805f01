"""The envelope: what stands around every event, and the one line of JSON that the log stores and the feed serves.

The stored line has no ``position``; the feed puts it in front, so the bytes an auditor hashes never change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acted: the token's subject and role."""

    id: str
    role: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded event. ``version`` counts inside ``stream`` from 1; ``position`` orders the whole log (0: not known here).

    ``personal`` is the sealed part or null; ``data`` is kept as the bytes that were stored.
    """

    position: int = 0
    id: str
    type: str
    schema: int
    provider: str
    stream: str
    version: int
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    correlation_id: str | None
    causation_id: str | None
    data: msgspec.Raw
    personal: str | None


_decoder = msgspec.json.Decoder(Envelope)


def read_line(line: bytes) -> Envelope:
    """The envelope of a stored or served line; fields this version does not know are ignored (additive changes)."""
    return _decoder.decode(line)


class LineHead(msgspec.Struct, frozen=True, gc=False):
    """What of a stored line stands in columns of its row as well."""

    stream: str
    version: int
    type: str


_heads = msgspec.json.Decoder(LineHead)


def columns_of(lines: Sequence[bytes]) -> list[LineHead]:
    """Stream, version and type of stored lines. Raises ValueError where one is not UTF-8 and JSON from end to end."""
    if not all(map(bytes.isascii, lines)):
        for line in lines:
            line.decode()  # the decoder skips what it does not look for
    return [*map(_heads.decode, lines)]


def as_json(line: bytes) -> Mapping[str, Any]:
    """The line as plain JSON data, for answers."""
    return msgspec.json.decode(line)  # type: ignore[no-any-return]
