"""From the answer to a command until its deadline can be read: p99 while 200 commands a second come in."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import httpx
from measuring import machine, postgres, quantile
from measuring.services import Services, services
from rich.console import Console

COMMANDS_PER_SECOND = 200.0
SECONDS = 15.0
TICKETS = 1_000
SAMPLES_PER_SECOND = 10
POLL_SECONDS = 0.01
"""Who asks more often takes time from the service that is to answer."""
REACH_MS = 100.0
ANSWER = {"channel": "email", "text": "Wir schauen es uns an."}


async def sampled(running: Services, customer: str) -> list[float]:
    """Open a ticket, then ask for its timers until they are there; milliseconds from the one answer to the other."""
    headers = {"Authorization": f"Bearer {running.cached_token('agent')}"}
    taken: list[float] = []
    async with (
        httpx.AsyncClient(base_url=running.url("ticket"), headers=headers) as tickets,
        httpx.AsyncClient(base_url=running.url("sla"), headers=headers) as timers,
    ):

        async def once() -> None:
            now = datetime.now(UTC).isoformat()
            body = {"customer": customer, "received_at": now, "channel": "email", "subject": "Neu", "severity": "hoch"}
            made = await tickets.post("/v1/tickets", json=body)
            made.raise_for_status()
            began = time.perf_counter()
            path = f"/v1/tickets/{made.json()['ticket']['id']}/timers"
            while (await timers.get(path)).status_code != httpx.codes.OK:  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(POLL_SECONDS)
            taken.append((time.perf_counter() - began) * 1000)

        pending: list[asyncio.Task[None]] = []
        for _ in range(int(SECONDS * SAMPLES_PER_SECOND)):
            pending.append(asyncio.create_task(once()))
            await asyncio.sleep(1 / SAMPLES_PER_SECOND)
        await asyncio.gather(*pending)
    return taken


def main() -> None:
    """Print the percentiles."""
    with postgres() as server, services(server.url()) as running:
        running.start("ticket")
        running.start("sla")
        tickets = running.prepare(TICKETS)
        answers = [running.request("POST", f"/v1/tickets/{ticket}/responses", ANSWER) for ticket in tickets]
        with running.loading("ticket", answers, seconds=SECONDS, per_second=COMMANDS_PER_SECOND) as finished:
            taken = asyncio.run(sampled(running, running.customers[1]))
            load = finished()
    p50, p99 = quantile(taken, 0.5), quantile(taken, 0.99)
    verdict = "reached" if p99 <= REACH_MS else "FALLS SHORT"
    console = Console(width=150, highlight=False)
    console.print(f"recorded → timer readable, {load.per_second:.0f} commands/s, {len(taken)} samples")
    console.print(f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {max(taken):.0f} ms")
    console.print(f"p99 to reach: {REACH_MS:.0f} ms: {verdict}")
    console.print(machine(1))


if __name__ == "__main__":
    main()
