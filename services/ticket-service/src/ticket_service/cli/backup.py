"""``python -m ticket_service backup`` and ``restore``: the data folder of all three services,
copied while they run.
"""

from __future__ import annotations

import argparse
import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import Final

from fristwerk_platform.backup import Manifest, check_stored_heads, make_backup, remove_older, restore_backup
from fristwerk_platform.backup.figures import write_figures
from fristwerk_platform.cli import CliCommand, CliError, show
from fristwerk_platform.key_files import read_key_file
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import load_keys
from fristwerk_platform.transparency import keys
from fristwerk_platform.transparency.keys import load_or_make_checkpoint_keys
from ticket_service.app import now

LAST: Final = ("tickets-log", "personal-keys")
"""The others follow this log; and no event of it is sealed with a key that a later copy lacks."""
OTHER_TOOLS: Final = "The data lie in PostgreSQL, which has tools of its own: see docs/operations/backup.md."


def backup_command() -> CliCommand:
    """``backup``: every database of the data folder, with digests, into a new folder."""
    help_text = "copy the data folder of all services while they run (SQLite)"
    return CliCommand(name="backup", help=help_text, run=_back_up, add_arguments=_backup_arguments)


def restore_command() -> CliCommand:
    """``restore``: a backup into an empty data folder, once it was checked."""
    help_text = "check a backup and put it into an empty data folder (SQLite)"
    return CliCommand(name="restore", help=help_text, run=_restore, add_arguments=_restore_arguments)


def check_heads_command() -> CliCommand:
    """``check-heads``: what a restored database holds, before the services are started."""
    help_text = "compare a restored database with its hash trees and signed heads (PostgreSQL)"
    return CliCommand(name="check-heads", help=help_text, run=_check_heads)


def _check_heads(settings: Settings, _arguments: argparse.Namespace) -> int:
    if settings.database_url is None:
        raise CliError("The data lie in SQLite files, whose heads 'restore' compares by itself.")
    signing = read_key_file(settings.keys.with_name(keys.FILE), keys.CheckpointKeys)
    for each in asyncio.run(check_stored_heads(settings, ("billing", "tickets"), signing, now)):
        show(each)
    return 0


def _backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where backups lie, one a folder")
    parser.add_argument("--keep", type=_count, metavar="N", help="afterwards remove all but the newest N backups")
    parser.add_argument(
        "--figures", type=Path, metavar="FILE", help="write figures for Prometheus's textfile collector"
    )


def _restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("backup", type=Path, metavar="BACKUP", help="the folder of one backup")


def _count(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return int(given)


def _back_up(settings: Settings, arguments: argparse.Namespace) -> int:
    _check_files(settings)
    made, manifest = make_backup(
        settings.var,
        arguments.out,
        last=LAST,
        now=now(),
        version=version("fristwerk-ticket-service"),
        token_key=load_keys(settings.keys).key_id,
    )
    show(f"{made}: {len(manifest.files)} files, {sum(each.bytes for each in manifest.files):,} bytes")
    _show_logs(manifest)
    for name in remove_older(arguments.out, arguments.keep) if arguments.keep else ():
        show(f"removed {name}")
    if arguments.figures is not None:
        write_figures(arguments.figures, manifest)
    return 0


def _restore(settings: Settings, arguments: argparse.Namespace) -> int:
    _check_files(settings)
    manifest, sentences = asyncio.run(
        restore_backup(
            arguments.backup,
            settings.var,
            token_key=load_keys(settings.keys).key_id,
            checkpoint_keys=load_or_make_checkpoint_keys(settings.keys.with_name(keys.FILE)),
            now=now,
        )
    )
    for each in sentences:
        show(each)
    _show_logs(manifest)
    show(f"restored into {settings.var} as of {manifest.made_at.isoformat()}; start the services")
    return 0


def _show_logs(manifest: Manifest) -> None:
    for log in manifest.logs:
        show(f"{log.name}: up to position {log.position}, sha256:{log.sha256}")


def _check_files(settings: Settings) -> None:
    if settings.database_url is not None:
        raise CliError(OTHER_TOOLS)
