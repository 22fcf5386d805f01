"""What makes a service's log provable while it runs: the trees over it, their upkeep, their routes,
and what health says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from fristwerk_platform.background_tasks import BackgroundTasks
from fristwerk_platform.event_log import EventLog
from fristwerk_platform.health import Dependency
from fristwerk_platform.http import Routes
from fristwerk_platform.http.access_routes import access_router
from fristwerk_platform.http.audit_routes import audit_router
from fristwerk_platform.metrics import Metrics
from fristwerk_platform.service import StartupStep, step
from fristwerk_platform.settings import Settings
from fristwerk_platform.transparency.stamping import Stamping
from fristwerk_platform.transparency.trees import Trees, open_accesses, open_trees


class Auditing:
    """The trees over one log as a part of a service."""

    def __init__(self, trees: Trees, metrics: Metrics, stamping: Stamping | None) -> None:
        self._trees = trees
        self._stamping = stamping
        self._tail = metrics.gauge("log_tail_events", "Events of the service's own log that no signed head covers yet")
        self.close = trees.database.close
        self.routes: Routes = audit_router(trees.reads, trees.accesses)
        self.accesses = trees.accesses
        self.head_over = trees.reads.head_over
        self.newest_head = trees.reads.newest_head

    @property
    def checks(self) -> dict[str, Callable[[], Awaitable[Dependency]]]:
        """For ``/health/ready``: whether the log is still the one that was hashed."""
        return {"hash tree": self._trees.keeper.check}

    def steps(self, tasks: BackgroundTasks) -> list[StartupStep]:
        """Parts of the start: the tables, the upkeep; at the end what is left is taken into the
        trees.
        """
        keeper = self._trees.keeper
        return [
            step(self._trees.database.create, keeper.finish),
            tasks.until_done("hash tree", keeper.run),  # both return where the log contradicts the trees
            tasks.until_done("check of the log", keeper.keep_checking),
            *([] if self._stamping is None else [tasks.forever("stamps", self._stamping.run)]),
        ]

    async def measure(self) -> None:
        """Bring the figures up to date."""
        self._tail.set(await self._trees.keeper.tail())


class AccessRecording:
    """Who reads as an auditor, as a part of a service that derives everything from another's log."""

    def __init__(self, settings: Settings, name: str, now: Callable[[], datetime]) -> None:
        """Raises KeyFileError."""
        self._database, self.accesses = open_accesses(settings, name, now)
        self.close = self._database.close
        self.create = self._database.create
        self.routes: Routes = access_router(self.accesses, name)


def open_auditing(
    settings: Settings, log: EventLog, name: str, now: Callable[[], datetime], metrics: Metrics
) -> Auditing:
    """The trees over the log ``name``. Raises KeyFileError."""
    trees = open_trees(settings, log, name, now)
    stamping = None if settings.tsa_url is None else Stamping(trees.database, settings.tsa_url, now)
    return Auditing(trees, metrics, stamping)
