"""``python -m ticket_service export``: a bundle of all three services for an auditor, read as an auditor reads."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Final

import httpx

from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.cli import CliError, show
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys
from fristwerk_proof.claims import ServiceAnswer
from fristwerk_proof.collecting import Collected, CollectError, collect
from ticket_service.app import now

PATIENCE_SECONDS: Final = 60.0
BAR: Final = 30


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose bundle, where to, and up to which day."""
    parser.add_argument("--provider", default="demo", help="whose bundle (default: demo)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="such as bundle.zip")
    parser.add_argument("--until", type=_day, metavar="DAY", help="heads signed up to the end of that day (UTC)")


def export(settings: Settings, arguments: argparse.Namespace) -> int:
    """Write the bundle. Interrupted, it goes on where it was. Raises CliError."""
    out: Path = arguments.out
    if not out.parent.is_dir():
        raise CliError(f"There is no folder {out.parent}.")
    try:
        asyncio.run(_export(settings, arguments.provider, out, arguments.until))
    except CollectError as error:
        raise CliError(f"{error} Run again, the export goes on where it was.") from error
    show(f"{out} ({out.stat().st_size:,} bytes). Check it with: fristwerk-verify {out}")
    return 0


async def _export(settings: Settings, provider: str, out: Path, until: date | None) -> None:
    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    auditor = Principal(sub="export", role="auditor", provider=provider)
    addresses: dict[Collected, str] = {
        "ticket": settings.ticket_url,
        "sla": settings.sla_url,
        "billing": settings.billing_url,
    }
    async with AsyncExitStack() as opened:
        clients = {
            name: await opened.enter_async_context(httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS))
            for name, address in addresses.items()
        }

        async def fetch(service: Collected, path: str) -> ServiceAnswer:
            headers = {"Authorization": f"Bearer {tokens.issue(auditor, now=now())}"}
            try:
                answer = await clients[service].get(path, headers=headers)
            except httpx.HTTPError as error:
                raise CollectError(f"The {service}-service does not answer: {type(error).__name__}.") from error
            return ServiceAnswer(
                answer.status_code, answer.content, {name.lower(): each for name, each in answer.headers.items()}
            )

        await collect(fetch, provider, out, now=now, until=until, say=_progress)


def _progress(what: str, done: int, total: int) -> None:
    """A bar on the terminal; where nobody looks, nothing."""
    if sys.stderr.isatty():
        filled = BAR if not total else BAR * done // total
        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r{what:<20} [{'#' * filled}{'.' * (BAR - filled)}] {done:,} of {total:,}{end}")
        sys.stderr.flush()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-06-30") from None
