"""Plays a story where that is still to be done, compares everything it expects, and shows what came out and how to go on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fristwerk_local.client import Client, connected, staff
from fristwerk_local.expectations import differences
from fristwerk_local.player import TermsDocuments, play, read_terms
from fristwerk_local.progress import Journal
from fristwerk_local.results import ProviderResult, read_outcome
from fristwerk_local.services import settings_on, urls
from fristwerk_local.story import Story, read_story
from fristwerk_local.tables import print_explanation, print_outcome

WIDTH_WITHOUT_TERMINAL: Final = 140
CATCH_UP_SECONDS: Final = 30.0
SETTLE_SECONDS: Final = 2.0
"""A deadline that passed long ago is noticed within this time after its ticket is known."""
_PACKAGE: Final = resources.files("fristwerk_local")
TERMS: Final = _PACKAGE.joinpath("terms")
RECORDED_DAY: Final = Path(str(_PACKAGE.joinpath("stories", "recorded_day.yaml")))


async def recorded_day(folder: Path, first_port: int) -> None:
    """Play the recorded day into an empty log, or to its end where that was interrupted; show what came out."""
    console = _console()
    story = read_story(RECORDED_DAY)
    async with connected(folder, first_port) as client:
        journal = await journal_of(story, folder, client)
        if journal.complete:
            console.print(f"{folder} holds the recorded day already: nothing is played again.", soft_wrap=True)
        elif journal.started or await client.last_position() == 0:
            await play_with_progress(console, story, client, read_terms(TERMS), journal)
        else:
            console.print(f"{folder} holds other data: the recorded day is not played into it.", soft_wrap=True)
        if journal.complete:
            outcome, found = await compare(story, client, journal)
            print_outcome(console, story, outcome)
            await explain_first(console, story, outcome, client)
            print_differences(console, story, found)
        token = client.token(staff("agent", story.providers[0].name))
    print_how_to_go_on(console, folder, first_port, token)


async def own_story(file: Path, folder: Path, first_port: int, terms: Path | None = None, *, to_play: bool) -> int:
    """Play a story into services that run, or only compare what came out of it; 1 if anything differs."""
    console = _console()
    story = read_story(file)
    async with connected(folder, first_port) as client:
        journal = await journal_of(story, folder, client)
        if to_play:
            documents = read_terms(*([terms] if terms else []), TERMS)
            await play_with_progress(console, story, client, documents, journal)
        outcome, found = await compare(story, client, journal)
    print_outcome(console, story, outcome)
    print_differences(console, story, found)
    return 1 if found else 0


async def journal_of(story: Story, folder: Path, client: Client) -> Journal:
    """The journal of the story in the folder the services run on; one that tells of a log that is gone is begun anew."""
    journal = Journal(folder / "played" / f"{story.name}.jsonl")
    if await client.last_position() == 0:
        journal.forget()
    return journal


async def play_with_progress(
    console: Console, story: Story, client: Client, terms: TermsDocuments, journal: Journal
) -> None:
    """Play the story with a bar that grows by a step."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"Playing {story.name}", total=story.step_count)
        await play(story, client, terms, journal, lambda done, _key: bar.update(task, completed=done))


async def compare(story: Story, client: Client, journal: Journal) -> tuple[dict[str, ProviderResult], list[str]]:
    """What came out once SLA and billing have caught up, and a sentence for each difference from the story."""
    caught_up = await client.caught_up(CATCH_UP_SECONDS)
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + SETTLE_SECONDS
    while True:
        outcome = await read_outcome(story, client, journal)
        found = journal.differences + differences(story, outcome)
        if not found or loop.time() > ends_at:
            late = [] if caught_up else [f"SLA or billing had not caught up after {CATCH_UP_SECONDS:.0f} s"]
            return outcome, late + found
        await asyncio.sleep(0.1)


def print_differences(console: Console, story: Story, found: list[str]) -> None:
    """Whether everything came out as the story says, and what did not."""
    if not found:
        console.print(f"Everything came out as {story.name} says.", style="green")
        return
    console.print(f"{len(found)} values did not come out as {story.name} says:", style="red")
    for each in found:
        console.print(f"  {each}", style="red", markup=False, highlight=False)


async def explain_first(console: Console, story: Story, outcome: Mapping[str, ProviderResult], client: Client) -> None:
    """The first timer of the story with a deadline, explained in the words of the SLA service."""
    for provider in story.providers:
        for name, ticket in outcome[provider.name].tickets.items():
            for timer in ticket.timers:
                if timer["due_at"] is not None:
                    who = staff("agent", provider.name)
                    path = f"/v1/timers/{timer['id']}/explanation"
                    answer = await client.get("sla", path, who, lang="de")
                    print_explanation(
                        console,
                        f"Why {timer['metric']} of {name} is due then",
                        [step["sentence"] for step in answer["steps"]],
                    )
                    return


def print_how_to_go_on(console: Console, folder: Path, first_port: int, token: str) -> None:
    """Addresses, a token, and what to try next; as plain lines that can be copied."""
    addresses = urls(first_port)
    lines = [
        "",
        *(f"{name}-service: {url}, its interface at {url}/docs" for name, url in addresses.items()),
        "",
        "A token for an agent of infoniqa, and what to try with it:",
        f"  TOKEN={token}",
        f'  curl -H "Authorization: Bearer $TOKEN" {addresses["ticket"]}/v1/worklist',
        f'  curl -H "Authorization: Bearer $TOKEN" "{addresses["sla"]}/v1/timers?state=missed"',
        "Another token:",
        f"  FRISTWERK_KEY_FILE='{settings_on(folder, first_port).keys}' \\",
        "  .venv/bin/python -m ticket_service token --role billing --provider infoniqa",
        "",
        "Running until Ctrl-C, which stops everything; the data stays.",
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
