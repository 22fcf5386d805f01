"""A program for tests: one watch on the test's database, with a fast clock that jumps an hour forward and back."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta

import sla_service.notices.watch
from fristwerk_language.events import new_event_id
from fristwerk_platform.read_models import open_database
from fristwerk_platform.settings import read_settings
from sla_service.notices.outbox import Outbox
from sla_service.notices.watch import Watch
from sla_service.projections import tables

JUMPS = (timedelta(), timedelta(hours=1), timedelta(hours=-1))


def main() -> None:
    """Arguments: seed of the jumps, real instant from which on the clock runs, what it shows then, its speed."""
    lot = random.Random(sys.argv[1])  # noqa: S311 - drawn again by the seed
    began, shown, speed = float(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), float(sys.argv[4])
    sla_service.notices.watch.LONGEST_SLEEP_SECONDS = 0.02  # type: ignore[misc]  # a fast clock needs short sleeps

    def now() -> datetime:
        jump = lot.choice(JUMPS) if lot.random() < 0.1 else JUMPS[0]
        return shown + timedelta(seconds=max(0.0, time.time() - began) * speed) + jump

    def new_id() -> str:
        return new_event_id(datetime.now(UTC), os.urandom(10))

    async def run() -> None:
        database = open_database(read_settings(os.environ), "watched", tables.metadata)
        os.write(1, b"watching\n")
        await Watch(database, Outbox(now, new_id), now).run()

    asyncio.run(run())


main()
