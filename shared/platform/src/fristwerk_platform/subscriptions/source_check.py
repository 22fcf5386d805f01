"""Whether a source says that its log is the one whose hashes it kept: asked before anything is made anew from it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import httpx
import msgspec

from fristwerk_platform.subscriptions.feed import SourceUnavailableError

PATIENCE_SECONDS: Final = 600.0
"""A long log takes some seconds for each million of events."""


class _Checked(msgspec.Struct, frozen=True):
    contradiction: str | None = None


async def source_contradiction(client: httpx.AsyncClient, token: Callable[[], str], log: str) -> str | None:
    """How the source's log of that name differs from its hashes; None where it does not, or the source is too old to say.

    ``token`` is that of a service for all providers. Raises SourceUnavailableError.
    """
    try:
        answer = await client.get(
            f"/v1/audit/{log}/check",
            headers={"Authorization": f"Bearer {token()}"},
            timeout=httpx.Timeout(10.0, read=PATIENCE_SECONDS),
        )
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=_Checked).contradiction
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise SourceUnavailableError(f"{type(error).__name__}: {error}") from error
