"""The command line of the local runner: ``python -m fristwerk_local run | serve | play STORY | check STORY | import FILE``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Final

from fristwerk_local.errors import FailedError
from fristwerk_local.parent_death import end_with_parent
from fristwerk_local.runner import stay
from fristwerk_platform.settings import SettingsError

FIRST_PORT: Final = 8001


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 1 with a sentence on standard error where it could not be done."""
    options = _parser().parse_args(arguments)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a reader waits for the line `ready:`
    if options.stop_with_parent:
        end_with_parent()
    try:
        return asyncio.run(_run(options))
    except (FailedError, SettingsError, OSError) as error:
        raise SystemExit(f"Fristwerk: {error}") from error


async def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "serve":
            await stay(options.var, options.port, _announce, on_postgres=options.database == "postgres")
        case "run":
            await stay(
                options.var,
                options.port,
                _announce,
                lambda: _recorded_day(options),
                on_postgres=options.database == "postgres",
            )
        case "play":
            return await _own_story(options, to_play=True)
        case "import":
            return await _past_tickets(options)
        case _:
            return await _own_story(options, to_play=False)
    return 0


def _announce(line: str) -> None:
    sys.stdout.write(f"{line}\n")


async def _recorded_day(options: argparse.Namespace) -> None:
    from fristwerk_local.terminal_output import recorded_day  # noqa: PLC0415 - loaded while the services are already up

    await recorded_day(options.var, options.port)


async def _own_story(options: argparse.Namespace, *, to_play: bool) -> int:
    from fristwerk_local.terminal_output import own_story  # noqa: PLC0415 - `serve` starts without loading it

    return await own_story(options.story, options.var, options.port, options.terms, to_play=to_play)


async def _past_tickets(options: argparse.Namespace) -> int:
    from fristwerk_local.past_tickets.command import ImportOrder, import_past_tickets  # noqa: PLC0415 - as above

    order = ImportOrder(
        file=options.file,
        provider=options.provider,
        mapping=options.mapping,
        report=options.report,
        dry_run=options.dry_run,
    )
    return await import_past_tickets(order, options.var, options.port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fristwerk_local", description="Fristwerk on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("run", "start the services, play the recorded day once, show what came out, stay until Ctrl-C"),
        ("serve", "start the services and stay until Ctrl-C"),
        ("play", "play a story into running services and compare what came out"),
        ("check", "compare what came out of a story that was played"),
        ("import", "record the past tickets of another helpdesk as facts of their own time"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("--var", type=Path, default=Path("var"), help="folder of everything stored (var)")
        command.add_argument("--port", type=int, default=FIRST_PORT, help=f"first of three ports ({FIRST_PORT})")
        command.add_argument(
            "--stop-with-parent", action="store_true", help="end when the starting process ends (Linux)"
        )
        if name in {"run", "serve"}:
            command.add_argument(
                "--database", choices=("sqlite", "postgres"), default="sqlite", help="postgres starts one in the folder"
            )
        elif name == "import":
            command.add_argument("file", type=Path, help="an export, .csv or .ndjson")
            command.add_argument("--provider", required=True, help="whose tickets they are")
            command.add_argument("--mapping", help="zammad, jira-service-management, or a file of that form")
            command.add_argument("--dry-run", action="store_true", help="read everything and write nothing")
            command.add_argument("--report", type=Path, help="a CSV of all that was not taken")
        else:
            command.add_argument("story", type=Path, help="a file of the form of recorded_day.yaml")
            command.add_argument("--terms", type=Path, help="folder with calendars/ and agreements/ of the story")
    return parser


if __name__ == "__main__":
    sys.exit(main())
