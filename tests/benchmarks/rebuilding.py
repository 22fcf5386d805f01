"""How fast a read model is rebuilt beside the running services, how long writing waits for the switch, on both databases."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from measuring.story import fill
from rich.console import Console
from rich.table import Table

from fristwerk_local.client import connected
from fristwerk_local.data_folder import occupied
from fristwerk_local.postgres import PostgresServer
from fristwerk_local.services import SERVICE_NAMES, environment
from fristwerk_local.supervisor import Stack
from fristwerk_platform.settings import Settings

PORT = 18_700


async def rebuilt(service: str, surroundings: dict[str, str]) -> tuple[float, float, str]:
    """Rebuild; in how many seconds, of which how many on a processor, and what was said."""
    began, used = time.perf_counter(), processor_seconds()
    command = (sys.executable, "-m", f"{service}_service", "rebuild")
    process = await asyncio.create_subprocess_exec(*command, env=surroundings, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    return time.perf_counter() - began, processor_seconds() - used, told.decode()


def processor_seconds() -> float:
    """What the processes that have ended used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def measured(table: Table, title: str, settings: Settings, number: int) -> None:
    await fill(settings, number)
    with occupied(settings.var):
        stack = Stack(settings.var, PORT, print)
        await stack.start()
        began = time.perf_counter()
        async with connected(settings.var, PORT) as client:
            assert await client.caught_up(600)
        table.add_row(
            title,
            "services catch up from nothing, all at once",
            f"{number / (time.perf_counter() - began):,.0f}",
            "",
            "",
        )
        for service in SERVICE_NAMES:
            seconds, used, told = await rebuilt(service, environment(os.environ, settings.var, PORT))
            compared = re.findall(r"compared at .*: (.*) \(", told)[0]
            waited = re.findall(r"waited (\d+) ms", told)[0]
            table.add_row(
                title,
                f"{service}-service rebuild",
                f"{number / seconds:,.0f}",
                f"{number / used:,.0f}",
                compared,
                waited,
            )
        await stack.stop()


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    table = Table(
        "database", f"{number:,} events", "events/s, all told", "a processor second", "compared", "writing waited, ms"
    )
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measured(table, "SQLite", Settings(var=Path(folder)), number))
    with ExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory())
        data = closing.enter_context(tempfile.TemporaryDirectory())
        Path(data).chmod(0o755)
        server = PostgresServer(Path(data)).start()
        closing.callback(server.stop)
        os.environ["FRISTWERK_DATABASE_URL"] = server.url()
        settings = Settings(var=Path(folder), database_url=server.url())
        asyncio.run(measured(table, "PostgreSQL", settings, number))
    Console(width=120, highlight=False).print(table)


if __name__ == "__main__":
    main()
