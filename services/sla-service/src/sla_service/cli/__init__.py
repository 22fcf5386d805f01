"""``python -m sla_service``: serve, recompute or rebuild everything, run known cases, explain a ticket's deadlines.

What a command needs is imported when it runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from fristwerk_platform.cli import CliCommand, rebuild_command, run_command_line, serve_command, show
from fristwerk_platform.settings import Settings, SettingsError
from sla_service.clock import new_id, now
from sla_service.domain.explanation.labels import Language

if TYPE_CHECKING:
    from fastapi import FastAPI

    from fristwerk_platform.http import Stopping

PrintLine = Callable[[str], None]
PORT: Final = 8002


def main() -> int:
    """Run the command that the process's arguments name; returns the exit code."""
    commands = [
        serve_command("sla-service", PORT, create_app),
        CliCommand(
            name="replay",
            help="recompute every timer from the log and compare with the read model",
            run=_replay,
            add_arguments=_replay_arguments,
        ),
        rebuild_command("sla-service", _rebuild),
        CliCommand(
            name="cases",
            help="run the known cases in a folder",
            run=lambda _settings, arguments: run_cases(arguments.folder, show),
            add_arguments=_cases_arguments,
        ),
        CliCommand(
            name="explain",
            help="why a ticket's deadlines are what they are",
            run=_explain,
            add_arguments=_explain_arguments,
        ),
    ]
    description = "The SLA service of Fristwerk."
    return run_command_line(
        service="sla-service", description=description, commands=commands, upstream="ticket service"
    )


def create_app(settings: Settings, stopping: Stopping) -> FastAPI:
    """See ``app``, which is imported where HTTP is served and for no other command."""
    from sla_service.app import create_app as create  # noqa: PLC0415

    return create(settings, stopping)


async def _rebuild(settings: Settings, say: PrintLine, *, check: bool, back: bool) -> bool:
    from sla_service.rebuild import rebuild  # noqa: PLC0415 - only this command needs it

    return await rebuild(settings, say, now=now, check=check, back=back)


def _replay_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stored", action="store_true", help="from the service's own histories, without the ticket service"
    )
    parser.add_argument(
        "--parked", action="store_true", help="try the tickets again that could not be derived, and nothing else"
    )
    parser.add_argument(
        "--processes",
        type=positive,
        metavar="N",
        help="work on a long log with N processes (default: one for each core)",
    )


def positive(text: str) -> int:
    """A number of the command line from 1 on. Raises ArgumentTypeError."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")


def _cases_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER")


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ticket", metavar="TICKET", help="its id or reference")
    parser.add_argument("--lang", choices=get_args(Language), default="en", help="language (default: en)")
    parser.add_argument("--provider", help="whose ticket it is, where several have one of that reference")


def _replay(settings: Settings, arguments: argparse.Namespace) -> int:
    from sla_service.cli.commands import run_replay, run_retry  # noqa: PLC0415 - only this command needs them

    if arguments.parked:
        return run_retry(settings, now, new_id, show)
    return run_replay(settings, now, show, from_log=not arguments.stored, processes=arguments.processes)


def _explain(settings: Settings, arguments: argparse.Namespace) -> int:
    from sla_service.cli.commands import run_explain  # noqa: PLC0415 - only this command needs it

    return run_explain(settings, arguments.ticket, arguments.provider, arguments.lang, now(), show)


def run_cases(folder: Path, show: PrintLine) -> int:
    """Run every known case of a folder; the last line counts them. 1 if any failed, or there was none.

    Raises SettingsError where ``fristwerk-cases``, which is not part of the service, is not installed.
    """
    try:
        from fristwerk_cases import sla as cases  # noqa: PLC0415 - only this command needs it
    except ModuleNotFoundError as error:
        raise SettingsError("Known cases need the distribution fristwerk-cases, which is not installed.") from error
    passed, failed, messages = cases.run(folder)
    if folder.is_dir() and passed + failed == 0:
        messages = [f"The folder {folder} has neither {' nor '.join(cases.FILES)}."]
    for message in messages:
        show(message)
    show(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1
