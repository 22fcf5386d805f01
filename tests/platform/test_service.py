"""A service's start: steps in order, undone in reverse order, and a start that fails half-way leaves nothing open."""

from __future__ import annotations

import asyncio

import pytest

from fristwerk_platform.background_tasks import BackgroundTasks
from fristwerk_platform.service import CloseResource, StartupStep, service_lifespan, step


class Trouble(Exception):  # noqa: N818 - what it is, not what it is called
    """What goes wrong while a service starts."""


class Notes:
    """Writes down what happens, in order."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def step(self, name: str, *, fails: bool = False) -> StartupStep:
        async def start() -> None:
            self.notes.append(f"start {name}")
            if fails:
                raise Trouble

        return step(start, self.closing(name))

    def closing(self, name: str) -> CloseResource:
        async def close() -> None:
            self.notes.append(f"close {name}")

        return close

    def work(self, name: str) -> StartupStep:
        async def run() -> None:
            self.notes.append(f"run {name}")
            try:
                await asyncio.sleep(3_600)
            finally:
                self.notes.append(f"end {name}")

        return BackgroundTasks().forever(name, run)


@pytest.fixture
def notes() -> Notes:
    return Notes()


async def test_what_was_started_first_is_closed_last(notes: Notes) -> None:
    lifespan = service_lifespan(
        closing=[notes.closing("log"), notes.closing("client")],
        steps=[notes.step("database"), notes.work("projection"), notes.step("runs")],
    )

    async with lifespan(None):
        await asyncio.sleep(0.01)
        assert notes.notes == ["start database", "start runs", "run projection"]

    assert notes.notes[3:] == ["close runs", "end projection", "close database", "close client", "close log"]


async def test_a_start_that_fails_undoes_the_steps_before_and_closes_everything(notes: Notes) -> None:
    lifespan = service_lifespan(
        closing=[notes.closing("log"), notes.closing("client")],
        steps=[notes.step("database"), notes.step("keys", fails=True), notes.step("runs")],
    )

    with pytest.raises(Trouble):
        async with lifespan(None):
            pytest.fail("it did not start")

    assert notes.notes == ["start database", "start keys", "close keys", "close database", "close client", "close log"]


async def test_a_close_that_fails_keeps_nothing_else_open(notes: Notes) -> None:
    async def fail() -> None:
        raise Trouble

    lifespan = service_lifespan(closing=[notes.closing("log"), fail], steps=[notes.step("database")])

    with pytest.raises(Trouble):
        async with lifespan(None):
            pass

    assert notes.notes == ["start database", "close database", "close log"]


async def test_a_background_task_that_fails_keeps_nothing_open(notes: Notes) -> None:
    async def work() -> None:
        raise Trouble

    failing = BackgroundTasks().forever("projection", work)
    lifespan = service_lifespan(closing=[notes.closing("log")], steps=[failing, notes.step("database")])

    async with lifespan(None):
        await asyncio.sleep(0.01)

    assert notes.notes == ["start database", "close database", "close log"]
