"""``python -m ticket_service relay``: the feed published to NATS JetStream, for many readers."""

from __future__ import annotations

import argparse
import asyncio
import signal
from typing import Final

import httpx

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import ALL_PROVIDERS, Principal, Tokens
from fristwerk_platform.cli import CliCommand, CliError
from fristwerk_platform.logs import configure_logs
from fristwerk_platform.settings import Settings
from fristwerk_platform.subscriptions import HttpFeed
from fristwerk_platform.token_keys import load_keys
from ticket_service.app import now

LOG: Final = "ticket"
"""What the events are of, in their types and sources."""
HINT: Final = "Publishing to NATS needs the package nats-py: install fristwerk-platform[nats]."


def relay_command() -> CliCommand:
    """``relay``: until it is stopped."""
    help_text = "publish the feed to NATS JetStream until stopped"
    return CliCommand(name="relay", help=help_text, run=_relay, add_arguments=_arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stream", default="FRISTWERK", help="the stream, made where there is none (default: FRISTWERK)"
    )
    parser.add_argument(
        "--replicas", type=int, choices=(1, 3, 5), default=1, help="servers that keep it, where it is made (default: 1)"
    )
    parser.add_argument(
        "--max-bytes", type=_bytes, default=-1, metavar="N", help="the oldest messages go beyond so many bytes"
    )


def _bytes(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return int(given)


def _relay(settings: Settings, arguments: argparse.Namespace) -> int:
    if settings.nats_url is None:
        raise CliError("FRISTWERK_NATS_URL says where to: nats://host:4222, several with commas between them.")
    configure_logs(settings.log_level, "ticket-service-relay")
    asyncio.run(_run(settings, settings.nats_url.split(","), arguments))
    return 0


async def _run(settings: Settings, servers: list[str], arguments: argparse.Namespace) -> None:
    try:
        from fristwerk_platform.relay import (  # noqa: PLC0415 - no other command needs NATS
            StreamOptions,
            UnusableStreamError,
            relay_until_stopped,
        )
    except ModuleNotFoundError as error:
        raise CliError(HINT) from error
    options = StreamOptions(name=arguments.stream, replicas=arguments.replicas, max_bytes=arguments.max_bytes)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    reader = Principal(sub="relay", role="service", provider=ALL_PROVIDERS)
    async with httpx.AsyncClient(base_url=settings.ticket_url) as client:
        feed = HttpFeed(client, lambda: tokens.issue(reader, now=now()), streaming=True)
        try:
            await relay_until_stopped(feed, servers, options, LOG, stopping)
        except UnusableStreamError as error:
            raise CliError(str(error)) from error
        finally:
            await feed.aclose()
