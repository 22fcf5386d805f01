"""The routes of health: ``/health/live``, ``/health/ready`` and ``/metrics``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from fristwerk_platform.health import Dependency
from fristwerk_platform.http import Routes, json_answer, responses
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.subscriptions import Follower

CHECK_SECONDS: Final = 2.0
"""A dependency that takes longer to answer counts as missing."""
_log = structlog.get_logger()


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Things that the service had to leave out of its work; while there are any, it is ``degraded``."""

    figure: str
    """Its name in the body of ``/health/ready`` and among the metrics."""
    meaning: str
    count: Callable[[], Awaitable[int]]


class LiveAnswer(msgspec.Struct):
    """The process is alive."""

    status: Literal["live"]


class FollowedFeed(msgspec.Struct):
    """How far a subscription has come in a feed; the reasons are null while nothing is wrong."""

    position: int
    lag_events: int
    lag_seconds: float
    heard_seconds_ago: float | None
    failing_because: str | None
    stopped_because: str | None


Check = Callable[[], Awaitable[Dependency]]
_READY_EXAMPLE: Final = {
    "status": "ready",
    "dependencies": {"log": {"ok": True, "detail": None}},
    "feeds": {
        "source": {
            "position": 1042,
            "lag_events": 0,
            "lag_seconds": 0,
            "heard_seconds_ago": 0.4,
            "failing_because": None,
            "stopped_because": None,
        }
    },
}


def health_router(
    *,
    checks: Mapping[str, Check],
    followers: Callable[[], Sequence[Follower]],
    metrics: Metrics,
    now: Callable[[], datetime],
    left_out: LeftOut | None = None,
    measure: Callable[[], Awaitable[None]] | None = None,
) -> Routes:
    """The routes; ``measure`` brings the service's own figures up to date."""
    routes = Routes(prefix="", tags=["health"])
    counting = None if left_out is None else _Counting(left_out, metrics)
    ready = _ready_answer(left_out)

    @routes.get(
        "/health/live",
        operation_id="health_live",
        summary="Is the process alive",
        responses=responses(200, "It is", {"status": "live"}, LiveAnswer),
    )
    async def health_live() -> Response:
        return json_answer({"status": "live"})

    @routes.get(
        "/health/ready",
        operation_id="health_ready",
        summary="Can the service do its work, and how far is it behind",
        responses=responses(200, "Ready", _READY_EXAMPLE, ready)
        | responses(503, "Not ready", _READY_EXAMPLE | {"status": "not ready"}, ready),
    )
    async def health_ready() -> Response:
        """503 while a dependency is missing, events cannot be applied, or a source went backwards.

        `degraded`, with 200, is a service that does its work but for what it had to leave out.
        """
        return await _ready(checks, followers(), now(), counting)

    @routes.get(
        "/metrics",
        operation_id="read_metrics",
        summary="Figures for Prometheus",
        responses={
            200: {
                "description": "Figures",
                "content": {"text/plain": {"example": "fristwerk_feed_lag_events 0", "model": str}},
            }
        },
    )
    async def read_metrics() -> Response:
        return await _figures(metrics, followers(), now(), counting, measure)

    return routes


def _ready_answer(left_out: LeftOut | None) -> type[msgspec.Struct]:
    """The type of what ``/health/ready`` answers, with the figure of what was left out where the service has one."""
    meaning = "What the service needs and follows, by name."
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        ("status", Literal["ready", "degraded", "not ready"]),
        ("dependencies", dict[str, Dependency]),
        ("feeds", dict[str, FollowedFeed]),
    ]
    if left_out is not None:
        meaning += f" ``{left_out.figure}`` is null while nobody can count them."
        fields.append((left_out.figure, int | None, None))
    return msgspec.defstruct("ReadyAnswer", fields, namespace={"__doc__": meaning})


async def _ready(
    checks: Mapping[str, Check], followers: Sequence[Follower], now: datetime, counting: _Counting | None
) -> Response:
    dependencies = {name: await _checked(name, check) for name, check in checks.items()}
    feeds = {follower.source: _feed(follower, now) for follower in followers}
    ready = all(dependency.ok for dependency in dependencies.values()) and not any(
        feed["failing_because"] or feed["stopped_because"] for feed in feeds.values()
    )
    body: dict[str, Any] = {"status": "ready", "dependencies": dependencies, "feeds": feeds}
    if counting is not None:
        number = body[counting.figure] = await counting.count()
        body["status"] = "degraded" if number else "ready"
    if not ready:
        body["status"] = "not ready"
    return json_answer(body, 200 if ready else 503)


async def _figures(
    metrics: Metrics,
    followers: Sequence[Follower],
    now: datetime,
    counting: _Counting | None,
    measure: Callable[[], Awaitable[None]] | None,
) -> Response:
    if counting is not None:
        await counting.count()
    if measure is not None:
        await _measured(measure)
    for follower in followers:
        metrics.follows(follower, now)
    return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


class _Counting:
    """Counts what was left out, for health and metrics alike."""

    def __init__(self, left_out: LeftOut, metrics: Metrics) -> None:
        self.figure = left_out.figure
        self._count = left_out.count
        self._gauge = metrics.gauge(left_out.figure, left_out.meaning)

    async def count(self) -> int | None:
        """The number; ``None`` while the database does not answer, which a check of its own reports."""
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                number = await self._count()
        except Exception as error:  # noqa: BLE001 - health and figures must be reported whatever is wrong
            _log.warning("left_out_not_counted", figure=self.figure, error=type(error).__name__)
            return None
        self._gauge.set(number)
        return number


async def _measured(measure: Callable[[], Awaitable[None]]) -> None:
    """Figures that cannot be had now stay as they were; a check of its own tells that the database does not answer."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await measure()
    except Exception as error:  # noqa: BLE001 - the other figures must be told whatever is wrong
        _log.warning("not_measured", error=type(error).__name__)


def _feed(follower: Follower, now: datetime) -> dict[str, Any]:
    lag = follower.lag
    return {
        "position": lag.position,
        "lag_events": max(0, lag.source_position - lag.position),
        "lag_seconds": _seconds_since(lag.waiting_since, now) or 0,
        "heard_seconds_ago": _seconds_since(lag.heard_at, now),
        "failing_because": lag.failing_because,
        "stopped_because": lag.stopped_because,
    }


def _seconds_since(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, round((now - at).total_seconds(), 3))


async def _checked(name: str, check: Check) -> Dependency:
    """What the check finds; a check that fails or takes too long is an answer too."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the dependency is not there
        _log.warning("dependency_missing", dependency=name, error=f"{type(error).__name__}: {error}")
        return Dependency(ok=False, detail="does not answer")
