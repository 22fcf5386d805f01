"""The routes of health: ``/health/live``, ``/health/ready`` and ``/metrics``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from fristwerk_platform.http import Routes, json_answer, responses
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.subscriptions import Subscription

CHECK_SECONDS: Final = 2.0
"""A dependency that takes longer to answer counts as missing."""
_log = structlog.get_logger()


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a service needs: whether it is there, and a sentence where it is not."""

    ok: bool
    detail: str | None = None


Check = Callable[[], Awaitable[Dependency]]


def health_router(
    *,
    checks: dict[str, Check],
    followers: Callable[[], list[Subscription[Any]]],
    metrics: Metrics,
    now: Callable[[], datetime],
    parked: Callable[[], Awaitable[int]] | None = None,
    measure: Callable[[], Awaitable[None]] | None = None,
) -> Routes:
    """``parked`` counts the tickets that were left out; ``measure`` brings the service's own figures up to date."""
    routes = Routes(prefix="", tags=["health"])
    parking = None if parked is None else _Parking(parked, metrics)

    @routes.get(
        "/health/live",
        operation_id="health_live_health_live_get",
        summary="Is the process alive",
        responses=responses(200, "It is", {"status": "live"}),
    )
    async def health_live() -> Response:
        return json_answer({"status": "live"})

    @routes.get(
        "/health/ready",
        operation_id="health_ready_health_ready_get",
        summary="Can the service do its work, and how far is it behind",
        responses=responses(
            200,
            "Ready",
            {
                "status": "ready",
                "dependencies": {"log": {"ok": True, "detail": None}},
                "feeds": {
                    "ticket-service": {
                        "position": 1042,
                        "lag_events": 0,
                        "lag_seconds": 0,
                        "heard_seconds_ago": 0.4,
                        "failing_because": None,
                        "stopped_because": None,
                    }
                },
            },
        ),
    )
    async def health_ready() -> Response:
        """503 while a dependency is missing, events cannot be applied, or a source went backwards.

        `degraded`, with 200, is a service that does its work but for the tickets that are parked.
        """
        dependencies = {name: await _checked(name, check) for name, check in checks.items()}
        feeds = {follower.source: _feed(follower, now()) for follower in followers()}
        ready = all(each.ok for each in dependencies.values()) and not any(
            each["failing_because"] or each["stopped_because"] for each in feeds.values()
        )
        body: dict[str, Any] = {"status": "ready", "dependencies": dependencies, "feeds": feeds}
        if parking is not None:
            body["parked_tickets"] = await parking.count()
            body["status"] = "degraded" if body["parked_tickets"] else "ready"
        if not ready:
            body["status"] = "not ready"
        return json_answer(body, 200 if ready else 503)

    @routes.get(
        "/metrics",
        operation_id="read_metrics_metrics_get",
        summary="Figures for Prometheus",
        responses={
            200: {"description": "Figures", "content": {"text/plain": {"example": "fristwerk_feed_lag_events 0"}}}
        },
    )
    async def read_metrics() -> Response:
        for follower in followers():
            metrics.follows(follower, now())
        if parking is not None:
            await parking.count()
        if measure is not None:
            await _measured(measure)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


class _Parking:
    """How many tickets are parked, for health and metrics alike."""

    def __init__(self, parked: Callable[[], Awaitable[int]], metrics: Metrics) -> None:
        self._parked = parked
        self._gauge = metrics.gauge("parked_tickets", "Tickets left out because they cannot be derived")

    async def count(self) -> int | None:
        """The number; null while the database does not answer, which a check of its own tells."""
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                number = await self._parked()
        except Exception as error:  # noqa: BLE001 - health and figures must be told whatever is wrong
            _log.warning("parked_not_counted", error=type(error).__name__)
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


def _feed(follower: Subscription[Any], now: datetime) -> dict[str, Any]:
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
        _log.warning("dependency_missing", dependency=name, error=str(error))
        return Dependency(ok=False, detail=f"does not answer: {type(error).__name__}")
