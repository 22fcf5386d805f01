"""Collects a bundle from a running installation with an auditor's token, by the standard library alone."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fristwerk_proof.claims import ServiceAnswer
from fristwerk_proof.collecting import Collected, CollectError, collect
from fristwerk_verify.findings import BadInputError

PATIENCE_SECONDS: Final = 60.0
LARGEST_ANSWER: Final = 256 * 1024**2


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to the address that was given and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing."""
        return


_opener: Final = urllib.request.build_opener(_NoRedirect)


def get(address: str, token: str | None = None) -> ServiceAnswer:
    """What an address answers. Raises CollectError where nothing does."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310 - checked by ``addresses_from``
    try:
        with _opener.open(request, timeout=PATIENCE_SECONDS) as answer:
            return _read(answer.status, answer)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error)
    except (OSError, ValueError) as error:
        raise CollectError(f"{address.partition('?')[0]} does not answer: {error}.") from error


def _read(status: int, answer: Any) -> ServiceAnswer:
    content = answer.read(LARGEST_ANSWER + 1)
    if len(content) > LARGEST_ANSWER:
        raise CollectError(f"An answer is longer than {LARGEST_ANSWER} bytes.")
    return ServiceAnswer(status, content, {name.lower(): value for name, value in answer.headers.items()})


def addresses_from(url: str, sla: str | None, billing: str | None) -> Mapping[Collected, str]:
    """Where the three services are: the next two ports after the first unless they are named. Raises BadInputError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInputError("not-reached", error=f"{url} is no address: {error}.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadInputError("not-reached", error=f"{url} is no address.")
    base = url.rstrip("/")
    if port is None and not (sla and billing):
        raise BadInputError("not-reached", error="Name the other two services as well: --sla URL --billing URL.")

    def after(steps: int) -> str:
        return f"{parts.scheme}://{parts.hostname}:{(port or 0) + steps}"

    return {"ticket": base, "sla": (sla or after(1)).rstrip("/"), "billing": (billing or after(2)).rstrip("/")}


def collect_online(addresses: Mapping[Collected, str], token: str, out: Path) -> None:
    """Collect a bundle into a file. Raises CollectError, and BadInputError for a token that cannot be read."""
    provider = provider_of(token)

    async def fetch(service: Collected, path: str) -> ServiceAnswer:
        return get(addresses[service] + path, token)

    asyncio.run(collect(fetch, provider, out, now=lambda: datetime.now(UTC), until=None, say=_say))


def provider_of(token: str) -> str:
    """The provider that a token names; whether the token is good the services say. Raises BadInputError."""
    try:
        body = token.split(".")[1]
        claims = json.loads(_decoded(body))
        return str(claims["provider"])
    except (IndexError, ValueError, KeyError, TypeError):
        raise BadInputError("not-reached", error="The token cannot be read; give it in AUDIT_TOKEN.") from None


def _decoded(body: str) -> bytes:
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def _say(what: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{what}: {done:,} of {total:,}" + ("\n" if done >= total else "   "))
        sys.stderr.flush()
