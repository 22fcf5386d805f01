"""``python -m billing_service``: serve, recompute or rebuild everything, run known cases, issue or print an invoice."""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from billing_service.clock import now
from fristwerk_language.roles import TOKEN_ROLES
from fristwerk_platform.cli import CliCommand, CliError, rebuild_command, run_command_line, serve_command, show
from fristwerk_platform.gc_tuning import tune_garbage_collection
from fristwerk_platform.settings import Settings, SettingsError

if TYPE_CHECKING:
    import httpx
    from fastapi import FastAPI

    from fristwerk_platform.http import Stopping

PORT: Final = 8003


class AnsweredNoError(CliError):
    """The service refused the command; the message is its sentence."""


def main() -> int:
    """Run the command that the process's arguments name; returns the exit code."""
    commands = [
        serve_command("billing-service", PORT, create_app),
        CliCommand(
            name="replay",
            help="recompute every statement from the logs and compare",
            run=_printed(partial(run_replay, now=now)),
            add_arguments=_replay_arguments,
        ),
        rebuild_command("billing-service", _rebuild),
        CliCommand(
            name="cases",
            help="run the known cases in a folder",
            run=_printed(lambda _settings, arguments: run_cases(arguments)),
            add_arguments=_cases_arguments,
        ),
        CliCommand(
            name="invoice",
            help="print an invoice of the running service, or issue one and print it",
            run=_printed(partial(run_invoice, now=now)),
            add_arguments=_invoice_arguments,
        ),
        CliCommand(
            name="tax-export",
            help="write the data carrier of a tax audit (GoBD, Z3), from the running service",
            run=_printed(partial(run_tax_export, now=now)),
            add_arguments=_tax_export_arguments,
        ),
    ]
    description = "The billing service of Fristwerk."
    return run_command_line(service="billing-service", description=description, commands=commands)


def create_app(settings: Settings, stopping: Stopping) -> FastAPI:
    """See ``app``, which is imported where HTTP is served and for no other command."""
    from billing_service.app import create_app as create  # noqa: PLC0415

    return create(settings, stopping)


async def _rebuild(settings: Settings, say: Callable[[str], None], *, check: bool, back: bool) -> bool:
    from billing_service.rebuild import rebuild  # noqa: PLC0415 - only this command needs it

    return await rebuild(settings, say, now=now, check=check, back=back)


def _printed(
    run: Callable[[Settings, argparse.Namespace], tuple[str, int]],
) -> Callable[[Settings, argparse.Namespace], int]:
    """The command with its text printed."""

    def run_and_print(settings: Settings, arguments: argparse.Namespace) -> int:
        text, code = run(settings, arguments)
        show(text)
        return code

    return run_and_print


def _replay_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--until", type=local_date, help="last local day of the statements (default: today)")


def _cases_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER")


def _invoice_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", nargs="?", type=int, metavar="NUMBER")
    parser.add_argument("--contract", metavar="ID", help="issue what this contract owes")
    parser.add_argument("--customer", metavar="ID", help="issue what this customer owes, all contracts together")
    parser.add_argument("--until", type=local_date, metavar="DATE", help="up to this local day, inclusive")
    parser.add_argument("--format", choices=("text", "html", "json"), default="text")
    parser.add_argument("--key", help="an Idempotency-Key: the same one never issues twice")
    parser.add_argument("--provider", default="demo", help="the provider to act for (default: demo)")
    parser.add_argument("--subject", default="billing", help="who acts (default: billing)")


def _tax_export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--provider", default="demo", help="whose documents (default: demo)")
    parser.add_argument(
        "--from", type=local_date, required=True, dest="from_on", metavar="DATE", help="first day of issue"
    )
    parser.add_argument(
        "--to", type=local_date, required=True, dest="until_on", metavar="DATE", help="last day of issue"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="such as gobd.zip")


def run_cases(arguments: argparse.Namespace) -> tuple[str, int]:
    """Run the known cases of a folder. The last line counts them; the exit code is 1 if any failed."""
    folder: Path = arguments.folder
    if not folder.is_dir():
        raise SettingsError(f"There is no folder {folder}.")
    passed, failed, messages = _known_cases()(folder)
    return "\n".join([*messages, f"{passed} passed, {failed} failed"]), int(failed > 0)


