"""The recorded day through real processes and sockets: once in peace, once with every service killed on the way."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fristwerk_local.client import connected
from fristwerk_local.player import play, read_terms
from fristwerk_local.progress import Journal
from fristwerk_local.results import ProviderResult
from fristwerk_local.story import read_story
from fristwerk_local.terminal_output import RECORDED_DAY, TERMS, compare
from tests.journeys.conftest import StartStack


async def played(
    folder: Path, port: int, after_step: Callable[[int], None]
) -> tuple[dict[str, ProviderResult], list[str]]:
    """Play the recorded day into the services on that folder; what came out, and what differs from the story."""
    story, journal = read_story(RECORDED_DAY), Journal()
    async with connected(folder, port) as client:
        await play(story, client, read_terms(TERMS), journal, lambda done, _key: after_step(done))
        return await compare(story, client, journal)


def test_make_run_plays_the_day_once_and_shows_what_came_out(start_stack: StartStack) -> None:
    first = start_stack("run")
    first.wait_for("ready: ")
    first.wait_for("Everything came out as recorded_day says.")
    shown = "\n".join(first.lines)
    assert "infoniqa: deadlines, in Europe/Zurich" in shown
    assert "Fri 5 Jun 09:30" in shown
    assert "421.60 CHF" in shown
    first.wait_for("Running until Ctrl-C")
    assert first.interrupt() < 2

    second = start_stack("run", port=first.port)
    second.wait_for(f"{second.folder} holds the recorded day already: nothing is played again.")
    second.wait_for("Everything came out as recorded_day says.")


def test_a_day_that_was_interrupted_is_played_to_its_end_on_the_next_start(start_stack: StartStack) -> None:
    first = start_stack("run")
    first.wait_for("ready: ")
    journal = first.folder / "played" / "recorded_day.jsonl"
    while not journal.exists() or journal.read_bytes().count(b"\n") < 40:
        assert first.process.poll() is None
        time.sleep(0.01)
    assert first.interrupt() < 2
    assert not Journal(journal).complete

    second = start_stack("run", port=first.port)
    second.wait_for("Everything came out as recorded_day says.")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into the process table of Linux")
async def test_killing_each_service_while_the_day_is_played_ends_in_the_same_result(start_stack: StartStack) -> None:
    stack = start_stack("serve")
    stack.wait_for("ready: ")
    victims = {20: "ticket", 35: "billing", 50: "sla", 65: "ticket", 80: "billing", 95: "sla", 107: "ticket"}

    def kill(done: int) -> None:
        if done in victims:
            os.kill(stack.services()[f"{victims[done]}_service"], signal.SIGKILL)

    outcome, differences = await played(stack.folder, stack.port, kill)

    assert differences == []
    assert len(outcome) == 5
    for victim in ("ticket", "billing", "sla"):
        stack.wait_for(f"The {victim}-service ended (SIGKILL); starting it again.")
