"""``python -m ticket_service relay``: the feed published to NATS JetStream, for many readers."""

from __future__ import annotations

import argparse
from typing import Final

from fristwerk_platform.cli import CliCommand, CliError
from fristwerk_platform.logs import configure_logs
from fristwerk_platform.settings import Settings

PORT: Final = 8004
"""Where the relay says how it is, unless the settings name another port."""
HINT: Final = "Publishing to NATS needs the package nats-py: install fristwerk-platform[nats]."


def relay_command() -> CliCommand:
    """``relay``: until it is stopped."""
    help_text = "publish the feed to NATS JetStream until stopped"
    return CliCommand(name="relay", help=help_text, run=_relay, add_arguments=_arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stream", default="FRISTWERK", help="the stream, made where there is none (default: FRISTWERK)"
    )
    parser.add_argument(
        "--replicas", type=int, choices=(1, 3, 5), default=1, help="servers that keep it, where it is made (default: 1)"
    )
    parser.add_argument(
        "--max-bytes", type=_bytes, default=-1, metavar="N", help="the oldest messages go beyond so many bytes"
    )


def _bytes(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return int(given)


def _relay(settings: Settings, arguments: argparse.Namespace) -> int:
    if settings.nats_url is None:
        raise CliError("FRISTWERK_NATS_URL says where to: nats://host:4222, several with commas between them.")
    try:
        from fristwerk_platform.relay import StreamOptions  # noqa: PLC0415 - no other command needs NATS
        from ticket_service.relay_app import RelayProcess  # noqa: PLC0415 - the same
    except ModuleNotFoundError as error:
        raise CliError(HINT) from error
    from fristwerk_platform.http import Stopping, serve  # noqa: PLC0415 - the same
    from fristwerk_platform.http.connection_limits import ConnectionLimits  # noqa: PLC0415 - the same

    configure_logs(settings.log_level, "ticket-service-relay")
    options = StreamOptions(name=arguments.stream, replicas=arguments.replicas, max_bytes=arguments.max_bytes)
    stopping, port = Stopping(), settings.port or PORT
    relay = RelayProcess(settings, settings.nats_url.split(","), options, stopping)
    code = serve(relay.app, stopping, host=settings.host, port=port, limits=ConnectionLimits.of(settings))
    if relay.unusable is not None:
        raise CliError(relay.unusable)
    return code
