"""``python -m ticket_service rotate``, ``service-key``, ``revoke``, ``jwks`` and
``move-sealing-key``: the keys, and tokens that hold no more.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any, Final

import jwt

from fristwerk_platform.cli import CliCommand, CliError, show
from fristwerk_platform.key_rotation import jwks, rotate
from fristwerk_platform.revocations import Revocations, read_revocations, subject_line, token_line
from fristwerk_platform.sealing_keys import load_sealing_key, move_sealing_key
from fristwerk_platform.service_keys import make_service_key
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys
from ticket_service.app import now

PROGRAMS: Final = ("sla-service", "billing-service", "relay")
"""Who asks the ticket service in its own name."""


def key_commands() -> list[CliCommand]:
    """The commands."""
    return [
        CliCommand(
            name="rotate",
            help="sign tokens with a new key; the old one verifies for 90 days",
            run=_rotate,
            add_arguments=_rotate_arguments,
        ),
        CliCommand(
            name="service-key",
            help="give a service a key of its own, which signs that service's tokens alone",
            run=_make_service_key,
            add_arguments=_service_key_arguments,
        ),
        CliCommand(name="jwks", help="print the public keys of our tokens (RFC 7517)", run=_print_jwks),
        CliCommand(name="revoke", help="let tokens hold no more", run=_revoke, add_arguments=_revoke_arguments),
        CliCommand(
            name="move-sealing-key",
            help="move the sealing key out of the key file, into its own",
            run=_move_sealing_key,
        ),
    ]


def _rotate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--service-keys", nargs="*", type=Path, default=[], help="key files of services, which learn the new key first"
    )


def _rotate(settings: Settings, arguments: argparse.Namespace) -> int:
    keys = rotate(settings.keys, now=now(), services=arguments.service_keys)
    show(f"tokens are signed with the key {keys.key_id} from now on")
    for each in keys.previous:
        show(f"those signed with {each.key_id} hold until {each.until.isoformat(timespec='seconds')}")
    return 0


def _service_key_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--service", choices=PROGRAMS, required=True, help="whose tokens the key signs")
    parser.add_argument("--file", type=Path, required=True, help="the key file that the service gets")


def _make_service_key(settings: Settings, arguments: argparse.Namespace) -> int:
    keys = make_service_key(settings.keys, arguments.service, arguments.file, now=now())
    show(f"{arguments.file} holds the key {keys.key_id}, which signs tokens of {arguments.service} alone")
    return 0


def _print_jwks(settings: Settings, _arguments: argparse.Namespace) -> int:
    show(json.dumps(jwks(load_keys(settings.keys), now()), indent=1))
    return 0


def _move_sealing_key(settings: Settings, _arguments: argparse.Namespace) -> int:
    if move_sealing_key(settings):
        show(f"the sealing key is in {settings.sealing_key} now, which only the ticket service needs")
    else:
        load_sealing_key(settings)
        show(f"{settings.keys} holds no sealing key; it is in {settings.sealing_key}")
    return 0


def _revoke_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--token", help="this token")
    what.add_argument("--subject", help="every token of this subject that was issued until now")
    parser.add_argument("--provider", default="demo", help="the subject's provider (default: demo)")


def _revoke(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.token is not None:
        line = token_line(_id_of(arguments.token))
    else:
        line = subject_line(arguments.provider, arguments.subject, now())
    Revocations(line, "the command line")  # what would be refused when it is read is not written
    read_revocations(settings.revoked)
    descriptor = os.open(settings.revoked, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    show(f"{settings.revoked}: {line.strip()}")
    return 0


def _id_of(token: str) -> str:
    """The id of a token, which was made by us or is refused anyway."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise CliError("This is no token.") from error
    if not isinstance(claims.get("jti"), str):
        raise CliError(
            "The token has no id, as it was issued by an earlier version: revoke its subject with --subject."
        )
    return str(claims["jti"])
