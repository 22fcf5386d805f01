"""The form in which a command's result is kept under its idempotency key, the same since the first log was written.

The tables of logs hold ``status``, ``body`` and ``headers``: what the first client was answered. This is the only place
where a result is given those; answering the first time uses it as well, so that a repetition cannot differ.
"""

from __future__ import annotations

from typing import Final

import msgspec

from fristwerk_platform.event_log import Answer

_CREATED: Final = 201
_UNCHANGED: Final = 200


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to: its body (JSON), the new version if it has one, and whether anything was recorded."""

    body: bytes
    version: int | None = None
    created: bool = True


def stored_form(result: CommandResult) -> Answer:
    """The result as tables keep it: whether something was created, and the version as an entity tag (RFC 9110, 8.8.3)."""
    return Answer(
        status=_CREATED if result.created else _UNCHANGED,
        body=result.body,
        headers={} if result.version is None else {"ETag": f'"{result.version}"'},
    )
