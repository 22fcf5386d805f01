"""``python -m sla_service rebuild``: timers derived anew into the next generation of the read model, beside the running service.

No notice is given meanwhile. Those that were given are copied with their positions, and of the alarms only those are set that
have not rung.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import httpx

from fristwerk_language.events import decode_tolerantly
from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.read_models.blue_green import read_model_versions
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import HttpFeed
from fristwerk_platform.subscriptions.joined_partitions import join_up_partitions
from fristwerk_platform.subscriptions.rebuild import Rebuild, Source
from fristwerk_platform.subscriptions.source_check import source_contradiction
from fristwerk_platform.token_keys import load_keys
from sla_service.notices.outbox import MutedOutbox
from sla_service.projections import tables
from sla_service.projections.projector import SOURCE, Projector


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

    Raises RebuildError, SourceUnavailableError, KeyFileError. A read model that processes share is
    followed as a whole again; RebuildError where that cannot be.
    """
    await join_up_partitions(settings, "sla", tables.metadata, tables.partitions, SOURCE)
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    outbox = MutedOutbox()
    async with ticket_service or httpx.AsyncClient(base_url=settings.ticket_url) as client:
        token = partial(_token, tokens, now)
        feed = HttpFeed(client, token)
        rebuilding = Rebuild(
            versions=read_model_versions(settings, "sla", tables.metadata),
            metadata=tables.metadata,
            checkpoints=tables.checkpoints,
            sources=[Source(name=SOURCE, feed=feed, decode=decode_tolerantly, apply=Projector(outbox).apply)],
            say=say,
            settle=outbox.settle,
            contradictions=[partial(source_contradiction, client, token, "tickets")],
        )
        return await rebuilding.run(check=check, back=back)


def _token(tokens: Tokens, now: Callable[[], datetime]) -> str:
    return tokens.issue(
        Principal(sub="sla-service", role="service", provider="*", scopes=frozenset({"audit"})), now=now()
    )
