"""``python -m sla_service``: serve HTTP until stopped."""

from __future__ import annotations

import argparse
import os
import sys

from shared.auth import KeyFileError
from shared.http import Stopping, serve
from shared.logs import configure_logs
from shared.settings import Settings, SettingsError, read_settings
from sla_service.app import create_app

PORT = 8002


def main() -> int:
    """Run one command; 0 or the exit code, with a sentence on standard error for what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m sla_service", description="The sla service of Fristwerk.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve HTTP until stopped")
    parser.parse_args()
    try:
        return _serve(read_settings(os.environ))
    except (SettingsError, KeyFileError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a sentence, not a traceback
        return 1


def _serve(settings: Settings) -> int:
    configure_logs(settings.log_level, "sla-service")
    stopping = Stopping()
    return serve(create_app(settings, stopping), stopping, host=settings.host, port=settings.port or PORT)


if __name__ == "__main__":
    sys.exit(main())
