"""The composition root of the relay: the feed published to NATS JetStream, and a port that says how that goes."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

import httpx
from fastapi import FastAPI

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import ALL_PROVIDERS, Principal, Tokens
from fristwerk_platform.background_tasks import BackgroundTasks
from fristwerk_platform.http import Stopping, create_api
from fristwerk_platform.http.door import ServiceIdentity, guard
from fristwerk_platform.http.health import health_router
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.relay import RelayProgress, StreamOptions, UnusableStreamError, relay_until_stopped
from fristwerk_platform.service import service_lifespan
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import HttpFeed
from fristwerk_platform.token_keys import load_keys
from ticket_service.app import now

LOG: Final = "ticket"
"""What the events are of, in their types and sources."""
IDENTITY: Final = ServiceIdentity("ticket-service-relay", {})
DESCRIPTION = "Publishes the ticket service's feed to NATS JetStream; asked for nothing but how that goes."


class RelayProcess:
    """The relay with its application, for as long as the process runs."""

    def __init__(self, settings: Settings, servers: Sequence[str], options: StreamOptions, stopping: Stopping) -> None:
        """Raises KeyFileError where there are no keys yet: the ticket service makes them."""
        self.unusable: str | None = None
        """Why it ended by itself: what only a person can mend."""
        self._servers = servers
        self._options = options
        self._stopping = stopping
        self._metrics = Metrics()
        self._tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
        self._client = httpx.AsyncClient(base_url=settings.ticket_url)
        self._feed = HttpFeed(self._client, self._token, streaming=True)
        self._progress = RelayProgress("ticket-service", HttpFeed(self._client, self._token), self._metrics, now)
        self.app = self._application(settings)

    def _application(self, settings: Settings) -> FastAPI:
        tasks = BackgroundTasks()
        app = create_api(
            title="Fristwerk relay",
            description=DESCRIPTION,
            version=version("fristwerk-ticket-service"),
            routers=[
                health_router(
                    checks={"tasks": tasks.check},
                    followers=lambda: [self._progress],
                    metrics=self._metrics,
                    now=now,
                    measure=self._progress.measure,
                )
            ],
            lifespan=service_lifespan(
                closing=[self._client.aclose, self._feed.aclose], steps=[tasks.until_done("relay", self._relay)]
            ),
        )
        guard(app, settings, IDENTITY, tokens=self._tokens, now=now, meter=self._metrics)
        return app

    async def _relay(self) -> None:
        """Until the process stops, which it does by itself where the stream cannot be added to."""
        try:
            await relay_until_stopped(self._feed, self._servers, self._options, LOG, self._progress, self._stopping)
        except UnusableStreamError as error:
            self.unusable = str(error)
            signal.raise_signal(signal.SIGTERM)

    def _token(self) -> str:
        return self._tokens.issue(Principal(sub="relay", role="service", provider=ALL_PROVIDERS), now=now())
