"""The tables of the read model. They hold nothing but what the log says, so they can be built again at any time.

Personal content stays sealed in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, text

from fristwerk_platform.read_models import UtcDateTime, migrated_by
from fristwerk_platform.subscriptions import Checkpoints

metadata: Final = MetaData(info=migrated_by(Path(__file__).parents[1] / "migrations" / "tickets"))
checkpoints: Final = Checkpoints(metadata)

terms: Final = Table(
    "terms",
    metadata,
    Column("provider", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("digest", String, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
)
customers: Final = Table(
    "customers",
    metadata,
    Column("customer", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("language", String),
    Index("customers_by_provider", "provider", "customer"),
)
registrations: Final = Table(
    "registrations",
    metadata,
    Column("customer", String, primary_key=True),
    Column("event", String, nullable=False),
    Column("sealed", String, nullable=False),
    Column("phone_index", String),
)
"""What a registration sealed, gone once the person is forgotten.

The digest of the contact's number is for versions before 0.3 on the same database: callers are found in the log's index.
"""
contracts: Final = Table(
    "contracts",
    metadata,
    Column("contract", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index("contracts_by_customer", "customer"),
    Index("contracts_by_position", "provider", "position"),
)
dedicated: Final = Table(
    "dedicated_agents",
    metadata,
    Column("customer", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("agent", String, nullable=False),
    Index("dedicated_by_agent", "provider", "agent"),
)
"""For versions before 0.3 on the same database: whom an agent serves is found in the log's index."""
_UNDER_CONTRACT: Final = text("contract IS NOT NULL")
_IN_GROUP: Final = text('"group" IS NOT NULL')
_ASSIGNED: Final = text("assignee IS NOT NULL")
_IN_DEPARTMENT: Final = text("department IS NOT NULL")
_OPENED_BY_SOMEBODY: Final = text("opened_by IS NOT NULL")
tickets: Final = Table(
    "tickets",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("reference", String, nullable=False),
    Column("customer", String, nullable=False),
    Column("contract", String),
    Column("agreement", String, nullable=False),
    Column("agreement_version", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("severity", String),
    Column("type", String, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("group", String),
    Column("assignee", String),
    Column("channel", String, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("department", String),
    Column("level", String),
    Column("site", String),
    Column("opened_by", String),
    Index("tickets_by_provider", "provider", "ticket"),
    Index("tickets_in_state", "provider", "state", "ticket"),
    Index("tickets_of_severity", "provider", "severity", "ticket"),
    Index("tickets_of_customer", "provider", "customer", "ticket"),
    Index(
        "tickets_under_contract",
        "provider",
        "contract",
        "ticket",
        postgresql_where=_UNDER_CONTRACT,
        sqlite_where=_UNDER_CONTRACT,
    ),
    Index("tickets_of_group", "provider", "group", "ticket", postgresql_where=_IN_GROUP, sqlite_where=_IN_GROUP),
    Index("tickets_of_assignee", "provider", "assignee", "ticket", postgresql_where=_ASSIGNED, sqlite_where=_ASSIGNED),
    Index(
        "tickets_of_department",
        "provider",
        "department",
        "ticket",
        postgresql_where=_IN_DEPARTMENT,
        sqlite_where=_IN_DEPARTMENT,
    ),
    Index(
        "tickets_opened_by",
        "provider",
        "opened_by",
        "ticket",
        postgresql_where=_OPENED_BY_SOMEBODY,
        sqlite_where=_OPENED_BY_SOMEBODY,
    ),
    Index("tickets_by_receipt", "provider", "received_at", "ticket"),
    Index("tickets_by_position", "provider", "position"),
)
"""Lists of what few tickets may have find their page by an index. Of types, channels, agreements, levels and sites there are
so few that a page is soon full; a value that no ticket has is looked for in all of the provider's tickets.
"""
open_when_closed: Final = Table(
    "open_when_closed",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("provider", String, nullable=False),
    Index("open_when_closed_by_provider", "provider"),
)
"""The closed tickets whose escalations are not: without it a list of what is open would read every ticket there ever was."""
search_words: Final = Table(
    "search_words",
    metadata,
    Column("sealed_for", String, primary_key=True),
    Column("item", String, primary_key=True),
    Column("word", String, primary_key=True),
    Column("provider", String, nullable=False),
    Index("search_words_by_word", "provider", "word", "item", "sealed_for"),
)
"""Keyed digests of the words of a ticket's subject, or of a person's name: ``item`` is the ticket's id or the customer's. Gone
once the person was forgotten for whom the text is sealed.
"""
search_prefixes: Final = Table(
    "search_prefixes",
    metadata,
    Column("provider", String, primary_key=True),
    Column("word", String().with_variant(String(collation="C"), "postgresql"), primary_key=True),
    Column("item", String, primary_key=True),
)
"""References of tickets and words of companies' names, which the log holds in clear, for what begins with something."""
calls: Final = Table(
    "calls",
    metadata,
    Column("call", String, primary_key=True),
    Column("provider", String, nullable=False),
    Column("ticket", String),
    Column("customer", String),
    Column("started_at", UtcDateTime, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("voicemail", Boolean, nullable=False),
    Column("abandoned", Boolean, nullable=False),
    Column("phone_index", String),
    Column("sealed_for", String),
    Column("document", LargeBinary, nullable=False),
    Index("calls_by_start", "provider", "started_at", "call"),
    Index("calls_by_phone", "phone_index"),
    Index("calls_by_ticket", "ticket"),
    Index("calls_by_customer", "customer"),
    Index("calls_by_subject", "sealed_for"),
)
"""Calls, on tickets and without one. ``phone_index`` is the keyed digest of the caller's number, gone once the person was
forgotten for whom it is sealed.
"""
