"""``python -m billing_service rebuild``: facts and documents read anew from both logs, beside the running service."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial

import httpx

from billing_service.projections import tables
from billing_service.projections.projector import Projector
from billing_service.replay.issued import issued_contradiction
from fristwerk_language.events import columns_of, decode_tolerantly
from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.event_log import open_log
from fristwerk_platform.read_models.blue_green import read_model_versions
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import HttpFeed, LogFeed
from fristwerk_platform.subscriptions.joined_partitions import join_up_partitions
from fristwerk_platform.subscriptions.rebuild import Rebuild, Source
from fristwerk_platform.subscriptions.source_check import source_contradiction
from fristwerk_platform.token_keys import load_keys
from fristwerk_platform.transparency.trees import stored_contradiction


async def rebuild(
    settings: Settings,
    say: Callable[[str], None],
    *,
    now: Callable[[], datetime],
    check: bool = False,
    back: bool = False,
    ticket_service: httpx.AsyncClient | None = None,
) -> bool:
    """Rebuild, compare and switch (see ``subscriptions.rebuild``); returns whether nothing differed.

    invoice runs are copied. A read model that processes share is followed as a whole again.

    Raises RebuildError, SourceUnavailableError, KeyFileError, LogUnavailableError.
    """
    await join_up_partitions(settings, "billing", tables.metadata, tables.partitions, tables.SOURCE)
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    reader = Principal(sub="billing-service", role="service", provider="*", scopes=frozenset({"audit"}))

    def token() -> str:
        return tokens.issue(reader, now=now())

    projector = Projector()
    async with AsyncExitStack() as closing:
        client = await closing.enter_async_context(ticket_service or httpx.AsyncClient(base_url=settings.ticket_url))
        log = open_log(settings, "billing-log", read_columns=columns_of)
        closing.push_async_callback(log.close)
        tickets = HttpFeed(client, token)
        rebuilding = Rebuild(
            versions=read_model_versions(settings, "billing", tables.metadata),
            metadata=tables.metadata,
            checkpoints=tables.checkpoints,
            sources=[
                Source(name=tables.SOURCE, feed=tickets, decode=decode_tolerantly, apply=projector.apply),
                Source(name="own log", feed=LogFeed(log), decode=decode_tolerantly, apply=projector.apply_own),
            ],
            say=say,
            contradictions=[
                partial(source_contradiction, client, token, "tickets"),
                partial(stored_contradiction, settings, log, "billing", now),
                partial(issued_contradiction, tickets, LogFeed(log)),
            ],
        )
        return await rebuilding.run(check=check, back=back)
