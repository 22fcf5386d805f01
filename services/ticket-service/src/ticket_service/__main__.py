"""``python -m ticket_service``: serve, publish terms documents, print a token."""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
from sqlalchemy.exc import SQLAlchemyError

from fristwerk_platform.auth import ALL_PROVIDERS, ROLES, KeyFileError, Principal, Tokens, load_keys
from fristwerk_platform.event_log import LogError
from fristwerk_platform.http import Stopping, serve
from fristwerk_platform.http.connections import ConnectionLimits
from fristwerk_platform.logs import configure_logs
from fristwerk_platform.read_models import RebuildError
from fristwerk_platform.settings import Settings, SettingsError, read_settings
from ticket_service.app import create_app, now
from ticket_service.publishing import NotPublishedError, published
from ticket_service.rebuild import rebuild

PORT = 8001


def main(given: Sequence[str] | None = None) -> int:
    """Run one command; 0 or the exit code, with a sentence on standard error for what went wrong."""
    arguments = _parser().parse_args(given)
    try:
        settings = read_settings(os.environ)
        match arguments.command:
            case "serve":
                return _serve(settings)
            case "rebuild":
                return _rebuild(settings, arguments)
            case "token":
                print(_token(settings, arguments))  # noqa: T201 - the command's purpose
            case _:
                asyncio.run(_publish(settings, arguments))
    except (SettingsError, KeyFileError, NotPublishedError, RebuildError, LogError, OSError) as error:
        sentence = str(error)
    except SQLAlchemyError as error:
        sentence = f"The read model of the ticket service cannot be used: {type(error).__name__}."
    else:
        return 0
    print(sentence, file=sys.stderr)  # noqa: T201 - a sentence, not a traceback
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ticket_service", description="The ticket service of Fristwerk.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve HTTP until stopped")
    remake = commands.add_parser(
        "rebuild", help="make the read model anew beside the running service, and switch to it"
    )
    remake.add_argument("--check", action="store_true", help="only make it and compare; nothing is switched")
    remake.add_argument("--back", action="store_true", help="go back to what the last rebuild replaced")
    token = commands.add_parser("token", help="print a bearer token, nothing else")
    publish = commands.add_parser("publish", help="publish terms documents at the running service")
    publish.add_argument("files", nargs="+", type=Path, metavar="FILE")
    for each in (token, publish):
        each.add_argument("--provider", default="demo", help="the provider the token acts for (default: demo)")
    token.add_argument("--role", required=True, choices=ROLES)
    token.add_argument("--customer", help="the own company's id, for the role customer")
    token.add_argument("--subject", help="who acts (default: the role's name)")
    return parser


def _serve(settings: Settings) -> int:
    configure_logs(settings.log_level, "ticket-service")
    stopping = Stopping()
    return serve(
        create_app(settings, stopping),
        stopping,
        host=settings.host,
        port=settings.port or PORT,
        limits=ConnectionLimits.of(settings),
    )


def _rebuild(settings: Settings, arguments: argparse.Namespace) -> int:
    configure_logs(settings.log_level, "ticket-service")
    show = functools.partial(print, flush=True)
    asyncio.run(rebuild(settings, show, check=arguments.check, back=arguments.back))
    return 0


def _token(settings: Settings, arguments: argparse.Namespace) -> str:
    """Raises SettingsError for a token that every service would refuse."""
    if arguments.role == "customer" and not arguments.customer:
        raise SettingsError("A token for the role customer names the company: --customer ID.")
    if not arguments.provider or (arguments.provider == ALL_PROVIDERS and arguments.role != "service"):
        raise SettingsError("A token names its provider; only the role service may have all of them: --provider '*'.")
    principal = Principal(
        sub=arguments.subject or arguments.role,
        role=arguments.role,
        provider=arguments.provider,
        customer=arguments.customer if arguments.role == "customer" else None,
    )
    return _tokens(settings).issue(principal, now=now())


def _tokens(settings: Settings) -> Tokens:
    """Signed with the key file that the services use: the one set, else ``keys.json`` in their folder or in the current one."""
    here = Path("keys.json")
    file = here if settings.key_file is None and not settings.keys.exists() and here.exists() else settings.keys
    return Tokens(load_keys(file), issuer=settings.issuer, audience=settings.audience)


async def _publish(settings: Settings, arguments: argparse.Namespace) -> None:
    token = _tokens(settings).issue(Principal(sub="publish", role="admin", provider=arguments.provider), now=now())
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=settings.ticket_url, headers=headers, timeout=30) as client:
        async for line in published(client, arguments.files):
            print(line)  # noqa: T201 - the command's answer


if __name__ == "__main__":
    sys.exit(main())
