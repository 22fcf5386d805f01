"""A service's command line: commands with their arguments, and errors as sentences and exit codes.

CliError        what a command raises to end with a sentence and exit code 1

What a command needs is imported when it runs: FastAPI alone takes a second of a processor, and
help, a token or an audit need none of it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from fristwerk_platform.settings import Settings, SettingsError, read_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from fristwerk_platform.http import Stopping


class CliError(Exception):
    """A command cannot be carried out. The message is a sentence for whoever ran it."""


def no_arguments(_parser: argparse.ArgumentParser) -> None:
    """The command has no arguments of its own."""


class CliCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command: what it does with the settings and its arguments; ``run`` returns the exit code."""

    name: str
    help: str
    run: Callable[[Settings, argparse.Namespace], int]
    add_arguments: Callable[[argparse.ArgumentParser], None] = no_arguments


class RebuildReadModel(Protocol):
    """Makes a service's read model anew; ``say`` reports progress.

    Returns whether it was what the log says.
    """

    def __call__(
        self, settings: Settings, say: Callable[[str], None], *, check: bool, back: bool
    ) -> Awaitable[bool]: ...


def run_command_line(
    *,
    service: str,
    description: str,
    commands: Sequence[CliCommand],
    upstream: str = "service",
    given: Sequence[str] | None = None,
) -> int:
    """Run the command that the process's arguments name, or ``given``; returns the exit code.

    ``service`` is the name of the distribution, whose module ``python -m`` runs; ``upstream`` is
    what the commands call the service that they ask.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {service.replace('-', '_')}", description=description)
    named = parser.add_subparsers(dest="command", required=True)
    for command in commands:
        command.add_arguments(named.add_parser(command.name, help=command.help))
    arguments = parser.parse_args(given)
    try:
        settings = read_settings(os.environ)
        return next(each for each in commands if each.name == arguments.command).run(settings, arguments)
    except (CliError, SettingsError, OSError) as error:
        sentence = str(error)
    except Exception as error:
        found = _sentence(error, service, upstream)
        if found is None:
            raise
        sentence = found
    print(sentence, file=sys.stderr)  # noqa: T201 - a sentence, not a traceback
    return 1


def _sentence(error: Exception, service: str, upstream: str) -> str | None:
    """An error of the platform in words; None for any other."""
    import httpx  # noqa: PLC0415 - whichever of these was raised is loaded by now
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from fristwerk_platform.backup import BackupError  # noqa: PLC0415
    from fristwerk_platform.event_log import LogError  # noqa: PLC0415
    from fristwerk_platform.key_files import KeyFileError  # noqa: PLC0415
    from fristwerk_platform.read_models import RebuildError  # noqa: PLC0415
    from fristwerk_platform.subscriptions import SourceUnavailableError  # noqa: PLC0415

    match error:
        case KeyFileError() | RebuildError() | LogError() | BackupError():
            return str(error)
        case SourceUnavailableError() | httpx.HTTPError():
            return f"The {upstream} does not answer: {error}."
        case SQLAlchemyError():
            return f"The data of the {service} cannot be used: {type(error).__name__}."
        case _:
            return None


def show(line: str) -> None:
    """Print a line of a command's answer at once."""
    print(line, flush=True)  # noqa: T201 - the command's answer


def serve_command(service: str, port: int, create_app: Callable[[Settings, Stopping], FastAPI]) -> CliCommand:
    """``serve``: the application over HTTP until the process is stopped; ``port`` where the
    settings name none.
    """

    def run(settings: Settings, _arguments: argparse.Namespace) -> int:
        from fristwerk_platform.http import Stopping, serve  # noqa: PLC0415 - only this command serves HTTP
        from fristwerk_platform.http.connection_limits import ConnectionLimits  # noqa: PLC0415
        from fristwerk_platform.startup_report import report_start  # noqa: PLC0415

        _begin(settings, service)
        stopping, listens = Stopping(), settings.port or port
        app = create_app(settings, stopping)
        report_start(settings, service=service, port=listens, schema=app.state.identity.schema)
        return serve(
            app,
            stopping,
            host=settings.host,
            port=listens,
            limits=ConnectionLimits.of(settings),
        )

    return CliCommand(name="serve", help="serve HTTP until stopped", run=run)


def rebuild_command(service: str, rebuild: RebuildReadModel) -> CliCommand:
    """``rebuild``: the read model made anew next to the running service."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only make it and compare; nothing is switched")
        parser.add_argument("--back", action="store_true", help="go back to what the last rebuild replaced")

    def run(settings: Settings, arguments: argparse.Namespace) -> int:
        async def rebuild_once() -> bool:
            return await rebuild(settings, show, check=arguments.check, back=arguments.back)

        _begin(settings, service)
        same = asyncio.run(rebuild_once())
        return 1 if arguments.check and not same else 0

    help_text = "make the read model anew beside the running service, and switch to it"
    return CliCommand(name="rebuild", help=help_text, run=run, add_arguments=add_arguments)


def _begin(settings: Settings, service: str) -> None:
    """What a command does first that writes to the data folder or to the service's log."""
    from fristwerk_platform.data_folder import protect_data_folder  # noqa: PLC0415 - help needs neither
    from fristwerk_platform.logs import configure_logs  # noqa: PLC0415

    configure_logs(settings.log_level, service)
    protect_data_folder(settings.var)
