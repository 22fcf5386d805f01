"""``python -m billing_service``: serve HTTP, recompute everything from the logs, run known cases, issue or print an invoice."""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import sys
from pathlib import Path

import httpx
from sqlalchemy.exc import SQLAlchemyError

from billing_service.app import create_app, now
from billing_service.command_line import AnsweredNoError, local_date, run_cases, run_invoice, run_replay
from billing_service.rebuild import rebuild
from billing_service.replay import NothingToCompareError
from fristwerk_platform.auth import KeyFileError
from fristwerk_platform.event_log import LogUnavailableError
from fristwerk_platform.http import Stopping, serve
from fristwerk_platform.http.connections import ConnectionLimits
from fristwerk_platform.logs import configure_logs
from fristwerk_platform.read_models import RebuildError
from fristwerk_platform.settings import Settings, SettingsError, read_settings
from fristwerk_platform.subscriptions import SourceUnavailableError

PORT = 8003


def main() -> int:
    """Run one command; 0 or the exit code, with a sentence on standard error for what went wrong."""
    arguments = _parser().parse_args()
    try:
        settings = read_settings(os.environ)
        match arguments.command:
            case "serve":
                return _serve(settings)
            case "rebuild":
                return _rebuild(settings, arguments)
            case "cases":
                text, code = run_cases(arguments)
            case "replay":
                text, code = run_replay(settings, arguments, now)
            case _:
                text, code = run_invoice(settings, arguments, now)
    except (AnsweredNoError, NothingToCompareError, RebuildError, SettingsError, KeyFileError, OSError) as error:
        return _failed(str(error))
    except (SourceUnavailableError, httpx.HTTPError) as error:
        return _failed(f"The service does not answer: {error}.")
    except (SQLAlchemyError, LogUnavailableError) as error:
        return _failed(f"The data of the billing service cannot be read: {type(error).__name__}.")
    print(text)  # noqa: T201 - the command's answer
    return code


def _failed(sentence: str) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201 - a sentence, not a traceback
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m billing_service", description="The billing service of Fristwerk.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve HTTP until stopped")
    replay = commands.add_parser("replay", help="recompute every statement from the logs and compare")
    replay.add_argument("--until", type=local_date, help="last local day of the statements (default: today)")
    remake = commands.add_parser(
        "rebuild", help="make the read model anew beside the running service, and switch to it"
    )
    remake.add_argument("--check", action="store_true", help="only make it and compare; nothing is switched")
    remake.add_argument("--back", action="store_true", help="go back to what the last rebuild replaced")
    cases = commands.add_parser("cases", help="run the known cases in a folder")
    cases.add_argument("folder", type=Path, metavar="FOLDER")
    invoice = commands.add_parser("invoice", help="print an invoice of the running service, or issue one and print it")
    invoice.add_argument("number", nargs="?", type=int, metavar="NUMBER")
    invoice.add_argument("--contract", metavar="ID", help="issue what this contract owes")
    invoice.add_argument("--customer", metavar="ID", help="issue what this customer owes, all contracts together")
    invoice.add_argument("--until", type=local_date, metavar="DATE", help="up to this local day, inclusive")
    invoice.add_argument("--format", choices=("text", "html", "json"), default="text")
    invoice.add_argument("--key", help="an Idempotency-Key: the same one never issues twice")
    invoice.add_argument("--provider", default="demo", help="the provider to act for (default: demo)")
    invoice.add_argument("--subject", default="billing", help="who acts (default: billing)")
    return parser


def _serve(settings: Settings) -> int:
    configure_logs(settings.log_level, "billing-service")
    stopping = Stopping()
    return serve(
        create_app(settings, stopping),
        stopping,
        host=settings.host,
        port=settings.port or PORT,
        limits=ConnectionLimits.of(settings),
    )


def _rebuild(settings: Settings, arguments: argparse.Namespace) -> int:
    configure_logs(settings.log_level, "billing-service")
    show = functools.partial(print, flush=True)
    asyncio.run(rebuild(settings, now, show, check=arguments.check, back=arguments.back))
    return 0


if __name__ == "__main__":
    sys.exit(main())
