"""``python -m ticket_service``: serve, rebuild, publish terms, print a token, export, back up and restore."""

from __future__ import annotations

import argparse
import asyncio
import os
import pwd
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from fristwerk_language.roles import ROLES, TOKEN_ROLES
from fristwerk_platform.auth import ALL_PROVIDERS, TOKEN_VALID, Principal, Tokens
from fristwerk_platform.cli import CliCommand, rebuild_command, run_command_line, serve_command, show
from fristwerk_platform.http.types import parse_instant
from fristwerk_platform.settings import Settings, SettingsError
from fristwerk_platform.token_keys import load_keys
from fristwerk_platform.transparency.keys import FILE, rotate_checkpoint_key
from ticket_service.app import create_app, now
from ticket_service.cli.backup import backup_command, check_heads_command, restore_command
from ticket_service.cli.export import export, export_arguments
from ticket_service.cli.keys import key_commands
from ticket_service.cli.publish import published
from ticket_service.cli.relay import relay_command
from ticket_service.rebuild import rebuild

PORT: Final = 8001


def main(given: Sequence[str] | None = None) -> int:
    """Run the command that the process's arguments name, or ``given``; returns the exit code."""
    commands = [
        serve_command("ticket-service", PORT, create_app),
        rebuild_command("ticket-service", partial(rebuild, now=now)),
        CliCommand(
            name="token", help="print a bearer token, nothing else", run=_print_token, add_arguments=_token_arguments
        ),
        CliCommand(
            name="publish",
            help="publish terms documents at the running service",
            run=_publish_files,
            add_arguments=_publish_arguments,
        ),
        backup_command(),
        restore_command(),
        check_heads_command(),
        *key_commands(),
        CliCommand(
            name="rotate_heads",
            help="put a new key in front of those that sign the heads of the logs",
            run=_rotate_heads,
        ),
        CliCommand(
            name="export",
            help="write everything of a provider, of all three services, into a bundle that anybody can check",
            run=export,
            add_arguments=export_arguments,
        ),
        relay_command(),
    ]
    description = "The ticket service of Fristwerk."
    return run_command_line(service="ticket-service", description=description, commands=commands, given=given)


SERVICE_TOKEN_VALID: Final = timedelta(days=90)
LONGEST_TOKEN_VALID: Final = timedelta(days=366)
SCOPES: Final = (
    *(
        "agents",
        "agreements",
        "audit",
        "calendars",
        "calls",
        "charges",
        "contracts",
        "customers",
        "deadlines",
        "escalations",
        "invoice-runs",
        "invoices",
    ),
    *("lines", "reports", "rows", "simulations", "suggestions", "surveys", "tasks", "terms-migrations"),
    *("tickets", "timers", "worklist"),
)
"""The resources of the three services, apart from the feeds."""


def _token_arguments(parser: argparse.ArgumentParser) -> None:
    _provider_argument(parser)
    parser.add_argument("--role", required=True, choices=ROLES)
    parser.add_argument("--customer", help="the own company's id, for the role customer")
    parser.add_argument(
        "--valid",
        type=_duration,
        help="for how long, such as 30m, 12h or 90d (default: 12h, for the role service 90d)",
    )
    parser.add_argument(
        "--not-before", type=_instant, metavar="INSTANT", help="from when on, such as 2026-06-03T08:00:00+02:00"
    )
    parser.add_argument(
        "--scope",
        action="append",
        choices=SCOPES,
        default=[],
        help="what the role service may use beside the feeds; may be repeated",
    )
    parser.add_argument("--subject", help="who acts (default: the role's name)")


def _publish_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    _provider_argument(parser)


def _provider_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--provider", default="demo", help="the provider the token acts for (default: demo)")


def _print_token(settings: Settings, arguments: argparse.Namespace) -> int:
    show(_token(settings, arguments))
    return 0


def _rotate_heads(settings: Settings, _arguments: argparse.Namespace) -> int:
    keys = rotate_checkpoint_key(settings.keys.with_name(FILE))
    show(
        f"{len(keys.seeds)} keys; heads are signed with the new one, and the one before, once the services were started again."
    )
    return 0


def _account() -> str:
    """The account of the operating system that this process runs under, by its number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _token(settings: Settings, arguments: argparse.Namespace) -> str:
    """Raises SettingsError for a token that every service would refuse."""
    if arguments.role == "customer" and not arguments.customer:
        raise SettingsError("A token for the role customer names the company: --customer ID.")
    if not arguments.provider or (arguments.provider == ALL_PROVIDERS and arguments.role != "service"):
        raise SettingsError("A token names its provider; only the role service may have all of them: --provider '*'.")
    if arguments.scope and arguments.role != "service":
        raise SettingsError("Scopes are for the role service; what the others may do follows from the role.")
    principal = Principal(
        sub=arguments.subject or arguments.role,
        role=arguments.role,
        provider=arguments.provider,
        belongs_to=arguments.customer if arguments.role == "customer" else None,
        scopes=frozenset(arguments.scope),
    )
    return _tokens(settings).issue(
        principal, now=now(), valid=_valid(arguments), not_before=arguments.not_before, asked_by=_account()
    )


def _valid(arguments: argparse.Namespace) -> timedelta:
    given: timedelta | None = arguments.valid
    return given or (SERVICE_TOKEN_VALID if arguments.role == "service" else TOKEN_VALID)


def _instant(given: str) -> datetime:
    """An instant with its offset."""
    try:
        return parse_instant(given)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _duration(given: str) -> timedelta:
    """``30m``, ``12h`` or ``90d``, a year at most."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", given)
    if found is None:
        raise argparse.ArgumentTypeError("give a number and m, h or d, such as 12h")
    valid = int(found[1]) * {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[found[2]]
    if valid > LONGEST_TOKEN_VALID:
        raise argparse.ArgumentTypeError("no token is valid for more than 366 days")
    return valid


def _tokens(settings: Settings) -> Tokens:
    """Signed with the key file that the services use: the one set, else ``keys.json`` in their folder or in the current one."""
    here = Path("keys.json")
    file = here if settings.key_file is None and not settings.keys.exists() and here.exists() else settings.keys
    return Tokens(load_keys(file), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)


def _publish_files(settings: Settings, arguments: argparse.Namespace) -> int:
    asyncio.run(_publish(settings, arguments))
    return 0


async def _publish(settings: Settings, arguments: argparse.Namespace) -> None:
    token = _tokens(settings).issue(Principal(sub="publish", role="admin", provider=arguments.provider), now=now())
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=settings.ticket_url, headers=headers, timeout=30) as client:
        async for line in published(client, arguments.files):
            show(line)
