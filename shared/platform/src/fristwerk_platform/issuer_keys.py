"""The public keys of one issuer (RFC 7517), read again by a thread beside the requests: every ten
minutes, and when a token names a key that is not known, which is how issuers rotate theirs.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Final

import httpx
import jwt
import msgspec
import structlog

from fristwerk_platform.bounded_answer import UNPACKED, read_bounded

EVERY_SECONDS: Final = 600.0
AT_MOST_EVERY_SECONDS: Final = 10.0
"""How soon keys are asked for again, whatever tokens name: nobody makes us ask an issuer all the
time.
"""
FETCH_SECONDS: Final = 10.0
"""For a whole answer, however it drips in."""
MOST_BYTES: Final = 1024 * 1024
"""Of a set of keys; one has a few kilobytes."""
FIRST_SECONDS: Final = 2.0
"""How long the start waits for the first keys; it goes on without them."""
_log = structlog.get_logger()


class IssuerKeys:
    """The keys from an address or a file. What was read last holds while they cannot be read."""

    def __init__(
        self,
        url: str | None,
        file: Path | None,
        *,
        at_most_every: float = AT_MOST_EVERY_SECONDS,
        fetch_seconds: float = FETCH_SECONDS,
    ) -> None:
        self._url = url
        self._file = file
        self._at_most_every = at_most_every
        self._fetch_seconds = fetch_seconds
        self._keys: dict[str, jwt.PyJWK] = {}
        self._wanted = threading.Event()
        self._read_once = threading.Event()
        threading.Thread(target=self._keep_fresh, name="keys of an issuer", daemon=True).start()
        self._read_once.wait(FIRST_SECONDS)

    def named(self, key_id: str) -> jwt.PyJWK | None:
        """The key; where it is not known it is asked for, and a later token finds it."""
        found = self._keys.get(key_id)
        if found is None:
            self._wanted.set()
        return found

    def _keep_fresh(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self._keys = _parsed(self._content())
            except Exception as error:  # noqa: BLE001 - whatever an issuer answers, a thread that ended would read no key again
                _log.warning("issuer_keys_not_read", source=self._url or str(self._file), error=type(error).__name__)
            self._read_once.set()
            pause.wait(self._at_most_every)
            self._wanted.wait(EVERY_SECONDS)
            self._wanted.clear()

    def _content(self) -> bytes:
        if self._file is not None:
            return self._file.read_bytes()
        assert self._url is not None, "one of the two is given"
        return asyncio.run(_fetched(self._url, self._fetch_seconds))


async def _fetched(url: str, seconds: float) -> bytes:
    """What is at an address. Raises TimeoutError, httpx.HTTPError, ValueError for more than
    ``MOST_BYTES``.
    """
    async with (
        asyncio.timeout(seconds),
        httpx.AsyncClient(timeout=seconds, headers=UNPACKED) as client,
        client.stream("GET", url, follow_redirects=False) as answer,
    ):
        answer.raise_for_status()
        return await read_bounded(answer, MOST_BYTES)


def _parsed(content: bytes) -> dict[str, jwt.PyJWK]:
    """The keys for signatures that have an id. Raises jwt.PyJWTError, msgspec.MsgspecError."""
    keys = jwt.PyJWKSet.from_dict(msgspec.json.decode(content, type=dict)).keys
    return {each.key_id: each for each in keys if each.key_id and each.public_key_use in (None, "sig")}
