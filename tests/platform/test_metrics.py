"""Figures count commands, repetitions and refusals by operation, and how appends are grouped, wait and fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fristwerk_platform.event_log import LogUnavailableError, NewEvent
from fristwerk_platform.event_log.group_commit import Append, AppendOutcome
from fristwerk_platform.event_log.log import GroupCommitLog
from fristwerk_platform.metrics import Answered, Metrics

Fact = Callable[..., NewEvent]


@pytest.fixture
def metrics() -> Metrics:
    """Of one service."""
    return Metrics()


def figure(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"fristwerk_{name}", labels)


def answered(method: str = "POST", *, problem: str | None = None, replayed: bool = False) -> Answered:
    return Answered(operation="respond", method=method, problem=problem, replayed=replayed, seconds=0.004)


def test_commands_are_counted_by_operation_and_repetitions_apart(metrics: Metrics) -> None:
    for answer in (answered(), answered(), answered(replayed=True), answered("GET")):
        metrics.answered(answer)

    assert figure(metrics, "commands_total", operation="respond", outcome="done") == 2
    assert figure(metrics, "commands_total", operation="respond", outcome="replayed") == 1
    assert figure(metrics, "request_seconds_count", operation="respond") == 4


def test_a_refusal_is_counted_under_its_code_and_as_no_command(metrics: Metrics) -> None:
    metrics.answered(answered(problem="ticket-already-closed"))

    assert figure(metrics, "refusals_total", operation="respond", code="ticket-already-closed") == 1
    assert figure(metrics, "commands_total", operation="respond", outcome="done") is None


class SlowRecorder:
    """Keeps nothing, and lets its first group wait until it is told to go on."""

    failures = (OSError,)
    unstorable = ()

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.may_go_on = asyncio.Event()
        self.broken = False

    def insert_group(self, group: Sequence[Append]) -> list[AppendOutcome]:
        asyncio.run_coroutine_threadsafe(self.may_go_on.wait(), self._loop).result()
        if self.broken:
            raise OSError("the disk is full")
        return [1 for _ in group]

    def close(self) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refused(*_arguments: object) -> Any:
            raise AssertionError(f"{name} is not asked here")

        return refused


async def test_appends_that_wait_together_are_one_group(metrics: Metrics, fact: Fact) -> None:
    recorder = SlowRecorder(asyncio.get_running_loop())
    log = GroupCommitLog(recorder, metrics.log())
    appending = [asyncio.create_task(log.append([fact(f"ticket-{number}", 1)])) for number in range(9)]
    await asyncio.sleep(0)  # every append has begun when this comes back
    begun = time.perf_counter()
    await asyncio.sleep(0.05)
    waited = time.perf_counter() - begun

    recorder.may_go_on.set()
    await asyncio.gather(*appending)

    assert figure(metrics, "append_group_size_count") in (1, 2)
    assert figure(metrics, "append_group_size_sum") == 9
    assert figure(metrics, "append_seconds_count") == 9
    assert (figure(metrics, "append_seconds_sum") or 0) >= 9 * waited
    assert figure(metrics, "appends_failed_total") == 0
    await log.close()


async def test_appends_that_fail_are_counted_and_take_no_time(metrics: Metrics, fact: Fact) -> None:
    recorder = SlowRecorder(asyncio.get_running_loop())
    recorder.broken = True
    recorder.may_go_on.set()
    log = GroupCommitLog(recorder, metrics.log())

    with pytest.raises(LogUnavailableError):
        await log.append([fact("ticket-1", 1)])

    assert figure(metrics, "appends_failed_total") == 1
    assert figure(metrics, "append_seconds_count") == 0
    await log.close()
