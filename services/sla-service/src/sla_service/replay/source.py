"""The ticket service's feed as a replay opens it, in whichever process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import httpx

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import HttpFeed
from fristwerk_platform.subscriptions.source_check import source_contradiction
from fristwerk_platform.token_keys import load_keys


@asynccontextmanager
async def ticket_feed(settings: Settings, now: Callable[[], datetime]) -> AsyncIterator[HttpFeed]:
    """The feed, read with a token of this service's. Raises KeyFileError."""
    async with httpx.AsyncClient(base_url=settings.ticket_url) as client:
        yield HttpFeed(client, _token(settings, now))


async def ticket_contradiction(settings: Settings, now: Callable[[], datetime]) -> str | None:
    """How the ticket service's log differs from its hashes. Raises KeyFileError, SourceUnavailableError."""
    async with httpx.AsyncClient(base_url=settings.ticket_url) as client:
        return await source_contradiction(client, _token(settings, now), "tickets")


def _token(settings: Settings, now: Callable[[], datetime]) -> Callable[[], str]:
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    reader = Principal(sub="sla-service", role="service", provider="*", scopes=frozenset({"audit"}))
    return lambda: tokens.issue(reader, now=now())
