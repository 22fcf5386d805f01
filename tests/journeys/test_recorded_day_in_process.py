"""The whole recorded day through the three applications in one process; every expectation in the file is compared."""

from __future__ import annotations

from fristwerk_local.client import Client
from fristwerk_local.player import play, read_terms
from fristwerk_local.progress import Journal
from fristwerk_local.story import read_story
from fristwerk_local.terminal_output import RECORDED_DAY, TERMS, compare
from tests.conftest import ServicesInOneProcess


async def test_every_expectation_of_the_recorded_day_comes_out(stack: ServicesInOneProcess) -> None:
    story, journal = read_story(RECORDED_DAY), Journal()
    client = Client(stack.clients, stack.issue)
    assert await play(story, client, read_terms(TERMS), journal) == []
    results, differences = await compare(story, client, journal)
    assert differences == []
    assert {provider for provider, result in results.items() if result.tickets} == {
        each.name for each in story.providers
    }
