"""Ports for servers that tests start."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, as the system gives them away."""
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in opened:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in opened]


def three_free_ports() -> int:
    """The first of three free ports in a row, outside the range from which the system gives any away."""
    while True:
        first = random.randrange(20_000, 32_000)  # noqa: S311 - ports are no secret
        try:
            for port in range(first, first + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
