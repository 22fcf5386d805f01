"""``python -m sla_service``: serve, recompute or rebuild everything, run known cases, explain a ticket's deadlines."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import get_args

from sqlalchemy.exc import SQLAlchemyError

from fristwerk_platform.auth import KeyFileError
from fristwerk_platform.http import Stopping, serve
from fristwerk_platform.http.connections import ConnectionLimits
from fristwerk_platform.logs import configure_logs
from fristwerk_platform.read_models import DatabaseUnavailableError, RebuildError
from fristwerk_platform.settings import Settings, SettingsError, read_settings
from fristwerk_platform.subscriptions import SourceUnavailableError
from sla_service.app import create_app, new_id, now
from sla_service.command_line import run_cases, run_explain, run_replay, run_retry
from sla_service.domain.explanation.labels import Language
from sla_service.rebuild import rebuild
from sla_service.replay import SourceShorterError

PORT = 8002


def main() -> int:
    """Run one command; 0 or the exit code, with a sentence on standard error for what went wrong."""
    arguments = _parser().parse_args()
    try:
        if arguments.command == "cases":
            return run_cases(arguments.folder, _show)
        settings = read_settings(os.environ)
        match arguments.command:
            case "serve":
                return _serve(settings)
            case "rebuild":
                return _rebuild(settings, arguments)
            case "replay":
                return _replay(settings, arguments)
            case _:
                return run_explain(settings, arguments.ticket, arguments.provider, arguments.lang, now(), _show)
    except (SettingsError, KeyFileError, SourceShorterError, RebuildError, OSError) as error:
        sentence = str(error)
    except SourceUnavailableError as error:
        sentence = f"The ticket service does not answer: {error}."
    except (SQLAlchemyError, DatabaseUnavailableError) as error:
        sentence = f"The database of the sla-service cannot be read: {type(error).__name__}."
    print(sentence, file=sys.stderr)  # noqa: T201 - a sentence, not a traceback
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sla_service", description="The SLA service of Fristwerk.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve HTTP until stopped")
    replay = commands.add_parser("replay", help="recompute every timer from the log and compare with the read model")
    replay.add_argument(
        "--stored", action="store_true", help="from the service's own histories, without the ticket service"
    )
    replay.add_argument(
        "--parked", action="store_true", help="try the tickets again that could not be derived, and nothing else"
    )
    remake = commands.add_parser(
        "rebuild", help="make the read model anew beside the running service, and switch to it"
    )
    remake.add_argument("--check", action="store_true", help="only make it and compare; nothing is switched")
    remake.add_argument("--back", action="store_true", help="go back to what the last rebuild replaced")
    cases = commands.add_parser("cases", help="run the known cases in a folder")
    cases.add_argument("folder", type=Path, metavar="FOLDER")
    explain = commands.add_parser("explain", help="why a ticket's deadlines are what they are")
    explain.add_argument("ticket", metavar="TICKET", help="its id or reference")
    explain.add_argument("--lang", choices=get_args(Language), default="en", help="language (default: en)")
    explain.add_argument("--provider", help="whose ticket it is, where several have one of that reference")
    return parser


def _serve(settings: Settings) -> int:
    configure_logs(settings.log_level, "sla-service")
    stopping = Stopping()
    return serve(
        create_app(settings, stopping),
        stopping,
        host=settings.host,
        port=settings.port or PORT,
        limits=ConnectionLimits.of(settings),
    )


def _rebuild(settings: Settings, arguments: argparse.Namespace) -> int:
    configure_logs(settings.log_level, "sla-service")
    asyncio.run(rebuild(settings, now, _show, check=arguments.check, back=arguments.back))
    return 0


def _replay(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.parked:
        return run_retry(settings, now, new_id, _show)
    return run_replay(settings, now, _show, from_log=not arguments.stored)


def _show(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the command's answer


if __name__ == "__main__":
    sys.exit(main())
