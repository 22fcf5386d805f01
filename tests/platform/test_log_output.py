"""Writing a log line never raises, ends or blocks anything: it is dropped and counted where it cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, logging, sys, time
from pathlib import Path
import structlog
from fristwerk_platform.logs import configure_logs
from fristwerk_platform.metrics import Metrics

configure_logs("info", "ticket-service")
class Unspeakable:
    def __repr__(self):
        raise ValueError("no words")
lines, text, spoilt = int(sys.argv[2]), "x" * 200, sys.argv[3] == "spoilt"
longest = 0.0
for number in range(lines):
    began = time.monotonic()
    structlog.get_logger().warning("told", text=Unspeakable() if spoilt else text)
    logging.getLogger("a.library").warning("%d of a library", "one" if spoilt else number)
    longest = max(longest, time.monotonic() - began)
time.sleep(0.3)
dropped = Metrics().registry.get_sample_value("fristwerk_log_lines_dropped_total")
Path(sys.argv[1]).write_text(json.dumps({"longest": longest, "dropped": dropped}))
"""
WHOLE_RUN_SECONDS = 20


def run(
    tmp_path: Path, *, lines: int, stderr: int | None, kind: str = "plain", closed: bool = False
) -> dict[str, float]:
    result = tmp_path / "result.json"
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(result), str(lines), kind]
    if closed:
        command = ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, timeout=WHOLE_RUN_SECONDS, check=True)  # noqa: S603
    assert done.stdout == b"", "nothing goes to standard output instead"
    figures: dict[str, float] = json.loads(result.read_text())
    return figures


def test_lines_are_dropped_and_counted_where_standard_error_is_full(tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        figures = run(tmp_path, lines=50, stderr=full)
    finally:
        os.close(full)

    assert figures["dropped"] == 100


def test_lines_are_dropped_and_counted_where_standard_error_is_closed(tmp_path: Path) -> None:
    assert run(tmp_path, lines=50, stderr=None, closed=True)["dropped"] == 100


def test_a_pipe_that_nobody_reads_holds_nobody_up(tmp_path: Path) -> None:
    read, write = os.pipe()
    try:
        figures = run(tmp_path, lines=3_000, stderr=write)
    finally:
        os.close(read)
        os.close(write)

    assert figures["dropped"] > 1_000
    assert figures["longest"] < 0.5, "a line waits for nobody"


def test_a_reader_who_went_away_ends_nobody(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        figures = run(tmp_path, lines=50, stderr=write)
    finally:
        os.close(write)

    assert figures["dropped"] == 100


def test_what_cannot_be_put_into_words_is_dropped_and_counted(tmp_path: Path) -> None:
    target = (tmp_path / "log").open("wb")
    with target:
        figures = run(tmp_path, lines=5, stderr=target.fileno(), kind="spoilt")

    assert figures["dropped"] == 10
    assert (tmp_path / "log").read_bytes() == b""


@pytest.mark.parametrize("lines", [1, 700])
def test_every_line_is_written_in_order_before_the_process_ends(tmp_path: Path, lines: int) -> None:
    target = (tmp_path / "log").open("wb")
    with target:
        figures = run(tmp_path, lines=lines, stderr=target.fileno())

    written = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    assert figures["dropped"] == 0
    assert written == [event for number in range(lines) for event in ("told", f"{number} of a library")]
