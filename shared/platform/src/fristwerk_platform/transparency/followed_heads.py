"""The newest heads of a log that another service keeps, for the feed of what was derived from it.

They are asked for in the background and shown as they are: whoever kept one checks it against a bundle. Where the other
service does not answer, the ones before stay, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import httpx
import structlog

from fristwerk_platform.transparency.proofs import short_head
from fristwerk_proof.notes import NoteError

FRESH_SECONDS: Final = 10.0
"""So long a head is shown before a newer one is asked for; the other service signs no more often."""
PATIENCE_SECONDS: Final = 5.0
_log = structlog.get_logger()


class FollowedHeads:
    """The newest head of the log ``name`` for each provider that somebody asked about; ``token`` is for one provider."""

    def __init__(self, client: httpx.AsyncClient, token: Callable[[str], str], name: str) -> None:
        self._client = client
        self._token = token
        self._name = name
        self._known: dict[str, str] = {}
        self._asked: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def newest(self, provider: str) -> str | None:
        """The short form of the newest head that is known; None before the first."""
        now = time.monotonic()
        if provider not in self._asking and now - self._asked.get(provider, -FRESH_SECONDS) >= FRESH_SECONDS:
            self._asked[provider] = now
            self._asking[provider] = asyncio.create_task(self._ask(provider))
        return self._known.get(provider)

    async def close(self) -> None:
        """Ask no more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, provider: str) -> None:
        try:
            answer = await self._client.get(
                f"/v1/audit/{self._name}/checkpoint",
                headers={"Authorization": f"Bearer {self._token(provider)}"},
                timeout=PATIENCE_SECONDS,
            )
            if answer.status_code == HTTPStatus.OK:
                self._known[provider] = short_head(self._name, answer.content)
        except (httpx.HTTPError, NoteError) as error:
            _log.info("head_unknown", log=self._name, provider=provider, error=str(error))
        finally:
            del self._asking[provider]
