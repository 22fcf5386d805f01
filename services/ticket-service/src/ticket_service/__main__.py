"""``python -m ticket_service``: serve, publish terms documents, print a token."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import httpx

from shared.auth import ROLES, KeyFileError, Principal, Tokens, load_keys
from shared.http import Stopping, serve
from shared.logs import configure_logs
from shared.settings import Settings, SettingsError, read_settings
from shared.terms import NotReadableError, read_yaml
from ticket_service.app import create_app, now

PORT = 8001


def main() -> int:
    """Run one command; 0 or the exit code, with a sentence on standard error for what went wrong."""
    arguments = _parser().parse_args()
    try:
        settings = read_settings(os.environ)
        match arguments.command:
            case "serve":
                return _serve(settings)
            case "token":
                print(_token(settings, arguments))  # noqa: T201 - the command's purpose
                return 0
            case _:
                return _publish(settings, arguments)
    except (SettingsError, KeyFileError, OSError, httpx.HTTPError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a sentence, not a traceback
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ticket_service", description="The ticket service of Fristwerk.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve HTTP until stopped")
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
    return serve(create_app(settings, stopping), stopping, host=settings.host, port=settings.port or PORT)


def _token(settings: Settings, arguments: argparse.Namespace) -> str:
    if arguments.role == "customer" and not arguments.customer:
        raise SettingsError("A token for the role customer names the company: --customer ID.")
    principal = Principal(
        sub=arguments.subject or arguments.role,
        role=arguments.role,
        provider=arguments.provider,
        customer=arguments.customer,
    )
    return _tokens(settings).issue(principal, now=now())


def _tokens(settings: Settings) -> Tokens:
    file = settings.keys if settings.keys.exists() or settings.key_file else Path("keys.json")
    return Tokens(load_keys(file), issuer=settings.issuer, audience=settings.audience)


def _publish(settings: Settings, arguments: argparse.Namespace) -> int:
    """Calendars first: agreements refer to them."""
    token = _tokens(settings).issue(Principal(sub="publish", role="admin", provider=arguments.provider), now=now())
    documents = sorted((_named(file) for file in arguments.files), key=lambda each: each[0] != "calendar")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/yaml"}
    with httpx.Client(base_url=settings.ticket_url, headers=headers, timeout=30) as client:
        for kind, name, file in documents:
            answer = client.put(f"/v1/{kind}s/{name}", content=file.read_bytes())
            if answer.is_error:
                print(f"{file}: {answer.json().get('detail', answer.text)}", file=sys.stderr)  # noqa: T201 - a sentence
                return 1
            version = answer.json()[kind]["version"]
            print(f"{kind} {name}: version {version}")  # noqa: T201 - the command's answer
    return 0


def _named(file: Path) -> tuple[str, str, Path]:
    """The kind and name of the document in a file."""
    try:
        document = read_yaml(file.read_bytes())
    except NotReadableError as error:
        raise SettingsError(f"{file}: {error}.") from error
    kind = next((kind for kind in ("calendar", "agreement") if isinstance(document, dict) and kind in document), None)
    if isinstance(document, dict) and "severities" in document:
        kind = "agreement"
    if kind is None:
        raise SettingsError(f"{file} is neither a calendar nor an agreement.")
    return kind, str(document.get(kind, "")), file


if __name__ == "__main__":
    sys.exit(main())
