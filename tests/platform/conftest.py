"""What tests of the chassis share: facts to append, logs that are closed again, a read model, tokens and a clock."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from fristwerk_language.events import Actor, new_event_id, tickets
from fristwerk_language.roles import TOKEN_ROLES, Role
from fristwerk_platform.auth import Principal, Tokens
from fristwerk_platform.event_log import EventLog, NewEvent
from fristwerk_platform.event_log import open_log as open_log_of
from fristwerk_platform.settings import Settings
from fristwerk_platform.token_keys import Keys, load_or_make_keys
from tests.by_hand import postgres_by_hand, sqlite_by_hand
from tests.stored_line import stored_line

NOW = datetime(2026, 6, 3, 14, 31, 12, 52_000, tzinfo=UTC)
AGENT = Actor(id="agent-3", role="agent")


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was written to the service's own log, also where tests of a service silenced it before."""
    before = structlog.get_config()
    for name, module in list(sys.modules.items()):
        logger = getattr(module, "_log", None) if name.startswith("fristwerk_platform") else None
        if logger is not None:  # one that was used while a service ran keeps what it was made with
            vars(logger).pop("bind", None)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0), cache_logger_on_first_use=False)
    with capture_logs() as entries:
        yield entries
    structlog.configure(**before)


@pytest.fixture
def now() -> datetime:
    """The instant at which everything here happens."""
    return NOW


@pytest.fixture
def fact() -> Callable[..., NewEvent]:
    """Makes a fact ready to be appended; which one it is does not matter to the chassis."""

    def make(stream: str, version: int, *, provider: str = "hamburg", channel: str = "email") -> NewEvent:
        line = stored_line(
            tickets.ProgressReported(channel=channel),
            stream,
            version,
            NOW.replace(microsecond=0),
            event_id=new_event_id(NOW, f"{stream} {version}".encode().ljust(10)[-10:]),
            provider=provider,
            actor=AGENT,
            recorded_at=NOW,
        )
        return NewEvent(stream=stream, version=version, type="ProgressReported", line=line)

    return make


@pytest.fixture
async def open_log(database_settings: Settings) -> AsyncIterator[Callable[[], EventLog]]:
    """Opens the test's log, on SQLite and on PostgreSQL, again and again if need be; each is closed after the test."""
    opened: list[EventLog] = []

    def open_one() -> EventLog:
        opened.append(open_log_of(database_settings, "log"))
        return opened[-1]

    yield open_one
    for log in opened:
        await log.close()


@pytest.fixture
def log(open_log: Callable[[], EventLog]) -> EventLog:
    """An empty log."""
    return open_log()


@pytest.fixture
def lose_tail(database_settings: Settings) -> Callable[[int], None]:
    """Takes from the test's log everything after a position, as a restored backup would."""

    def lose(after: int) -> None:
        if database_settings.database_url is None:
            with sqlite_by_hand(database_settings.var / "log.db") as connection:
                connection.execute("DELETE FROM stored_events WHERE rowid > ?", (after,))
        else:
            with postgres_by_hand(database_settings.database_url, "log") as session:
                session.execute("DELETE FROM log.stored_events WHERE notification_id > %s", (after,))

    return lose


@pytest.fixture
def append(log: EventLog, fact: Callable[..., NewEvent]) -> Callable[..., Awaitable[int]]:
    """Appends a number of facts to a stream, one after the other; the position of the last."""
    versions: dict[str, int] = {}

    async def append_some(stream: str = "ticket-1", number: int = 1, *, provider: str = "hamburg") -> int:
        first = versions.get(stream, 0) + 1
        versions[stream] = first + number - 1
        return await log.append([fact(stream, version, provider=provider) for version in range(first, first + number)])

    return append_some


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Keys of a key file."""
    return load_or_make_keys(tmp_path / "keys.json")


@pytest.fixture
def tokens(keys: Keys) -> Tokens:
    """What issues and checks tokens."""
    return Tokens(keys, TOKEN_ROLES, issuer="fristwerk", audience="fristwerk")


@pytest.fixture
def bearer(tokens: Tokens) -> Callable[..., dict[str, str]]:
    """The header of a request in somebody's name."""

    def make(role: Role = "agent", provider: str = "hamburg", customer: str | None = None) -> dict[str, str]:
        token = tokens.issue(Principal(sub=role, role=role, provider=provider, belongs_to=customer), now=NOW)
        return {"Authorization": f"Bearer {token}"}

    return make
