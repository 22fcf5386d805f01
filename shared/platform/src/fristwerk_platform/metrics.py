"""A service's figures for Prometheus: what was asked and refused, how appends go, and how far it is
behind its sources.

Every figure is named in ``docs/reference/operations.md``. Labels are operations, codes, metrics and
sources, never the content of an event.
"""

from __future__ import annotations

import platform
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector

from fristwerk_platform.process_counters import PROCESS_COUNTERS
from fristwerk_platform.subscriptions import Follower

SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0)
"""Upper bounds of durations; a long poll waits up to 25 seconds."""
APPENDS: Final = tuple(float(1 << power) for power in range(10))
"""Upper bounds of group sizes, up to the 512 appends of the largest group."""
COMMANDS: Final = ("POST", "PUT")
UNROUTED: Final = "none"
"""The operation of a request that was refused before it found one."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was answered: which operation it found, the code of the problem it met,
    whether it was a repetition.
    """

    operation: str | None
    method: str
    problem: str | None
    replayed: bool
    seconds: float


class Metrics:
    """A service's own registry of figures, so that several services in one process never mix
    theirs.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        for counter in PROCESS_COUNTERS:
            self.registry.register(counter)
        build = self.gauge("build_info", "1, for the version that runs", "version", "python")
        build.labels(version("fristwerk-platform"), platform.python_version()).set(1)
        self._commands = self.counter("commands", "Commands that were answered", "operation", "outcome")
        self._refusals = self.counter("refusals", "Requests answered with a problem", "operation", "code")
        self._requests = Histogram(
            "fristwerk_request_seconds",
            "From a request to the end of its answer",
            ["operation"],
            buckets=SECONDS,
            registry=self.registry,
        )
        # Operations and outcomes are few, and looking one up among its labels takes longer than
        # counting.
        self._durations = cache(self._requests.labels)
        self._answers = cache(self._commands.labels)
        self._lag = self.gauge("feed_lag_events", "Events of a source not yet applied", "source")
        self._lag_seconds = self.gauge("feed_lag_seconds", "Age of the oldest event not yet applied", "source")

    def gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        """A figure of the service's own that goes up and down, ``fristwerk_<name>``."""
        return Gauge(f"fristwerk_{name}", meaning, labels, registry=self.registry)

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        """A figure of the service's own that only grows, ``fristwerk_<name>_total``."""
        return Counter(f"fristwerk_{name}", meaning, labels, registry=self.registry)

    def answered(self, answer: Answered) -> None:
        """Count a request once it is answered; see :class:`fristwerk_platform.http.RequestMeter`."""
        operation = answer.operation or UNROUTED
        self._durations(operation).observe(answer.seconds)
        if answer.problem is not None:
            self._refusals.labels(operation, answer.problem).inc()
        elif answer.method in COMMANDS:
            self._answers(operation, "replayed" if answer.replayed else "done").inc()

    def follows(self, follower: Follower, now: datetime) -> None:
        """Note how far a follower is behind."""
        lag = follower.lag
        self._lag.labels(follower.source).set(max(0, lag.source_position - lag.position))
        waiting = 0.0 if lag.waiting_since is None else (now - lag.waiting_since).total_seconds()
        self._lag_seconds.labels(follower.source).set(max(0.0, waiting))

    def log(self) -> LogMetrics:
        """The figures of the service's own log."""
        return LogMetrics(self)


class LogMetrics:
    """How appends to a log go; see :class:`fristwerk_platform.event_log.LogMeter`."""

    def __init__(self, metrics: Metrics) -> None:
        def histogram(name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"fristwerk_{name}", meaning, buckets=buckets, registry=metrics.registry)

        self._appends = histogram("append_seconds", "From an append to its being durable", SECONDS)
        self._groups = histogram("append_group_size", "Appends that shared a transaction", APPENDS)
        self._transactions = histogram("append_transaction_seconds", "A transaction of appends", SECONDS)
        self._failed = metrics.counter("appends_failed", "Appends that could not be written")
        self._waiting = metrics.gauge("appends_waiting", "Appends that waited when the last group was written")

    def appended(self, seconds: float) -> None:
        """One append is durable, so long after it was asked for."""
        self._appends.observe(seconds)

    def written(self, appends: int, seconds: float, waiting: int) -> None:
        """A group of so many was written, while others came to wait."""
        self._groups.observe(appends)
        self._transactions.observe(seconds)
        self._waiting.set(waiting)

    def failed(self, appends: int) -> None:
        """A group of so many could not be written."""
        self._failed.inc(appends)
