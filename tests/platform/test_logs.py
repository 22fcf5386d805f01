"""Every line that a service writes to its log is one JSON object, whoever wrote it, with the request it belongs to."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

PROGRAM = """
import logging, sys, structlog
from fristwerk_platform.logs import configure_logs
configure_logs(sys.argv[1], "ticket-service")
log = structlog.get_logger()
with structlog.contextvars.bound_contextvars(correlation_id="call-7"):
    log.debug("told_in_detail")
    log.info("told", text="two\\nlines")
    logging.getLogger("a.library").info("chatter")
    logging.getLogger("a.library").warning("warned of %s", "something")
    try:
        raise ValueError("why")
    except ValueError as error:
        log.error("failed", exc_info=error)
"""


def written(level: str) -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, level], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_line_is_a_json_object_that_says_when_who_and_in_which_request() -> None:
    lines = written("info")

    assert [each["event"] for each in lines] == ["told", "warned of something", "failed"]
    assert {(each["service"], each["correlation_id"]) for each in lines} == {("ticket-service", "call-7")}
    assert [each["level"] for each in lines] == ["info", "warning", "error"]
    assert all(each["timestamp"].endswith("Z") for each in lines)
    assert lines[0]["text"] == "two\nlines"
    assert "ValueError: why" in lines[2]["exception"]


def test_the_level_decides_what_is_written() -> None:
    assert written("debug")[0]["event"] == "told_in_detail"
    assert [each["event"] for each in written("error")] == ["failed"]


REPLACED = """
import io, sys, structlog
from fristwerk_platform.logs import configure_logs
sys.stderr = io.StringIO()
configure_logs("info", "ticket-service")
log = structlog.get_logger()
log.info("told")
sys.stderr.close()
log.info("told again")
"""


def test_lines_go_to_the_process_s_own_output_whatever_takes_its_place_for_a_while() -> None:
    done = subprocess.run([sys.executable, "-c", REPLACED], capture_output=True, text=True, check=True)  # noqa: S603

    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["told", "told again"]
