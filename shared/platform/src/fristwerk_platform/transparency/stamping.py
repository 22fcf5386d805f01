"""Has an authority stamp each provider's newest head once a day (RFC 3161): a key cannot be used in the past then.

In the background: where the authority does not answer, it is asked again within the hour, and nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import httpx
import structlog

from fristwerk_platform.bounded_answer import UNPACKED, read_bounded
from fristwerk_platform.read_models import Database, DatabaseUnavailableError
from fristwerk_platform.transparency import store
from fristwerk_platform.transparency.store import Head
from fristwerk_proof.stamps import LONGEST_RESPONSE, REQUEST_TYPE, RESPONSE_TYPE, is_granted, stamp_request

EVERY: Final = timedelta(days=1)
LOOK_SECONDS: Final = 3_600.0
PATIENCE_SECONDS: Final = 20.0
"""For a whole answer, however it drips in."""
_NONCE_BITS: Final = 63
_log = structlog.get_logger()


class StampError(Exception):
    """The authority gave no stamp. The message is a sentence."""


class Stamping:
    """Asks the authority at an address for stamps of the heads in a database of trees."""

    def __init__(
        self,
        database: Database,
        address: str,
        now: Callable[[], datetime],
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._database = database
        self._address = address
        self._now = now
        self._patience_seconds = patience_seconds

    async def run(self) -> None:
        """Look each hour whether a head is to be stamped, until cancelled."""
        while True:
            await self.stamp_all()
            await asyncio.sleep(LOOK_SECONDS)

    async def stamp_all(self) -> int:
        """Have each provider's newest head stamped where none was within a day; how many were."""
        done = 0
        async with httpx.AsyncClient(timeout=self._patience_seconds, follow_redirects=False) as client:
            try:
                for head in await self._due():
                    response = await self._ask(client, head.note)
                    async with self._database.transaction() as connection:
                        await store.write_stamp(connection, head.provider, head.size, self._now(), response)
                    done += 1
            except (StampError, DatabaseUnavailableError) as error:
                _log.warning("heads_not_stamped", authority=self._address, reason=str(error))
        return done

    async def _due(self) -> list[Head]:
        found = []
        async with self._database.reading() as connection:
            for provider in await store.providers(connection):
                last = await store.last_stamped(connection, provider)
                head = await store.read_head(connection, provider)
                if head is None or (last is not None and self._now() - last < EVERY):
                    continue
                if not await store.read_stamps(connection, provider, [head.size]):
                    found.append(head)
        return found

    async def _ask(self, client: httpx.AsyncClient, note: bytes) -> bytes:
        """The authority's answer, as far as it can be looked at without trusting anybody. Raises StampError."""
        request = stamp_request(note, secrets.randbits(_NONCE_BITS))
        headers = {"Content-Type": REQUEST_TYPE, **UNPACKED}
        try:
            async with (
                asyncio.timeout(self._patience_seconds),
                client.stream("POST", self._address, content=request, headers=headers) as answer,
            ):
                kind = answer.headers.get("content-type", "")
                if answer.status_code != HTTPStatus.OK or not kind.startswith(RESPONSE_TYPE):
                    raise StampError(f"It answered {answer.status_code} with {kind[:100] or 'no content'}.")
                content = await read_bounded(answer, LONGEST_RESPONSE)
        except ValueError as error:
            raise StampError(f"Its answer is {error}.") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise StampError(f"It does not answer: {type(error).__name__}.") from error
        if not is_granted(content, note):
            raise StampError("It refused, or its answer is about something else.")
        return content
