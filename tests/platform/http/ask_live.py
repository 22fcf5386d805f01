"""A program for tests: asks a service for ``/health/live`` again and again until a line comes in; prints the seconds of each."""

from __future__ import annotations

import json
import select
import socket
import sys
import time

REQUEST = b"GET /health/live HTTP/1.1\r\nHost: service\r\nConnection: close\r\n\r\n"


def ask(port: int) -> float:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(REQUEST)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    return time.monotonic() - began


def main() -> None:
    port = int(sys.argv[1])
    seconds = [ask(port)]
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        seconds.append(ask(port))
    sys.stdout.write(json.dumps(seconds))


main()
