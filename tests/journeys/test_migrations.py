"""Every service's revisions lead from nothing to exactly the tables that its code describes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, column, insert, select, table

import billing_service.projections.tables
import sla_service.projections.tables
from fristwerk_platform.read_models import open_database
from fristwerk_platform.read_models.blue_green import read_model_versions
from fristwerk_platform.read_models.migrations import migrate, revisions
from fristwerk_platform.settings import Settings
from ticket_service import personal_data, terms_migration_ledger
from ticket_service.projections import tables

LIVE = {
    "tickets": tables.metadata,
    "sla": sla_service.projections.tables.metadata,
    "billing": billing_service.projections.tables.metadata,
}
DATABASES = LIVE | {"personal-keys": personal_data.metadata, "terms-migrations": terms_migration_ledger.metadata}


@pytest.fixture(params=list(DATABASES))
def described(request: pytest.FixtureRequest) -> MetaData:
    """The tables of a database; of a read model also the one that says what replaced it."""
    if request.param in LIVE:
        read_model_versions(Settings(), request.param, DATABASES[request.param])
    return DATABASES[request.param]


def missing(connection: Connection, metadata: MetaData) -> str:
    """What a further revision would have to do."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    steps: Any = produce_migrations(context, metadata).upgrade_ops
    return "" if steps.is_empty() else str(render_python_code(steps))


async def test_the_revisions_lead_to_the_tables_that_the_code_describes(
    described: MetaData, database_settings: Settings
) -> None:
    database = open_database(database_settings, "migrated", MetaData())
    await database.create()

    async with database.transaction() as connection:
        await migrate(connection, described, None)
        left = await connection.run_sync(missing, described)

    await database.close()
    assert left == "", f"write a further revision:\n{left}"


def test_the_revisions_follow_one_another_in_one_line(described: MetaData) -> None:
    folder = str(described.info["migrations"])
    script = ScriptDirectory(folder, version_locations=[folder])

    assert [each.revision for each in script.walk_revisions()][::-1] == revisions(described)


async def test_new_columns_of_tickets_are_filled_from_their_documents(database_settings: Settings) -> None:
    database = open_database(database_settings, "migrated", MetaData())
    await database.create()
    said = {"department": "payroll", "level": "2", "site": None, "opened_by": "änna"}
    ticket = dict.fromkeys(
        ("ticket", "provider", "reference", "customer", "agreement", "state", "type", "channel"), "t"
    )
    numbers = dict.fromkeys(("version", "agreement_version", "priority", "received_at", "position"), 1)

    async with database.transaction() as connection:
        await migrate(connection, tables.metadata, None, "0005")
        columns = {name for name in tables.tickets.c.keys() if name in ticket | numbers}  # noqa: SIM118 - of a collection
        row = {name: value for name, value in (ticket | numbers).items() if name in columns}
        old = table("tickets", *map(column, [*row, "document"]))
        await connection.execute(insert(old), row | {"document": json.dumps(said).encode()})
        await migrate(connection, tables.metadata, "0005")
        found = (await connection.execute(select(*(tables.tickets.c[name] for name in said)))).one()

    await database.close()
    assert dict(zip(said, found, strict=True)) == said