def _known_cases() -> Callable[[Path], tuple[int, int, list[str]]]:
    """How known cases are run, by a distribution of its own. Raises SettingsError where it is not installed."""
    try:
        from fristwerk_cases.billing import run  # noqa: PLC0415 - not part of the service
    except ModuleNotFoundError as error:
        raise SettingsError("Known cases need the distribution fristwerk-cases, which is not installed.") from error
    return run


def run_replay(settings: Settings, arguments: argparse.Namespace, now: Callable[[], datetime]) -> tuple[str, int]:
    """Everything recomputed from the logs; the last two lines are the digests, 0 only if they are equal."""
    from billing_service.replay import replay  # noqa: PLC0415 - only this command needs it

    tune_garbage_collection()
    found = asyncio.run(replay(settings, arguments.until or now().date(), now))
    lines = [
        *found.differences,
        f"{found.accounts} accounts, {found.documents} documents",
        f"log         {found.log_digest}",
        f"read model  {found.read_model_digest}",
    ]
    return "\n".join(lines), 0 if found.equal else 1


def run_invoice(settings: Settings, arguments: argparse.Namespace, now: Callable[[], datetime]) -> tuple[str, int]:
    """Print an invoice of the running service, or issue one first.

    Raises AnsweredNoError where the service refuses, SettingsError for a call that asks for neither.
    """
    number, whose = arguments.number, {"contract": arguments.contract, "customer": arguments.customer}
    named = {kind: thing for kind, thing in whose.items() if thing is not None}
    if (number is None) == (not named) or (named and arguments.until is None) or len(named) > 1:
        raise SettingsError("Name the NUMBER of an invoice, or --contract ID (or --customer ID) and --until DATE.")
    with _client(settings, arguments.subject, "billing", arguments.provider, now) as client:
        if named:
            key = {"Idempotency-Key": arguments.key or str(uuid.uuid4())}
            body = named | {"until": arguments.until.isoformat()}
            number = _checked(client.post("/v1/invoices", json=body, headers=key)).json()["invoice"]["number"]
        printed = _checked(client.get(f"/v1/invoices/{number}", params={"format": arguments.format}))
        return printed.text.rstrip("\n"), 0


def run_tax_export(settings: Settings, arguments: argparse.Namespace, now: Callable[[], datetime]) -> tuple[str, int]:
    """Write the data carrier of the running service to a file, read as an auditor reads.

    Raises AnsweredNoError where the service refuses, SettingsError for a file that cannot be written.
    """
    out: Path = arguments.out
    if not out.parent.is_dir():
        raise SettingsError(f"There is no folder {out.parent}.")
    days = {"from": arguments.from_on.isoformat(), "until": arguments.until_on.isoformat()}
    with _client(settings, "tax-export", "auditor", arguments.provider, now) as client:
        out.write_bytes(_checked(client.get("/v1/audit/gobd", params=days)).content)
    return f"{out} ({out.stat().st_size:,} bytes)", 0


def _client(settings: Settings, subject: str, role: str, provider: str, now: Callable[[], datetime]) -> httpx.Client:
    """A client of the running service with a token of its key file."""
    import httpx  # noqa: PLC0415 - only commands that ask the running service need these

    from fristwerk_platform.auth import Principal, Tokens  # noqa: PLC0415
    from fristwerk_platform.token_keys import load_keys  # noqa: PLC0415

    tokens = Tokens(load_keys(settings.keys), TOKEN_ROLES, issuer=settings.issuer, audience=settings.audience)
    principal = Principal(sub=subject, role=role, provider=provider)
    headers = {"Authorization": f"Bearer {tokens.issue(principal, now=now())}"}
    return httpx.Client(base_url=settings.billing_url, headers=headers, timeout=60)


def local_date(text: str) -> date:
    """A date of the command line. Raises ArgumentTypeError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-06-30") from None


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        raise AnsweredNoError(str(answer.json()["detail"]))
    except (ValueError, KeyError, TypeError):
        raise AnsweredNoError(f"The billing service answered {answer.status_code}.") from None
