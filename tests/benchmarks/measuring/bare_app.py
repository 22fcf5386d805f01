"""What services are measured beside: FastAPI and asyncpg with one statement a request, and nothing else.

No token, no rules, no log: a body of two fields is read and one row is inserted; one row is read by its key, alone or
with four events and two timers in the same statement; 50 rows are read.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

ROWS = 5_000
PARTS = """
    INSERT INTO bare.parts SELECT ticket, kind, number, repeat('x', 600) FROM generate_series(1, $1::int) AS ticket,
        (SELECT 'event', generate_series(1, 4) UNION SELECT 'timer', generate_series(1, 2)) AS part (kind, number)
"""
WHOLE = """
    SELECT tickets.*,
        (SELECT array_agg(body ORDER BY number) FROM bare.parts WHERE ticket = id AND kind = 'event') AS events,
        (SELECT array_agg(body ORDER BY number) FROM bare.parts WHERE ticket = id AND kind = 'timer') AS timers
    FROM bare.tickets WHERE id = $1
"""


class Body(BaseModel):
    """The same body as a response to a ticket."""

    channel: str
    text: str


def app() -> FastAPI:
    """The application."""
    pool: asyncpg.Pool[Any]

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        nonlocal pool
        pool = await asyncpg.create_pool(os.environ["FRISTWERK_DATABASE_URL"])
        await pool.execute("CREATE SCHEMA IF NOT EXISTS bare")
        await pool.execute(
            "CREATE TABLE bare.answers (id bigserial PRIMARY KEY, channel text NOT NULL, text text NOT NULL)"
        )
        await pool.execute(
            "CREATE TABLE bare.tickets (id bigint PRIMARY KEY, urgency int NOT NULL, subject text NOT NULL)"
        )
        await pool.execute("CREATE INDEX ON bare.tickets (urgency, id)")
        rows = "SELECT number, number % 97, repeat('x', 300) FROM generate_series(1, $1::int) AS number"
        await pool.execute(f"INSERT INTO bare.tickets {rows}", ROWS)
        await pool.execute("CREATE TABLE bare.parts (ticket bigint, kind text, number int, body text NOT NULL)")
        await pool.execute("CREATE UNIQUE INDEX ON bare.parts (ticket, kind, number)")
        await pool.execute(PARTS, ROWS)
        yield
        await pool.close()

    api = FastAPI(lifespan=lifespan)

    @api.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @api.post("/answers", status_code=201)
    async def insert(body: Body) -> dict[str, int]:
        statement = "INSERT INTO bare.answers (channel, text) VALUES ($1, $2) RETURNING id"
        return {"id": await pool.fetchval(statement, body.channel, body.text)}

    @api.get("/tickets/{ticket}")
    async def read(ticket: int) -> dict[str, Any]:
        return dict(await pool.fetchrow("SELECT * FROM bare.tickets WHERE id = $1", ticket))

    @api.get("/tickets/{ticket}/whole")
    async def read_whole(ticket: int) -> dict[str, Any]:
        return dict(await pool.fetchrow(WHOLE, ticket))

    @api.get("/tickets")
    async def read_fifty() -> list[dict[str, Any]]:
        return [dict(row) for row in await pool.fetch("SELECT * FROM bare.tickets ORDER BY urgency, id LIMIT 50")]

    return api


if __name__ == "__main__":
    uvicorn.run(app(), port=int(os.environ["FRISTWERK_PORT"]), log_config=None, access_log=False)
