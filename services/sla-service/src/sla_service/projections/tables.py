"""The tables of the SLA service: histories and terms as recorded, timers as derived, alarms to
come, notices given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

from fristwerk_platform.read_models import GROWING, KEPT, PASSING, UtcDateTime, migrated_by
from fristwerk_platform.subscriptions import Checkpoints, Partitions

metadata: Final = MetaData(info=migrated_by(Path(__file__).parents[1] / "migrations" / "sla"))
checkpoints: Final = Checkpoints(metadata)
partitions: Final = Partitions(metadata)

terms: Final = Table(
    "terms",
    metadata,
    Column("provider", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("line", LargeBinary, nullable=False),
)
histories: Final = Table(
    "histories",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("line", LargeBinary, nullable=False),
)
parked: Final = Table(
    "parked",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("customer", String),
    Column("reference", String),
    Column("error", String, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("parked_by_reference", "provider", "reference"),
    info=PASSING,
)
tickets: Final = Table(
    "tickets",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("reference", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("agreement", String, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("entitled", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("absent", LargeBinary, nullable=False),
    Index("tickets_by_provider", "provider", "ticket"),
    Index("tickets_by_reference", "provider", "reference"),
    Index("tickets_by_receipt", "provider", "received_at", "ticket"),
)
deadline_positions: Final = Table(
    "deadline_positions",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("deadlines_by_position", "position", "ticket"),
    info=PASSING,
)
"""Where in the log each ticket was derived last; for a parked ticket that is tried again, where the log stood then."""
_NOT_ENDED: Final = text("met_at IS NULL AND missed_at IS NULL AND cancelled_at IS NULL")
timers: Final = Table(
    "timers",
    metadata,
    Column("timer", String, primary_key=True),
    Column("ticket", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("metric", String, nullable=False),
    Column("place", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime),
    Column("met_at", UtcDateTime),
    Column("missed_at", UtcDateTime),
    Column("cancelled_at", UtcDateTime),
    Column("paused_since", UtcDateTime),
    Column("document", LargeBinary, nullable=False),
    Index("timers_by_ticket", "ticket"),
    Index("timers_by_deadline", "provider", "due_at"),
    Index("timers_by_start", "provider", "started_at", "timer"),
    Index("timers_by_id", "provider", "timer"),
    Index("timers_not_ended", "provider", "due_at", "timer", postgresql_where=_NOT_ENDED, sqlite_where=_NOT_ENDED),
)
alarms: Final = Table(
    "alarms",
    metadata,
    Column("timer", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("rule", String, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Index("alarms_by_instant", "at"),
)
announced: Final = Table(
    "notices_given",
    metadata,
    Column("timer", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("rule", String, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    info=KEPT,
)
notices: Final = Table(
    "notices",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("stream", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("line", LargeBinary, nullable=False),
    UniqueConstraint("stream", "version"),
    sqlite_autoincrement=True,
    info=GROWING,
)
answers: Final = Table(
    "answers",
    metadata,
    Column("scope", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request_digest", String, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    Index("answers_by_age", "stored_at"),
    info=KEPT,
)
simulations: Final = Table(
    "simulations",
    metadata,
    Column("simulation", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("scenario", LargeBinary, nullable=False),
    Column("progress", LargeBinary, nullable=False),
    Index("simulations_by_provider", "provider", "simulation"),
    Index("simulations_by_age", "created_at"),
    info=KEPT,
)
simulated: Final = Table(
    "simulated_tickets",
    metadata,
    Column("simulation", String, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("differs", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    info=KEPT,
)
